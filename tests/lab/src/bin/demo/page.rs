//! How the demonstration looks: headings, paragraphs and quoted output, with colours only where a person looks at them.

use std::io::{self, IsTerminal, Write};

/// Columns of a paragraph.
const WIDTH: usize = 100;
/// Columns of a quoted line; longer ones are folded.
const QUOTED_WIDTH: usize = 124;

/// What a quoted text is.
#[derive(Clone, Copy)]
pub(crate) enum Quote {
    /// Something a program printed, or a file holds.
    Plain,
    /// A line worth looking at.
    Marked,
}

/// Where the story is printed. A reader who has gone (`| head`) does not stop the demonstration: its exit code still counts.
pub(crate) struct Page {
    is_coloured: bool,
}

impl Page {
    /// Standard output; in colour if it is a terminal and the user has not asked for none (NO_COLOR).
    pub(crate) fn new() -> Self {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            is_coloured: io::stdout().is_terminal() && !is_refused && !is_dumb,
        }
    }

    /// A chapter begins.
    pub(crate) fn heading(&self, title: &str) {
        let rule = "━".repeat(WIDTH);
        self.line("");
        self.line(&self.coloured("1;34", &rule));
        self.line(&self.coloured("1;34", title));
        self.line(&self.coloured("1;34", &rule));
    }

    /// A part of a chapter begins.
    pub(crate) fn subheading(&self, title: &str) {
        self.line("");
        self.line(&self.coloured("1", &format!("── {title}")));
    }

    /// A paragraph; line breaks in it are as good as spaces.
    pub(crate) fn say(&self, text: &str) {
        self.line("");
        for line in wrapped(text) {
            self.line(&line);
        }
    }

    /// A point of a list.
    pub(crate) fn point(&self, text: &str) {
        for (number, line) in wrapped(text).into_iter().enumerate() {
            let mark = if number == 0 { "  • " } else { "    " };
            self.line(&format!("{mark}{line}"));
        }
    }

    /// Output or a file, word for word, long lines folded at spaces; `how` tells the lines apart.
    pub(crate) fn quote(&self, text: &str, how: impl Fn(&str) -> Quote) {
        self.line("");
        let bar = self.coloured("2", "│");
        for line in text.trim_end().lines() {
            let how = how(line);
            for part in folded(line) {
                match how {
                    Quote::Plain => self.line(&format!("  {bar} {part}")),
                    Quote::Marked => {
                        self.line(&format!("  {bar} {}", self.coloured("1;33", &part)))
                    }
                }
            }
        }
    }

    /// A command that is run.
    pub(crate) fn command(&self, line: &str) {
        self.line("");
        self.line(&self.coloured("1;36", &format!("  $ {line}")));
    }

    /// A fact that was checked.
    pub(crate) fn check(&self, is_right: bool, text: &str) {
        let (colour, mark) = if is_right {
            ("1;32", "✓")
        } else {
            ("1;31", "✗")
        };
        self.line(&self.coloured(colour, &format!("  {mark} {text}")));
    }

    /// An empty line.
    pub(crate) fn gap(&self) {
        self.line("");
    }

    fn coloured(&self, code: &str, text: &str) -> String {
        if self.is_coloured {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&self, text: &str) {
        let _ = writeln!(io::stdout().lock(), "{text}");
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(str::to_owned);
    fill(words, WIDTH)
}

/// A quoted line in parts that are not too long; where it fits, exactly as it is.
fn folded(line: &str) -> Vec<String> {
    let is_short = line.chars().count() <= QUOTED_WIDTH;
    if is_short {
        return vec![line.to_owned()];
    }
    let text = line.trim_start();
    let indent = &line[..line.len() - text.len()];
    let words = text.split(' ').map(str::to_owned);
    let parts = fill(words, QUOTED_WIDTH - indent.len() - 4).into_iter();
    let indented = parts.enumerate().map(|(number, part)| match number {
        0 => format!("{indent}{part}"),
        _ => format!("{indent}    {part}"),
    });
    indented.collect()
}

/// Words into lines of at most `width` columns; a longer word has a line of its own.
fn fill(words: impl Iterator<Item = String>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
