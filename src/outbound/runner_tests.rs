//! The scheduler and its workers over a real spool, with stand-ins for the DNS and for servers.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use gateway_lab::temp::TempDir;

use super::*;
use crate::outbound::fakes::{FakeDns, FakeNet, Server, settings};
use crate::outbound::session::Phase;
use crate::outbound::{Level, Reason};
use crate::queue::{self, Disk, RecipientState, SystemDisk, Tuning};
use crate::smtp::{Envelope, Mailbox, ReversePath};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

const DNS: [&str; 6] = [
    "d.test MX secure 10 mx.d.test.",
    "mx.d.test A secure 192.0.2.1",
    "_25._tcp.mx.d.test TLSA secure good",
    "s.test MX secure 10 mx.s.test.",
    "mx.s.test A secure 192.0.2.7",
    "_25._tcp.mx.s.test TLSA secure good",
];

/// A spool, servers, and what runs on them.
struct House {
    directory: TempDir,
    retry_for: Duration,
    disk: Arc<dyn Disk>,
    net: Arc<FakeNet>,
}

impl House {
    fn new(servers: &[(&str, Server)]) -> Self {
        Self {
            directory: TempDir::new("runner"),
            retry_for: Duration::from_secs(3600),
            disk: Arc::new(SystemDisk),
            net: Arc::new(FakeNet::new(servers)),
        }
    }

    fn queue(&self) -> Arc<Queue> {
        let settings = queue::Settings {
            directory: self.directory.path().to_owned(),
            retry_for: self.retry_for,
            retry_first: Duration::from_millis(20),
            retry_max: Duration::from_millis(50),
        };
        let tuning = Tuning {
            segment_size: 1 << 20,
            minimum_free: 0,
            disk: Arc::clone(&self.disk),
            ..Tuning::default()
        };
        Arc::new(Queue::open_with(settings, tuning).expect("a spool"))
    }

    fn start(&self, queue: &Arc<Queue>) -> Outbound {
        let dns = Arc::new(FakeDns::new(&DNS));
        let net = Box::new(Arc::clone(&self.net));
        let settings = settings(Level::DaneOnly);
        Outbound::start_with(settings, Arc::clone(queue), dns, net).expect("threads")
    }
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).expect("a mailbox")
}

fn accept(queue: &Queue, sender: &str, recipients: &[&str]) -> QueueId {
    let envelope = Envelope {
        sender: match sender {
            "" => ReversePath::Null,
            sender => ReversePath::Mailbox(mailbox(sender)),
        },
        recipients: recipients.iter().map(|text| mailbox(text)).collect(),
        eight_bit: false,
    };
    let content = b"Subject: x\r\n\r\nunmistakable\r\n";
    queue
        .accept(&envelope, content, Timestamp::now())
        .expect("accepted")
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn wait_for_empty(queue: &Queue) {
    wait_until("an empty queue", || queue.is_empty());
}

/// What lies in `corrupt/`.
fn set_aside(house: &House) -> usize {
    fs::read_dir(house.directory.path().join("corrupt"))
        .expect("a directory")
        .count()
}

#[test]
fn messages_go_out_those_of_an_earlier_run_too() {
    let house = House::new(&[]);
    let earlier = house.queue();
    accept(&earlier, "a@s.test", &["early@d.test"]);
    drop(earlier);
    let queue = house.queue();
    let outbound = house.start(&queue);
    for number in 0..40 {
        accept(&queue, "a@s.test", &[&format!("n{number}@d.test")]);
    }
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    let mut taken = house.net.taken();
    assert_eq!(taken.len(), 41);
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 41, "nothing goes out twice");
    assert!(taken.contains(&"192.0.2.1 early@d.test".to_owned()));
}

#[test]
fn each_recipient_has_its_own_fate() {
    let house = House::new(&[]);
    let queue = house.queue();
    let id = accept(
        &queue,
        "a@s.test",
        &["x@d.test", "no@d.test", "later@d.test"],
    );
    let outbound = house.start(&queue);
    wait_until("the report", || {
        house.net.taken().contains(&"192.0.2.7 a@s.test".to_owned())
    });
    wait_until("two attempts at the one that waits", || {
        let entry = queue.entry(id).expect("still there");
        entry
            .recipients
            .iter()
            .any(|recipient| recipient.attempts >= 2)
    });
    outbound.stop(PATIENCE);
    let entry = queue.entry(id).expect("still there");
    let states: Vec<RecipientState> = entry.recipients.iter().map(|one| one.state).collect();
    let expected = [
        RecipientState::Delivered,
        RecipientState::Failed,
        RecipientState::Pending,
    ];
    assert_eq!(states, expected);
    let last = entry
        .recipients
        .last()
        .and_then(|one| one.last.clone())
        .expect("a diagnosis");
    assert_eq!(
        (last.token.as_str(), last.host.as_str()),
        ("remote", "mx.d.test")
    );
    assert!(
        last.text
            .starts_with("dane-only defer 4.0.0 remote domain=d.test"),
        "{}",
        last.text
    );
    assert_eq!(
        house.net.taken(),
        ["192.0.2.1 x@d.test", "192.0.2.7 a@s.test"]
    );
}

#[test]
fn what_waits_is_tried_again() {
    let house = House::new(&[("192.0.2.1", Server::Fails(Reason::Connect, Phase::Connect))]);
    let queue = house.queue();
    let outbound = house.start(&queue);
    accept(&queue, "a@s.test", &["x@d.test"]);
    wait_until("three attempts", || house.net.contacts().len() >= 3);
    house.net.set("192.0.2.1", Server::Presents(b"certificate"));
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!(house.net.taken(), ["192.0.2.1 x@d.test"]);
}

#[test]
fn what_waited_too_long_is_reported() {
    let mut house = House::new(&[("192.0.2.1", Server::Fails(Reason::Connect, Phase::Connect))]);
    house.retry_for = Duration::from_millis(200);
    let queue = house.queue();
    let outbound = house.start(&queue);
    accept(&queue, "a@s.test", &["x@d.test"]);
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!(house.net.taken(), ["192.0.2.7 a@s.test"]);
    assert!(house.net.contacts().len() >= 3, "it was tried in between");
}

#[test]
fn a_bounce_does_not_bounce() {
    let house = House::new(&[]);
    let queue = house.queue();
    let outbound = house.start(&queue);
    accept(&queue, "", &["no@d.test"]);
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert!(house.net.taken().is_empty());
}

#[test]
fn a_damaged_message_is_set_aside() {
    let house = House::new(&[]);
    let queue = house.queue();
    let id = accept(&queue, "a@s.test", &["x@d.test"]);
    let segments = fs::read_dir(house.directory.path().join("segments")).expect("a directory");
    for path in segments.map(|entry| entry.expect("an entry").path()) {
        let mut octets = fs::read(&path).expect("a segment");
        let found = octets
            .windows(12)
            .position(|window| window == b"unmistakable");
        if let Some(place) = found {
            octets[place] = b'U';
            fs::write(&path, octets).expect("written");
        }
    }
    let outbound = house.start(&queue);
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!((set_aside(&house), queue.entry(id)), (1, None));
    assert!(house.net.taken().is_empty());
}

#[test]
fn a_message_that_meets_a_defect_twice_is_set_aside() {
    let house = House::new(&[("192.0.2.1", Server::Panics)]);
    let queue = house.queue();
    let outbound = house.start(&queue);
    accept(&queue, "a@s.test", &["x@d.test"]);
    accept(&queue, "a@s.test", &["other@s.test"]);
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!((set_aside(&house), house.net.contacts().len()), (1, 3));
    assert_eq!(house.net.taken(), ["192.0.2.7 other@s.test"]);
}

#[test]
fn after_a_stop_nothing_goes_out_until_the_next_start() {
    let house = House::new(&[]);
    let queue = house.queue();
    let outbound = house.start(&queue);
    outbound.stop(PATIENCE);
    let id = accept(&queue, "a@s.test", &["x@d.test"]);
    assert_eq!(
        queue.entry(id).map(|entry| entry.recipients[0].attempts),
        Some(0)
    );
    drop(queue);
    let queue = house.queue();
    let outbound = house.start(&queue);
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!(house.net.taken(), ["192.0.2.1 x@d.test"]);
}

#[test]
fn a_reload_counts_for_the_next_attempt() {
    let house = House::new(&[]);
    let queue = house.queue();
    let dns = Arc::new(FakeDns::new(&["d.test MX servfail"]));
    let strict = || settings(Level::DaneOnly);
    let net = Box::new(Arc::clone(&house.net));
    let outbound =
        Outbound::start_with(strict(), Arc::clone(&queue), dns.clone(), net).expect("threads");
    accept(&queue, "a@s.test", &["x@d.test"]);
    wait_until("an attempt", || !dns.questions().is_empty());
    outbound.reload(strict(), Arc::new(FakeDns::new(&DNS)));
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!(house.net.taken(), ["192.0.2.1 x@d.test"]);
}

/// A disk that refuses to sync while it is told so.
#[derive(Debug, Default)]
struct Moody {
    refuses: AtomicBool,
    refused: AtomicBool,
}

impl Disk for Moody {
    fn sync(&self, file: &fs::File) -> io::Result<()> {
        if self.refuses.load(Ordering::SeqCst) {
            self.refused.store(true, Ordering::SeqCst);
            return Err(io::Error::other("told so"));
        }
        SystemDisk.sync(file)
    }

    fn sync_directory(&self, directory: &fs::File) -> io::Result<()> {
        SystemDisk.sync_directory(directory)
    }

    fn free_space(&self, file: &fs::File) -> io::Result<u64> {
        SystemDisk.free_space(file)
    }
}

#[test]
fn what_cannot_be_recorded_is_not_delivered_again() {
    let disk = Arc::new(Moody::default());
    let mut house = House::new(&[]);
    house.disk = disk.clone();
    let queue = house.queue();
    accept(&queue, "a@s.test", &["x@d.test"]);
    disk.refuses.store(true, Ordering::SeqCst);
    let outbound = house.start(&queue);
    wait_until("a refusal of the disk", || {
        disk.refused.load(Ordering::SeqCst)
    });
    assert_eq!(house.net.taken().len(), 1);
    disk.refuses.store(false, Ordering::SeqCst);
    wait_for_empty(&queue);
    outbound.stop(PATIENCE);
    assert_eq!(house.net.taken().len(), 1);
}
