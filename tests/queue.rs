//! The queue from outside: what a crash, a damaged disk and many changes leave of it.

mod queue_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use gateway::queue::{
    Change, Disk, Entry, Fault, Queue, QueueId, RecipientState, SystemDisk, Tuning,
};
use gateway_lab::random::Random;
use queue_support::{Careless, Failing, TempSpool, at, diagnosis, envelope, text, tuning};

fn deferred(seconds: u64) -> Change {
    Change::Deferred {
        due: at(seconds),
        why: diagnosis("not now"),
    }
}

fn delivered() -> Change {
    Change::Delivered(diagnosis("ok"))
}

/// Where the last record ends: the last octet that is not zero.
fn written(segment: &Path) -> usize {
    let octets = fs::read(segment).expect("readable");
    octets
        .iter()
        .rposition(|octet| *octet != 0)
        .map_or(0, |last| last + 1)
}

/// Where the first record begins.
const FIRST: usize = 4096;
/// Octets of the marker that closes a record.
const MARKER: usize = 8;

/// Puts other octets into a file. It is made anew, because some file systems flush a file that was emptied and filled again.
fn rewrite(path: &Path, octets: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, octets).expect("writable");
}

/// What the spool held after each record, and where that record ends.
struct History {
    segment: PathBuf,
    octets: Vec<u8>,
    states: Vec<(usize, Vec<Entry>)>,
}

impl History {
    /// Makes one record after the other, of every kind.
    fn of(spool: &TempSpool) -> Self {
        let queue = spool.open();
        let first = queue
            .accept(&envelope(2), b"first\r\n", at(0))
            .expect("accepts");
        let segment = spool.segment();
        let mut states = vec![(FIRST, Vec::new()), (written(&segment), queue.entries())];
        let mut note = |queue: &Queue| states.push((written(&segment), queue.entries()));
        let second = queue
            .accept(&envelope(1), &[b'x'; 700], at(1))
            .expect("accepts");
        note(&queue);
        queue.apply(first, &[(1, deferred(9))]).expect("applies");
        note(&queue);
        queue.hold(second, true).expect("holds");
        note(&queue);
        let third = queue.accept(&envelope(1), b"", at(2)).expect("accepts");
        note(&queue);
        queue.apply(first, &[(0, delivered())]).expect("applies");
        note(&queue);
        queue.remove(third).expect("removes");
        note(&queue);
        drop(queue);
        let octets = fs::read(&segment).expect("readable");
        Self {
            segment,
            octets,
            states,
        }
    }

    /// What must be there when only the octets before `end` are as they were: a record without its closing marker is still whole.
    fn before(&self, end: usize) -> &[Entry] {
        let mut states = self.states.iter().rev();
        let complete = states.find(|(at, _)| *at == FIRST || *at - MARKER <= end);
        complete.map_or(&[], |(_, entries)| entries)
    }
}

#[test]
fn a_crash_at_any_octet_leaves_every_record_before_it() {
    let spool = TempSpool::new();
    let history = History::of(&spool);
    let mut random = Random::new(0x5eed);
    for end in FIRST..=history.octets.len() {
        let (sound, rest) = history.octets.split_at(end);
        let mut zeroed = sound.to_vec();
        zeroed.resize(history.octets.len() + 1000, 0);
        // Zeros that are overwritten with zeros are as they were.
        let same = rest.iter().take_while(|octet| **octet == 0).count();
        for (what, octets, end) in [("cut", sound.to_vec(), end), ("zeroed", zeroed, end + same)] {
            rewrite(&history.segment, &octets);
            let read = Queue::read(&spool.0).expect("reads").entries();
            assert_eq!(read, history.before(end), "read, {what} at {end}");
            assert_eq!(
                spool.open().entries(),
                history.before(end),
                "{what} at {end}"
            );
            assert_eq!(spool.set_aside(), [] as [PathBuf; 0], "{what} at {end}");
        }
        let mut garbled = sound.to_vec();
        garbled.extend(text(&mut random, history.octets.len() - end));
        rewrite(&history.segment, &garbled);
        assert_eq!(
            spool.open().entries(),
            history.before(end),
            "garbled at {end}"
        );
        fs::remove_dir_all(spool.0.join("corrupt")).expect("removable");
    }
}

#[test]
fn after_a_crash_the_queue_goes_on() {
    let spool = TempSpool::new();
    let history = History::of(&spool);
    for end in (FIRST..=history.octets.len()).step_by(37) {
        rewrite(&history.segment, &history.octets[..end]);
        let queue = spool.open();
        let id = queue
            .accept(&envelope(1), b"after\r\n", at(9))
            .expect("accepts");
        let entries = queue.entries();
        drop(queue);
        let queue = spool.open();
        assert_eq!(queue.entries(), entries, "cut at {end}");
        assert_eq!(queue.content(id).expect("there"), b"after\r\n");
        drop(queue);
        fs::remove_dir_all(&spool.0).expect("removable");
        fs::create_dir_all(spool.0.join("segments")).expect("writable");
    }
}

#[test]
fn one_damaged_octet_costs_at_most_the_record_it_lies_in() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let mut ends = vec![FIRST];
    let mut ids = Vec::new();
    for length in [0, 10, 600, 100] {
        let message = vec![b'm'; length];
        ids.push(
            queue
                .accept(&envelope(1), &message, at(0))
                .expect("accepts"),
        );
        ends.push(written(&spool.segment()));
    }
    drop(queue);
    let segment = spool.segment();
    let octets = fs::read(&segment).expect("readable");
    for damaged in FIRST..octets.len() {
        let mut copy = octets.clone();
        copy[damaged] ^= 0x40;
        rewrite(&segment, &copy);
        let found: Vec<QueueId> = spool
            .open()
            .entries()
            .iter()
            .map(|entry| entry.id)
            .collect();
        let hit = (0..ids.len()).find(|index| damaged + MARKER < ends[index + 1]);
        let from = hit.map_or(usize::MAX, |index| ends[index].next_multiple_of(16));
        if damaged < from {
            // Padding and closing markers carry nothing.
            assert_eq!(found, ids, "octet {damaged}");
            assert_eq!(spool.set_aside().len(), 0, "octet {damaged}");
            continue;
        }
        let others = ids
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != hit);
        let others: Vec<QueueId> = others.map(|(_, id)| *id).collect();
        assert_eq!(found, others, "octet {damaged}");
        let aside = spool.set_aside();
        assert_eq!(aside.len(), 1, "octet {damaged}: {aside:?}");
        let copied = fs::read(&aside[0]).expect("readable");
        assert!(copy[from..].starts_with(&copied), "octet {damaged}");
        // A second start finds the same and does not tell twice.
        assert_eq!(spool.open().entries().len(), 3, "octet {damaged}");
        assert_eq!(spool.set_aside(), aside);
        fs::remove_dir_all(spool.0.join("corrupt")).expect("removable");
    }
}

#[test]
fn a_segment_without_a_sound_header_is_set_aside_as_a_whole() {
    let spool = TempSpool::new();
    let history = History::of(&spool);
    for (damage, survives) in [(vec![0], true), (vec![2048], true), (vec![0, 2048], false)] {
        let mut octets = history.octets.clone();
        damage.iter().for_each(|at: &usize| octets[*at] ^= 1);
        rewrite(&history.segment, &octets);
        let entries = spool.open().entries();
        let expected = if survives {
            history.before(octets.len())
        } else {
            &[]
        };
        assert_eq!(entries, expected, "{damage:?}");
        assert_eq!(spool.set_aside().len(), usize::from(!survives));
    }
}

#[test]
fn zeros_between_records_cost_no_other_record() {
    let spool = TempSpool::new();
    let history = History::of(&spool);
    let (first, second) = (
        history.states[1].0.next_multiple_of(16),
        history.states[2].0,
    );
    let mut octets = history.octets.clone();
    octets[first..second].fill(0);
    rewrite(&history.segment, &octets);
    let queue = spool.open();
    // The second message is gone, and with it the sense of its hold record; the first one's changes stand.
    let expected: Vec<Entry> = history.before(octets.len()).to_vec();
    let expected: Vec<Entry> = expected.into_iter().filter(|entry| !entry.held).collect();
    assert_eq!(queue.entries(), expected);
    assert_eq!(spool.set_aside().len(), 0);
}

/// A disk that keeps a copy of the spool as it is at each sync, before and after.
struct Snapshots {
    spool: PathBuf,
    copies: Mutex<Vec<BTreeMap<PathBuf, Vec<u8>>>>,
}

impl Snapshots {
    fn take(&self) {
        let mut copy = BTreeMap::new();
        for directory in ["segments", "corrupt"] {
            for item in fs::read_dir(self.spool.join(directory))
                .into_iter()
                .flatten()
            {
                let path = item.expect("readable").path();
                // A file may be renamed by the preparing thread meanwhile.
                if let Ok(octets) = fs::read(&path) {
                    let relative = path.strip_prefix(&self.spool).expect("below").to_owned();
                    copy.insert(relative, octets);
                }
            }
        }
        self.copies.lock().expect("sound").push(copy);
    }
}

impl Disk for Snapshots {
    fn sync(&self, _file: &fs::File) -> std::io::Result<()> {
        self.take();
        Ok(())
    }

    fn sync_directory(&self, _directory: &fs::File) -> std::io::Result<()> {
        self.take();
        Ok(())
    }

    fn free_space(&self, _directory: &fs::File) -> std::io::Result<u64> {
        Ok(u64::MAX)
    }
}

#[test]
fn a_crash_at_any_sync_leaves_all_that_was_acknowledged() {
    let spool = TempSpool::new();
    let disk = Arc::new(Snapshots {
        spool: spool.0.clone(),
        copies: Mutex::default(),
    });
    let queue = spool
        .open_on(Arc::clone(&disk) as Arc<dyn Disk>)
        .expect("opens");
    // What is promised at each moment: recipients still pending, per message.
    let pending = |queue: &Queue| -> BTreeMap<QueueId, usize> {
        let count = |entry: &Entry| {
            let pending =
                |recipient: &&gateway::queue::Recipient| recipient.state == RecipientState::Pending;
            entry.recipients.iter().filter(pending).count()
        };
        queue
            .entries()
            .iter()
            .map(|entry| (entry.id, count(entry)))
            .collect()
    };
    let mut moments = Vec::new();
    for step in 0..40 {
        let before = pending(&queue);
        let first = disk.copies.lock().expect("sound").len();
        let oldest = before.keys().next().copied();
        match (step % 4, oldest) {
            (2, Some(id)) => queue.apply(id, &[(0, delivered()), (1, deferred(5))]),
            (3, Some(id)) => queue.apply(id, &[(0, delivered()), (1, delivered())]),
            _ => queue
                .accept(&envelope(2), &[b'm'; 3000], at(step))
                .map(drop),
        }
        .expect("the disk is sound");
        let last = disk.copies.lock().expect("sound").len();
        moments.push((first..last, before, pending(&queue)));
    }
    drop(queue);
    let copies = disk.copies.lock().expect("sound");
    for (range, before, after) in moments {
        for (number, copy) in range.clone().zip(&copies[range]) {
            let crashed = TempSpool::new();
            for (path, octets) in copy {
                let path = crashed.0.join(path);
                fs::create_dir_all(path.parent().expect("below")).expect("writable");
                fs::write(path, octets).expect("writable");
            }
            let found = pending(&crashed.open());
            assert!(
                found == before || found == after,
                "copy {number}: {found:?}, not {before:?} or {after:?}"
            );
        }
    }
}

#[test]
fn a_failed_sync_takes_nothing_with_it() {
    for failing_sync in 1..=8 {
        let spool = TempSpool::new();
        let disk = Arc::new(Failing::default());
        let queue = spool
            .open_on(Arc::clone(&disk) as Arc<dyn Disk>)
            .expect("opens");
        let mut acknowledged = BTreeSet::new();
        let mut refused = 0;
        disk.fail_in(failing_sync);
        for number in 0..12u64 {
            match queue.accept(&envelope(1), number.to_string().as_bytes(), at(number)) {
                Ok(id) => {
                    acknowledged.insert(id);
                }
                Err(error) => {
                    assert_eq!(error.fault, Fault::System, "{error}");
                    assert!(error.to_string().contains("a failing disk"), "{error}");
                    refused += 1;
                }
            }
        }
        let ids = |queue: &Queue| -> BTreeSet<QueueId> {
            queue.entries().iter().map(|entry| entry.id).collect()
        };
        assert_eq!(refused, 1, "sync {failing_sync}");
        assert_eq!(ids(&queue), acknowledged, "sync {failing_sync}");
        drop(queue);
        // What was refused may have reached the disk all the same; nothing else may appear.
        let found = ids(&spool.open());
        assert!(found.is_superset(&acknowledged), "sync {failing_sync}");
        assert!(found.len() <= 12, "sync {failing_sync}");
    }
}

#[test]
fn a_change_that_is_not_durable_does_not_count() {
    let spool = TempSpool::new();
    let disk = Arc::new(Failing::default());
    let queue = spool
        .open_on(Arc::clone(&disk) as Arc<dyn Disk>)
        .expect("opens");
    let id = queue.accept(&envelope(2), b"m", at(0)).expect("accepts");
    let before = queue.entry(id);
    let attempts: [&dyn Fn() -> bool; 4] = [
        &|| queue.apply(id, &[(0, delivered())]).is_err(),
        &|| queue.hold(id, true).is_err(),
        &|| queue.retry(id, at(0), |_| true).is_ok(),
        &|| queue.remove(id).is_err(),
    ];
    for attempt in attempts {
        disk.fail_in(1);
        assert!(attempt());
        disk.fail_in(0);
        assert_eq!(queue.entry(id), before);
    }
    queue
        .apply(id, &[(0, delivered())])
        .expect("applies on a new segment");
    assert_ne!(queue.entry(id), before);
}

#[test]
fn many_threads_share_the_queue() {
    const THREADS: usize = 8;
    const EACH: usize = 25;
    let spool = TempSpool::new();
    let queue = spool.open_on(Arc::new(SystemDisk)).expect("opens");
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let listener = Arc::clone(&heard);
    queue.on_accept(Box::new(move |id| {
        listener.lock().expect("sound").insert(id);
    }));
    let accept = |thread: usize| -> Vec<(QueueId, String)> {
        let one = |number| {
            let message = format!("message {number} of thread {thread}\r\n");
            let id = queue
                .accept(&envelope(1), message.as_bytes(), at(0))
                .expect("accepts");
            if number % 5 == 0 {
                queue.apply(id, &[(0, deferred(7))]).expect("applies");
            }
            (id, message)
        };
        (0..EACH).map(one).collect()
    };
    let accepted: BTreeMap<QueueId, String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || accept(thread)))
            .collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        joined.flatten().collect()
    });
    assert_eq!(accepted.len(), THREADS * EACH);
    assert!(heard.lock().expect("sound").iter().eq(accepted.keys()));
    let entries = queue.entries();
    drop(queue);
    let queue = spool.open();
    assert_eq!(queue.entries(), entries);
    for (id, message) in accepted {
        assert_eq!(queue.content(id).expect("there"), message.as_bytes());
    }
}

#[test]
fn ids_grow_whatever_the_clock_does() {
    let spool = TempSpool::new();
    let mut last = QueueId(0);
    for (start, clocks) in [[5, 5, 5], [9, 1, 0], [0, 0, 7], [7, 7, 6]]
        .into_iter()
        .enumerate()
    {
        let queue = spool.open();
        for clock in clocks {
            let id = queue
                .accept(&envelope(1), b"m", at(clock * 1000))
                .expect("accepts");
            assert!(id > last, "{id} after {last}, start {start}");
            last = id;
            // Nothing of it is left but the floor in the newest segment.
            queue.remove(id).expect("removes");
        }
        assert!(queue.is_empty());
    }
}

#[test]
fn a_stuck_message_keeps_its_segment_and_no_other() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let stuck = queue
        .accept(&envelope(1), b"stuck", at(0))
        .expect("accepts");
    queue.hold(stuck, true).expect("holds");
    for number in 0..60 {
        let id = queue
            .accept(&envelope(1), &[b'm'; 3000], at(number))
            .expect("accepts");
        queue.apply(id, &[(0, deferred(number))]).expect("applies");
        queue.apply(id, &[(0, delivered())]).expect("applies");
    }
    let segments = spool.segments();
    assert!((2..=3).contains(&segments.len()), "{segments:?}");
    assert!(segments[0].ends_with("0000000001.segment"), "{segments:?}");
    assert_eq!(queue.content(stuck).expect("there"), b"stuck");
    queue.remove(stuck).expect("removes");
    assert_eq!(spool.segments().len(), 1);
}

/// Random changes with restarts in between, against a map.
#[test]
fn random_changes_survive_restarts() {
    for seed in 1..=20 {
        let mut random = Random::new(seed);
        let spool = TempSpool::new();
        let mut queue = spool.open();
        let mut contents: BTreeMap<QueueId, Vec<u8>> = BTreeMap::new();
        for step in 0..150 {
            let ids: Vec<QueueId> = contents.keys().copied().collect();
            let any = ids.get(random.below(ids.len())).copied();
            match (random.below(8), any) {
                (0..=2, _) | (_, None) => {
                    let length = random.below(5000);
                    let message = text(&mut random, length);
                    let recipients = 1 + random.below(3);
                    let id = queue
                        .accept(&envelope(recipients), &message, at(step))
                        .expect("accepts");
                    contents.insert(id, message);
                }
                (3 | 4, Some(id)) => {
                    let index = random.below(queue.entry(id).expect("there").recipients.len());
                    let change = if random.below(2) == 0 {
                        delivered()
                    } else {
                        deferred(step)
                    };
                    queue.apply(id, &[(index, change)]).expect("applies");
                }
                (5, Some(id)) => queue.hold(id, random.below(2) == 0).expect("holds"),
                (6, Some(id)) => queue.remove(id).expect("removes"),
                (_, Some(_)) => {
                    let entries = queue.entries();
                    assert_eq!(Queue::read(&spool.0).expect("reads").entries(), entries);
                    drop(queue);
                    queue = spool.open();
                    assert_eq!(queue.entries(), entries, "seed {seed}, step {step}");
                }
            }
            let is_left = |id: &QueueId, _: &mut Vec<u8>| queue.entry(*id).is_some();
            contents.retain(is_left);
            assert_eq!(queue.len(), contents.len());
        }
        for (id, message) in &contents {
            assert_eq!(queue.content(*id).as_ref().expect("there"), message);
            queue.remove(*id).expect("removes");
        }
        assert_eq!(spool.segments().len(), 1, "seed {seed}");
        assert!(spool.set_aside().is_empty());
    }
}

#[test]
fn a_recipient_named_twice_counts_once() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let id = queue.accept(&envelope(2), b"m", at(0)).expect("accepts");
    queue
        .apply(id, &[(0, delivered()), (0, delivered())])
        .expect("applies");
    let entry = queue.entry(id).expect("one recipient is still pending");
    assert_eq!(entry.recipients[1].state, RecipientState::Pending);
    let error = queue
        .apply(id, &[(2, delivered())])
        .expect_err("no such recipient");
    assert_eq!(error.fault, Fault::NoSuchMessage);
}

#[test]
fn a_thousand_long_diagnoses_are_recorded() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let id = queue.accept(&envelope(1001), b"m", at(0)).expect("accepts");
    let mut why = diagnosis(&"ä".repeat(5000));
    why.host = "h".repeat(5000);
    why.token = "t".repeat(5000);
    let changes: Vec<(usize, Change)> = (0..1001)
        .map(|index| {
            (
                index,
                Change::Deferred {
                    due: at(5),
                    why: why.clone(),
                },
            )
        })
        .collect();
    queue.apply(id, &changes).expect("applies");
    let entry = queue.entry(id).expect("there");
    assert!(
        entry
            .recipients
            .iter()
            .all(|recipient| recipient.attempts == 1)
    );
    let text = &entry.recipients[1000]
        .last
        .as_ref()
        .expect("a diagnosis")
        .text;
    assert_eq!(text, &"ä".repeat(2048));
    let changes: Vec<(usize, Change)> = (0..1001).map(|index| (index, delivered())).collect();
    queue.apply(id, &changes).expect("applies");
    assert!(queue.is_empty());
}

#[test]
fn retry_makes_the_meant_recipients_due_and_counts_no_attempt() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let id = queue.accept(&envelope(3), b"m", at(0)).expect("accepts");
    let changes: Vec<(usize, Change)> = (0..3).map(|index| (index, deferred(100))).collect();
    queue.apply(id, &changes).expect("applies");
    queue
        .retry(id, at(50), |recipient| recipient.mailbox.local != "r1")
        .expect("retries");
    drop(queue);
    let entry = spool.open().entry(id).expect("there");
    let seen: Vec<_> = entry
        .recipients
        .iter()
        .map(|recipient| (recipient.due, recipient.attempts))
        .collect();
    assert_eq!(seen, [(at(50), 1), (at(100), 1), (at(50), 1)]);
    assert!(
        entry
            .recipients
            .iter()
            .all(|recipient| recipient.last.is_some())
    );
}

#[test]
fn limits_are_kept() {
    let spool = TempSpool::new();
    let open = |tuning: Tuning| Queue::open_with(spool.settings(), tuning).expect("opens");
    let full = |queue: &Queue| {
        queue
            .accept(&envelope(1), b"m", at(0))
            .expect_err("no room")
            .fault
    };

    let queue = open(Tuning {
        messages_max: 1,
        ..tuning(Arc::new(Careless))
    });
    let fault = queue
        .accept(&envelope(0), b"m", at(0))
        .expect_err("nobody")
        .fault;
    assert_eq!(fault, Fault::Refused);
    let id = queue.accept(&envelope(1), b"m", at(0)).expect("accepts");
    assert_eq!(full(&queue), Fault::Full);
    // A full queue must still be able to get emptier.
    queue.remove(id).expect("removes");
    queue
        .accept(&envelope(1), &vec![b'm'; 100_000], at(0))
        .expect("larger than a segment");
    drop(queue);

    let queue = open(Tuning {
        minimum_free: u64::MAX,
        ..tuning(Arc::new(SystemDisk))
    });
    assert_eq!(full(&queue), Fault::Full);
}

/// On any disk most of the room is for mail; on a large one the usual limits hold.
#[test]
fn a_small_disk_has_room_for_mail() {
    for whole in [16_u64 << 20, 64 << 20, 200 << 20, 1 << 30] {
        let tuning = Tuning::for_disk(whole);
        let mail = whole - tuning.minimum_free - 2 * tuning.segment_size;
        assert!(mail >= whole / 2, "{mail} of {whole}");
    }
    let usual = Tuning::default();
    for whole in [0, 2 << 30, u64::MAX] {
        let tuning = Tuning::for_disk(whole);
        let limits = (tuning.segment_size, tuning.minimum_free);
        assert_eq!(limits, (usual.segment_size, usual.minimum_free), "{whole}");
    }
}

#[test]
fn a_directory_that_no_owner_has_used_holds_an_empty_queue() {
    let spool = TempSpool::new();
    let read = Queue::read(&spool.0);
    assert_eq!(read.err().expect("no directory").fault, Fault::System);
    fs::create_dir(&spool.0).expect("a writable directory for temporary files");
    assert!(Queue::read(&spool.0).expect("reads").is_empty());
}

#[test]
fn one_process_owns_a_spool_and_others_may_look() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let id = queue.accept(&envelope(1), b"m", at(0)).expect("accepts");
    let error = Queue::open(spool.settings()).err().expect("locked");
    assert_eq!(error.fault, Fault::Locked);
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );

    let reader = Queue::read(&spool.0).expect("reads");
    assert_eq!(reader.entries(), queue.entries());
    assert_eq!(reader.content(id).expect("there"), b"m");
    let faults = [
        reader
            .accept(&envelope(1), b"m", at(0))
            .expect_err("read only")
            .fault,
        reader
            .apply(id, &[(0, delivered())])
            .expect_err("read only")
            .fault,
        reader.remove(id).expect_err("read only").fault,
        reader.hold(id, true).expect_err("read only").fault,
    ];
    assert_eq!(faults, [Fault::Refused; 4]);
    queue.remove(id).expect("removes");
    assert_eq!(reader.len(), 1);
    assert!(Queue::read(&spool.0).expect("reads").is_empty());
}

#[test]
fn an_owner_that_is_just_ending_is_waited_for() {
    let spool = TempSpool::new();
    let ending = spool.open();
    thread::scope(|scope| {
        let next = scope.spawn(|| Queue::open(spool.settings()).map(drop));
        thread::sleep(Duration::from_millis(20));
        drop(ending);
        next.join().expect("no panic").expect("opens");
    });
}

#[test]
fn a_message_can_be_set_aside() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let id = queue
        .accept(&envelope(1), b"poison", at(0))
        .expect("accepts");
    queue.set_aside(id, "it failed twice").expect("sets aside");
    assert!(queue.is_empty());
    let copy = fs::read(&spool.set_aside()[0]).expect("readable");
    assert!(copy.windows(6).any(|window| window == b"poison"));
    drop(queue);
    assert!(spool.open().is_empty());
}

/// Whatever a disk does to a segment: the queue opens, and what it shows is what was put in.
#[test]
fn mutated_segments_yield_only_what_was_written() {
    let spool = TempSpool::new();
    let queue = spool.open();
    let mut random = Random::new(0x5eed);
    let mut written = BTreeMap::new();
    for length in [0, 20, 300, 1500, 40] {
        let message = text(&mut random, length);
        let id = queue
            .accept(&envelope(1), &message, at(0))
            .expect("accepts");
        written.insert(id, message);
    }
    drop(queue);
    let segment = spool.segment();
    let octets = fs::read(&segment).expect("readable");
    let mut all_found = 0;
    for round in 0..2000 {
        let mut copy = octets.clone();
        for _ in 0..=random.below(3) {
            let start = random.below(copy.len());
            let length = random.below(600).min(copy.len() - start);
            match random.below(5) {
                0 => copy[start] ^= 1 << random.below(8),
                1 => copy[start..start + length].fill(0),
                2 => {
                    let to = copy.len() - length;
                    copy.copy_within(start..start + length, to);
                }
                3 => copy.truncate(start.max(FIRST)),
                _ => copy.extend_from_slice(&octets[octets.len() - length..]),
            }
        }
        rewrite(&segment, &copy);
        let queue = spool.open();
        for entry in queue.entries() {
            let content = queue.content(entry.id).expect("verified at start");
            assert_eq!(Some(&content), written.get(&entry.id), "round {round}");
        }
        all_found += usize::from(queue.len() == written.len());
        drop(queue);
        fs::remove_dir_all(spool.0.join("corrupt")).expect("removable");
    }
    assert!(
        (1..1500).contains(&all_found),
        "{all_found} rounds did no harm"
    );
}
