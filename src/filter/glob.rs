//! Patterns for file names: `*` is any text, `?` any character, everything else itself in either case.

use std::fmt;

/// Characters of a pattern; file systems have names of 255.
const PATTERN_MAX: usize = 255;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    written: String,
    /// In lower case.
    characters: Vec<char>,
}

impl Glob {
    /// Reads a pattern; `None` if it is empty, too long, or has a character that no file name can have.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_illegal = |c: char| c.is_control() || matches!(c, '/' | '\\');
        let characters = folded(text);
        let is_pattern = (1..=PATTERN_MAX).contains(&characters.len())
            && !text.contains(is_illegal)
            && text.trim() == text;
        is_pattern.then(|| Self {
            written: text.to_owned(),
            characters,
        })
    }

    /// Whether the whole name fits. The work is at most the product of the lengths of pattern and name, and for a name that ends otherwise than
    /// the pattern only the length of that end.
    pub(super) fn matches(&self, name: &[char]) -> bool {
        self.may_end(name) && self.fits(name)
    }

    /// Whether the name ends like what stands behind the pattern's last `*`.
    fn may_end(&self, name: &[char]) -> bool {
        let end = self.characters.rsplit(|c| *c == '*').next();
        let mut both = end.unwrap_or_default().iter().rev().zip(name.iter().rev());
        both.all(|(wanted, c)| fits_one(*wanted, *c))
    }

    fn fits(&self, name: &[char]) -> bool {
        let (mut at_pattern, mut at_name) = (0, 0);
        // Where to go on if what follows the last `*` does not fit: behind it, one character of the name later.
        let mut retry: Option<(usize, usize)> = None;
        while let Some(character) = name.get(at_name) {
            match self.characters.get(at_pattern) {
                Some('*') => {
                    at_pattern += 1;
                    retry = Some((at_pattern, at_name));
                }
                Some(wanted) if fits_one(*wanted, *character) => {
                    at_pattern += 1;
                    at_name += 1;
                }
                _ => {
                    let Some((behind, from)) = retry else {
                        return false;
                    };
                    (at_pattern, at_name) = (behind, from + 1);
                    retry = Some((behind, from + 1));
                }
            }
        }
        let rest = self.characters.get(at_pattern..).unwrap_or_default();
        rest.iter().all(|c| *c == '*')
    }
}

const fn fits_one(wanted: char, found: char) -> bool {
    wanted == '?' || wanted == found
}

/// A text as patterns compare it: its characters in lower case.
pub(super) fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, matches) in [
            ("*.exe", "setup.exe", true),
            ("*.exe", "SETUP.EXE", true),
            ("*.EXE", "setup.exe", true),
            ("*.exe", ".exe", true),
            ("*.exe", "setup.exe.txt", false),
            ("*.exe", "exe", false),
            ("?.exe", "a.exe", true),
            ("?.exe", "ab.exe", false),
            ("?.exe", "ä.exe", true),
            ("ä*", "ÄB", true),
            ("*", "", true),
            ("?", "", false),
            ("**a**", "bab", true),
            ("*a*b", "aabab", true),
            ("*a*b", "aaba", false),
            ("a*?b", "ab", false),
            ("a*?b", "axb", true),
            ("ab", "b", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("invoice*.zip", "Invoice 2026-11.zip", true),
            ("[a].txt", "a.txt", false),
            ("[a].txt", "[A].txt", true),
        ] {
            let glob = Glob::parse(pattern).expect("a pattern");
            assert_eq!(glob.matches(&folded(name)), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        let long = "x".repeat(256);
        for text in ["", " ", "a/b", "a\\b", "a\n", " *.exe", &long] {
            assert_eq!(Glob::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn hostile_names_take_bounded_time() {
        let glob = Glob::parse("*a*a*aab*b").expect("a pattern");
        let name = folded(&"a".repeat(100_000));
        assert!(!glob.matches(&[name.as_slice(), &['b']].concat()));
        assert!(glob.matches(&[name.as_slice(), &['b', 'b']].concat()));
    }
}
