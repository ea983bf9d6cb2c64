//! Turns configuration text into directives: lines of words, with quotes, comments and `include`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Files may include files this deep; more is a loop.
const INCLUDE_DEPTH: usize = 8;
/// All files together may hold this many lines; nobody writes more by hand.
const LINES: usize = 100_000;
/// One line may be this long, in octets.
const LINE_LENGTH: usize = 8192;

/// Where a directive stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// One directive: its words (the name first, at least one) and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Name and arguments.
    pub words: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// A configuration that cannot be used: one line that says where, what, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ConfigError {
    /// An error at a place.
    pub fn at(place: &Place, text: impl fmt::Display) -> Self {
        Self(format!("{place}: {text}"))
    }
}

/// Reads a file and all it includes into directives, in order.
///
/// # Errors
/// [`ConfigError`] for a file that cannot be read or a line that cannot be split into words.
pub fn read(file: &Path) -> Result<Vec<Directive>, ConfigError> {
    let mut found = Vec::new();
    read_into(file, INCLUDE_DEPTH, &mut found)?;
    Ok(found)
}

fn unreadable(file: &Path, reason: impl fmt::Display) -> ConfigError {
    ConfigError(format!(
        "{}: cannot read the configuration: {reason}",
        file.display()
    ))
}

fn read_into(file: &Path, depth: usize, found: &mut Vec<Directive>) -> Result<(), ConfigError> {
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, error))?;
    for directive in split_lines(file, &text)? {
        if directive.words.first().map(String::as_str) != Some("include") {
            found.push(directive);
            if found.len() > LINES {
                return Err(unreadable(file, format!("more than {LINES} directives")));
            }
            continue;
        }
        let [_, included] = directive.words.as_slice() else {
            return Err(ConfigError::at(&directive.place, "expected 'include FILE'"));
        };
        if depth == 0 {
            let text = format!("files include each other more than {INCLUDE_DEPTH} deep");
            return Err(ConfigError::at(&directive.place, text));
        }
        let base = file.parent().unwrap_or(Path::new(""));
        read_into(&base.join(included), depth - 1, found)
            .map_err(|error| ConfigError::at(&directive.place, format!("included: {error}")))?;
    }
    Ok(())
}

/// Splits the text of one file into directives.
///
/// # Errors
/// [`ConfigError`] for an unfinished quote, a control character or an over-long line.
pub fn split_lines(file: &Path, text: &str) -> Result<Vec<Directive>, ConfigError> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = Place {
            file: file.to_path_buf(),
            line: index + 1,
        };
        if index >= LINES || line.len() > LINE_LENGTH {
            let text = format!("a file has at most {LINES} lines of at most {LINE_LENGTH} octets");
            return Err(ConfigError::at(&place, text));
        }
        let words = split_words(line).map_err(|text| ConfigError::at(&place, text))?;
        if !words.is_empty() {
            found.push(Directive { words, place });
        }
    }
    Ok(found)
}

/// Splits one line into words: blanks separate, `"…"` and `name="…"` hold blanks (`\"` and `\\` inside), `#` at the start of a word ends the
/// line.
fn split_words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            break;
        }
        let (word, after) = if let Some((name, value)) = before_quote(rest) {
            let (value, after) = quoted(value)?;
            (format!("{name}{value}"), after)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (word.to_owned(), after)
        };
        if word.chars().any(char::is_control) {
            return Err("a word holds a control character");
        }
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// Nothing, or `name=`, and what follows the quote after it.
fn before_quote(text: &str) -> Option<(&str, &str)> {
    let (before, after) = text.split_once('"')?;
    let name = match before {
        "" => "",
        _ => before.strip_suffix('=')?,
    };
    let is_name = name
        .bytes()
        .all(|octet| octet.is_ascii_lowercase() || octet == b'-');
    is_name.then_some((before, after))
}

/// The word up to the closing quote, and what follows it; a blank or the end must follow.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut word = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => {
                let after = text.get(index + 1..).unwrap_or_default();
                if after
                    .chars()
                    .next()
                    .is_some_and(|next| !next.is_whitespace())
                {
                    return Err("a blank must follow a closing quote");
                }
                return Ok((word, after));
            }
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => word.push(escaped),
                _ => {
                    return Err("inside quotes, a backslash is followed by a quote or a backslash");
                }
            },
            other => word.push(other),
        }
    }
    Err("a quote is opened and not closed")
}

/// A word as it must be written to be read back as one word.
pub fn quote(word: &str) -> String {
    let plain =
        !word.is_empty() && !word.starts_with(['#', '"']) && !word.chars().any(char::is_whitespace);
    if plain {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_split_into_words() {
        for (line, words) in [
            ("", vec![]),
            ("  # only a comment", vec![]),
            (
                "hostname mx.example.org",
                vec!["hostname", "mx.example.org"],
            ),
            (
                "filter  subject-tag\t\"[a b]\" # why",
                vec!["filter", "subject-tag", "[a b]"],
            ),
            (r#"a "q\"\\" b#c"#, vec!["a", "q\"\\", "b#c"]),
            ("a \"\"", vec!["a", ""]),
            (
                "reason=\"two words\" b=\"\" c=d",
                vec!["reason=two words", "b=", "c=d"],
            ),
            ("A=\"b a:\"c =d\"", vec!["A=\"b", "a:\"c", "=d\""]),
        ] {
            assert_eq!(
                split_words(line),
                Ok(words.into_iter().map(String::from).collect()),
                "{line}"
            );
        }
        for line in ["\"open", "\"a\"b", r#""\n""#, "a\u{7}b"] {
            assert!(split_words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn quoting_round_trips() {
        for word in [
            "plain",
            "",
            "two words",
            "#x",
            "\"q\"",
            "back\\slash",
            "a\\ b",
            "ü ß",
        ] {
            assert_eq!(
                split_words(&quote(word)),
                Ok(vec![word.to_owned()]),
                "{word}"
            );
        }
    }

    #[test]
    fn errors_name_file_and_line() {
        let error = split_lines(Path::new("/etc/x.conf"), "ok\n\"open").unwrap_err();
        assert_eq!(
            error.to_string(),
            "/etc/x.conf:2: a quote is opened and not closed"
        );
    }
}
