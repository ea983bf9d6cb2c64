//! Turns octets of a named charset into text, as far as file names and subjects need it.

/// Charsets in which an ASCII octet outside an escape means itself, by the start of their names. UTF-7, UTF-16 and EBCDIC are not among them:
/// there, ASCII octets can hide other text.
const ASCII_BASED: [&str; 25] = [
    "us-ascii",
    "ascii",
    "ansi_x3.4",
    "utf-8",
    "utf8",
    "unknown-8bit",
    "iso-8859-",
    "iso8859-",
    "iso_8859-",
    "latin",
    "windows-125",
    "windows-874",
    "windows-31j",
    "cp125",
    "koi8-",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "euc-",
    "shift_jis",
    "shift-jis",
    "iso-2022-",
    "ks_c_5601",
    "tis-620",
];

/// The octets as text; what has no meaning becomes U+FFFD. An empty name means UTF-8.
///
/// UTF-8 and ISO 8859-1 (with windows-1252 read as such) are decoded in full; of other charsets based on ASCII, the ASCII characters. `None` if
/// the charset is unknown or not based on ASCII: then nobody can say what the octets mean.
pub fn decode(charset: &[u8], octets: &[u8]) -> Option<String> {
    let name = String::from_utf8_lossy(charset).to_ascii_lowercase();
    // RFC 2231 §5: a language may follow the charset of an encoded-word.
    let name = name.split('*').next().unwrap_or_default().trim();
    if name.is_empty() || name.starts_with("utf-8") || name.starts_with("utf8") {
        return Some(String::from_utf8_lossy(octets).into_owned());
    }
    if matches!(
        name,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "windows-1252" | "cp1252"
    ) {
        return Some(octets.iter().copied().map(char::from).collect());
    }
    let is_known = ASCII_BASED.iter().any(|start| name.starts_with(start));
    is_known.then(|| octets.iter().copied().map(ascii_or_unknown).collect())
}

const fn ascii_or_unknown(octet: u8) -> char {
    if octet.is_ascii() {
        octet as char
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

/// Octets without a declared charset: UTF-8 if they are, else ISO 8859-1, which gives every octet some character.
pub fn guess(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => octets.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        for (charset, octets, text) in [
            ("utf-8", &b"M\xc3\xa4rz"[..], Some("März")),
            ("UTF-8*de", b"M\xc3\xa4rz", Some("März")),
            ("", b"M\xc3\xa4rz\xff", Some("März\u{fffd}")),
            ("ISO-8859-1", b"M\xe4rz", Some("März")),
            ("koi8-r", b"\xcd.exe", Some("\u{fffd}.exe")),
            ("shift_jis", b"\x83e.exe", Some("\u{fffd}e.exe")),
            ("utf-7", b"a+AC4-exe", None),
            ("utf-16le", b"a\0", None),
            ("ibm037", b"\x81", None),
            ("unheard-of", b"a", None),
        ] {
            let decoded = decode(charset.as_bytes(), octets);
            assert_eq!(decoded.as_deref(), text, "{charset}");
        }
        assert_eq!(guess(b"M\xe4rz"), "März");
        assert_eq!(guess("März".as_bytes()), "März");
    }
}
