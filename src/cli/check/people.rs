//! The report of a check on a terminal: one block for each step, 80 columns wide, readable without colour.

use std::env;
use std::io::{self, IsTerminal};

use super::step::{Mark, Step};

/// Columns of a line; longer only where one word is, so that digests can be copied.
const WIDTH: usize = 80;
/// Columns before the title of a step, for its mark.
const MARK: usize = 6;
/// Columns for the word that says what a detail is.
const LABEL: usize = 10;

/// Whether colours are used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// On a terminal that can show them, unless NO_COLOR says otherwise.
    pub(super) fn for_stdout() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self.0 {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    fn mark(self, mark: Mark, text: &str) -> String {
        self.with(
            match mark {
                Mark::Good => "32",
                Mark::Notice => "33",
                Mark::Bad => "1;31",
            },
            text,
        )
    }

    /// The first line of a report.
    pub(super) fn heading(self, name: &str, rest: &str) -> String {
        format!("{}: {rest}\n\n", self.with("1", name))
    }

    /// A step as a block of lines.
    pub(super) fn step(self, step: &Step) -> String {
        let word = match step.mark {
            Mark::Good => "ok",
            Mark::Notice => "note",
            Mark::Bad => "FAIL",
        };
        let mark = self.mark(step.mark, &format!("{word:<MARK$}"));
        let (title, state) = (
            self.with("1", &step.title),
            self.mark(step.mark, &step.state),
        );
        let is_short = MARK + step.title.chars().count() + 2 + step.state.chars().count() <= WIDTH;
        let gap = match is_short {
            true => ": ".to_owned(),
            false => format!(":\n{:MARK$}", ""),
        };
        let mut text = format!("{mark}{title}{gap}{state}\n");
        let mut last = "";
        for fact in &step.facts {
            let shown = if fact.label == last { "" } else { fact.label };
            last = fact.label;
            let label = self.with("2", &format!("{shown:<LABEL$}"));
            for (number, line) in wrap(&fact.text, WIDTH - MARK - LABEL).iter().enumerate() {
                let line = fact
                    .mark
                    .map_or_else(|| line.clone(), |mark| self.mark(mark, line));
                text += &match number {
                    0 => format!("{:MARK$}{label}{line}\n", ""),
                    _ => format!("{:MARK$}{:LABEL$}{line}\n", "", ""),
                };
            }
        }
        text
    }
}

/// The text in lines of at most so many characters, broken at blanks; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let taken = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(line) if taken == 0 => line.push_str(word),
            Some(line) if taken + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::step::Fact;

    fn step() -> Step {
        let fact = |label, text: &str, mark| Fact {
            label,
            text: text.to_owned(),
            mark,
        };
        let digest = "AB".repeat(32);
        Step {
            mark: Mark::Bad,
            title: "mx.example.org [192.0.2.1]:25".to_owned(),
            state: "defer 4.7.5 validation-failure".to_owned(),
            facts: vec![
                fact("TLS", "TLSv1.3", None),
                fact(
                    "record",
                    &format!("3 1 1 {digest} does not match"),
                    Some(Mark::Bad),
                ),
                fact("record", "2 1 1 00 cannot be used", Some(Mark::Notice)),
            ],
        }
    }

    #[test]
    fn blocks_are_narrow_and_plain_without_colour() {
        let text = Paint(false).step(&step());
        let digest = "AB".repeat(32);
        let expected = format!(
            "\
FAIL  mx.example.org [192.0.2.1]:25: defer 4.7.5 validation-failure
      TLS       TLSv1.3
      record    3 1 1
                {digest}
                does not match
                2 1 1 00 cannot be used
"
        );
        assert_eq!(text, expected);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        let long = Step {
            title: "x".repeat(60),
            ..step()
        };
        let text = Paint(false).step(&long);
        assert!(
            text.starts_with(&format!("FAIL  {}:\n      defer", "x".repeat(60))),
            "{text}"
        );
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let painted = Paint(true).step(&step());
        let mut plain = String::new();
        for (number, part) in painted.split("\u{1b}[").enumerate() {
            plain += match number {
                0 => part,
                _ => part.split_once('m').expect("a colour").1,
            };
        }
        assert_eq!(plain, Paint(false).step(&step()));
        assert!(painted.contains("\u{1b}[1;31mFAIL"), "{painted}");
    }
}
