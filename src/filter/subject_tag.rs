//! `subject-tag TEXT`: puts a text in front of the subject, unless it is there already, perhaps behind `Re:` and its likes.
//!
//! The subject that was there keeps its octets. A text outside ASCII is written as encoded-words. A message without subject gets one.

use super::{Filter, Verdict};
use crate::message::limits::LINE_PREFERRED;
use crate::message::{Excess, Field, FieldName, Header, encoded_word, header};
use crate::smtp::Envelope;

/// Octets of the tag, so that it fits a line even if each octet takes three.
const TAG_MAX: usize = 250;

const SUBJECT: &str = "Subject";

struct SubjectTag {
    tag: String,
}

/// Builds the filter from the words after its name.
pub(super) fn build(words: &[String]) -> Result<Box<dyn Filter>, String> {
    let tag = words.join(" ").trim().to_owned();
    let is_legal = (1..=TAG_MAX).contains(&tag.len()) && !tag.contains(char::is_control);
    match is_legal {
        true => Ok(Box::new(SubjectTag { tag })),
        false => Err(format!(
            "expected a text of 1 to {TAG_MAX} octets without control characters"
        )),
    }
}

impl Filter for SubjectTag {
    fn apply(&self, _: &Envelope, message: &[u8]) -> Result<Verdict, Excess> {
        let mut header = Header::parse(message)?;
        if header.find(SUBJECT).next().is_none() {
            header.prepend(Field::text(&FieldName::known("Subject"), &self.tag));
            return Ok(Verdict::Changed {
                message: header.to_message(),
                what: "added a subject, which was missing".to_owned(),
            });
        }
        if header.find(SUBJECT).all(|subject| self.is_in(subject)) {
            return Ok(Verdict::Pass);
        }
        // There should be one; of several, readers show the first or the last.
        header.change(|field| match field.is(SUBJECT) && !self.is_in(&field) {
            true => Some(self.put_in(&field)),
            false => Some(field),
        });
        Ok(Verdict::Changed {
            message: header.to_message(),
            what: "tagged the subject".to_owned(),
        })
    }
}

impl SubjectTag {
    /// Whether the subject begins with the tag, not counting marks of replies.
    fn is_in(&self, subject: &Field<'_>) -> bool {
        let decoded = encoded_word::decode(&subject.value()).text;
        let mut text = decoded.trim_start();
        while !text.starts_with(&self.tag) {
            match without_reply_mark(text) {
                Some(rest) => text = rest.trim_start(),
                None => return false,
            }
        }
        true
    }

    fn put_in(&self, subject: &Field<'_>) -> Field<'static> {
        let value = subject.raw_value();
        let value = value.trim_ascii_start();
        let mut words = encoded_word::encode(&self.tag);
        let is_encoded = |word: &[u8]| word.starts_with(b"=?");
        if is_encoded(value) && words.last().is_some_and(|w| is_encoded(w.as_bytes())) {
            // Blanks between encoded-words are not shown, so this one goes into the tag's.
            words = encoded_word::encode_whole(&format!("{} ", self.tag));
        }
        let mut line = format!("{SUBJECT}:");
        header::fold_words(&mut line, &words);
        let mut tagged = line.split_off(SUBJECT.len() + 1).into_bytes();
        if !value.is_empty() {
            let column = tagged
                .rsplit(|octet| *octet == b'\n')
                .next()
                .map_or(0, <[u8]>::len);
            let first_line = value
                .split(|octet| *octet == b'\r')
                .next()
                .map_or(0, <[u8]>::len);
            if SUBJECT.len() + column + first_line > LINE_PREFERRED {
                tagged.extend_from_slice(b"\r\n");
            }
            tagged.push(b' ');
            tagged.extend_from_slice(value);
        }
        subject.with_raw_value(&tagged)
    }
}

/// The text behind a mark like `Re:`, `AW:`, `Fwd:` or `Re[2]:`: up to four letters, perhaps a number in brackets, a colon.
fn without_reply_mark(text: &str) -> Option<&str> {
    const LETTERS_MAX: usize = 4;
    let (mark, rest) = text.split_once(':')?;
    let word = match mark.trim_end().strip_suffix(']') {
        Some(inner) => {
            let (word, number) = inner.split_once('[')?;
            if !number.bytes().all(|octet| octet.is_ascii_digit()) {
                return None;
            }
            word
        }
        None => mark.trim_end(),
    };
    let letters = word.chars().count();
    let is_mark = (1..=LETTERS_MAX).contains(&letters) && word.chars().all(char::is_alphabetic);
    is_mark.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Chain;
    use crate::smtp::ReversePath;

    /// The message after the filter, and whether it says that it changed it.
    fn run(tag: &str, message: &str) -> (String, bool) {
        let words = vec!["subject-tag".to_owned(), tag.to_owned()];
        let chain = Chain::new(&[words]).expect("a filter");
        let envelope = Envelope {
            sender: ReversePath::Null,
            recipients: Vec::new(),
            eight_bit: false,
        };
        let filtered = chain
            .run(&envelope, message.as_bytes().to_vec())
            .expect("no refusal");
        let changed = !filtered.changes.is_empty();
        (String::from_utf8(filtered.message).expect("UTF-8"), changed)
    }

    #[test]
    fn subjects_get_the_tag_once() {
        for (tag, before, after) in [
            ("[ext]", "Subject: hello\r\n", "Subject: [ext] hello\r\n"),
            ("[ext]", "subject:hello\r\n", "subject: [ext] hello\r\n"),
            (
                "[ext]",
                "Subject:\r\n hello\r\n there\r\n",
                "Subject: [ext] hello\r\n there\r\n",
            ),
            ("[ext]", "Subject:\r\n", "Subject: [ext]\r\n"),
            (
                "[ext]",
                "Subject: Re: hello\r\n",
                "Subject: [ext] Re: hello\r\n",
            ),
            (
                "[ext]",
                "Subject: not [ext]\r\n",
                "Subject: [ext] not [ext]\r\n",
            ),
            (
                "[ext]",
                "Subject: Invitation: [ext]\r\n",
                "Subject: [ext] Invitation: [ext]\r\n",
            ),
            (
                "[ext]",
                "Subject: =?utf-8?q?=C3=BC?=\r\n",
                "Subject: [ext] =?utf-8?q?=C3=BC?=\r\n",
            ),
            ("ä", "Subject: x\r\n", "Subject: =?utf-8?q?=C3=A4?= x\r\n"),
            (
                "ä",
                "Subject: =?utf-8?q?=C3=BC?=\r\n",
                "Subject: =?utf-8?q?=C3=A4_?= =?utf-8?q?=C3=BC?=\r\n",
            ),
            (
                "a b",
                "Subject: x\r\nsubject: a b y\r\n",
                "Subject: a b x\r\nsubject: a b y\r\n",
            ),
            ("[ext]", "X: y\r\n", "Subject: [ext]\r\nX: y\r\n"),
        ] {
            let before = format!("{before}\r\nSubject: body\r\n");
            let after = format!("{after}\r\nSubject: body\r\n");
            assert_eq!(run(tag, &before), (after.clone(), true));
            assert_eq!(run(tag, &after), (after, false), "once is enough");
        }
    }

    #[test]
    fn subjects_that_have_the_tag_pass() {
        for (tag, subject) in [
            ("[ext]", "[ext] hello"),
            ("[ext]", "[ext]"),
            ("[ext]", "Re: [ext] hello"),
            ("[ext]", "AW: Re[2]: Fwd : [ext] hello"),
            ("[ext]", "RE:[ext]hello"),
            ("[ext]", "=?utf-8?q?Re=3A_=5Bext=5D_=C3=BC?="),
            ("ä", "=?iso-8859-1?q?=E4_x?="),
            ("a: b", "a: b c"),
        ] {
            let message = format!("Subject: {subject}\r\n\r\n");
            assert_eq!(run(tag, &message), (message, false));
        }
    }

    #[test]
    fn lines_stay_short() {
        let subject = "x".repeat(70);
        let (message, _) = run("[external mail]", &format!("Subject: {subject}\r\n\r\n"));
        assert_eq!(
            message,
            format!("Subject: [external mail]\r\n {subject}\r\n\r\n")
        );
        let long = "ä".repeat(125);
        let (message, _) = run(&long, "Subject: x\r\n\r\n");
        assert!(message.is_ascii() && message.lines().all(|line| line.len() <= 78));
        assert_eq!(run(&long, &message), (message.clone(), false));
    }
}
