//! The errand of a delivery: hands one message over on each connection until every recipient has an answer.
//!
//! When a recipient's mail goes to the next host, and when it does not:
//!
//! | what happened | recipients |
//! |---|---|
//! | 2yz to the content | delivered |
//! | 5yz to MAIL, RCPT, DATA or the content | failed |
//! | 4yz to RCPT, DATA or the content | wait: the domain's servers share their opinion of a recipient (RFC 5321 §4.2.1) |
//! | 4yz to MAIL, 421 to anything; connection lost before the content was sent whole | next host (rfc S13): a server that closes has no opinion |
//! | connection lost, or no reply to be understood, after it | wait: the server may have taken the message, the next one would deliver it twice (RFC 1047 §2) |
//!
//! next: `src/outbound/outcome.rs`

use super::attempt::{Ended, Errand, Next};
use super::cause::Cause;
use super::connect::Carrier;
use super::decision::Record;
use super::facts::Asked;
use super::session::{Failure, Mail, Phase, Receipt};
use super::{Effect, Reason};
use crate::log;
use crate::queue::{QueueId, SpoolError};
use crate::smtp::{Mailbox, Reply, ReplyCode, ReversePath};

/// One message for the recipients of one destination.
pub struct Delivery<'a> {
    /// For the log.
    pub id: QueueId,
    /// Reverse-path.
    pub sender: &'a ReversePath,
    /// Whether the message came in with `BODY=8BITMIME`.
    pub eight_bit: bool,
    /// Reads the content; only called once a server is ready for it.
    pub content: &'a dyn Fn() -> Result<Vec<u8>, SpoolError>,
    /// Recipients without an answer yet.
    pub pending: Vec<Waiting>,
    /// Recipients with an answer, each with the record of the host that gave it.
    pub answered: Vec<(usize, Record)>,
    /// Why the content could not be read.
    pub unreadable: Option<SpoolError>,
    /// Answers of the connection whose record is to come.
    current: Vec<(usize, Cause)>,
    loaded: Option<Vec<u8>>,
}

/// A recipient without an answer yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the envelope.
    pub index: usize,
    /// Forward-path.
    pub mailbox: Mailbox,
}

impl<'a> Delivery<'a> {
    /// A delivery that has not begun.
    pub const fn new(
        id: QueueId,
        sender: &'a ReversePath,
        eight_bit: bool,
        content: &'a dyn Fn() -> Result<Vec<u8>, SpoolError>,
        pending: Vec<Waiting>,
    ) -> Self {
        Self {
            id,
            sender,
            eight_bit,
            content,
            pending,
            answered: Vec::new(),
            unreadable: None,
            current: Vec::new(),
            loaded: None,
        }
    }

    fn load(&mut self) -> Result<(), Cause> {
        if self.loaded.is_none() {
            let content = (self.content)().map_err(|error| {
                let cause = Cause::new(Reason::Internal, format!("{error}"));
                self.unreadable = Some(error);
                cause
            })?;
            self.loaded = Some(content);
        }
        Ok(())
    }

    fn send(&mut self, carrier: &mut dyn Carrier) -> Result<Vec<Receipt>, Failure> {
        let recipients: Vec<Mailbox> = self
            .pending
            .iter()
            .map(|waiting| waiting.mailbox.clone())
            .collect();
        carrier.send(&Mail {
            sender: self.sender,
            recipients: &recipients,
            eight_bit: self.eight_bit,
            content: self.loaded.as_deref().unwrap_or_default(),
        })
    }

    /// Sorts the receipts into answers and recipients for the next host.
    fn sort(&mut self, receipts: Vec<Receipt>) -> Ended {
        let mut summary = Summary::default();
        let waiting = std::mem::take(&mut self.pending);
        for (waiting, receipt) in waiting.into_iter().zip(receipts) {
            let goes_on = matches!(&receipt, Err(failure) if is_for_next_host(failure));
            let cause = match receipt {
                Ok(reply) => summary.taken_over(&reply),
                Err(failure) => summary.refused(&failure),
            };
            match goes_on {
                true => self.pending.push(waiting),
                false => self.current.push((waiting.index, cause)),
            }
        }
        let next = match self.pending.is_empty() {
            true => Next::Enough,
            false => Next::Host,
        };
        Ended {
            phase: summary.phase(),
            cause: summary.cause(),
            next,
        }
    }

    /// What a failure means that concerns every recipient.
    fn fail(&mut self, failure: &Failure) -> Ended {
        let cause = Cause::from(failure);
        let next = match is_for_next_host(failure) {
            true => Next::Host,
            false => {
                let waiting = self.pending.drain(..);
                self.current
                    .extend(waiting.map(|waiting| (waiting.index, cause.clone())));
                Next::Enough
            }
        };
        Ended {
            cause,
            phase: failure.phase,
            next,
        }
    }
}

impl Errand for Delivery<'_> {
    fn asked(&mut self, asked: &Asked) {
        log::debug(format_args!("{}: {asked}", self.id));
    }

    fn connected(&mut self, mut carrier: Box<dyn Carrier>) -> Ended {
        if let Err(cause) = self.load() {
            carrier.quit();
            return Ended {
                cause,
                phase: Phase::Data,
                next: Next::Enough,
            };
        }
        let ended = match self.send(&mut *carrier) {
            Ok(receipts) => self.sort(receipts),
            Err(failure) => self.fail(&failure),
        };
        carrier.quit();
        ended
    }

    fn attempted(&mut self, record: &Record) {
        let line = format!("{}: {}", self.id, record.log_line());
        let is_delivered = record.cause.reason.effect() == Effect::Delivered;
        match is_delivered && !record.remarks.contains(&Reason::DaneLost) {
            true => log::info(line),
            false => log::warning(line),
        }
        let current = self.current.drain(..);
        let answers = current.map(|(index, cause)| (index, record.clone().ended(cause)));
        self.answered.extend(answers);
    }

    fn noticed(&mut self, text: &str) {
        let text = match log::shows_domains() {
            true => text,
            false => "an exception is used, or needed no longer",
        };
        log::warning(format_args!("{}: {text}", self.id));
    }
}

/// Whether the recipients concerned are to be tried at the next host.
fn is_for_next_host(failure: &Failure) -> bool {
    let reply = failure.reply.as_ref();
    let is_closing = reply.is_some_and(|reply| reply.code == ReplyCode::NOT_AVAILABLE);
    match failure.phase {
        _ if is_closing => true,
        Phase::Recipient | Phase::Data if failure.reason == Reason::RemoteTransient => false,
        Phase::FinalDot => false,
        _ => failure.reason.effect() == Effect::NextHost,
    }
}

/// What one connection came to, for its record.
#[derive(Default)]
struct Summary {
    delivered: Option<Cause>,
    refused: Option<(Cause, Phase)>,
    taken: usize,
    all: usize,
}

impl Summary {
    fn taken_over(&mut self, reply: &Reply) -> Cause {
        let status = reply.enhanced.filter(|status| status.class == 2);
        let cause = Cause {
            status: status.unwrap_or(Reason::Delivered.status()),
            ..Cause::new(Reason::Delivered, format!("the server said \"{reply}\""))
        };
        self.all += 1;
        self.taken += 1;
        self.delivered.get_or_insert_with(|| cause.clone());
        cause
    }

    fn refused(&mut self, failure: &Failure) -> Cause {
        let cause = Cause::from(failure);
        self.all += 1;
        self.refused
            .get_or_insert_with(|| (cause.clone(), failure.phase));
        cause
    }

    /// A connection that took the message over for anybody came to the end.
    fn phase(&self) -> Phase {
        match (&self.delivered, &self.refused) {
            (None, Some((_, phase))) => *phase,
            _ => Phase::FinalDot,
        }
    }

    /// A success if anything was taken over; then the text also names the first refusal.
    fn cause(self) -> Cause {
        match (self.delivered, self.refused) {
            (Some(taken), None) => taken,
            (None, Some((refused, _))) => refused,
            (None, None) => Cause::new(Reason::Internal, "there was no recipient"),
            (Some(taken), Some((refused, _))) => Cause {
                text: format!(
                    "{} of {} recipients were taken, {}; of the others the first: {} {}",
                    self.taken, self.all, taken.text, refused.status, refused.text
                ),
                ..taken
            },
        }
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
