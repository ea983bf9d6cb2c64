//! Lets threads that ask the same at the same time ask once: the first one asks, the others wait for what it finds.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::LookupErrorKind;
use super::cache::Outcome;
use crate::dns::{Name, RecordType};
use crate::time::Deadline;

type Key = (Name, RecordType);

/// The questions under way; at most one per thread that asks.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Key, Arc<Flight>>>);

/// One question under way.
#[derive(Default)]
struct Flight {
    state: Mutex<State>,
    landed: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    UnderWay,
    /// What was found; nothing if the thread that asked failed.
    Over(Option<Outcome>),
}

impl Flights {
    /// What `ask` finds, or another thread that is asking the same already.
    ///
    /// One that ran out of its own time says nothing about ours: then we ask after all.
    pub(super) fn share(
        &self,
        key: &Key,
        deadline: Deadline,
        ask: impl Fn() -> Outcome,
    ) -> Outcome {
        let (flight, is_ours) = self.board(key);
        if is_ours {
            let mut landing = Landing {
                flights: self,
                key,
                flight: &flight,
                outcome: None,
            };
            let outcome = ask();
            landing.outcome = Some(outcome.clone());
            return outcome;
        }
        match flight.wait(deadline) {
            Some(outcome) if !is_out_of_time(&outcome) => outcome,
            _ => ask(),
        }
    }

    /// The flight for this question, and whether it is this thread that has to ask.
    fn board(&self, key: &Key) -> (Arc<Flight>, bool) {
        let mut flights = lock(&self.0);
        if let Some(flight) = flights.get(key) {
            return (Arc::clone(flight), false);
        }
        let flight = Arc::new(Flight::default());
        flights.insert(key.clone(), Arc::clone(&flight));
        (flight, true)
    }
}

impl Flight {
    /// What is found by the deadline.
    fn wait(&self, deadline: Deadline) -> Option<Outcome> {
        let mut state = lock(&self.state);
        loop {
            if let State::Over(outcome) = &*state {
                return outcome.clone();
            }
            let left = deadline.remaining()?;
            let waited = self.landed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Ends a flight when dropped, so that nobody waits for a thread that has failed.
struct Landing<'a> {
    flights: &'a Flights,
    key: &'a Key,
    flight: &'a Flight,
    outcome: Option<Outcome>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        lock(&self.flights.0).remove(self.key);
        *lock(&self.flight.state) = State::Over(self.outcome.take());
        self.flight.landed.notify_all();
    }
}

fn is_out_of_time(outcome: &Outcome) -> bool {
    matches!(outcome, Err(error) if error.kind == LookupErrorKind::Timeout)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is complete in one step, so a thread that panicked has left nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::resolver::LookupError;

    fn failure(kind: LookupErrorKind) -> Outcome {
        Err(LookupError {
            kind,
            name: Name::root(),
            rtype: RecordType::A,
            server: String::new(),
            extended_errors: Vec::new(),
        })
    }

    fn kind(outcome: Outcome) -> LookupErrorKind {
        outcome.expect_err("an error").kind
    }

    /// How often four threads ask of which the first finds this while the others wait.
    fn questions(found: &LookupErrorKind) -> usize {
        let flights = Flights::default();
        let key = (Name::root(), RecordType::A);
        let deadline = Deadline::after(Duration::from_secs(20));
        let asked = AtomicUsize::new(0);
        let (say_asking, is_asking) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let outcome = flights.share(&key, deadline, || {
                    asked.fetch_add(1, Ordering::SeqCst);
                    say_asking.send(()).expect("somebody waits");
                    // All four hold the flight, and the table.
                    let flight = Arc::clone(&lock(&flights.0)[&key]);
                    while Arc::strong_count(&flight) < 6 {
                        thread::yield_now();
                    }
                    failure(found.clone())
                });
                assert_eq!(kind(outcome), *found);
            });
            is_asking.recv().expect("the first one asks");
            for _ in 0..3 {
                scope.spawn(|| {
                    let outcome = flights.share(&key, deadline, || {
                        asked.fetch_add(1, Ordering::SeqCst);
                        failure(found.clone())
                    });
                    assert_eq!(kind(outcome), *found);
                });
            }
        });
        assert!(lock(&flights.0).is_empty());
        asked.into_inner()
    }

    #[test]
    fn the_same_is_asked_once() {
        assert_eq!(questions(&LookupErrorKind::AliasLimit), 1);
        assert_eq!(questions(&LookupErrorKind::Timeout), 4);
    }

    #[test]
    fn nobody_waits_for_a_thread_that_failed() {
        let flights = Flights::default();
        let key = (Name::root(), RecordType::A);
        let deadline = Deadline::after(Duration::from_secs(20));
        let failed = thread::scope(|scope| {
            let asking = scope.spawn(|| flights.share(&key, deadline, || panic!("fails")));
            asking.join()
        });
        assert!(failed.is_err());
        let outcome = flights.share(&key, deadline, || failure(LookupErrorKind::NoServers));
        assert_eq!(kind(outcome), LookupErrorKind::NoServers);
    }
}
