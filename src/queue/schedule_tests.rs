use super::*;
use crate::queue::Recipient;
use crate::smtp::{Domain, Envelope, Mailbox, ReversePath};
use gateway_lab::random::Random;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_795_536_480 + seconds)
}

fn host(name: &str) -> Host {
    Host::Domain(Domain::parse(name).expect("a domain"))
}

/// A message whose recipients are at these hosts, due at these seconds.
fn entry(id: u64, recipients: &[(&str, u64)]) -> Entry {
    let recipients: Vec<Recipient> = recipients
        .iter()
        .map(|(name, due)| Recipient {
            mailbox: Mailbox {
                local: "a".to_owned(),
                host: host(name),
            },
            state: RecipientState::Pending,
            attempts: 0,
            due: at(*due),
            last: None,
        })
        .collect();
    let mailboxes = recipients.iter().map(|recipient| recipient.mailbox.clone());
    Entry {
        id: QueueId(id),
        arrived: at(0),
        size: 1,
        envelope: Envelope {
            sender: ReversePath::Null,
            recipients: mailboxes.collect(),
            eight_bit: false,
        },
        recipients,
        held: false,
    }
}

fn job(id: u64, name: &str, recipients: &[usize]) -> Job {
    Job {
        id: QueueId(id),
        host: host(name),
        recipients: recipients.to_vec(),
    }
}

/// Everything that can be taken now.
fn take_all(schedule: &mut Schedule, now: Timestamp) -> Vec<Job> {
    std::iter::from_fn(|| schedule.take_due(now)).collect()
}

#[test]
fn waits_double_up_to_the_longest() {
    let minute = 60 * SECOND;
    for (attempts, wait) in [
        (0, minute),
        (1, minute),
        (2, 2 * minute),
        (3, 4 * minute),
        (8, 128 * minute),
        (9, 4 * HOUR),
        (u32::MAX, 4 * HOUR),
    ] {
        assert_eq!(backoff(attempts, minute, 4 * HOUR, 0), wait, "{attempts}");
    }
}

#[test]
fn jitter_cuts_at_most_a_quarter() {
    for jitter in [0, 1, 1 << 30, 1 << 31, u32::MAX] {
        for attempts in [1, 5, 100] {
            let full = backoff(attempts, SECOND, HOUR, 0);
            let cut = backoff(attempts, SECOND, HOUR, jitter);
            assert!(cut <= full && cut >= full * 3 / 4, "{attempts} {jitter}");
        }
    }
    assert_eq!(backoff(1, HOUR, HOUR, 1 << 31), HOUR * 7 / 8);
    assert_eq!(backoff(40, Duration::MAX, Duration::MAX, 0), Duration::MAX);
}

#[test]
fn a_message_expires_when_its_time_is_over() {
    assert!(!is_expired(at(0), HOUR, at(3599)));
    assert!(is_expired(at(0), HOUR, at(3600)));
    assert!(is_expired(at(0), Duration::ZERO, at(0)));
    // A clock that was set back keeps messages longer, never shorter.
    assert!(!is_expired(at(100), HOUR, at(0)));
    assert!(!is_expired(at(0), Duration::MAX, at(1 << 40)));
}

#[test]
fn recipients_of_one_host_are_one_job() {
    let mut schedule = Schedule::new(10);
    schedule.insert(&entry(
        1,
        &[("a.example", 5), ("b.example", 3), ("a.example", 4)],
    ));
    assert_eq!(schedule.len(), 2);
    assert_eq!(schedule.next_due(), Some(at(3)));
    assert_eq!(schedule.take_due(at(2)), None);
    assert_eq!(schedule.take_due(at(3)), Some(job(1, "b.example", &[1])));
    assert_eq!(schedule.next_due(), Some(at(4)));
    // At 4 the third recipient is due, the first is not: it waits for the next job of that host.
    assert_eq!(schedule.take_due(at(4)), Some(job(1, "a.example", &[2])));
    assert_eq!(schedule.take_due(at(9)), None);
    assert_eq!(schedule.next_due(), None);
}

#[test]
fn a_message_has_one_running_job_for_a_host() {
    let mut schedule = Schedule::new(10);
    let message = entry(1, &[("a.example", 0)]);
    schedule.insert(&message);
    let running = schedule.take_due(at(0)).expect("due");
    schedule.insert(&message);
    assert_eq!((schedule.take_due(at(0)), schedule.len()), (None, 1));
    schedule.finished(&running);
    assert!(schedule.is_empty());
    schedule.insert(&message);
    assert_eq!(schedule.take_due(at(0)), Some(running));
}

#[test]
fn hosts_have_slots_and_take_turns() {
    let mut schedule = Schedule::new(2);
    for id in 1..=4 {
        schedule.insert(&entry(id, &[("slow.example", 0)]));
    }
    for id in 5..=6 {
        schedule.insert(&entry(id, &[("quick.example", 0)]));
    }
    let taken = take_all(&mut schedule, at(0));
    let order = [
        job(5, "quick.example", &[0]),
        job(1, "slow.example", &[0]),
        job(6, "quick.example", &[0]),
        job(2, "slow.example", &[0]),
    ];
    // Which host begins is not promised; that they alternate, and the order within each, is.
    let of = |jobs: &[Job], name| -> Vec<Job> {
        let jobs = jobs.iter().filter(|job| job.host == host(name));
        jobs.cloned().collect()
    };
    for name in ["slow.example", "quick.example"] {
        assert_eq!(of(&taken, name), of(&order, name));
    }
    assert!(taken.windows(2).all(|pair| pair[0].host != pair[1].host));
    // Ready jobs without a slot are no reason to wake up.
    assert_eq!(schedule.next_due(), None);
    schedule.finished(&job(2, "slow.example", &[0]));
    assert_eq!(
        take_all(&mut schedule, at(0)),
        [job(3, "slow.example", &[0])]
    );
}

#[test]
fn a_host_is_served_in_the_order_of_due_times() {
    let mut schedule = Schedule::new(1);
    schedule.insert(&entry(1, &[("a.example", 9)]));
    schedule.insert(&entry(2, &[("a.example", 7)]));
    schedule.insert(&entry(3, &[("a.example", 8)]));
    let mut order = Vec::new();
    while let Some(job) = schedule.take_due(at(10)) {
        order.push(job.id.0);
        schedule.finished(&job);
    }
    assert_eq!(order, [2, 3, 1]);
}

#[test]
fn held_and_removed_messages_are_not_tried() {
    let mut schedule = Schedule::new(1);
    let mut message = entry(1, &[("a.example", 0), ("b.example", 5)]);
    schedule.insert(&message);
    let running = schedule.take_due(at(0)).expect("due");
    message.held = true;
    schedule.insert(&message);
    assert_eq!((schedule.len(), schedule.next_due()), (1, None));
    schedule.finished(&running);
    assert!(schedule.is_empty());

    message.held = false;
    schedule.insert(&message);
    schedule.remove(message.id);
    schedule.remove(message.id);
    assert_eq!((schedule.take_due(at(9)), schedule.len()), (None, 0));
    // What was never taken frees nothing.
    schedule.finished(&running);
    assert_eq!(schedule.len(), 0);
}

#[test]
fn what_is_delivered_or_failed_is_not_tried() {
    let mut schedule = Schedule::new(1);
    let mut message = entry(1, &[("a.example", 0), ("a.example", 0), ("a.example", 0)]);
    message.recipients[0].state = RecipientState::Delivered;
    message.recipients[2].state = RecipientState::Failed;
    schedule.insert(&message);
    assert_eq!(take_all(&mut schedule, at(0)), [job(1, "a.example", &[1])]);
}

/// Whatever happens in whatever order: slots are kept, no (message, host) runs twice, nothing due is forgotten, and in the end nothing is left.
#[test]
fn random_runs_keep_the_promises() {
    const NAMES: [&str; 4] = ["a.example", "b.example", "c.example", "d.example"];
    let mut random = Random::new(0x5eed);
    for _ in 0..200 {
        let slots = 1 + random.below(3);
        let mut schedule = Schedule::new(slots);
        let mut running: Vec<Job> = Vec::new();
        let mut now = 0;
        for _ in 0..100 {
            match random.below(5) {
                0 | 1 => {
                    let mut recipient = || (NAMES[random.below(4)], now + random.below(9) as u64);
                    let recipients = [recipient(), recipient()];
                    schedule.insert(&entry(random.below(12) as u64, &recipients));
                }
                2 => now += random.below(4) as u64,
                3 => schedule.remove(QueueId(random.below(12) as u64)),
                _ if running.is_empty() => {}
                _ => {
                    let ended = running.swap_remove(random.below(running.len()));
                    schedule.finished(&ended);
                }
            }
            for job in take_all(&mut schedule, at(now)) {
                let same = |other: &Job| (other.id, &other.host) == (job.id, &job.host);
                assert!(!running.iter().any(same), "{job:?} runs twice");
                assert!(!job.recipients.is_empty());
                running.push(job);
                let job = &running[running.len() - 1];
                let beside = running.iter().filter(|other| other.host == job.host);
                assert!(beside.count() <= slots, "{job:?} has no slot");
            }
            assert!(schedule.next_due().is_none_or(|due| due > at(now)));
            assert!(schedule.len() >= running.len());
        }
        while !schedule.is_empty() {
            now += 1;
            running.extend(take_all(&mut schedule, at(now)));
            assert!(now < 10_000, "something is never due");
            running.drain(..).for_each(|job| schedule.finished(&job));
        }
        assert!(schedule.lines.is_empty() && schedule.turns.is_empty());
        assert!(schedule.tasks.is_empty() && schedule.waiting.is_empty());
    }
}
