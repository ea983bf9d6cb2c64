//! A list that many threads append to and tests wait on.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// An append-only record of what happened.
#[derive(Debug)]
pub struct Journal<T> {
    entries: Mutex<Vec<T>>,
    grown: Condvar,
}

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self {
            entries: Mutex::new(Vec::new()),
            grown: Condvar::new(),
        }
    }
}

impl<T: Clone> Journal<T> {
    /// Appends one entry and wakes whoever waits.
    pub fn push(&self, entry: T) {
        self.lock().push(entry);
        self.grown.notify_all();
    }

    /// A copy of everything so far.
    pub fn entries(&self) -> Vec<T> {
        self.lock().clone()
    }

    /// Forgets everything so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until `find` finds something in the entries; `None` when it has not within `timeout`.
    pub fn wait_for<R>(
        &self,
        timeout: Duration,
        mut find: impl FnMut(&[T]) -> Option<R>,
    ) -> Option<R> {
        let end = Instant::now() + timeout;
        let mut entries = self.lock();
        loop {
            if let Some(found) = find(&entries) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            entries = self
                .grown
                .wait_timeout(entries, left)
                .expect("no thread panics while it holds the journal")
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.entries
            .lock()
            .expect("no thread panics while it holds the journal")
    }
}
