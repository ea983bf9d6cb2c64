//! Structured values with parameters: `Content-Type`, `Content-Disposition`, `Content-Transfer-Encoding` (RFC 2045 §5.1, RFC 2183).
//!
//! Broken values are common, and readers differ in what they make of them. So each parameter keeps two readings: the strict one of the grammar, and
//! the loose one of a reader that cuts the text at semicolons. Who must not miss anything looks at both.

use super::limits::PARAMETERS_MAX;
use super::line::trim_blanks;

/// A structured value taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structured {
    /// What stands before the first semicolon, in lower case, without blanks and comments.
    pub token: String,
    /// The parameters in their order.
    pub parameters: Vec<Parameter>,
    /// Whether readers may find other parameters: quotes are not where the grammar has them, or there are more parameters than the limit, and
    /// the others are not kept.
    pub is_unclear: bool,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name in lower case, with the asterisks of RFC 2231.
    pub name: String,
    /// The value as the grammar has it: quotes and backslashes resolved, comments left out.
    pub strict: Vec<u8>,
    /// The value up to the next semicolon, whatever that is part of; only quotes around the whole are gone.
    pub loose: Vec<u8>,
}

impl Structured {
    /// Takes an unfolded value apart.
    pub fn parse(value: &[u8]) -> Self {
        let mut cursor = Cursor {
            rest: value,
            is_unclear: false,
        };
        let token = cursor.token(b";");
        let mut parameters = Vec::new();
        while cursor.skip(b';') {
            let name = cursor.token(b"=;");
            if !cursor.skip(b'=') {
                continue;
            }
            if parameters.len() == PARAMETERS_MAX {
                cursor.is_unclear = true;
                break;
            }
            let loose = cursor.loose();
            let strict = cursor.strict();
            cursor.token(b";");
            parameters.push(Parameter {
                name,
                strict,
                loose,
            });
        }
        Self {
            token,
            parameters,
            is_unclear: cursor.is_unclear,
        }
    }
}

/// What is left of a value. Every method moves forward only.
struct Cursor<'a> {
    rest: &'a [u8],
    /// Whether a quote or a semicolon was met that a simpler reader understands otherwise.
    is_unclear: bool,
}

impl Cursor<'_> {
    fn skip(&mut self, octet: u8) -> bool {
        let rest = self.rest.strip_prefix(&[octet]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Everything up to one of the octets, in lower case, without blanks and comments; control characters are unclear blanks.
    fn token(&mut self, ends: &[u8]) -> String {
        let mut token = Vec::new();
        while let Some(first) = self.rest.first().filter(|octet| !ends.contains(octet)) {
            match first {
                b'(' => self.skip_comment(),
                octet => {
                    let is_visible = !octet.is_ascii_control() && *octet != b' ';
                    self.is_unclear |= *octet == b'"' || !is_visible && !is_blank(*octet);
                    if is_visible {
                        token.push(octet.to_ascii_lowercase());
                    }
                    self.next();
                }
            }
        }
        String::from_utf8_lossy(&token).into_owned()
    }

    /// A comment, which may hold others (RFC 5322 §3.2.2).
    fn skip_comment(&mut self) {
        let mut depth = 0usize;
        while let Some(octet) = self.next() {
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'"' | b';' | b'\\' => self.is_unclear = true,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
        self.is_unclear = true;
    }

    fn skip_blanks_and_comments(&mut self) {
        while let Some(first) = self.rest.first() {
            match first {
                b'(' => self.skip_comment(),
                octet if is_blank(*octet) => drop(self.next()),
                _ => break,
            }
        }
    }

    /// What a reader takes for the value that cuts at semicolons; nothing is consumed.
    fn loose(&self) -> Vec<u8> {
        let value = self.rest.split(|octet| *octet == b';').next();
        match trim_blanks(value.unwrap_or_default()) {
            [b'"', inner @ .., b'"'] | [b'"', inner @ ..] | inner => inner.to_vec(),
        }
    }

    /// A quoted-string (RFC 5322 §3.2.4), or everything up to a blank, a comment or a semicolon.
    fn strict(&mut self) -> Vec<u8> {
        self.skip_blanks_and_comments();
        match self.skip(b'"') {
            true => self.quoted(),
            false => self.unquoted(),
        }
    }

    /// What follows an opening quote.
    fn quoted(&mut self) -> Vec<u8> {
        let mut value = Vec::new();
        while let Some(octet) = self.next() {
            match octet {
                b'"' => return value,
                b'\\' => value.extend(self.next()),
                octet => value.push(octet),
            }
        }
        self.is_unclear = true;
        value
    }

    fn unquoted(&mut self) -> Vec<u8> {
        let is_end = |octet: &u8| is_blank(*octet) || matches!(octet, b';' | b'(');
        let end = self.rest.iter().position(is_end);
        let end = end.unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        self.is_unclear |= value.contains(&b'"');
        value.to_vec()
    }
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> (String, Vec<(String, String, String)>) {
        let found = Structured::parse(value.as_bytes());
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let parameters = found
            .parameters
            .iter()
            .map(|p| (p.name.clone(), text(&p.strict), text(&p.loose)));
        (found.token.clone(), parameters.collect())
    }

    #[test]
    fn values_and_both_readings() {
        for (value, token, parameters) in [
            ("", "", &[][..]),
            ("Text/Plain", "text/plain", &[]),
            ("text / plain (a (nested) comment)", "text/plain", &[]),
            (
                "text/plain; charset=utf-8",
                "text/plain",
                &[("charset", "utf-8", "utf-8")],
            ),
            (
                "a/b;NAME = \"x y\" ; c=d",
                "a/b",
                &[("name", "x y", "x y"), ("c", "d", "d")],
            ),
            (
                "a/b; name=my file.exe",
                "a/b",
                &[("name", "my", "my file.exe")],
            ),
            (
                "a/b; name=\"a;b.exe\"; c=d",
                "a/b",
                &[("name", "a;b.exe", "a"), ("c", "d", "d")],
            ),
            ("a/b; name=\"a\\\"b\"", "a/b", &[("name", "a\"b", "a\\\"b")]),
            (
                "a/b; name=\"a.txt\".exe",
                "a/b",
                &[("name", "a.txt", "a.txt\".exe")],
            ),
            (
                "a/b; name=\"open; c=d",
                "a/b",
                &[("name", "open; c=d", "open")],
            ),
            (
                "a/b; name=(comment)\"x\"",
                "a/b",
                &[("name", "x", "(comment)\"x\"")],
            ),
            (
                "a/b; name*0*=utf-8''x; name*1=y",
                "a/b",
                &[("name*0*", "utf-8''x", "utf-8''x"), ("name*1", "y", "y")],
            ),
            ("a/b;;; flag; x=y", "a/b", &[("x", "y", "y")]),
            ("a/b; name=", "a/b", &[("name", "", "")]),
            ("; name=x", "", &[("name", "x", "x")]),
            ("a/b (open; name=x", "a/b", &[]),
        ] {
            let (found, list) = parse(value);
            assert_eq!(found, token, "{value}");
            let list: Vec<_> = list.iter().map(|(n, s, l)| (&**n, &**s, &**l)).collect();
            assert_eq!(list, parameters, "{value}");
        }
    }

    #[test]
    fn quotes_out_of_place_are_told() {
        for (value, is_unclear) in [
            ("a/b (x); name=\"x\" (y); c=d", false),
            ("a/b; name=\"x\" (\"); c=d", true),
            ("a/b (; name=x); c=d", true),
            ("a/b (\\); c=d", true),
            ("a/b; name=x (y", true),
            ("a/b\"; name=x", true),
            ("a/b;\u{1e}name=x", true),
            ("\u{1e}a/b; name=x", true),
            ("a/b; name=\"a\\\"b\"", false),
            ("a/b; name=x y", false),
            ("a/b; name=\"open; c=d", true),
            ("a/b; name=\"a\"b\"; c=d", true),
            ("a/b; name=\"a;\r\n name=\"b.exe\"", true),
            ("a/b; name=a\"b", true),
            ("a/b; name=a \"b\"", true),
        ] {
            assert_eq!(
                Structured::parse(value.as_bytes()).is_unclear,
                is_unclear,
                "{value}"
            );
        }
    }

    #[test]
    fn many_parameters_are_cut() {
        let value = format!("a/b{}", ";x=y".repeat(PARAMETERS_MAX + 1));
        let found = Structured::parse(value.as_bytes());
        assert_eq!(found.parameters.len(), PARAMETERS_MAX);
        assert!(found.is_unclear);
    }
}
