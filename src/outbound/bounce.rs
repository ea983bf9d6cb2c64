//! Builds the report that tells a sender which recipients did not get his message, and why (RFC 3464, RFC 6522).
//!
//! Three parts: words for people; fields for programs; the header section of the message. All of it is ASCII, so it goes through any server.
//! The report's own reverse-path is the null one, and it says that no person wrote it (RFC 3834), so nobody answers it.
//!
//! Limitation: no DSN extension (RFC 3461), so there is no original recipient or envelope id to repeat.

mod advice;

use crate::message::encoded_word;
use crate::message::transfer::{encode_quoted_printable, is_seven_bit};
use crate::message::{Field, FieldName, Header, date};
use crate::queue::{Diagnosis, Entry, Recipient};
use crate::smtp::{Domain, Envelope, Mailbox, ReversePath};
use crate::time::Timestamp;

/// Octets of the failed message's header section that are repeated; enough for any honest one.
const HEADER_REPEATED_MAX: usize = 64 << 10;

/// What a report is made of.
pub struct Report<'a> {
    /// Our name.
    pub reporting_mta: &'a Domain,
    /// The message that failed, as the queue knows it.
    pub entry: &'a Entry,
    /// Which recipients failed (their places in `entry.recipients`), and why.
    pub failed: &'a [(usize, Diagnosis)],
    /// The message that failed; only its header section is read.
    pub content: &'a [u8],
    /// Now.
    pub now: Timestamp,
    /// A number used for no other report of this moment; makes the Message-ID and the boundary unique.
    pub unique: u64,
}

/// The report as a message for the queue: null reverse-path, the original sender as its one recipient, content with CRLF line ends.
///
/// `None` where the failed message has the null reverse-path itself (nobody is to be told, RFC 5321 §4.5.5), and where nobody failed.
pub fn build(report: &Report) -> Option<(Envelope, Vec<u8>)> {
    let sender = report.entry.envelope.sender.mailbox()?;
    let failed = report.failures();
    let (first, _) = failed.first()?;
    let original = header_to_repeat(report.content);
    let boundary = format!("=_{}-{:x}", report.entry.id, report.unique);
    let mut out = report.header(sender, &first.mailbox, &original, &boundary);
    let human = report.human_part(&failed, &original);
    let status = report.status_part(&failed);
    for part in [human, status, original_part(&original)] {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(&part);
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let envelope = Envelope {
        sender: ReversePath::Null,
        recipients: vec![sender.clone()],
        eight_bit: false,
    };
    Some((envelope, out))
}

type Failed<'a> = (&'a Recipient, &'a Diagnosis);

impl<'a> Report<'a> {
    fn failures(&self) -> Vec<Failed<'a>> {
        let failed = self.failed.iter();
        let found = failed.filter_map(|(place, why)| {
            let recipient = self.entry.recipients.get(*place)?;
            Some((recipient, why))
        });
        found.collect()
    }

    /// The report's own header section with the empty line.
    fn header(
        &self,
        sender: &Mailbox,
        first: &Mailbox,
        original: &[Field<'_>],
        boundary: &str,
    ) -> Vec<u8> {
        let host = self.reporting_mta;
        let (now, id) = (self.now, self.entry.id);
        let subject = match self.failed.len() {
            1 => format!("Undelivered: your message to {first}"),
            count => format!("Undelivered: your message to {count} recipients"),
        };
        let mut fields = vec![
            ("Date", date::format(now)),
            ("From", format!("Mail gateway <MAILER-DAEMON@{host}>")),
            ("To", sender.to_string()),
            ("Subject", subject),
            (
                "Message-ID",
                format!("<{}.{:x}.{id}@{host}>", now.millis(), self.unique),
            ),
            ("Auto-Submitted", "auto-replied".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            (
                "Content-Type",
                format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\""),
            ),
        ];
        if let Some(message_id) = message_id(original) {
            fields.push(("In-Reply-To", message_id.clone()));
            fields.push(("References", message_id));
        }
        section(fields)
    }

    /// The words for people.
    fn human_part(&self, failed: &[Failed<'_>], original: &[Field<'_>]) -> Vec<u8> {
        let Self {
            reporting_mta: host,
            entry,
            ..
        } = self;
        let mut text = Paragraphs::default();
        text.add(0, &format!("This is the mail gateway {host}."));
        text.add(
            0,
            &format!(
                "Your message{} could not be delivered to:",
                subject_in_words(original)
            ),
        );
        for same in failed.chunk_by(|(_, one), (_, other)| one == other) {
            for (recipient, _) in same {
                text.add(4, &format!("<{}>", recipient.mailbox));
            }
            let Some((_, why)) = same.first() else {
                continue;
            };
            let advice = advice::find(&why.token);
            text.add(8, advice.what);
            text.add(8, &format!("What can be done: {}", advice.remedy));
            text.add(
                8,
                &format!("Record: {} [{}] {}", why.status, why.token, why.text),
            );
        }
        text.add(0, "Nothing more is tried for this. Recipients that are not listed here are not concerned.");
        text.add(
            0,
            &format!(
                "The gateway took the message on {} as {}. It sends mail only over encrypted connections to servers that DNSSEC and DANE \
                 prove to be the right ones. Questions go to <postmaster@{host}>.",
                date::format(entry.arrived),
                entry.id
            ),
        );
        text_part(
            "text/plain; charset=utf-8",
            "What happened",
            text.0.as_bytes(),
        )
    }

    /// The fields for programs (RFC 3464 §2.2, §2.3).
    fn status_part(&self, failed: &[Failed<'_>]) -> Vec<u8> {
        let mut out = section([
            ("Content-Type", "message/delivery-status".to_owned()),
            ("Content-Description", "Status".to_owned()),
        ]);
        out.extend(section([
            ("Reporting-MTA", format!("dns; {}", self.reporting_mta)),
            ("Arrival-Date", date::format(self.entry.arrived)),
        ]));
        for (recipient, why) in failed {
            out.extend(section(self.recipient_fields(recipient, why)));
        }
        out
    }

    fn recipient_fields(
        &self,
        recipient: &Recipient,
        why: &Diagnosis,
    ) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("Final-Recipient", format!("rfc822; {}", recipient.mailbox)),
            ("Action", "failed".to_owned()),
            ("Status", why.status.to_string()),
        ];
        if let Ok(host) = Domain::parse(&why.host) {
            fields.push(("Remote-MTA", format!("dns; {host}")));
        }
        if !why.text.is_empty() {
            let text = in_short_words(&why.text);
            fields.push((
                "Diagnostic-Code",
                format!("x-gateway; [{}] {text}", why.token),
            ));
        }
        fields.push(("Last-Attempt-Date", date::format(self.now)));
        fields
    }
}

/// Fields and the empty line behind them.
fn section(fields: impl IntoIterator<Item = (&'static str, String)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        let field = Field::structured(&FieldName::known(name), &value);
        out.extend_from_slice(field.octets());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Octets of a word in a field for programs: lines can be folded between words only.
const WORD_MAX: usize = 200;

/// The text in words that fit a line.
fn in_short_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    for character in text.chars() {
        length = if character == ' ' { 0 } else { length + 1 };
        if length > WORD_MAX {
            out.push(' ');
            length = 1;
        }
        out.push(character);
    }
    out
}

/// Paragraphs of text with CRLF line ends, an empty line between two.
#[derive(Default)]
struct Paragraphs(String);

/// Columns of a line for people.
const COLUMNS: usize = 76;

impl Paragraphs {
    /// Adds a paragraph with every line indented by some blanks; words longer than a line stay whole.
    fn add(&mut self, indent: usize, text: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        let blanks = " ".repeat(indent);
        let mut column = 0;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            if column > 0 && column + 1 + width > COLUMNS {
                self.0.push_str("\r\n");
                column = 0;
            }
            let before = if column == 0 { blanks.as_str() } else { " " };
            self.0.push_str(before);
            self.0.push_str(word);
            column += before.len() + width;
        }
        self.0.push_str("\r\n");
    }
}

/// A part of text in the form that fits: as it is, or quoted-printable. The latter never holds our boundary (RFC 2045 §6.7), so text that looks like a
/// delimiter takes that form.
fn text_part(media_type: &str, description: &str, text: &[u8]) -> Vec<u8> {
    let has_hyphens = text.starts_with(b"--") || text.windows(3).any(|octets| octets == b"\n--");
    let is_plain = is_seven_bit(text) && !has_hyphens;
    let encoding = if is_plain { "7bit" } else { "quoted-printable" };
    let mut out = section([
        ("Content-Type", media_type.to_owned()),
        ("Content-Transfer-Encoding", encoding.to_owned()),
        ("Content-Description", description.to_owned()),
    ]);
    match is_plain {
        true => out.extend_from_slice(text),
        false => out.extend(encode_quoted_printable(text)),
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The header section of the failed message (RFC 6522 §4).
fn original_part(original: &[Field<'_>]) -> Vec<u8> {
    let octets: Vec<u8> = original.iter().flat_map(Field::octets).copied().collect();
    text_part(
        "text/rfc822-headers",
        "Header section of the message",
        &octets,
    )
}

/// The fields that are repeated: those that are whole within the limit.
fn header_to_repeat(content: &[u8]) -> Vec<Field<'_>> {
    let start = content.get(..HEADER_REPEATED_MAX);
    let Ok(header) = Header::parse(start.unwrap_or(content)) else {
        return Vec::new();
    };
    let mut fields = header.fields().to_vec();
    let is_cut = start.is_some() && header.body().is_empty();
    if is_cut {
        fields.pop();
    }
    fields
}

/// Octets of a Message-ID that is repeated; real ones have up to 200.
const MESSAGE_ID_MAX: usize = 500;

/// The Message-ID of the failed message, if it is one.
fn message_id(original: &[Field<'_>]) -> Option<String> {
    let field = original.iter().find(|field| field.is("Message-ID"))?;
    let text = String::from_utf8(field.value()).ok()?;
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    let is_plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>');
    let is_id = inner.bytes().all(is_plain) && inner.contains('@') && text.len() <= MESSAGE_ID_MAX;
    is_id.then_some(text)
}

/// Characters of the subject that are repeated for people.
const SUBJECT_SHOWN_MAX: usize = 150;

/// ` "the subject"`, or nothing.
fn subject_in_words(original: &[Field<'_>]) -> String {
    let field = original.iter().find(|field| field.is("Subject"));
    let text = field.map(|field| encoded_word::decode(&field.value()).text);
    let shown = text.map(|text| {
        let visible = text.chars().filter(|c| !c.is_control());
        visible.take(SUBJECT_SHOWN_MAX).collect::<String>()
    });
    match shown {
        Some(subject) if !subject.trim().is_empty() => format!(" \"{}\"", subject.trim()),
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "bounce_tests.rs"]
mod tests;
