//! Keeps connections for the next message to the same destination, so that many messages need few handshakes.
//!
//! Nothing is decided here that an attempt does not decide anew each time: it walks from the MX records to the TLSA records, and only where
//! it would connect to exactly this address with exactly this demand, for the same destination at the same level, a connection that has
//! proven just that already takes the place of a new one (rfc B8). Two domains never share one, though their mail host be the same: the
//! host would see that both have correspondents here. When the configuration is read again, no connection made before is used any more.
//!
//! One thread says QUIT on connections that nobody has wanted in time.
//!
//! next: `src/outbound/session.rs`

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::connect::{Carrier, Connect, Purpose};
use super::session::{Failure, Link, Mail, Receipt, TlsFacts};
use super::{Demand, Level, Proof, lock};
use crate::smtp::Host;
use crate::time::Deadline;

/// Connections kept in all; beyond them a connection is ended as soon as its message is through.
pub const KEPT_MAX: usize = 64;

/// How long, how often and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Wait for the next message. Servers close after minutes (RFC 5321 §4.5.3.2.7), under load after about ten seconds.
    pub(super) idle: Duration,
    /// Age at which a connection is used no more, so that what its handshake proved does not get old.
    pub(super) age: Duration,
    /// Messages over one connection; many servers have had enough after a hundred.
    pub(super) messages: u32,
    /// Connections kept for one destination: more would only hold places of the server's that others want.
    pub(super) per_destination: usize,
    /// Wait for the replies to QUIT, of all connections that are ended at the same time.
    pub(super) goodbye: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(5),
            age: Duration::from_secs(120),
            messages: 100,
            per_destination: 4,
            goodbye: Duration::from_secs(1),
        }
    }
}

/// Makes connections, or finds one that is kept.
pub(super) struct Pool {
    connector: Box<dyn Connect>,
    shelf: Arc<Shelf>,
}

/// Where connections wait.
struct Shelf {
    limits: Limits,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// In the order in which they came, so the first has waited longest.
    waiting: Vec<Kept>,
    /// How often the configuration was read again; only connections made since are kept.
    generation: u64,
    is_stopped: bool,
}

/// What must be equal for a connection to be used again.
struct Key {
    destination: Host,
    level: Level,
    address: SocketAddr,
    server_name: String,
    demand: Demand,
}

/// A connection in use, or on the shelf.
struct Kept {
    carrier: Box<dyn Carrier>,
    key: Key,
    generation: u64,
    /// When it is too old.
    ages: Deadline,
    /// When it is to be ended, unless it is used before.
    ends: Deadline,
    messages: u32,
    is_reused: bool,
}

/// A connection in use, which goes back on the shelf when it is no longer needed.
struct Loan {
    kept: Kept,
    shelf: Arc<Shelf>,
}

impl Pool {
    pub(super) fn new(connector: Box<dyn Connect>, limits: Limits) -> Self {
        Self {
            connector,
            shelf: Arc::new(Shelf {
                limits,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Ends what is kept, and keeps nothing that was made before now: the settings have changed.
    pub(super) fn renew(&self) {
        lock(&self.shelf.state).generation += 1;
        self.shelf.changed.notify_one();
    }

    /// Ends what is kept, and keeps nothing more.
    pub(super) fn stop(&self) {
        lock(&self.shelf.state).is_stopped = true;
        self.shelf.changed.notify_one();
    }

    /// The life of the thread that ends connections; until the stop.
    pub(super) fn tend(&self) {
        while let Some(over) = self.shelf.wait_for_over() {
            part(over, Deadline::after(self.shelf.limits.goodbye));
        }
    }
}

impl Connect for Pool {
    fn connect(
        &self,
        purpose: Purpose<'_>,
        link: &Link<'_>,
        demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure> {
        let key = Key::new(purpose, link, demand);
        let kept = purpose
            .may_reuse
            .then(|| self.shelf.find_sound(&key))
            .flatten();
        let kept = match kept {
            Some(kept) => kept,
            None => {
                // Before the handshake: a connection made while the settings change counts as an old one.
                let generation = lock(&self.shelf.state).generation;
                let carrier = self.connector.connect(purpose, link, demand)?;
                let ages = Deadline::after(self.shelf.limits.age);
                Kept {
                    carrier,
                    key,
                    generation,
                    ages,
                    ends: ages,
                    messages: 0,
                    is_reused: false,
                }
            }
        };
        let shelf = Arc::clone(&self.shelf);
        Ok(Box::new(Loan { kept, shelf }))
    }
}

impl Key {
    fn new(purpose: Purpose<'_>, link: &Link<'_>, demand: &Demand) -> Self {
        Self {
            destination: purpose.destination.clone(),
            level: purpose.level,
            address: link.address,
            server_name: link.server_name.to_owned(),
            demand: demand.clone(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.destination == other.destination
            && self.level == other.level
            && self.address == other.address
            && self.server_name == other.server_name
            && self.demand.is_same(&other.demand)
    }
}

impl Shelf {
    /// A connection of this kind that still can be used. Those that the server has ended meanwhile are found on the way, and closed.
    fn find_sound(&self, key: &Key) -> Option<Kept> {
        loop {
            let mut kept = self.take(key)?;
            if kept.carrier.is_idle() {
                kept.is_reused = true;
                return Some(kept);
            }
            kept.carrier.quit();
        }
    }

    /// The one used last: the others may then come to their end.
    fn take(&self, key: &Key) -> Option<Kept> {
        let mut state = lock(&self.state);
        let mut waiting = state.waiting.iter();
        let place = waiting.rposition(|kept| state.keeps(kept) && kept.key.is_same(key))?;
        Some(state.waiting.remove(place))
    }

    /// Puts a connection back, or ends it.
    fn put_back(&self, mut kept: Kept) {
        kept.ends = kept.ages.within(self.limits.idle);
        if kept.messages >= self.limits.messages || !kept.carrier.is_idle() {
            return kept.carrier.quit();
        }
        let mut state = lock(&self.state);
        if state.keeps(&kept) && self.has_room(&state, &kept.key) {
            state.waiting.push(kept);
            drop(state);
            self.changed.notify_one();
        } else {
            drop(state);
            kept.carrier.quit();
        }
    }

    fn has_room(&self, state: &State, key: &Key) -> bool {
        let waiting = state.waiting.iter();
        let same = waiting.filter(|kept| kept.key.destination == key.destination);
        state.waiting.len() < KEPT_MAX && same.count() < self.limits.per_destination
    }

    /// Waits until connections are to be ended; `None` when none is left after the stop.
    fn wait_for_over(&self) -> Option<Vec<Kept>> {
        let mut state = lock(&self.state);
        loop {
            let over = state.take_over();
            if !over.is_empty() {
                return Some(over);
            }
            if state.is_stopped {
                return None;
            }
            let ends = state.waiting.iter().map(|kept| kept.ends);
            let wait = ends.min().map_or(Deadline::LONGEST, |first| {
                first.remaining().unwrap_or_default()
            });
            let woken = self.changed.wait_timeout(state, wait);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// Whether a connection may be kept as things are.
    fn keeps(&self, kept: &Kept) -> bool {
        !self.is_stopped && kept.generation == self.generation && !kept.ends.is_over()
    }

    /// Removes those that are to be ended.
    fn take_over(&mut self) -> Vec<Kept> {
        let all = std::mem::take(&mut self.waiting).into_iter();
        let (stays, over) = all.partition(|kept| self.keeps(kept));
        self.waiting = stays;
        over
    }
}

/// Says QUIT on all of them before it waits for the first reply, so that together they take no longer than the slowest.
fn part(mut over: Vec<Kept>, by: Deadline) {
    for kept in &mut over {
        kept.carrier.say_quit(by);
    }
    for kept in over {
        kept.carrier.leave(by);
    }
}

impl Carrier for Loan {
    fn tls(&self) -> Option<&TlsFacts> {
        self.kept.carrier.tls()
    }

    fn proof(&self) -> &Proof {
        self.kept.carrier.proof()
    }

    fn is_reused(&self) -> bool {
        self.kept.is_reused
    }

    fn is_idle(&self) -> bool {
        self.kept.carrier.is_idle()
    }

    fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure> {
        self.kept.messages = self.kept.messages.saturating_add(1);
        self.kept.carrier.send(mail)
    }

    fn say_quit(&mut self, by: Deadline) {
        self.kept.carrier.say_quit(by);
    }

    fn leave(self: Box<Self>, by: Deadline) {
        self.kept.carrier.leave(by);
    }

    /// Goes back on the shelf instead.
    fn quit(self: Box<Self>) {
        self.shelf.put_back(self.kept);
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
