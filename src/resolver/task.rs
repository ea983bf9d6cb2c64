//! Look-ups side by side: work that a thread of its own does while the one that started it goes on.

use std::io;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Stack of such a thread in octets; only what is touched counts. A validation with RSA keys takes less than a quarter.
const STACK: usize = 256 << 10;

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
