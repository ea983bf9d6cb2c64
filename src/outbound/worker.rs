//! One job from beginning to end: the attempt, then what the queue has to remember, then the report to the sender.
//!
//! The order is what makes that nothing is lost: what was delivered or waits is recorded first; the report about failed recipients is
//! taken by the queue next; only then they count as failed. A crash in between makes an attempt or a report twice, never not at all.
//! A worker that cannot record what happened tries until it can: another attempt instead would deliver twice.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::attempt::{self, Means};
use super::bounce::{self, Report};
use super::cause::Cause;
use super::connect::Connect;
use super::decision::Record;
use super::delivery::{Delivery, Waiting};
use super::outcome::{self, Patience};
use super::pool::{Limits, Pool};
use super::{Memory, Reason, Settings, lock, random};
use crate::log;
use crate::net::Breaker;
use crate::queue::schedule::Job;
use crate::queue::{Change, Diagnosis, Entry, Fault, Queue, QueueId, RecipientState, SpoolError};
use crate::resolver::Resolve;
use crate::time::{Timestamp, format_duration};

/// Attempts at a message that may end by a defect; then it is set aside for a person to look at.
const PANICS_MAX: u32 = 2;

/// Recipients in one change record: with the longest diagnosis for each it still fits the spool's format.
const CHANGES_AT_ONCE: usize = 1000;

/// First and longest wait before the queue is asked again to record something.
const INSIST_FIRST: Duration = Duration::from_millis(200);
const INSIST_MAX: Duration = Duration::from_secs(30);

/// How often a waiting worker looks whether the gateway stops.
const INSIST_STEP: Duration = Duration::from_millis(200);

/// What an attempt uses; exchanged as a whole when the configuration is read again.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) settings: Arc<Settings>,
    pub(super) resolver: Arc<dyn Resolve>,
}

impl Services {
    pub(super) fn new(settings: Settings, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            settings: Arc::new(settings),
            resolver,
        }
    }
}

/// What the scheduler and all workers share.
pub(super) struct Shared {
    pub(super) queue: Arc<Queue>,
    pub(super) services: Mutex<Services>,
    pub(super) pool: Pool,
    memory: Memory,
    /// Ends every connection when the gateway stops.
    pub(super) breaker: Breaker,
    /// Attempts end at their next step.
    pub(super) is_stopping: AtomicBool,
    /// How many attempts at a message have ended by a defect; almost always empty.
    panics: Mutex<HashMap<QueueId, u32>>,
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        queue: Arc<Queue>,
        resolver: Arc<dyn Resolve>,
        connector: Box<dyn Connect>,
    ) -> Self {
        Self {
            queue,
            services: Mutex::new(Services::new(settings, resolver)),
            pool: Pool::new(connector, Limits::default()),
            memory: Memory::default(),
            breaker: Breaker::default(),
            is_stopping: AtomicBool::new(false),
            panics: Mutex::new(HashMap::new()),
        }
    }
}

/// Makes attempts.
pub(super) struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// One job. A defect ends the attempt, not the worker.
    pub(super) fn run(&self, job: &Job) {
        if self.is_stopping() {
            return;
        }
        let Some(entry) = self.shared.queue.entry(job.id) else {
            return;
        };
        let services = lock(&self.shared.services).clone();
        // What the attempt had in hand is dropped with it; what it shares is guarded by locks that keep no half-made change.
        let attempt = AssertUnwindSafe(|| self.attempt(job, &entry, &services));
        if catch_unwind(attempt).is_ok() {
            return;
        }
        let settle = AssertUnwindSafe(|| self.survive(job, &entry, &services));
        if catch_unwind(settle).is_err() {
            log::error(format_args!("{}: two defects in one attempt", job.id));
        }
    }

    fn attempt(&self, job: &Job, entry: &Entry, services: &Services) {
        let content = || self.shared.queue.content(job.id);
        let envelope = &entry.envelope;
        let waiting = waiting(job, entry);
        let mut delivery = Delivery::new(
            job.id,
            &envelope.sender,
            envelope.eight_bit,
            &content,
            waiting,
        );
        let means = Means {
            settings: &services.settings,
            resolver: &*services.resolver,
            connector: &self.shared.pool,
            breaker: Some(&self.shared.breaker),
            memory: &self.shared.memory,
            now: Timestamp::now(),
            is_stopping: &|| self.is_stopping(),
        };
        let decision = attempt::walk(means, &job.host, &mut delivery, &mut random);
        if let Some(error) = damage(&delivery) {
            return self.set_aside(job.id, &error.to_string());
        }
        let mut fates = delivery.answered;
        let pending = delivery.pending.into_iter();
        fates.extend(pending.map(|waiting| (waiting.index, decision.for_unanswered())));
        self.settle(entry, &fates, services);
    }

    /// After a defect: the recipients wait, and after the second one a person has to look.
    fn survive(&self, job: &Job, entry: &Entry, services: &Services) {
        let count = {
            let mut panics = lock(&self.shared.panics);
            let count = panics.entry(job.id).or_default();
            *count += 1;
            *count
        };
        if count >= PANICS_MAX {
            lock(&self.shared.panics).remove(&job.id);
            return self.set_aside(
                job.id,
                "every attempt at it ends by a defect of this program",
            );
        }
        let rule = services.settings.policies.rule(&job.host);
        let port = rule.port.unwrap_or(services.settings.smtp_port);
        let cause = Cause::new(
            Reason::Internal,
            "the attempt ended by a defect of this program",
        );
        let record = Record::new(&job.host, rule.level, port).ended(cause);
        log::error(format_args!("{}: {}", job.id, record.log_line()));
        let fates: Vec<(usize, Record)> = waiting(job, entry)
            .into_iter()
            .map(|waiting| (waiting.index, record.clone()))
            .collect();
        self.settle(entry, &fates, services);
    }

    fn set_aside(&self, id: QueueId, why: &str) {
        // On success the queue logs where to find it.
        self.insist(|| self.shared.queue.set_aside(id, why));
    }

    /// Records what became of the recipients, and tells the sender about those that failed.
    fn settle(&self, entry: &Entry, fates: &[(usize, Record)], services: &Services) {
        let now = Timestamp::now();
        let changes = fates
            .iter()
            // A stopped attempt is none: it is made at the next start.
            .filter(|(_, record)| record.cause.reason != Reason::Stopped)
            .map(|(index, record)| {
                (
                    *index,
                    outcome::change(record, &self.patience(entry, *index, now)),
                )
            });
        let is_failure = |change: &(usize, Change)| matches!(change.1, Change::Failed(_));
        let (failed, others): (Vec<_>, Vec<_>) = changes.partition(is_failure);
        self.apply(entry.id, &others);
        log_deferred(entry, &others);
        if !failed.is_empty() {
            self.report(entry, &failed, &services.settings);
            self.apply(entry.id, &failed);
        }
        if self.shared.queue.entry(entry.id).is_none() {
            lock(&self.shared.panics).remove(&entry.id);
            let stay = format_duration(Timestamp::now().since(entry.arrived));
            log::info(format_args!("{}: finished after {stay}", entry.id));
        }
    }

    fn patience(&self, entry: &Entry, index: usize, now: Timestamp) -> Patience {
        let settings = self.shared.queue.settings();
        let recipient = entry.recipients.get(index);
        Patience {
            arrived: entry.arrived,
            attempts: recipient.map_or(0, |recipient| recipient.attempts),
            retry_for: settings.retry_for,
            retry_first: settings.retry_first,
            retry_max: settings.retry_max,
            now,
            jitter: random(),
        }
    }

    fn apply(&self, id: QueueId, changes: &[(usize, Change)]) {
        for some in changes.chunks(CHANGES_AT_ONCE) {
            self.insist(|| self.shared.queue.apply(id, some));
        }
    }

    /// Hands the report about failed recipients to the queue, before they count as failed.
    fn report(&self, entry: &Entry, failed: &[(usize, Change)], settings: &Settings) {
        let failed: Vec<(usize, Diagnosis)> = failed
            .iter()
            .filter_map(|(index, change)| match change {
                Change::Failed(diagnosis) => Some((*index, diagnosis.clone())),
                Change::Delivered(_) | Change::Deferred { .. } => None,
            })
            .collect();
        // Without the content the report lacks the header section, and is worth sending all the same.
        let content = self.shared.queue.content(entry.id).unwrap_or_default();
        let now = Timestamp::now();
        let report = bounce::build(&Report {
            reporting_mta: &settings.hostname,
            entry,
            failed: &failed,
            content: &content,
            now,
            unique: u64::from(random()) << 32 | u64::from(random()),
        });
        let count = failed.len();
        let Some((envelope, content)) = report else {
            return log::warning(format_args!(
                "{}: failed for {}; it has no sender to be told",
                entry.id,
                recipients(count)
            ));
        };
        if let Some(id) = self.insist(|| self.shared.queue.accept(&envelope, &content, now)) {
            log::warning(format_args!(
                "{}: failed for {}; the report to the sender is {id}",
                entry.id,
                recipients(count)
            ));
        }
    }

    /// Asks the queue until it does it; `None` when it never will, or the gateway stops.
    fn insist<T>(&self, action: impl Fn() -> Result<T, SpoolError>) -> Option<T> {
        let mut wait = INSIST_FIRST;
        loop {
            let error = match action() {
                Ok(done) => return Some(done),
                Err(error) => error,
            };
            match error.fault {
                Fault::NoSuchMessage | Fault::Damaged | Fault::Refused => {
                    log::error(format_args!("outbound: {error}"));
                    return None;
                }
                Fault::System | Fault::Full | Fault::Locked => {}
            }
            log::error(format_args!(
                "outbound: {error}; trying again in {}",
                format_duration(wait)
            ));
            if !self.sleep(wait) {
                return None;
            }
            wait = wait.saturating_mul(2).min(INSIST_MAX);
        }
    }

    /// Sleeps unless the gateway stops; says whether it may go on.
    fn sleep(&self, wait: Duration) -> bool {
        let mut left = wait;
        while !left.is_zero() && !self.is_stopping() {
            let step = left.min(INSIST_STEP);
            thread::sleep(step);
            left = left.saturating_sub(step);
        }
        !self.is_stopping()
    }

    fn is_stopping(&self) -> bool {
        self.shared.is_stopping.load(Ordering::Relaxed)
    }
}

/// The job's recipients that still wait.
fn waiting(job: &Job, entry: &Entry) -> Vec<Waiting> {
    let places = job.recipients.iter();
    let pending = places.filter_map(|index| {
        let recipient = entry.recipients.get(*index)?;
        (recipient.state == RecipientState::Pending).then(|| Waiting {
            index: *index,
            mailbox: recipient.mailbox.clone(),
        })
    });
    pending.collect()
}

/// Content that is not what was written cannot become better by waiting.
fn damage<'a>(delivery: &'a Delivery<'_>) -> Option<&'a SpoolError> {
    let error = delivery.unreadable.as_ref();
    error.filter(|error| error.fault == Fault::Damaged)
}

fn log_deferred(entry: &Entry, changes: &[(usize, Change)]) {
    let due = changes.iter().filter_map(|(_, change)| match change {
        Change::Deferred { due, .. } => Some(*due),
        Change::Delivered(_) | Change::Failed(_) => None,
    });
    let (count, first) = (due.clone().count(), due.min());
    if let Some(first) = first {
        log::info(format_args!(
            "{}: {} waiting, the next attempt is at {first}",
            entry.id,
            recipients(count)
        ));
    }
}

fn recipients(count: usize) -> String {
    match count {
        1 => "1 recipient".to_owned(),
        _ => format!("{count} recipients"),
    }
}
