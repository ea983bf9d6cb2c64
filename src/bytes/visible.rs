//! Text of others for people to read: nothing in it moves a cursor, breaks a line or looks like what it is not.

/// Characters that turn the direction of what follows or do not show: they can make one name look like another.
const fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with control characters and deceptive ones made visible (`\u{202e}`).
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || is_deceptive(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}
