//! `header add NAME VALUE…`, `header set NAME VALUE…`, `header remove NAME`: changes fields of the header section.
//!
//! `add` puts a field on top, also if there are others of that name; `set` leaves exactly one field of that name, in the place of the first;
//! `remove` leaves none. Names count in any case. The words of a value are joined by one blank; text outside ASCII is written as
//! encoded-words, which fits unstructured fields and display names. Everything else keeps its octets.
//!
//! Not to be touched: trace fields, which tell the way of the message (RFC 5321 §4.4), and the fields that say how to read the body, since a
//! filter that ran before has judged the body as they described it.

use super::{Filter, Verdict};
use crate::message::limits::LINE_MAX;
use crate::message::{Excess, Field, FieldName, Header};
use crate::smtp::Envelope;

/// Octets of a value's words joined; the configuration's lines are not much longer.
const VALUE_MAX: usize = 4096;

/// Octets of one word, so that no line that cannot be folded grows beyond the limit of a line, even if each octet takes three.
const WORD_MAX: usize = (LINE_MAX - 100) / 3;

/// Trace fields, and the field that says that there are fields that say how to read the body; those (`Content-…`) are protected too.
const PROTECTED: [&str; 3] = ["Received", "Return-Path", "MIME-Version"];

/// Fields of which a message has at most one (RFC 5322 §3.6).
const SINGLE: [&str; 11] = [
    "Date",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
];

/// Fields that a message must have (RFC 5322 §3.6).
const REQUIRED: [&str; 2] = ["Date", "From"];

enum Action {
    Add(Field<'static>),
    Set(Field<'static>),
    Remove,
}

struct HeaderFilter {
    name: FieldName,
    action: Action,
}

/// Builds the filter from the words after its name.
pub(super) fn build(words: &[String]) -> Result<Box<dyn Filter>, String> {
    let [verb, name, value @ ..] = words else {
        return Err("expected 'add NAME VALUE', 'set NAME VALUE' or 'remove NAME'".to_owned());
    };
    let name = FieldName::parse(name).map_err(|_| {
        format!(
            "{name:?} is no field name; expected up to 77 printable ASCII characters without colon"
        )
    })?;
    if is_one_of(&name, &PROTECTED) || starts_with_content(&name) {
        return Err(format!(
            "the field \"{name}\" tells the way of the message or how to read it; expected another one"
        ));
    }
    let action = match verb.as_str() {
        "add" if is_one_of(&name, &SINGLE) => {
            return Err(format!("a message has one \"{name}\"; expected 'set'"));
        }
        "remove" if is_one_of(&name, &REQUIRED) => {
            return Err(format!("a message must have \"{name}\"; expected 'set'"));
        }
        "add" => Action::Add(field(&name, value)?),
        "set" => Action::Set(field(&name, value)?),
        "remove" => match value.first() {
            None => Action::Remove,
            Some(word) => {
                return Err(format!(
                    "{word:?} is one word too many; expected 'remove NAME'"
                ));
            }
        },
        _ => {
            return Err(format!(
                "{verb:?} is unknown; expected 'add', 'set' or 'remove'"
            ));
        }
    };
    Ok(Box::new(HeaderFilter { name, action }))
}

fn is_one_of(name: &FieldName, names: &[&str]) -> bool {
    names.iter().any(|n| n.eq_ignore_ascii_case(name.as_str()))
}

fn starts_with_content(name: &FieldName) -> bool {
    let start = name.as_str().get(..8);
    start.is_some_and(|start| start.eq_ignore_ascii_case("content-"))
}

fn field(name: &FieldName, words: &[String]) -> Result<Field<'static>, String> {
    let value = words.join(" ");
    if value.trim().is_empty() {
        return Err(format!("expected a value for the field \"{name}\""));
    }
    let is_too_long = value.len() > VALUE_MAX || value.split(' ').any(|w| w.len() > WORD_MAX);
    if is_too_long || value.contains(char::is_control) {
        return Err(format!(
            "this is no value for the field \"{name}\"; expected at most {VALUE_MAX} octets, in words of at most {WORD_MAX}, no control characters"
        ));
    }
    Ok(Field::text(name, value.trim()))
}

impl Filter for HeaderFilter {
    fn apply(&self, _: &Envelope, message: &[u8]) -> Result<Verdict, Excess> {
        let mut header = Header::parse(message)?;
        let name = self.name.as_str();
        let before = header.find(name).count();
        let what = match &self.action {
            Action::Add(field) => {
                header.prepend(field.clone());
                format!("added {name}")
            }
            Action::Remove if before == 0 => return Ok(Verdict::Pass),
            Action::Remove => {
                header.change(|field| (!field.is(name)).then_some(field));
                format!("removed {name} ({before} of them)")
            }
            Action::Set(field) if before == 0 => {
                header.prepend(field.clone());
                format!("set {name}, which was missing")
            }
            Action::Set(wanted) => {
                let is_set = header
                    .find(name)
                    .all(|field| field.value() == wanted.value());
                if before == 1 && is_set {
                    return Ok(Verdict::Pass);
                }
                let mut wanted = Some(wanted.clone());
                header.change(|field| {
                    if field.is(name) {
                        wanted.take()
                    } else {
                        Some(field)
                    }
                });
                format!("set {name} ({before} before)")
            }
        };
        Ok(Verdict::Changed {
            message: header.to_message(),
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Chain;
    use crate::smtp::ReversePath;

    fn run(words: &[&str], message: &str) -> (String, Vec<String>) {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let chain = Chain::new(&[words]).expect("a filter");
        let envelope = Envelope {
            sender: ReversePath::Null,
            recipients: Vec::new(),
            eight_bit: false,
        };
        let filtered = chain
            .run(&envelope, message.as_bytes().to_vec())
            .expect("no refusal");
        let message = String::from_utf8(filtered.message).expect("UTF-8");
        (message, filtered.changes)
    }

    const MESSAGE: &str =
        "Received: x\r\nX-A: 1\r\nx-a: 2\r\n more\r\nSubject: s\r\n\r\nX-A: body\r\n";

    #[test]
    fn fields_change_and_nothing_else_does() {
        let rest = "Subject: s\r\n\r\nX-A: body\r\n";
        for (words, message, change) in [
            (
                &["header", "add", "X-B", "some", "words"][..],
                format!("X-B: some words\r\n{MESSAGE}"),
                Some("header: added X-B"),
            ),
            (
                &["header", "set", "X-a", "3"],
                format!("Received: x\r\nX-a: 3\r\n{rest}"),
                Some("header: set X-a (2 before)"),
            ),
            (
                &["header", "set", "X-B", "Grüße"],
                format!("X-B: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n{MESSAGE}"),
                Some("header: set X-B, which was missing"),
            ),
            (&["header", "set", "subject", "s"], MESSAGE.to_owned(), None),
            (
                &["header", "remove", "X-A"],
                format!("Received: x\r\n{rest}"),
                Some("header: removed X-A (2 of them)"),
            ),
            (&["header", "remove", "X-B"], MESSAGE.to_owned(), None),
        ] {
            let (found, changes) = run(words, MESSAGE);
            assert_eq!(found, message, "{words:?}");
            let changes: Vec<_> = changes.iter().map(String::as_str).collect();
            assert_eq!(changes, Vec::from_iter(change));
        }
    }

    #[test]
    fn messages_without_header_get_one() {
        assert_eq!(
            run(&["header", "add", "X", "y"], "text").0,
            "X: y\r\n\r\ntext"
        );
        assert_eq!(
            run(&["header", "add", "X", "y"], "\r\ntext").0,
            "X: y\r\n\r\ntext"
        );
        assert_eq!(run(&["header", "add", "X", "y"], "").0, "X: y\r\n");
    }

    #[test]
    fn values_cannot_break_out() {
        let build = |value: &str| build(&["add".into(), "X".into(), value.to_owned()]);
        for value in [
            "",
            "  ",
            "a\r\nBcc: b",
            "a\nb",
            "a\0",
            &"x".repeat(400),
            &"x ".repeat(4000),
        ] {
            assert!(build(value).is_err(), "{value:?}");
        }
        let long = "wörter ".repeat(300);
        let (message, _) = run(&["header", "add", "X", &long], MESSAGE);
        assert!(message.is_ascii() && message.lines().all(|line| line.len() <= 78));
    }
}
