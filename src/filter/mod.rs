//! The content filters: each looks at one message and passes, changes or refuses it; none does I/O.
//!
//! A filter is one file with a type that implements `Filter`, and one line in the table `FILTERS`. Filters run in the order of the
//! configuration, each on what the one before made of the message. The first refusal ends the chain.
//!
//! What a filter cannot do must not let a message through unseen:
//!
//! | what happens | what the client is told |
//! |---|---|
//! | the filter refuses | the filter's own status, class 4 or 5 |
//! | the message exceeds a limit of the parser ([`Excess`]) | 5.6.0: sending the same message again would change nothing |
//! | the filter panics | 4.3.0: a defect of ours; the message may pass once it is mended |
//!
//! next: `src/filter/block_attachment.rs`
#![forbid(unsafe_code)]

mod block_attachment;
mod glob;
mod header;
mod subject_tag;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::message::Excess;
use crate::smtp::{EnhancedStatus, Envelope};

/// Filters in one chain; more is a mistake in the configuration.
pub const FILTERS_MAX: usize = 100;

/// What a filter does: one message in, a verdict out. It must not keep state between messages.
trait Filter: Send + Sync {
    /// Looks at a message with CRLF line ends, not dot-stuffed.
    ///
    /// # Errors
    /// [`Excess`] if the message cannot be taken apart within the limits.
    fn apply(&self, envelope: &Envelope, message: &[u8]) -> Result<Verdict, Excess>;
}

/// What a filter says about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It may pass as it is.
    Pass,
    /// It may pass like this.
    Changed {
        /// The message from now on.
        message: Vec<u8>,
        /// What was done, one line without the filter's name.
        what: String,
    },
    /// It may not pass.
    Refuse {
        /// Class 4 or 5.
        status: EnhancedStatus,
        /// Why, one line of ASCII for the sender.
        text: String,
    },
}

/// Builds a filter from the words after its name; the error is what is wrong and what was expected.
type Build = fn(&[String]) -> Result<Box<dyn Filter>, String>;

/// Every filter by its name.
const FILTERS: [(&str, Build); 3] = [
    ("block-attachment", block_attachment::build),
    ("header", header::build),
    ("subject-tag", subject_tag::build),
];

/// A chain of filters in the order of the configuration.
pub struct Chain {
    filters: Vec<(&'static str, Box<dyn Filter>)>,
}

/// A refusal by a filter; becomes the reply to DATA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The filter that refused.
    pub filter: String,
    /// Class 4 or 5.
    pub status: EnhancedStatus,
    /// One line for the sender.
    pub text: String,
}

/// As `gateway filter` and the log show it: `block-attachment: 5.7.1 the text`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.filter, self.status, self.text)
    }
}

/// Why a filter directive cannot be used: one line that names the filter, the word and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(pub String);

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FilterError {}

/// The message after the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filtered {
    /// The message.
    pub message: Vec<u8>,
    /// One line per filter that changed something, for the log.
    pub changes: Vec<String>,
}

impl Chain {
    /// Builds the chain from the words of each `filter` directive (without the word `filter`).
    ///
    /// # Errors
    /// [`FilterError`] for an unknown filter or bad arguments.
    pub fn new(directives: &[Vec<String>]) -> Result<Self, FilterError> {
        if directives.len() > FILTERS_MAX {
            let text = format!("filter: more than {FILTERS_MAX} filters");
            return Err(FilterError(text));
        }
        let filters = directives.iter().map(|words| build(words));
        let filters = filters.collect::<Result<_, _>>()?;
        Ok(Self { filters })
    }

    /// Whether there is no filter, so that every message passes as it is.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Runs the chain over a message with CRLF line ends, not dot-stuffed.
    ///
    /// # Errors
    /// [`Refusal`] by the first filter that refuses.
    pub fn run(&self, envelope: &Envelope, mut message: Vec<u8>) -> Result<Filtered, Refusal> {
        let mut changes = Vec::new();
        for (name, filter) in &self.filters {
            match guarded(filter.as_ref(), envelope, &message) {
                Verdict::Pass => {}
                Verdict::Changed {
                    message: changed,
                    what,
                } => {
                    message = changed;
                    changes.push(format!("{name}: {what}"));
                }
                Verdict::Refuse { status, text } => {
                    return Err(Refusal {
                        filter: (*name).to_owned(),
                        status,
                        text,
                    });
                }
            }
        }
        Ok(Filtered { message, changes })
    }
}

fn build(words: &[String]) -> Result<(&'static str, Box<dyn Filter>), FilterError> {
    let names = || FILTERS.map(|(name, _)| name).join(", ");
    let Some((word, arguments)) = words.split_first() else {
        let text = format!("filter: expected the name of a filter: {}", names());
        return Err(FilterError(text));
    };
    let Some((name, build)) = FILTERS.iter().find(|(name, _)| name == word) else {
        let text = format!("filter: {word:?} is no filter; expected one of {}", names());
        return Err(FilterError(text));
    };
    let filter = build(arguments).map_err(|text| FilterError(format!("filter {name}: {text}")))?;
    Ok((name, filter))
}

/// The filter's verdict, where also its failures are refusals.
fn guarded(filter: &dyn Filter, envelope: &Envelope, message: &[u8]) -> Verdict {
    // Neither filter nor message can be left half changed: both are only read.
    let result = catch_unwind(AssertUnwindSafe(|| filter.apply(envelope, message)));
    match result {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(excess)) => Verdict::Refuse {
            status: EnhancedStatus::new(5, 6, 0),
            text: format!("the message cannot be examined: it has {excess}"),
        },
        Err(_) => Verdict::Refuse {
            status: EnhancedStatus::new(4, 3, 0),
            text: "the filter failed; the message was not examined".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::ReversePath;

    type Apply = fn(&[u8]) -> Result<Verdict, Excess>;

    struct Fake(Apply);

    impl Filter for Fake {
        fn apply(&self, _: &Envelope, message: &[u8]) -> Result<Verdict, Excess> {
            (self.0)(message)
        }
    }

    fn run(fakes: &[Apply]) -> Result<Filtered, Refusal> {
        let filter =
            |fake: &Apply| -> (&'static str, Box<dyn Filter>) { ("fake", Box::new(Fake(*fake))) };
        let chain = Chain {
            filters: fakes.iter().map(filter).collect(),
        };
        let envelope = Envelope {
            sender: ReversePath::Null,
            recipients: Vec::new(),
            eight_bit: false,
        };
        chain.run(&envelope, b"m".to_vec())
    }

    fn pass(_: &[u8]) -> Result<Verdict, Excess> {
        Ok(Verdict::Pass)
    }

    fn append(message: &[u8]) -> Result<Verdict, Excess> {
        Ok(Verdict::Changed {
            message: [message, b"+"].concat(),
            what: format!("made {} longer", message.len()),
        })
    }

    fn refuse(_: &[u8]) -> Result<Verdict, Excess> {
        Ok(Verdict::Refuse {
            status: EnhancedStatus::new(5, 7, 1),
            text: "no".to_owned(),
        })
    }

    #[test]
    fn each_filter_sees_what_the_one_before_made() {
        let filtered = run(&[append, pass, append]).expect("nobody refuses");
        assert_eq!(filtered.message, b"m++");
        assert_eq!(
            filtered.changes,
            ["fake: made 1 longer", "fake: made 2 longer"]
        );
        let filtered = run(&[]).expect("nobody refuses");
        assert_eq!(
            (filtered.message, filtered.changes),
            (b"m".to_vec(), vec![])
        );
    }

    #[test]
    fn failures_are_refusals() {
        fn panic(_: &[u8]) -> Result<Verdict, Excess> {
            panic!("on purpose")
        }
        fn excess(_: &[u8]) -> Result<Verdict, Excess> {
            Err(Excess::Depth)
        }
        let line = |fakes: &[Apply]| run(fakes).expect_err("refused").to_string();
        assert_eq!(line(&[append, refuse, panic]), "fake: 5.7.1 no");
        assert!(line(&[panic]).starts_with("fake: 4.3.0 "));
        assert!(line(&[excess]).starts_with("fake: 5.6.0 "));
    }

    #[test]
    fn bad_directives_name_filter_word_and_expectation() {
        let many = vec!["subject-tag x"; FILTERS_MAX + 1];
        for (directives, parts) in [
            (&[""][..], &["expected the name"][..]),
            (
                &["subject-tag ok", "spam"],
                &["\"spam\"", "block-attachment, header, subject-tag"],
            ),
            (&["subject-tag"], &["filter subject-tag:", "expected"]),
            (&["header"], &["filter header:", "expected"]),
            (
                &["header put X y"],
                &["filter header:", "\"put\"", "expected"],
            ),
            (
                &["header add X:Y y"],
                &["filter header:", "\"X:Y\"", "expected"],
            ),
            (&["header add X"], &["filter header:", "expected"]),
            (
                &["header remove X y"],
                &["filter header:", "\"y\"", "expected"],
            ),
            (
                &["header remove Received"],
                &["filter header:", "\"Received\""],
            ),
            (
                &["header set Content-Type a/b"],
                &["filter header:", "\"Content-Type\""],
            ),
            (
                &["header add Subject x"],
                &["filter header:", "\"Subject\"", "set"],
            ),
            (&["header remove From"], &["filter header:", "\"From\""]),
            (
                &["block-attachment"],
                &["filter block-attachment:", "expected"],
            ),
            (
                &["block-attachment a/b"],
                &["filter block-attachment:", "\"a/b\"", "expected"],
            ),
            (&many, &["100"]),
        ] {
            let split = |line: &&str| line.split_whitespace().map(str::to_owned).collect();
            let directives: Vec<Vec<String>> = directives.iter().map(split).collect();
            let error = Chain::new(&directives).err().expect("an error").to_string();
            for part in parts {
                assert!(error.contains(part), "{error:?} lacks {part:?}");
            }
            assert!(!error.contains('\n'));
        }
    }
}
