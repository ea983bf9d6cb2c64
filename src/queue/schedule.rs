//! Who is tried next: backoff, expiry and the table of due jobs, as functions of (table, now).

use std::time::Duration;

use super::{Entry, QueueId};
use crate::smtp::Host;
use crate::time::Timestamp;

/// Attempts at one destination at the same time.
pub const SLOTS_PER_HOST: usize = 10;

/// One attempt to make: the recipients of one message that share a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The message.
    pub id: QueueId,
    /// Their common host part.
    pub host: Host,
    /// Their places in the envelope.
    pub recipients: Vec<usize>,
}

/// The wait after the `attempts`-th attempt (1 for the first): doubled each time, at most `longest`, shortened by up to a quarter by `jitter` (32 random bits).
pub fn backoff(_attempts: u32, _first: Duration, _longest: Duration, _jitter: u32) -> Duration {
    todo!()
}

/// Whether a message that arrived then is given up now.
pub fn is_expired(arrived: Timestamp, retry_for: Duration, now: Timestamp) -> bool {
    now >= arrived.after(retry_for)
}

/// The jobs waiting, ready and running; the runner thread owns it.
pub struct Schedule;

impl Schedule {
    /// An empty table that runs at most `slots_per_host` jobs of one host at a time.
    pub fn new(_slots_per_host: usize) -> Self {
        todo!()
    }
    /// Enters or re-enters the pending recipients of a message, one job per host, due when its earliest recipient is; jobs that are running stay as they are.
    /// A held message is taken out.
    pub fn insert(&mut self, _entry: &Entry) {
        todo!()
    }
    /// Takes a message out; its running jobs stay until they are finished.
    pub fn remove(&mut self, _id: QueueId) {
        todo!()
    }
    /// The next job that is due and whose host has a free slot; hosts take turns. It is running from now on.
    pub fn take_due(&mut self, _now: Timestamp) -> Option<Job> {
        todo!()
    }
    /// Frees the job's slot; if recipients are still pending, [`Schedule::insert`] the entry again afterwards.
    pub fn finished(&mut self, _job: &Job) {
        todo!()
    }
    /// When [`Schedule::take_due`] will next have something to give, jobs of hosts without a free slot not counted.
    pub fn next_due(&self) -> Option<Timestamp> {
        todo!()
    }
    /// How many jobs are waiting, ready or running.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there is no job.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
