//! The typed records of the spool and their octets.

use core::net::IpAddr;
use std::fmt;

use super::{Diagnosis, QueueId, RecipientState};
use crate::bytes::Reader;
use crate::smtp::{Domain, EnhancedStatus, Envelope, Host, Mailbox, ReversePath};
use crate::time::Timestamp;

/// One record; an accept record is followed by the message's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A message is ours.
    Accept(Accept),
    /// Recipients of a message stand elsewhere now.
    Change(Changed),
    /// A person stopped (`true`) or released a message.
    Hold(QueueId, bool),
    /// Nothing is left to do for a message.
    Gone(QueueId),
}

/// A message is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accept {
    pub(super) id: QueueId,
    pub(super) arrived: Timestamp,
    pub(super) envelope: Envelope,
}

/// Where some recipients of a message stand now; absolute, so that playing it twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) id: QueueId,
    pub(super) recipients: Vec<RecipientChange>,
}

/// Where one recipient stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecipientChange {
    pub(super) index: u32,
    pub(super) state: RecipientState,
    pub(super) attempts: u32,
    pub(super) due: Timestamp,
    pub(super) last: Option<Diagnosis>,
}

/// Why octets are not a record: what was expected, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DecodeError {
    pub(super) offset: usize,
    pub(super) expected: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: expected {}", self.offset, self.expected)
    }
}

const ACCEPT: u8 = 1;
const CHANGE: u8 = 2;
const HOLD: u8 = 3;
const GONE: u8 = 4;

impl Record {
    /// The message it is about.
    pub(super) const fn id(&self) -> QueueId {
        match self {
            Self::Accept(accept) => accept.id,
            Self::Change(changed) => changed.id,
            Self::Hold(id, _) | Self::Gone(id) => *id,
        }
    }

    /// The number that tells the kinds apart in a frame's header.
    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Accept(_) => ACCEPT,
            Self::Change(_) => CHANGE,
            Self::Hold(..) => HOLD,
            Self::Gone(_) => GONE,
        }
    }

    /// The record's octets; `None` if a text or list is too long for the layout.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut out = self.id().0.to_be_bytes().to_vec();
        match self {
            Self::Accept(accept) => push_accept(&mut out, accept)?,
            Self::Change(changed) => {
                let count = u32::try_from(changed.recipients.len()).ok()?;
                out.extend_from_slice(&count.to_be_bytes());
                for recipient in &changed.recipients {
                    push_recipient(&mut out, recipient)?;
                }
            }
            Self::Hold(_, held) => out.push(u8::from(*held)),
            Self::Gone(_) => {}
        }
        Some(out)
    }

    /// Reads a record of that kind; every octet must belong to it.
    ///
    /// # Errors
    /// [`DecodeError`] with the first octet that makes no sense.
    pub(super) fn decode(kind: u8, octets: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder {
            rest: Reader::new(octets),
        };
        let id = QueueId(decoder.u64("a queue id")?);
        let record = match kind {
            ACCEPT => Self::Accept(decoder.accept(id)?),
            CHANGE => Self::Change(decoder.changed(id)?),
            HOLD => Self::Hold(id, decoder.flag()?),
            GONE => Self::Gone(id),
            _ => return Err(decoder.error("a known kind of record")),
        };
        match decoder.rest.len() {
            0 => Ok(record),
            _ => Err(decoder.error("the end of the record")),
        }
    }
}

fn push_accept(out: &mut Vec<u8>, accept: &Accept) -> Option<()> {
    let envelope = &accept.envelope;
    out.extend_from_slice(&accept.arrived.millis().to_be_bytes());
    out.push(u8::from(envelope.eight_bit));
    match &envelope.sender {
        ReversePath::Null => out.push(0),
        ReversePath::Mailbox(mailbox) => {
            out.push(1);
            push_mailbox(out, mailbox)?;
        }
    }
    let count = u32::try_from(envelope.recipients.len()).ok()?;
    out.extend_from_slice(&count.to_be_bytes());
    for mailbox in &envelope.recipients {
        push_mailbox(out, mailbox)?;
    }
    Some(())
}

fn push_mailbox(out: &mut Vec<u8>, mailbox: &Mailbox) -> Option<()> {
    push_text(out, &mailbox.local)?;
    match &mailbox.host {
        Host::Domain(domain) => {
            out.push(0);
            push_text(out, domain.as_str())?;
        }
        Host::Literal(IpAddr::V4(address)) => {
            out.push(4);
            out.extend_from_slice(&address.octets());
        }
        Host::Literal(IpAddr::V6(address)) => {
            out.push(6);
            out.extend_from_slice(&address.octets());
        }
    }
    Some(())
}

fn push_recipient(out: &mut Vec<u8>, recipient: &RecipientChange) -> Option<()> {
    out.extend_from_slice(&recipient.index.to_be_bytes());
    out.push(match recipient.state {
        RecipientState::Pending => 0,
        RecipientState::Delivered => 1,
        RecipientState::Failed => 2,
    });
    out.extend_from_slice(&recipient.attempts.to_be_bytes());
    out.extend_from_slice(&recipient.due.millis().to_be_bytes());
    out.push(u8::from(recipient.last.is_some()));
    if let Some(diagnosis) = &recipient.last {
        out.push(diagnosis.status.class);
        out.extend_from_slice(&diagnosis.status.subject.to_be_bytes());
        out.extend_from_slice(&diagnosis.status.detail.to_be_bytes());
        push_text(out, &diagnosis.token)?;
        push_text(out, &diagnosis.host)?;
        push_text(out, &diagnosis.text)?;
    }
    Some(())
}

/// Appends a text with a 16-bit length before it; `None`, and nothing appended, if it is too long.
fn push_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let length = u16::try_from(text.len()).ok()?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}

struct Decoder<'a> {
    rest: Reader<'a>,
}

/// The shortest recipient of an accept record, and of a change record, in octets; a count that promises more than fits is a lie.
const MAILBOX_MIN: usize = 5;
const RECIPIENT_MIN: usize = 18;

impl Decoder<'_> {
    fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError {
            offset: self.rest.position(),
            expected,
        }
    }

    fn u8(&mut self, expected: &'static str) -> Result<u8, DecodeError> {
        self.rest.u8().ok_or_else(|| self.error(expected))
    }

    fn u16(&mut self, expected: &'static str) -> Result<u16, DecodeError> {
        self.rest.u16().ok_or_else(|| self.error(expected))
    }

    fn u32(&mut self, expected: &'static str) -> Result<u32, DecodeError> {
        self.rest.u32().ok_or_else(|| self.error(expected))
    }

    fn u64(&mut self, expected: &'static str) -> Result<u64, DecodeError> {
        self.rest.u64().ok_or_else(|| self.error(expected))
    }

    /// A text with a 16-bit length before it.
    fn text(&mut self, expected: &'static str) -> Result<String, DecodeError> {
        let mut ahead = self.rest;
        let text = ahead
            .u16()
            .and_then(|length| ahead.octets(usize::from(length)))
            .and_then(|octets| std::str::from_utf8(octets).ok())
            .ok_or_else(|| self.error(expected))?;
        self.rest = ahead;
        Ok(text.to_owned())
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.u8("a flag")? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.error("a flag of 0 or 1")),
        }
    }

    /// A count of items that take at least `least` octets each.
    fn count(&mut self, least: usize) -> Result<usize, DecodeError> {
        let count = self.u32("a count")?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len() / least)
            .ok_or_else(|| self.error("as many items as the count says"))
    }

    fn accept(&mut self, id: QueueId) -> Result<Accept, DecodeError> {
        let arrived = Timestamp::from_millis(self.u64("the time of arrival")?);
        let eight_bit = self.flag()?;
        let sender = match self.flag()? {
            false => ReversePath::Null,
            true => ReversePath::Mailbox(self.mailbox()?),
        };
        let recipients = (0..self.count(MAILBOX_MIN)?)
            .map(|_| self.mailbox())
            .collect::<Result<_, _>>()?;
        let envelope = Envelope {
            sender,
            recipients,
            eight_bit,
        };
        Ok(Accept {
            id,
            arrived,
            envelope,
        })
    }

    fn mailbox(&mut self) -> Result<Mailbox, DecodeError> {
        let local = self.text("a local part")?;
        let host = match self.u8("a kind of host")? {
            0 => {
                let text = self.text("a domain")?;
                Host::Domain(Domain::parse(&text).map_err(|_| self.error("a domain"))?)
            }
            4 => Host::Literal(self.address::<4>()?),
            6 => Host::Literal(self.address::<16>()?),
            _ => return Err(self.error("a known kind of host")),
        };
        Ok(Mailbox { local, host })
    }

    fn address<const N: usize>(&mut self) -> Result<IpAddr, DecodeError>
    where
        IpAddr: From<[u8; N]>,
    {
        let octets = self.rest.array::<N>();
        octets
            .map(IpAddr::from)
            .ok_or_else(|| self.error("an address"))
    }

    fn changed(&mut self, id: QueueId) -> Result<Changed, DecodeError> {
        let recipients = (0..self.count(RECIPIENT_MIN)?)
            .map(|_| self.recipient())
            .collect::<Result<_, _>>()?;
        Ok(Changed { id, recipients })
    }

    fn recipient(&mut self) -> Result<RecipientChange, DecodeError> {
        Ok(RecipientChange {
            index: self.u32("a recipient's index")?,
            state: match self.u8("a state")? {
                0 => RecipientState::Pending,
                1 => RecipientState::Delivered,
                2 => RecipientState::Failed,
                _ => return Err(self.error("a known state")),
            },
            attempts: self.u32("a count of attempts")?,
            due: Timestamp::from_millis(self.u64("a due time")?),
            last: match self.flag()? {
                false => None,
                true => Some(self.diagnosis()?),
            },
        })
    }

    fn diagnosis(&mut self) -> Result<Diagnosis, DecodeError> {
        let class = self.u8("a status class")?;
        let subject = self.u16("a status subject")?;
        let detail = self.u16("a status detail")?;
        Ok(Diagnosis {
            status: EnhancedStatus::new(class, subject, detail),
            token: self.text("a reason token")?,
            host: self.text("a host")?,
            text: self.text("a text")?,
        })
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
