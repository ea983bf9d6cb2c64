//! The single place that turns how a recipient fared into the change that the queue records: delivered, deferred or failed.

use std::time::Duration;

use super::Reason;
use super::cause::{Cause, Verdict};
use super::decision::Record;
use crate::queue::schedule::{backoff, is_expired};
use crate::queue::{Change, Diagnosis};
use crate::time::{Timestamp, format_duration};

/// What the fate of a deferred recipient depends on.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When the message arrived.
    pub arrived: Timestamp,
    /// Attempts so far, this one not counted.
    pub attempts: u32,
    /// How long a recipient is tried.
    pub retry_for: Duration,
    /// The first wait.
    pub retry_first: Duration,
    /// The longest wait.
    pub retry_max: Duration,
    /// Now.
    pub now: Timestamp,
    /// 32 random bits.
    pub jitter: u32,
}

/// The change for one recipient whose attempt ended with this record.
pub fn change(record: &Record, patience: &Patience) -> Change {
    match record.cause.verdict() {
        Verdict::Deliver => Change::Delivered(diagnosis(record)),
        Verdict::Reject => Change::Failed(diagnosis(record)),
        Verdict::Defer if patience.is_over() => {
            Change::Failed(diagnosis(&expired(record, patience)))
        }
        Verdict::Defer => Change::Deferred {
            due: patience.next(),
            why: diagnosis(record),
        },
    }
}

impl Patience {
    fn is_over(&self) -> bool {
        is_expired(self.arrived, self.retry_for, self.now)
    }

    /// The last attempt is made when the time is up, not before and not long after.
    fn next(&self) -> Timestamp {
        let attempts = self.attempts.saturating_add(1);
        let wait = backoff(attempts, self.retry_first, self.retry_max, self.jitter);
        let end = self.arrived.after(self.retry_for);
        self.now.after(wait).min(end)
    }
}

/// G7: given up after waiting, with the last cause.
fn expired(record: &Record, patience: &Patience) -> Record {
    let waited = format_duration(patience.retry_for);
    let last = &record.cause;
    let text = format!(
        "given up after {waited}; the last cause was {} {}: {}",
        last.status, last.reason, last.text
    );
    record.clone().ended(Cause::new(Reason::Expired, text))
}

/// What the queue keeps of a record.
pub fn diagnosis(record: &Record) -> Diagnosis {
    Diagnosis {
        status: record.cause.status,
        token: record.cause.reason.token().to_owned(),
        host: record.host().to_owned(),
        text: record.to_string(),
    }
}
