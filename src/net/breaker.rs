//! Ends connections from another thread, so that a stop need not wait for peers that are silent.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Stream;

/// The connections that a stop has to end. One for all threads of a room.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_broken: bool,
    /// As many as there are connections: those that have ended are dropped whenever one is added.
    watched: Vec<Weak<TcpStream>>,
}

impl Breaker {
    /// Ends this connection when the others are ended; at once if that has been done already.
    pub fn watch(&self, stream: &Stream) {
        let mut state = self.lock();
        if state.is_broken {
            stream.close();
            return;
        }
        state.watched.retain(|socket| socket.strong_count() > 0);
        state.watched.push(Arc::downgrade(stream.socket()));
    }

    /// Ends every connection watched now or later. Reads and writes on them, waiting ones too, fail or come to an end.
    pub fn break_all(&self) {
        let mut state = self.lock();
        state.is_broken = true;
        for socket in state
            .watched
            .drain(..)
            .filter_map(|socket| socket.upgrade())
        {
            // Already closed is as good as closed.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Deadline;
    use std::io::Read;
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn waiting_reads_end() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let deadline = Deadline::after(Duration::from_secs(20));
        let breaker = Breaker::default();
        for _ in 0..3 {
            breaker.watch(&Stream::connect(address, deadline).expect("connects"));
        }
        let mut stream = Stream::connect(address, deadline).expect("connects");
        breaker.watch(&stream);
        assert_eq!(
            breaker.lock().watched.len(),
            1,
            "the ended ones are forgotten"
        );
        let count = std::thread::scope(|scope| {
            let reader = scope.spawn(|| stream.read(&mut [0; 8]));
            breaker.break_all();
            reader.join().expect("no panic")
        });
        assert_eq!(count.expect("an end"), 0);
        let mut late = Stream::connect(address, deadline).expect("connects");
        breaker.watch(&late);
        assert_eq!(late.read(&mut [0; 8]).expect("an end"), 0);
    }
}
