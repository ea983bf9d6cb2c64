//! Splits the text of a zone file into entries, and entries into words.

use super::ZoneError;

/// Words of one entry; a TXT record of 64 KiB has 256 strings, a DNSKEY split over lines has a few dozen words.
const WORDS_AT_MOST: usize = 4096;
/// Octets of one word: base 64 of the longest record data fits.
const WORD_AT_MOST: usize = 100_000;

/// One word; escapes are still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

/// The words of one record or directive, which may stretch over lines inside parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line it starts on, counted from 1.
    pub(super) line: usize,
    /// Whether it starts at the margin; else it belongs to the owner before it.
    pub(super) has_owner: bool,
    pub(super) words: Vec<Word>,
}

/// Splits a whole text.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, ZoneError> {
    let mut scanner = Scanner {
        rest: text,
        line: 1,
        depth: 0,
    };
    let mut entries = Vec::new();
    while !scanner.rest.is_empty() {
        let line = scanner.line;
        let has_owner = !scanner.rest.starts_with([' ', '\t']);
        let words = scanner.entry().map_err(|reason| ZoneError {
            line,
            reason: reason.to_owned(),
        })?;
        if !words.is_empty() {
            entries.push(Entry {
                line,
                has_owner,
                words,
            });
        }
    }
    Ok(entries)
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    /// Open parentheses; RFC 1035 knows one, more are harmless.
    depth: usize,
}

impl Scanner<'_> {
    /// The words up to a line end outside parentheses.
    fn entry(&mut self) -> Result<Vec<Word>, &'static str> {
        let mut words = Vec::new();
        while let Some(character) = self.rest.chars().next() {
            match character {
                '\n' => {
                    self.skip(1);
                    self.line += 1;
                    if self.depth == 0 {
                        return Ok(words);
                    }
                }
                ' ' | '\t' | '\r' => self.skip(1),
                ';' => self.skip(self.rest.find('\n').unwrap_or(self.rest.len())),
                '(' => {
                    self.depth += 1;
                    self.skip(1);
                }
                ')' => {
                    self.depth = self.depth.checked_sub(1).ok_or("a ')' without a '('")?;
                    self.skip(1);
                }
                '"' => words.push(self.quoted()?),
                _ => words.push(self.plain()?),
            }
            if words.len() > WORDS_AT_MOST {
                return Err("the entry has too many words");
            }
        }
        match self.depth {
            0 => Ok(words),
            _ => Err("a '(' is not closed"),
        }
    }

    fn quoted(&mut self) -> Result<Word, &'static str> {
        self.skip(1);
        let end = end_of(self.rest, |c| c == '"').ok_or("a '\"' is not closed")?;
        let word = self.word(end, true)?;
        self.line += word.text.matches('\n').count();
        self.skip(1);
        Ok(word)
    }

    fn plain(&mut self) -> Result<Word, &'static str> {
        let is_end = |c| matches!(c, ' ' | '\t' | '\r' | '\n' | ';' | '(' | ')' | '"');
        let end = end_of(self.rest, is_end).unwrap_or(self.rest.len());
        self.word(end, false)
    }

    fn word(&mut self, end: usize, is_quoted: bool) -> Result<Word, &'static str> {
        if end > WORD_AT_MOST {
            return Err("a word is too long");
        }
        let text = self.rest.get(..end).unwrap_or_default().to_owned();
        self.skip(end);
        Ok(Word { text, is_quoted })
    }

    fn skip(&mut self, octets: usize) {
        self.rest = self.rest.get(octets..).unwrap_or_default();
    }
}

/// Where the first character of that kind stands that no backslash precedes.
fn end_of(text: &str, is_end: impl Fn(char) -> bool) -> Option<usize> {
    let mut is_escaped = false;
    for (index, character) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if is_end(character) {
            return Some(index);
        }
    }
    None
}
