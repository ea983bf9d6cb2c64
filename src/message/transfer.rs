//! Content transfer encodings (RFC 2045 §6): read as leniently as readers do, written strictly.

use super::limits::LINE_MAX;
use super::line::{Lines, without_line_end};

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `7bit`, `8bit`, `binary` or nothing: the octets are the content.
    Identity,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `base64`.
    Base64,
    /// Something else; the content cannot be known.
    Unknown,
}

impl Encoding {
    /// The encoding of that name, in any case.
    pub fn parse(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Self::Identity,
            "quoted-printable" => Self::QuotedPrintable,
            "base64" => Self::Base64,
            _ => Self::Unknown,
        }
    }

    /// The content of a body; `None` where the encoding is unknown.
    pub fn decode(self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Identity => Some(body.to_vec()),
            Self::QuotedPrintable => Some(decode_quoted_printable(body)),
            Self::Base64 => Some(decode_base64(body)),
            Self::Unknown => None,
        }
    }
}

/// Decodes base 64: octets outside the alphabet are skipped (RFC 2045 §6.8), padding may be missing, and what follows padding counts too.
pub fn decode_base64(encoded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for octet in encoded {
        let Some(sextet) = sextet(*octet) else {
            if *octet == b'=' {
                count = 0;
            }
            continue;
        };
        bits = bits << 6 | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    out
}

const fn sextet(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Decodes quoted-printable: `=` before two hexadecimal digits is an octet, before a line end it joins lines, anywhere else it stands for itself.
pub fn decode_quoted_printable(encoded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'=' {
            out.push(*first);
            continue;
        }
        if let Some((octet, after)) = hexadecimal(rest) {
            out.push(octet);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")) {
            rest = after;
        } else {
            out.push(b'=');
        }
    }
    out
}

/// The octet that two hexadecimal digits at the start mean, and what follows them.
pub(super) fn hexadecimal(octets: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = octets.split_first_chunk::<2>()?;
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octet = digit(*high)? * 16 + digit(*low)?;
    Some((u8::try_from(octet).ok()?, rest))
}

/// Octets of an encoded line with the `=` that continues it (RFC 2045 §6.7 (5)).
const ENCODED_LINE_MAX: usize = 76;

/// Encodes text with CRLF line ends as quoted-printable; line ends stay line ends.
pub fn encode_quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    let mut column = 0;
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if let Some(next) = rest.strip_prefix(b"\r\n") {
            out.extend_from_slice(b"\r\n");
            (rest, column) = (next, 0);
            continue;
        }
        let ends_line = after.is_empty() || after.starts_with(b"\r\n");
        let is_plain = match first {
            b'=' => false,
            b' ' | b'\t' => !ends_line,
            octet => octet.is_ascii_graphic(),
        };
        let width = if is_plain { 1 } else { 3 };
        if column + width > ENCODED_LINE_MAX - usize::from(!ends_line) {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        match is_plain {
            true => out.push(*first),
            false => out.extend_from_slice(format!("={first:02X}").as_bytes()),
        }
        column += width;
        rest = after;
    }
    out
}

/// Whether octets may be sent as they are: ASCII without NUL, CR and LF only as line ends, lines of at most 998 octets (RFC 2045 §2.7).
pub fn is_seven_bit(octets: &[u8]) -> bool {
    Lines::new(octets)
        .map(|(_, line)| without_line_end(line))
        .all(|line| {
            let is_legal = |octet: &u8| octet.is_ascii() && !matches!(octet, 0 | b'\r' | b'\n');
            line.len() <= LINE_MAX && line.iter().all(is_legal)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_as_mailers_write_it() {
        for (encoded, octets) in [
            ("", &b""[..]),
            ("TWFu", b"Man"),
            ("TWE=", b"Ma"),
            ("TQ==", b"M"),
            ("TQ", b"M"),
            ("T W\r\nF!u\r\n", b"Man"),
            ("TQ==TWFu", b"MMan"),
            ("_-", b""),
        ] {
            assert_eq!(decode_base64(encoded.as_bytes()), octets, "{encoded}");
        }
    }

    #[test]
    fn quoted_printable_as_mailers_write_it() {
        for (encoded, octets) in [
            ("", &b""[..]),
            ("a=3Db=3d", b"a=b="),
            ("soft=\r\nbreak=\nagain", b"softbreakagain"),
            ("=C3=BC", b"\xc3\xbc"),
            ("= =G0 =4", b"= =G0 =4"),
        ] {
            let decoded = decode_quoted_printable(encoded.as_bytes());
            assert_eq!(decoded, octets, "{encoded}");
        }
    }

    #[test]
    fn written_quoted_printable_reads_back() {
        let long = "ü=".repeat(100) + &"x".repeat(200);
        for text in [
            "",
            "plain",
            "blank \r\nand tab\t",
            "ü\r\n\r\n",
            "bare \r and \n",
            &long,
        ] {
            let encoded = encode_quoted_printable(text.as_bytes());
            assert!(is_seven_bit(&encoded), "{text}");
            let lines = encoded.split(|octet| *octet == b'\n');
            assert!(
                lines.clone().all(|line| line.len() <= ENCODED_LINE_MAX + 1),
                "{text}"
            );
            assert!(lines.clone().all(|line| !line.ends_with(b" \r")), "{text}");
            assert_eq!(decode_quoted_printable(&encoded), text.as_bytes());
        }
    }

    #[test]
    fn seven_bit() {
        let long = "x".repeat(999);
        for (octets, is) in [
            ("", true),
            ("a\r\nb", true),
            ("a\nb", false),
            ("a\rb", false),
            ("a\0b", false),
            ("ü", false),
            (&long, false),
            (long.get(1..).unwrap(), true),
        ] {
            assert_eq!(is_seven_bit(octets.as_bytes()), is, "{octets:?}");
        }
    }
}
