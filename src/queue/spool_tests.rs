use super::*;
use crate::queue::entry::Record;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A disk that reports each sync of a file and waits to be let on, once it is told to.
struct Gate {
    reached: Sender<()>,
    go: Mutex<Receiver<()>>,
}

impl Disk for Gate {
    fn sync(&self, _file: &File) -> io::Result<()> {
        let _ = self.reached.send(());
        let go = lock(&self.go).recv_timeout(Duration::from_secs(60));
        go.map_err(|_| io::ErrorKind::TimedOut.into())
    }

    fn sync_directory(&self, _directory: &File) -> io::Result<()> {
        Ok(())
    }

    fn free_space(&self, _directory: &File) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

struct TempSpool(PathBuf);

impl TempSpool {
    fn new(name: &str) -> Self {
        let name = format!("gateway-spool-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(directory.join(segment::SEGMENTS)).expect("writable");
        Self(directory)
    }
}

impl Drop for TempSpool {
    fn drop(&mut self) {
        // A test that has failed already need not fail again here.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn frame(id: u64, content: &[u8]) -> Frame {
    let record = Record::Gone(QueueId(id));
    let metadata = record.encode().expect("small");
    Frame {
        header: FrameHeader::of(record.kind(), &metadata, content).expect("small"),
        metadata,
        content: content.to_vec(),
    }
}

/// While one commit is being synced others come in; all of them are written together, with one sync, in the order they came.
#[test]
fn commits_that_come_in_during_a_sync_share_the_next_one() {
    const OTHERS: u64 = 7;
    let directory = TempSpool::new("group");
    let (reached, syncs) = channel();
    let (let_on, go) = channel();
    let disk = Arc::new(Gate {
        reached,
        go: Mutex::new(go),
    });
    let spool = Spool::new(&directory.0, 64 << 10, disk, Segments::default());
    let wait_for_sync = || syncs.recv_timeout(Duration::from_secs(60)).expect("a sync");
    thread::scope(|scope| {
        let first = scope.spawn(|| spool.commit(frame(0, b"first")));
        // The zeros, the segment's header, and then the first batch.
        for _ in 0..2 {
            wait_for_sync();
            let_on.send(()).expect("waits");
        }
        wait_for_sync();
        let others: Vec<_> = (1..=OTHERS)
            .map(|id| {
                let spool = &spool;
                let other = scope.spawn(move || spool.commit(frame(id, b"other")));
                while lock(&spool.group).waiting.len() < id as usize {
                    thread::yield_now();
                }
                other
            })
            .collect();
        let_on.send(()).expect("waits");
        wait_for_sync();
        let_on.send(()).expect("waits");
        let mut places = vec![first.join().expect("no panic").expect("durable")];
        for other in others {
            places.push(other.join().expect("no panic").expect("durable"));
        }
        assert!(places.is_sorted_by(|earlier, later| later.is_after(earlier)));
    });
    assert!(syncs.try_recv().is_err(), "a sync more than needed");
    assert!(lock(&spool.group).results.is_empty());
}

#[test]
fn a_batch_is_bounded_but_holds_at_least_one() {
    let mut group = Group::default();
    let large = vec![b'm'; (BATCH_OCTETS / 2) as usize];
    for ticket in 0..4 {
        group.waiting.push((ticket, frame(ticket, &large)));
    }
    let too_large = vec![b'm'; BATCH_OCTETS as usize + 1];
    group.waiting.push((4, frame(4, &too_large)));
    let sizes: Vec<usize> = std::iter::from_fn(|| Some(group.take_batch().len()))
        .take_while(|size| *size > 0)
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 5);
    assert!(sizes.iter().all(|size| *size <= 2), "{sizes:?}");
}

#[test]
fn ids_of_one_moment_differ_and_a_clock_set_back_does_no_harm() {
    let directory = TempSpool::new("ids");
    let recovered = Segments {
        last_id: 7_000_000,
        ..Segments::default()
    };
    let spool = Spool::new(
        &directory.0,
        1,
        Arc::new(crate::queue::SystemDisk),
        recovered,
    );
    let at = Timestamp::from_millis;
    let clocks = [0, 0, 30_000, 30_000, 29_000, 30_001, u64::MAX / 2];
    let ids: Vec<u64> = clocks.map(|millis| spool.next_id(at(millis)).0).to_vec();
    let expected = [
        7_000_001,
        7_000_002,
        7_680_000,
        7_680_001,
        7_680_002,
        7_680_256,
        u64::MAX,
    ];
    assert_eq!(ids, expected);
}
