//! What the tests of the queue share: a spool that goes away, disks that watch and fail, and messages.
#![allow(dead_code, unreachable_pub)]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use gateway::queue::{Diagnosis, Disk, Queue, Settings, SpoolError, Tuning};
use gateway::smtp::{EnhancedStatus, Envelope, Host, Mailbox, ReversePath};
use gateway::time::Timestamp;
use gateway_lab::random::Random;

/// A directory for one test, removed with everything in it at the end.
pub struct TempSpool(pub PathBuf);

impl TempSpool {
    pub fn new() -> Self {
        // The tests break spools by the thousand; each one is a line.
        gateway::log::silence();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gateway-queue-{}-{count}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub fn settings(&self) -> Settings {
        Settings {
            directory: self.0.clone(),
            retry_for: Duration::from_secs(60),
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(4),
        }
    }

    pub fn open(&self) -> Queue {
        self.open_on(Arc::new(Careless)).expect("opens")
    }

    pub fn open_on(&self, disk: Arc<dyn Disk>) -> Result<Queue, SpoolError> {
        Queue::open_with(self.settings(), tuning(disk))
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> Vec<PathBuf> {
        files(&self.0.join("segments"))
    }

    pub fn set_aside(&self) -> Vec<PathBuf> {
        files(&self.0.join("corrupt"))
    }

    /// The only segment.
    pub fn segment(&self) -> PathBuf {
        let mut segments = self.segments();
        assert_eq!(segments.len(), 1, "{segments:?}");
        segments.remove(0)
    }
}

impl Drop for TempSpool {
    fn drop(&mut self) {
        // A test that has failed already need not fail again here.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(directory).expect("readable");
    let mut paths: Vec<PathBuf> = items.map(|item| item.expect("readable").path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| name != "prepared"));
    paths.sort();
    paths
}

/// Small segments, so that a test sees many of them.
pub fn tuning(disk: Arc<dyn Disk>) -> Tuning {
    Tuning {
        segment_size: 16 << 10,
        disk,
        ..Tuning::default()
    }
}

/// A disk that never syncs and never fills up: for tests in which the power stays on.
pub struct Careless;

impl Disk for Careless {
    fn sync(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self, _directory: &File) -> io::Result<()> {
        Ok(())
    }

    fn free_space(&self, _directory: &File) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// A disk whose syncs fail where told: the `n`-th from now, counted from 1; 0 never.
#[derive(Default)]
pub struct Failing {
    countdown: AtomicUsize,
}

impl Failing {
    pub fn fail_in(&self, syncs: usize) {
        self.countdown.store(syncs, Ordering::SeqCst);
    }

    fn count(&self) -> io::Result<()> {
        let before = self
            .countdown
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
                Some(count.saturating_sub(1))
            });
        match before {
            Ok(1) => Err(io::Error::other("a failing disk")),
            _ => Ok(()),
        }
    }
}

impl Disk for Failing {
    fn sync(&self, _file: &File) -> io::Result<()> {
        self.count()
    }

    fn sync_directory(&self, _directory: &File) -> io::Result<()> {
        self.count()
    }

    fn free_space(&self, _directory: &File) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_795_536_480 + seconds)
}

pub fn envelope(recipients: usize) -> Envelope {
    let mailbox = |index| Mailbox {
        local: format!("r{index}"),
        host: Host::Literal([127, 0, 0, 1].into()),
    };
    Envelope {
        sender: ReversePath::Null,
        recipients: (0..recipients).map(mailbox).collect(),
        eight_bit: false,
    }
}

pub fn diagnosis(text: &str) -> Diagnosis {
    Diagnosis {
        status: EnhancedStatus::new(4, 7, 5),
        token: "tlsa-mismatch".to_owned(),
        host: "mx.example.org".to_owned(),
        text: text.to_owned(),
    }
}

/// Letters and line ends, as mail has them.
pub fn text(random: &mut Random, length: usize) -> Vec<u8> {
    let mut letter = || b"abcdefghijklmnopqrstuvwxyz 0123456789\r\n"[random.below(39)];
    (0..length).map(|_| letter()).collect()
}
