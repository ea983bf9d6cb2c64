//! Splits PEM text into its blocks (RFC 7468).

use crate::bytes::radix;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it says it is, for example `CERTIFICATE`.
    pub(super) label: String,
    /// The line on which it begins, counted from 1.
    pub(super) line: usize,
    /// The octets; `None` if there are header fields before them, as old encrypted keys have.
    pub(super) octets: Option<Vec<u8>>,
}

/// Whether this is PEM rather than DER.
pub(super) fn is_pem(octets: &[u8]) -> bool {
    let begin = BEGIN.as_bytes();
    octets.windows(begin.len()).any(|window| window == begin)
}

/// The blocks of a text in order; what stands between them is passed over.
///
/// # Errors
/// The line, and what was expected.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim).zip(1usize..);
    while let Some((first, line)) = lines.next() {
        let label = first.strip_prefix(BEGIN);
        let Some(label) = label.and_then(|rest| rest.strip_suffix(DASHES)) else {
            continue;
        };
        let end = format!("{END}{label}{DASHES}");
        let mut body = Vec::new();
        loop {
            match lines.next() {
                Some((text, _)) if text == end => break,
                Some((text, _)) if !text.starts_with(DASHES) => body.push(text),
                _ => return Err(format!("the {label} that begins on line {line} has no end")),
            }
        }
        let octets = match body.iter().any(|text| text.contains(':')) {
            true => None,
            false => Some(radix::decode_base64(&body.concat()).ok_or_else(|| {
                format!("the {label} that begins on line {line} is not whole base 64")
            })?),
        };
        let label = label.to_owned();
        blocks.push(Block {
            label,
            line,
            octets,
        });
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_other_text() {
        let text = "Bag Attributes\r\n-----BEGIN A B-----\r\nAQ\r\nI=\r\n-----END A B-----\r\n\
                    -----BEGIN C-----\nX: y\n\nAQ==\n-----END C-----\n-----BEGIN D-----\n-----END D-----";
        let found = blocks(text).expect("sound");
        let found: Vec<_> = found
            .iter()
            .map(|block| (block.label.as_str(), block.line, block.octets.as_deref()))
            .collect();
        let expected = [
            ("A B", 2, Some(&[1, 2][..])),
            ("C", 6, None),
            ("D", 11, Some(&[])),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn broken_blocks_are_named() {
        for (text, named) in [
            (
                "-----BEGIN A-----\nAQI=\n",
                "A that begins on line 1 has no end",
            ),
            (
                "\n-----BEGIN A-----\nAQI=\n-----END B-----",
                "line 2 has no end",
            ),
            (
                "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----",
                "line 1 has no end",
            ),
            (
                "-----BEGIN A-----\nAQI\n-----END A-----",
                "not whole base 64",
            ),
            (
                "-----BEGIN A-----\nA?I=\n-----END A-----",
                "not whole base 64",
            ),
        ] {
            let error = blocks(text).expect_err(text);
            assert!(error.contains(named), "{error}");
        }
        assert_eq!(blocks("-----BEGIN A\n").map(|blocks| blocks.len()), Ok(0));
        assert!(is_pem(b"x\n-----BEGIN A") && !is_pem(b"-----BEGIN"));
    }
}
