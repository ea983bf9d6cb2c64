//! Text for HTML and SVG, whatever is in it: nothing in the result can be markup, move the cursor or turn the direction of writing.

use super::visible;

/// The text as it may stand between tags and in quoted attribute values, all of it visible.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The text as a value of `id`: lower-case letters, digits, `.`, `_` and `-`; everything else becomes `-`. Different texts may become one.
pub fn identifier(text: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '.' | '_') => c,
        _ => '-',
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        for (text, expected) in [
            ("mx.example.org. ü", "mx.example.org. ü"),
            (
                "<script>alert('1')</script>",
                "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;",
            ),
            ("\" onload=\"x", "&quot; onload=&quot;x"),
            ("a&lt;b", "a&amp;lt;b"),
            ("a\r\n\u{1b}[2J\u{85}", "a\\r\\n\\u{1b}[2J\\u{85}"),
            (
                "gro.\u{202e}elpmaxe\u{200b}",
                "gro.\\u{202e}elpmaxe\\u{200b}",
            ),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn identifiers_are_words() {
        assert_eq!(identifier("_25._tcp.MX.\"><x>.Ü"), "_25._tcp.mx.---x-.-");
    }
}
