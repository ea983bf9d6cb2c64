//! Kills a process that uses the queue, with SIGKILL at many moments, and looks whether everything it was promised is there.
//!
//! The process is this test binary again: with [`SPOOL`] in its environment, the test `worker` accepts and finishes messages in several
//! threads and prints a line before and after each step, until it is killed.

mod queue_support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use gateway::queue::{Change, Queue, QueueId, SystemDisk};
use gateway::time::Timestamp;
use gateway_lab::random::Random;
use queue_support::{TempSpool, diagnosis, envelope, text, tuning};

/// Names the spool to the worker.
const SPOOL: &str = "GATEWAY_TEST_SPOOL";
const ROUNDS: u64 = 30;
const THREADS: u64 = 6;
/// Steps after which a worker ends by itself, should nobody kill it.
const STEPS: u64 = 2000;

/// One write for each line: a pipe takes a short one whole or not at all, so a kill cuts none.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let said = out
        .write_all(format!("{line}\n").as_bytes())
        .and_then(|()| out.flush());
    said.expect("the parent listens");
}

fn message(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let length = random.below(4000);
    text(&mut random, length)
}

#[test]
fn worker() {
    let Some(directory) = std::env::var_os(SPOOL) else {
        return;
    };
    gateway::log::silence();
    let spool = std::mem::ManuallyDrop::new(TempSpool(PathBuf::from(directory)));
    let queue = Queue::open_with(spool.settings(), tuning(Arc::new(SystemDisk))).expect("opens");
    say("open");
    thread::scope(|scope| {
        for number in 0..THREADS {
            let queue = &queue;
            scope.spawn(move || work(queue, Timestamp::now().millis() * THREADS + number));
        }
    });
}

fn work(queue: &Queue, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..STEPS {
        let seed = random.number();
        let id = queue
            .accept(&envelope(1), &message(seed), Timestamp::now())
            .expect("accepts");
        say(&format!("took {id} {seed}"));
        if random.below(3) > 0 {
            say(&format!("finishing {id}"));
            queue
                .apply(id, &[(0, Change::Delivered(diagnosis("ok")))])
                .expect("applies");
            say(&format!("finished {id}"));
        }
    }
}

/// What the killed workers said.
#[derive(Default)]
struct Promises {
    /// Seeds of the messages that must be there.
    kept: BTreeMap<QueueId, u64>,
    /// Those that may be there or not.
    open: BTreeMap<QueueId, u64>,
    gone: BTreeSet<QueueId>,
}

impl Promises {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let id = || words[1].parse::<QueueId>().expect("an id");
        match words[0] {
            "took" => {
                let seed = words[2].parse().expect("a seed");
                let all = self.kept.keys().chain(self.open.keys()).chain(&self.gone);
                assert!(
                    all.copied().all(|earlier| earlier != id()),
                    "{} again",
                    id()
                );
                self.kept.insert(id(), seed);
            }
            "finishing" => {
                let seed = self.kept.remove(&id()).expect("taken before");
                self.open.insert(id(), seed);
            }
            "finished" => {
                self.open.remove(&id());
                self.gone.insert(id());
            }
            // What the test harness says.
            _ => {}
        }
    }

    /// Compares with what is there; returns how many messages were there that nobody had been told of.
    fn check(&mut self, queue: &Queue) -> usize {
        for (id, seed) in self.kept.iter().chain(&self.open) {
            match queue.content(*id) {
                Ok(content) => assert_eq!(content, message(*seed), "{id}"),
                Err(error) => assert!(self.open.contains_key(id), "{id} is lost: {error}"),
            }
        }
        let entries = queue.entries();
        assert!(
            entries.iter().all(|entry| !self.gone.contains(&entry.id)),
            "a message came back"
        );
        let is_known = |id| self.kept.contains_key(id) || self.open.contains_key(id);
        entries.iter().filter(|entry| !is_known(&entry.id)).count()
    }
}

fn start(spool: &TempSpool) -> Child {
    let binary = std::env::current_exe().expect("a path");
    let mut command = Command::new(binary);
    command.args(["--exact", "worker", "--nocapture", "--test-threads=1"]);
    command
        .env(SPOOL, &spool.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.spawn().expect("starts")
}

#[test]
fn nothing_acknowledged_is_lost_however_often_the_process_is_killed() {
    let spool = TempSpool::new();
    let mut random = Random::new(0x5eed);
    let mut promises = Promises::default();
    let mut taken = 0;
    for round in 0..ROUNDS {
        let mut worker = start(&spool);
        let mut lines = BufReader::new(worker.stdout.take().expect("a pipe")).split(b'\n');
        // Now and then before it has opened the spool, mostly under full load.
        let count = random.below(150);
        for line in lines.by_ref().take(count) {
            promises.hear(&String::from_utf8(line.expect("readable")).expect("text"));
        }
        worker.kill().expect("a child");
        for line in lines {
            promises.hear(&String::from_utf8(line.expect("readable")).expect("text"));
        }
        let status = worker.wait().expect("ends");
        assert!(!status.success(), "round {round}: nobody was left to kill");
        let queue =
            Queue::open_with(spool.settings(), tuning(Arc::new(SystemDisk))).expect("opens");
        let untold = promises.check(&queue);
        assert!(
            untold <= THREADS as usize * (round as usize + 1),
            "round {round}: {untold}"
        );
        assert!(
            spool.set_aside().is_empty(),
            "round {round}: no disk was damaged"
        );
        taken = promises.kept.len() + promises.open.len() + promises.gone.len();
    }
    assert!(
        taken > 100,
        "{taken}: the rounds were too short to mean anything"
    );
}
