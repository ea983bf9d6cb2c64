//! Look-ups side by side: work that a thread of its own does while the one that started it goes on.

use std::io;
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

/// Stack of such a thread in octets; only what is touched counts. A validation with RSA keys takes less than a quarter.
const STACK: usize = 256 << 10;
/// Questions of one validation asked at the same time; a cold chain of four zones has as many at once.
const AT_ONCE: usize = 8;

/// Work under way. Where no thread is to be had it is done when its result is wanted: later, but done.
pub struct Task<'scope, R, F> {
    work: F,
    thread: io::Result<ScopedJoinHandle<'scope, R>>,
}

impl<'scope, R, F> Task<'scope, R, F>
where
    R: Send + 'scope,
    F: Fn() -> R + Copy + Send + 'scope,
{
    /// Starts it.
    pub fn start(scope: &'scope Scope<'scope, '_>, work: F) -> Self {
        let thread = Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        Self { work, thread }
    }

    /// Its result, waiting for it. Work that panicked does so once more, here.
    pub fn finish(self) -> R {
        let result = self.thread.ok().and_then(|thread| thread.join().ok());
        result.unwrap_or_else(self.work)
    }
}

/// Does this for each, at most [`AT_ONCE`] at a time; the results are in the same order.
pub(super) fn side_by_side<'q, Q: Sync, R: Send>(
    all: &'q [Q],
    work: impl Fn(&'q Q) -> R + Sync,
) -> Vec<(&'q Q, R)> {
    let some = all.chunks(AT_ONCE);
    some.flat_map(|some| at_once(some, &work)).collect()
}

fn at_once<'q, Q: Sync, R: Send>(
    some: &'q [Q],
    work: &(impl Fn(&'q Q) -> R + Sync),
) -> Vec<(&'q Q, R)> {
    let Some((first, others)) = some.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let start = |one| Task::start(scope, move || work(one));
        let tasks: Vec<_> = others.iter().map(start).collect();
        let mut results = vec![(first, work(first))];
        results.extend(others.iter().zip(tasks.into_iter().map(Task::finish)));
        results
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_is_done_meanwhile() {
        let (here, there) = mpsc::channel();
        let there = Mutex::new(there);
        thread::scope(|scope| {
            let wait = || {
                let there = there.lock().expect("sound");
                there.recv_timeout(Duration::from_secs(20))
            };
            let task = Task::start(scope, wait);
            here.send("done").expect("it waits");
            assert_eq!(task.finish(), Ok("done"));
        });
    }

    #[test]
    fn work_without_a_thread_is_done_in_the_end() {
        let task = Task {
            work: || 7,
            thread: Err(io::ErrorKind::WouldBlock.into()),
        };
        assert_eq!(task.finish(), 7);
    }
}
