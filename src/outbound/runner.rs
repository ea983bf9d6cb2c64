//! Who is tried next, and by which worker: one scheduler thread, and workers that make one attempt at a time.
//!
//! The scheduler owns the table of jobs and touches neither network nor disk. It hands due jobs to idle workers, starting workers up to
//! `workers`, and enters a message again when its job is finished. The queue on disk is the truth: at start every message in it is
//! entered, so a restart continues where the last run stopped.
//!
//! next: `src/outbound/worker.rs`

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::connect::{Connect, Network};
use super::worker::{Services, Shared, Worker};
use super::{Settings, lock};
use crate::log;
use crate::queue::schedule::{Job, SLOTS_PER_HOST, Schedule};
use crate::queue::{Queue, QueueId};
use crate::resolver::Resolve;
use crate::time::{Deadline, Timestamp};

/// Longest sleep of the scheduler: a wall clock that was set meanwhile is noticed that soon.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Sleep while jobs are due but no worker is free and none can be started; a finished job ends it earlier.
const SLEEP_BLOCKED: Duration = Duration::from_secs(1);

/// Stack of a thread: several times what a TLS handshake takes.
const STACK: usize = 1 << 20;

/// The running scheduler and its delivery workers.
pub struct Outbound {
    shared: Arc<Shared>,
    events: Sender<Event>,
    scheduler: JoinHandle<()>,
}

/// What wakes the scheduler.
enum Event {
    /// The queue took a message.
    Accepted(QueueId),
    /// A worker is done with a job.
    Finished(Job),
    /// There may be more workers now.
    Reloaded,
    /// No further job; this much time for those that are running.
    Stop(Duration),
}

impl Outbound {
    /// Starts the scheduler's thread, which starts workers as they are needed, and the one that ends idle connections.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        settings: Settings,
        queue: Arc<Queue>,
        resolver: Arc<dyn Resolve>,
    ) -> io::Result<Self> {
        Self::start_with(settings, queue, resolver, Box::new(Network))
    }

    /// As [`Outbound::start`], with another way to make connections.
    ///
    /// # Errors
    /// As [`Outbound::start`].
    pub fn start_with(
        settings: Settings,
        queue: Arc<Queue>,
        resolver: Arc<dyn Resolve>,
        connector: Box<dyn Connect>,
    ) -> io::Result<Self> {
        let (events, received) = mpsc::channel();
        let accepted = events.clone();
        queue.on_accept(Box::new(move |id| {
            // After a stop nobody listens, and the next start finds the message in the queue.
            let _ = accepted.send(Event::Accepted(id));
        }));
        let shared = Arc::new(Shared::new(settings, queue, resolver, connector));
        let tended = Arc::clone(&shared);
        let tender = spawn("connections", move || tended.pool.tend())?;
        let scheduler = Scheduler::new(Arc::clone(&shared), events.clone(), received);
        let scheduler = spawn("scheduler", move || scheduler.run(tender));
        let scheduler = scheduler.inspect_err(|_| shared.pool.stop())?;
        Ok(Self {
            shared,
            events,
            scheduler,
        })
    }

    /// Attempts from now on use these, and connections made from now on.
    pub fn reload(&self, settings: Settings, resolver: Arc<dyn Resolve>) {
        *lock(&self.shared.services) = Services::new(settings, resolver);
        self.shared.pool.renew();
        // Only a scheduler that has ended does not listen.
        let _ = self.events.send(Event::Reloaded);
    }

    /// Takes no further job, lets running attempts finish within `grace`, then breaks their connections, and joins every thread.
    ///
    /// A look-up or a TCP connection that is under way ends by its own time limit.
    pub fn stop(self, grace: Duration) {
        // Only a scheduler that has ended does not listen.
        let _ = self.events.send(Event::Stop(grace));
        if self.scheduler.join().is_err() {
            log::error("outbound: the scheduler had ended by a defect");
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(STACK).spawn(body)
}

struct Scheduler {
    shared: Arc<Shared>,
    schedule: Schedule,
    received: Receiver<Event>,
    /// For the workers.
    events: Sender<Event>,
    jobs: Sender<Job>,
    offered: Arc<Mutex<Receiver<Job>>>,
    workers: Vec<JoinHandle<()>>,
    busy: usize,
}

impl Scheduler {
    fn new(shared: Arc<Shared>, events: Sender<Event>, received: Receiver<Event>) -> Self {
        let (jobs, offered) = mpsc::channel();
        Self {
            shared,
            schedule: Schedule::new(SLOTS_PER_HOST),
            received,
            events,
            jobs,
            offered: Arc::new(Mutex::new(offered)),
            workers: Vec::new(),
            busy: 0,
        }
    }

    /// `tender` is the thread that ends idle connections.
    fn run(mut self, tender: JoinHandle<()>) {
        for entry in self.shared.queue.entries() {
            self.schedule.insert(&entry);
        }
        loop {
            let sleep = self.hand_out();
            match self.received.recv_timeout(sleep) {
                Ok(Event::Stop(grace)) => return self.stop(grace, tender),
                Ok(event) => self.take_in(event),
                Err(RecvTimeoutError::Timeout) => {}
                // Not while this thread itself holds a sender.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Gives due jobs to free workers; says how long to sleep unless something happens.
    fn hand_out(&mut self) -> Duration {
        loop {
            let now = Timestamp::now();
            let Some(due) = self.schedule.next_due() else {
                return SLEEP_MAX;
            };
            if due > now {
                return due.since(now).min(SLEEP_MAX);
            }
            if !self.has_free_worker() {
                return SLEEP_BLOCKED;
            }
            if let Some(job) = self.schedule.take_due(now) {
                self.busy += 1;
                // The receiver lives as long as this thread.
                let _ = self.jobs.send(job);
            }
        }
    }

    fn has_free_worker(&mut self) -> bool {
        let most = lock(&self.shared.services).settings.workers.max(1);
        if self.busy >= most {
            return false;
        }
        self.busy < self.workers.len() || self.start_worker()
    }

    fn start_worker(&mut self) -> bool {
        let worker = Worker::new(Arc::clone(&self.shared));
        let (offered, events) = (Arc::clone(&self.offered), self.events.clone());
        match spawn("delivery", move || serve(&worker, &offered, &events)) {
            Ok(handle) => {
                self.workers.push(handle);
                true
            }
            Err(error) => {
                log::error(format_args!(
                    "outbound: the system refuses a further delivery thread: {error}"
                ));
                false
            }
        }
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::Accepted(id) => self.enter(id),
            Event::Finished(job) => {
                self.busy = self.busy.saturating_sub(1);
                self.schedule.finished(&job);
                self.enter(job.id);
            }
            Event::Reloaded | Event::Stop(_) => {}
        }
    }

    fn enter(&mut self, id: QueueId) {
        if let Some(entry) = self.shared.queue.entry(id) {
            self.schedule.insert(&entry);
        }
    }

    fn stop(self, grace: Duration, tender: JoinHandle<()>) {
        let Self {
            shared,
            received,
            jobs,
            workers,
            mut busy,
            ..
        } = self;
        // Idle workers end now, the others after their job.
        drop(jobs);
        shared.pool.stop();
        let deadline = Deadline::after(grace);
        while busy > 0 {
            let Some(left) = deadline.remaining() else {
                break;
            };
            match received.recv_timeout(left) {
                Ok(Event::Finished(_)) => busy -= 1,
                Ok(Event::Accepted(_) | Event::Reloaded | Event::Stop(_)) => {}
                Err(_) => break,
            }
        }
        shared.is_stopping.store(true, Ordering::Relaxed);
        // Idle connections are ended in a moment; breaking them would be rude.
        if tender.join().is_err() {
            log::error("outbound: the thread that ends idle connections had ended by a defect");
        }
        shared.breaker.break_all();
        for worker in workers {
            if worker.join().is_err() {
                log::error("outbound: a delivery thread had ended by a defect");
            }
        }
    }
}

/// The life of a worker thread: one job after the other, until none can come any more.
fn serve(worker: &Worker, offered: &Mutex<Receiver<Job>>, events: &Sender<Event>) {
    loop {
        let job = lock(offered).recv();
        let Ok(job) = job else {
            return;
        };
        worker.run(&job);
        if events.send(Event::Finished(job)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
