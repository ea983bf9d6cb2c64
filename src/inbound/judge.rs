//! Decides on one message: traces it, looks for loops, filters it, and hands it to the queue.
//!
//! The positive reply is made in one place, after [`Queue::accept`](crate::queue::Queue::accept) has returned: from then on the message is ours.
//!
//! next: `src/queue/mod.rs`

use std::net::SocketAddr;

use super::limits::HOPS_MAX;
use super::{Services, received};
use crate::filter::Refusal;
use crate::log;
use crate::message::{Field, Header};
use crate::queue::{Fault, QueueId, SpoolError};
use crate::smtp::server::Submission;
use crate::smtp::{Domain, EnhancedStatus, Envelope, Reply, ReplyCode};
use crate::time::Timestamp;

/// The reply to the message. Writes one log line, or one more for each filter that changed something.
pub(super) fn judge(
    submission: Submission,
    peer: SocketAddr,
    hostname: &Domain,
    services: &Services,
) -> Reply {
    let name = submission.client.name.clone();
    let recipients = submission.envelope.recipients.len();
    match take(submission, peer, hostname, services) {
        Ok(taken) => {
            let Taken { id, size, changes } = taken;
            log::info(format_args!(
                "inbound: client={peer} helo={name} accepted id={id} size={size} recipients={recipients}"
            ));
            for change in changes {
                log::info(format_args!("inbound: id={id} changed by {change}"));
            }
            Reply::new(
                ReplyCode::OK,
                EnhancedStatus::new(2, 0, 0),
                format!("queued as {id}"),
            )
        }
        Err(not_taken) => {
            log::info(format_args!(
                "inbound: client={peer} helo={name} refused recipients={recipients}: {not_taken}"
            ));
            not_taken.reply()
        }
    }
}

/// A message that is ours.
struct Taken {
    id: QueueId,
    size: usize,
    changes: Vec<String>,
}

/// The steps from a whole message to one that is ours.
fn take(
    submission: Submission,
    peer: SocketAddr,
    hostname: &Domain,
    services: &Services,
) -> Result<Taken, NotTaken> {
    let now = Timestamp::now();
    let trace = received::field(&submission, peer.ip(), hostname, now);
    let Submission {
        envelope, content, ..
    } = submission;
    let message = traced(&content, trace, !services.filters.is_empty())?;
    drop(content);
    let filtered = services.filters.run(&envelope, message);
    let filtered = filtered.map_err(NotTaken::Filter)?;
    let id = accept(&envelope, &filtered.message, now, services)?;
    Ok(Taken {
        id,
        size: filtered.message.len(),
        changes: filtered.changes,
    })
}

fn accept(
    envelope: &Envelope,
    message: &[u8],
    now: Timestamp,
    services: &Services,
) -> Result<QueueId, NotTaken> {
    let accepted = services.queue.accept(envelope, message, now);
    accepted.map_err(|error| {
        log::error(format_args!("inbound: {error}"));
        NotTaken::Spool(error)
    })
}

/// The message with our trace field (RFC 5321 §4.4), unless it went through too many hops (§6.3).
///
/// What is filtered gets the empty line that some messages lack: the filters and every later reader must see the same border of header and
/// body. Otherwise nothing else changes.
fn traced(content: &[u8], trace: Field<'_>, is_filtered: bool) -> Result<Vec<u8>, NotTaken> {
    let mut header = Header::parse(content).map_err(|_| NotTaken::Header)?;
    if header.find("Received").count() > HOPS_MAX {
        return Err(NotTaken::Loop);
    }
    if is_filtered {
        header.prepend(trace);
        return Ok(header.to_message());
    }
    Ok([trace.octets(), content].concat())
}

/// Why a message is not ours.
#[derive(Debug)]
enum NotTaken {
    /// A header section so large that hops cannot be counted.
    Header,
    /// Too many hops.
    Loop,
    /// A filter refused it.
    Filter(Refusal),
    /// The queue could not take it.
    Spool(SpoolError),
}

impl NotTaken {
    fn reply(&self) -> Reply {
        let (code, status, text) = match self {
            Self::Header => (
                ReplyCode::REFUSED,
                EnhancedStatus::new(5, 6, 0),
                "the header section of the message is too large",
            ),
            Self::Loop => (
                ReplyCode::TRANSACTION_FAILED,
                EnhancedStatus::new(5, 4, 6),
                "too many hops, this message goes round in circles",
            ),
            Self::Filter(refusal) => (
                code_of(refusal.status),
                refusal.status,
                refusal.text.as_str(),
            ),
            Self::Spool(error) if error.fault == Fault::Full => (
                ReplyCode::INSUFFICIENT_STORAGE,
                EnhancedStatus::new(4, 3, 1),
                "no room in the queue, try again later",
            ),
            Self::Spool(_) => (
                ReplyCode::LOCAL_ERROR,
                EnhancedStatus::new(4, 3, 0),
                "the queue cannot take the message, try again later",
            ),
        };
        Reply::new(code, status, text)
    }
}

/// The reply code for a filter's status; whatever is not clearly for ever is for now.
const fn code_of(status: EnhancedStatus) -> ReplyCode {
    match status.class {
        5 => ReplyCode::REFUSED,
        _ => ReplyCode::LOCAL_ERROR,
    }
}

/// For the log.
impl std::fmt::Display for NotTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header | Self::Loop => self.reply().fmt(f),
            Self::Filter(refusal) => refusal.fmt(f),
            // The line before has the reason.
            Self::Spool(_) => self.reply().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::FieldName;

    #[test]
    fn what_follows_the_trace_field_is_the_header_that_filters_see() {
        for (content, expected) in [
            ("", "Received: x\r\n"),
            ("A: b\r\n", "Received: x\r\nA: b\r\n"),
            ("\r\nbody\r\n", "Received: x\r\n\r\nbody\r\n"),
            (
                "A: b\r\n\r\nbody\r\n",
                "Received: x\r\nA: b\r\n\r\nbody\r\n",
            ),
            // Without the empty line some readers take further lines for fields, and others do not.
            ("body\r\n", "Received: x\r\n\r\nbody\r\n"),
            (" A: b\r\n", "Received: x\r\n\r\n A: b\r\n"),
            (
                "A: b\r\nbody\r\nC: d\r\n\r\n",
                "Received: x\r\nA: b\r\n\r\nbody\r\nC: d\r\n\r\n",
            ),
            ("From a\r\nA: b\r\n", "From a\r\nReceived: x\r\nA: b\r\n"),
        ] {
            let trace = Field::structured(&FieldName::known("Received"), "x");
            let found = traced(content.as_bytes(), trace.clone(), true).expect("few hops");
            assert_eq!(String::from_utf8_lossy(&found), expected, "{content:?}");
            let unfiltered = traced(content.as_bytes(), trace, false).expect("few hops");
            let expected = format!("Received: x\r\n{content}");
            assert_eq!(String::from_utf8_lossy(&unfiltered), expected);
        }
    }
}
