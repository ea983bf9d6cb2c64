//! Text outside ASCII in header fields: encoded-words (RFC 2047).
//!
//! Reading is as lenient as readers are: an encoded-word counts wherever it stands, also glued to other text or inside quotes, and may hold blanks.
//! Writing uses UTF-8 and the Q encoding only.

use super::charset;
use super::limits::ENCODED_WORD_MAX;
use super::transfer;

/// What a text says once its encoded-words are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text; an encoded-word that cannot be read stays as it is.
    pub text: String,
    /// Whether every encoded-word could be read.
    pub is_whole: bool,
}

/// An encoded-word taken apart.
struct Word<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
    /// As it was written.
    raw: &'a [u8],
}

/// Decodes the encoded-words of a text; blanks between two of them vanish (RFC 2047 §6.2).
pub fn decode(text: &[u8]) -> Decoded {
    let mut reader = Reader { text, found: None };
    let mut decoded = Decoded {
        text: String::new(),
        is_whole: true,
    };
    // Octets of adjacent words are decoded together: some mailers split a character between two words.
    let mut pending: Option<Word<'_>> = None;
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(start) = find(text, b"=?", at) {
        let Some((word, end)) = reader.word(start) else {
            at = start + 2;
            continue;
        };
        let between = text.get(plain_from..start).unwrap_or_default();
        match &mut pending {
            Some(last) if is_blank(between) && last.charset.eq_ignore_ascii_case(word.charset) => {
                last.octets.extend_from_slice(&word.octets);
                last.raw = &[];
            }
            Some(_) if is_blank(between) => {
                decoded.push_word(pending.replace(word));
            }
            _ => {
                decoded.push_word(pending.replace(word));
                decoded.text.push_str(&charset::guess(between));
            }
        }
        (plain_from, at) = (end, end);
    }
    decoded.push_word(pending);
    let rest = text.get(plain_from..).unwrap_or_default();
    decoded.text.push_str(&charset::guess(rest));
    decoded
}

impl Decoded {
    fn push_word(&mut self, word: Option<Word<'_>>) {
        let Some(word) = word else { return };
        match charset::decode(word.charset, &word.octets) {
            Some(text) => self.text.push_str(&text),
            None => {
                self.is_whole = false;
                self.text.push_str(&charset::guess(word.raw));
            }
        }
    }
}

fn is_blank(octets: &[u8]) -> bool {
    octets.iter().all(u8::is_ascii_whitespace)
}

/// Where `needle` stands at or after `from`.
fn find(text: &[u8], needle: &[u8; 2], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let at = rest.windows(2).position(|pair| pair == needle)?;
    Some(from + at)
}

/// Takes encoded-words off a text. It remembers the next `?=`, so that a text of many beginnings without end is not searched again and again.
struct Reader<'a> {
    text: &'a [u8],
    /// From where the end was last looked for, and where it was.
    found: Option<(usize, Option<usize>)>,
}

impl<'a> Reader<'a> {
    /// The encoded-word that starts here, and the place behind it.
    fn word(&mut self, start: usize) -> Option<(Word<'a>, usize)> {
        let head = self.text.get(start + 2..)?;
        let head = head.get(..ENCODED_WORD_MAX).unwrap_or(head);
        let charset_end = head.iter().position(|octet| *octet == b'?')?;
        let [encoding, b'?', ..] = head.get(charset_end + 1..)? else {
            return None;
        };
        let decode = match encoding {
            b'Q' | b'q' => decode_q,
            b'B' | b'b' => transfer::decode_base64,
            _ => return None,
        };
        let from = start + 2 + charset_end + 3;
        let end = self.next_end(from)?;
        let word = Word {
            charset: head.get(..charset_end)?,
            octets: decode(self.text.get(from..end)?),
            raw: self.text.get(start..end + 2)?,
        };
        Some((word, end + 2))
    }

    /// The first `?=` at or after `from`.
    fn next_end(&mut self, from: usize) -> Option<usize> {
        if let Some((asked, end)) = self.found {
            if asked <= from && end.is_none_or(|end| end >= from) {
                return end;
            }
        }
        let end = find(self.text, b"?=", from);
        self.found = Some((from, end));
        end
    }
}

/// The Q encoding: `_` is a blank, `=XX` an octet.
fn decode_q(encoded: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = encoded
        .iter()
        .map(|octet| if *octet == b'_' { b' ' } else { *octet })
        .collect();
    transfer::decode_quoted_printable(&blanks)
}

/// Splits a text into the words a field is folded between; those that ASCII cannot say become encoded-words, with the blanks between them.
pub fn encode(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut stretch: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        // A blank beside an encoded-word must be inside one, or readers drop it.
        if needs_encoding(word) || word.is_empty() && !stretch.is_empty() {
            stretch.push(word);
            continue;
        }
        push_encoded(&mut words, &stretch.join(" "));
        stretch.clear();
        if !word.is_empty() {
            words.push(word.to_owned());
        }
    }
    push_encoded(&mut words, &stretch.join(" "));
    words
}

fn needs_encoding(word: &str) -> bool {
    !word.bytes().all(|octet| octet.is_ascii_graphic()) || word.contains("=?")
}

/// A text as encoded-words, whatever it holds; blanks at its ends are kept.
pub fn encode_whole(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    push_encoded(&mut words, text);
    words
}

const HEAD: &str = "=?utf-8?q?";
const TAIL: &str = "?=";

fn push_encoded(words: &mut Vec<String>, text: &str) {
    let room = ENCODED_WORD_MAX - HEAD.len() - TAIL.len();
    let mut encoded = String::new();
    for character in text.chars() {
        let next = encode_q(character);
        if encoded.len() + next.len() > room {
            words.push(format!("{HEAD}{encoded}{TAIL}"));
            encoded.clear();
        }
        encoded.push_str(&next);
    }
    if !encoded.is_empty() {
        words.push(format!("{HEAD}{encoded}{TAIL}"));
    }
}

/// RFC 2047 §5 (3): the characters that may stand for themselves even within a phrase.
fn encode_q(character: char) -> String {
    if character == ' ' {
        return "_".to_owned();
    }
    if character.is_ascii_alphanumeric() || matches!(character, '!' | '*' | '+' | '-' | '/') {
        return character.to_string();
    }
    let mut octets = [0; 4];
    let octets = character.encode_utf8(&mut octets).bytes();
    octets.map(|octet| format!("={octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_read() {
        for (text, decoded) in [
            ("plain", "plain"),
            ("", ""),
            ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
            ("=?ISO-8859-1?Q?a_b?= =?ISO-8859-1?Q?c?=", "a bc"),
            ("=?utf-8?B?R3LDvMOfZQ==?= and more", "Grüße and more"),
            ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
            ("a =?utf-8?q?b?= c =?utf-8?q?d?=", "a b c d"),
            ("x=?utf-8?q?b?=y", "xby"),
            ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC?=", "ü"),
            ("=?utf-8?q?a?= =?iso-8859-1?q?=FC?=", "aü"),
            ("=?utf-8?q?with blank.exe?=", "with blank.exe"),
            ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
            ("=?utf-8?q?open", "=?utf-8?q?open"),
            ("=?=?utf-8?q?a?=", "=?a"),
            ("=?utf-8?q??=", ""),
        ] {
            let found = decode(text.as_bytes());
            assert_eq!(found.text, decoded, "{text}");
            assert!(found.is_whole, "{text}");
        }
    }

    #[test]
    fn unreadable_words_are_told() {
        let found = decode(b"a =?utf-7?q?+AC4-exe?= b");
        assert_eq!(found.text, "a =?utf-7?q?+AC4-exe?= b");
        assert!(!found.is_whole);
    }

    #[test]
    fn written_words_read_back() {
        for (text, words) in [
            ("plain text", &["plain", "text"][..]),
            (
                "[Grüße an alle] x",
                &["=?utf-8?q?=5BGr=C3=BC=C3=9Fe?=", "an", "alle]", "x"],
            ),
            ("ä ö x", &["=?utf-8?q?=C3=A4_=C3=B6?=", "x"]),
            ("ä  ö", &["=?utf-8?q?=C3=A4__=C3=B6?="]),
            ("=?", &["=?utf-8?q?=3D=3F?="]),
        ] {
            let encoded = encode(text);
            assert_eq!(encoded, words);
            assert_eq!(decode(encoded.join(" ").as_bytes()).text, text);
        }
        let long = "ü".repeat(500);
        let encoded = encode(&long);
        assert!(encoded.iter().all(|word| word.len() <= ENCODED_WORD_MAX));
        assert_eq!(decode(encoded.join(" ").as_bytes()).text, long);
        assert_eq!(encode_whole("a "), ["=?utf-8?q?a_?="]);
    }

    #[test]
    fn many_beginnings_without_end_take_linear_time() {
        let hostile = b"=?a?q?".repeat(200_000);
        assert_eq!(decode(&hostile).text.len(), hostile.len());
    }
}
