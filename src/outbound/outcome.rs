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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::fakes::domain;
    use crate::outbound::{Effect, Level};
    use crate::smtp::Host;

    const MINUTE: Duration = Duration::from_secs(60);

    fn record(reason: Reason) -> Record {
        let destination = Host::Domain(domain("d.test"));
        Record::new(&destination, Level::DaneOnly, 25).ended(Cause::new(reason, "why"))
    }

    fn patience(attempts: u32, waited: Duration) -> Patience {
        let arrived = Timestamp::from_unix(1_800_000_000);
        Patience {
            arrived,
            attempts,
            retry_for: 100 * MINUTE,
            retry_first: MINUTE,
            retry_max: 30 * MINUTE,
            now: arrived.after(waited),
            jitter: 0,
        }
    }

    #[test]
    fn every_reason_has_one_fate() {
        for reason in Reason::ALL {
            let change = change(&record(*reason), &patience(0, MINUTE));
            let class = match &change {
                Change::Delivered(why) => (2, why.status.class),
                Change::Deferred { why, .. } => (4, why.status.class),
                Change::Failed(why) => (5, why.status.class),
            };
            match reason.effect() {
                Effect::Remark => assert_eq!(class.0, 4, "{reason}"),
                _ => assert_eq!(class.0, class.1, "{reason}"),
            }
        }
    }

    #[test]
    fn waits_double_and_end_when_the_time_is_up() {
        for (attempts, waited, wait) in [(0, 0, 1), (1, 1, 2), (2, 3, 4), (9, 50, 30), (9, 90, 10)]
        {
            let patience = patience(attempts, waited * MINUTE);
            let Change::Deferred { due, why } = change(&record(Reason::Connect), &patience) else {
                panic!("attempt {attempts} is not the last");
            };
            assert_eq!(due.since(patience.now), wait * MINUTE, "{attempts}");
            assert_eq!(why.token, "connect");
        }
    }

    /// G7.
    #[test]
    fn what_waited_too_long_fails_with_the_last_cause() {
        let patience = patience(9, 100 * MINUTE);
        let Change::Failed(why) = change(&record(Reason::TlsaInsecure), &patience) else {
            panic!("the time is up");
        };
        assert_eq!(
            (why.status.to_string().as_str(), why.token.as_str()),
            ("5.4.7", "expired")
        );
        assert!(
            why.text.contains("4.7.5 tlsa-insecure: why"),
            "{}",
            why.text
        );
        let delivered = change(&record(Reason::Delivered), &patience);
        assert!(matches!(delivered, Change::Delivered(_)));
    }
}
