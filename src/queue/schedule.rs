//! Who is tried next: backoff, expiry and the table of due jobs, as functions of (table, now).
//!
//! A job is one attempt for the recipients of one message that share a host; at most one job of a (message, host) pair exists at a time.
//! Its way: waiting (its due time is to come) → ready (due, in its host's line) → running (taken, holds one of the host's slots) → finished.
//! A job leaves its host's line in the order of due times; hosts with a ready job and a free slot take turns, so a slow destination with
//! a long line costs the others nothing. Every step is O(log n) in the number of jobs; a step from waiting to ready is paid once per job.
//!
//! Limitation: fairness is between destinations, not between senders.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::{Entry, QueueId, RecipientState};
use crate::smtp::Host;
use crate::time::Timestamp;

/// Attempts at one destination at the same time: enough for throughput, few enough not to look like an attack (Postfix's default is 20).
pub const SLOTS_PER_HOST: usize = 10;

/// One attempt to make: the recipients of one message that share a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The message.
    pub id: QueueId,
    /// Their common host part.
    pub host: Host,
    /// Their places in the envelope, ascending.
    pub recipients: Vec<usize>,
}

/// The wait after the `attempts`-th attempt (1 for the first): `first`, doubled each time, at most `longest`, then
/// shortened by up to a quarter by `jitter` (32 random bits), so that messages deferred together do not come back together.
pub fn backoff(attempts: u32, first: Duration, longest: Duration, jitter: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    let full = first.saturating_mul(1 << doublings).min(longest);
    let cut = (full.as_millis() / 4).saturating_mul(u128::from(jitter)) >> 32;
    full.saturating_sub(Duration::from_millis(u64::try_from(cut).unwrap_or(0)))
}

/// Whether a message that arrived then is given up now.
pub fn is_expired(arrived: Timestamp, retry_for: Duration, now: Timestamp) -> bool {
    now >= arrived.after(retry_for)
}

/// The jobs waiting, ready and running; the runner thread owns it.
pub struct Schedule {
    slots_per_host: usize,
    tasks: BTreeMap<QueueId, BTreeMap<Host, Task>>,
    waiting: BTreeSet<(Timestamp, QueueId, Host)>,
    lines: BTreeMap<Host, Line>,
    /// Hosts with a ready job and a free slot, each once, in the order of their turns.
    turns: VecDeque<Host>,
    count: usize,
}

struct Task {
    due: Timestamp,
    recipients: Vec<(usize, Timestamp)>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Ready,
    Running,
}

#[derive(Default)]
struct Line {
    ready: BTreeSet<(Timestamp, QueueId)>,
    running: usize,
    has_turn: bool,
}

impl Schedule {
    /// An empty table that runs at most `slots_per_host` jobs of one host at a time.
    pub fn new(slots_per_host: usize) -> Self {
        Self {
            slots_per_host: slots_per_host.max(1),
            tasks: BTreeMap::new(),
            waiting: BTreeSet::new(),
            lines: BTreeMap::new(),
            turns: VecDeque::new(),
            count: 0,
        }
    }

    /// Enters or re-enters the pending recipients of a message, one job per host, due when its earliest recipient is; jobs that are running stay as they are.
    /// A held message is taken out.
    pub fn insert(&mut self, entry: &Entry) {
        self.remove(entry.id);
        if entry.held {
            return;
        }
        let mut hosts: BTreeMap<&Host, Vec<(usize, Timestamp)>> = BTreeMap::new();
        for (index, recipient) in entry.recipients.iter().enumerate() {
            if recipient.state == RecipientState::Pending {
                let host = hosts.entry(&recipient.mailbox.host).or_default();
                host.push((index, recipient.due));
            }
        }
        for (host, recipients) in hosts {
            self.insert_task(entry.id, host, recipients);
        }
    }

    fn insert_task(&mut self, id: QueueId, host: &Host, recipients: Vec<(usize, Timestamp)>) {
        let Some(due) = recipients.iter().map(|(_, due)| *due).min() else {
            return;
        };
        let tasks = self.tasks.entry(id).or_default();
        if tasks.contains_key(host) {
            return;
        }
        let task = Task {
            due,
            recipients,
            stage: Stage::Waiting,
        };
        tasks.insert(host.clone(), task);
        self.waiting.insert((due, id, host.clone()));
        self.count += 1;
    }

    /// Takes a message out; its running jobs stay until they are finished.
    pub fn remove(&mut self, id: QueueId) {
        let Some(tasks) = self.tasks.remove(&id) else {
            return;
        };
        let mut running = BTreeMap::new();
        for (host, task) in tasks {
            match task.stage {
                Stage::Waiting => {
                    self.waiting.remove(&(task.due, id, host));
                    self.count -= 1;
                }
                Stage::Ready => {
                    self.leave_line(&host, task.due, id);
                    self.count -= 1;
                }
                Stage::Running => {
                    running.insert(host, task);
                }
            }
        }
        if !running.is_empty() {
            self.tasks.insert(id, running);
        }
    }

    fn leave_line(&mut self, host: &Host, due: Timestamp, id: QueueId) {
        if let Some(line) = self.lines.get_mut(host) {
            line.ready.remove(&(due, id));
        }
        self.drop_empty_line(host);
    }

    /// Forgets a host without jobs, unless its turn is still to be struck out.
    fn drop_empty_line(&mut self, host: &Host) {
        let is_empty = |line: &Line| line.ready.is_empty() && line.running == 0 && !line.has_turn;
        if self.lines.get(host).is_some_and(is_empty) {
            self.lines.remove(host);
        }
    }

    /// The next job that is due and whose host has a free slot; hosts take turns. It is running from now on.
    ///
    /// Only recipients due by now are in it; the others come back with the next [`Schedule::insert`] after it has finished.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Job> {
        self.line_up(now);
        while let Some(host) = self.turns.pop_front() {
            let taken = self.take_from(&host);
            self.give_turn(&host);
            self.drop_empty_line(&host);
            if let Some(id) = taken {
                return self.start(id, host, now);
            }
        }
        None
    }

    /// Moves what has become due from the waiting jobs into the lines of their hosts.
    fn line_up(&mut self, now: Timestamp) {
        while self.waiting.first().is_some_and(|(due, ..)| *due <= now) {
            let Some((due, id, host)) = self.waiting.pop_first() else {
                return;
            };
            if let Some(task) = self.task(id, &host) {
                task.stage = Stage::Ready;
            }
            let line = self.lines.entry(host.clone()).or_default();
            line.ready.insert((due, id));
            self.give_turn(&host);
        }
    }

    fn take_from(&mut self, host: &Host) -> Option<QueueId> {
        let line = self.lines.get_mut(host)?;
        line.has_turn = false;
        let (_, id) = line.ready.pop_first()?;
        line.running += 1;
        Some(id)
    }

    /// Puts a host at the end of the turns if it has a ready job, a free slot and no turn yet.
    fn give_turn(&mut self, host: &Host) {
        let Some(line) = self.lines.get_mut(host) else {
            return;
        };
        if !line.ready.is_empty() && line.running < self.slots_per_host && !line.has_turn {
            line.has_turn = true;
            self.turns.push_back(host.clone());
        }
    }

    fn start(&mut self, id: QueueId, host: Host, now: Timestamp) -> Option<Job> {
        let task = self.task(id, &host)?;
        task.stage = Stage::Running;
        let is_due = |(index, due): &(usize, Timestamp)| (*due <= now).then_some(*index);
        let recipients = task.recipients.iter().filter_map(is_due).collect();
        Some(Job {
            id,
            host,
            recipients,
        })
    }

    fn task(&mut self, id: QueueId, host: &Host) -> Option<&mut Task> {
        self.tasks.get_mut(&id)?.get_mut(host)
    }

    /// Frees the job's slot; if recipients are still pending, [`Schedule::insert`] the entry again afterwards.
    pub fn finished(&mut self, job: &Job) {
        if self
            .task(job.id, &job.host)
            .is_none_or(|task| task.stage != Stage::Running)
        {
            return;
        }
        if let Some(tasks) = self.tasks.get_mut(&job.id) {
            tasks.remove(&job.host);
            if tasks.is_empty() {
                self.tasks.remove(&job.id);
            }
        }
        self.count -= 1;
        if let Some(line) = self.lines.get_mut(&job.host) {
            line.running = line.running.saturating_sub(1);
        }
        self.give_turn(&job.host);
        self.drop_empty_line(&job.host);
    }

    /// When to call [`Schedule::take_due`] again; ready jobs of hosts without a free slot do not count, [`Schedule::finished`] is their signal.
    pub fn next_due(&self) -> Option<Timestamp> {
        let mut ready = self.turns.iter().filter_map(|host| {
            let line = self.lines.get(host)?;
            line.ready.first().map(|(due, _)| *due)
        });
        // A ready job was due before any waiting one; which of the ready ones is all the same to the caller.
        ready
            .next()
            .or_else(|| self.waiting.first().map(|(due, ..)| *due))
    }

    /// How many jobs are waiting, ready or running.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no job.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
