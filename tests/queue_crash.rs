//! smoke
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gateway::queue::{Queue, Settings};
use gateway::smtp::{Envelope, Host, Mailbox, ReversePath};
use gateway::time::Timestamp;

struct TempSpool(PathBuf);
impl TempSpool {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("gateway-queue-{}-{n}", std::process::id())))
    }
    fn settings(&self) -> Settings {
        Settings {
            directory: self.0.clone(),
            retry_for: Duration::from_secs(60),
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(4),
        }
    }
}
impl Drop for TempSpool {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
fn envelope(n: usize) -> Envelope {
    Envelope {
        sender: ReversePath::Null,
        recipients: (0..n)
            .map(|i| Mailbox {
                local: format!("r{i}"),
                host: Host::Literal([127, 0, 0, 1].into()),
            })
            .collect(),
        eight_bit: false,
    }
}
#[test]
fn smoke() {
    let spool = TempSpool::new();
    let queue = Queue::open(spool.settings()).unwrap();
    let now = Timestamp::from_unix(1_795_536_480);
    let a = queue.accept(&envelope(2), b"hello", now).unwrap();
    println!("{a}");
    let b = queue.accept(&envelope(1), b"world", now).unwrap();
    assert!(Queue::open(spool.settings()).is_err_and(|e| {
        println!("{e}");
        true
    }));
    assert_eq!(Queue::read(&spool.0).unwrap().entries(), queue.entries());
    let entries = queue.entries();
    drop(queue);
    let queue = Queue::open(spool.settings()).unwrap();
    assert_eq!(queue.entries(), entries);
    assert_eq!(queue.content(a).unwrap(), b"hello");
    queue.remove(b).unwrap();
    assert_eq!(queue.entries().len(), 1);
    drop(queue);
    let queue = Queue::open(spool.settings()).unwrap();
    assert_eq!(queue.entries().len(), 1);
}
