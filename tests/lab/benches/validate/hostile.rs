//! CPU time that zones made to cost work take (KeyTrap, CVE-2023-50387; NSEC3 hashing, CVE-2023-50868).

use std::net::Ipv4Addr;
use std::time::Duration;

use gateway::dns::{Algorithm, DigestType, Message, Rdata, Record, RecordType};
use gateway::dnssec::Why;
use gateway::dnssec::chain::Outcome;
use gateway_lab::bench::cpu_time;
use gateway_lab::world::{Denial, Elsewhere, Hashing, KeyUse, ZoneKey, more_signatures};
use gateway_lab::{World, Zone};

use crate::chain::Chain;
use crate::rival::Rival;

/// What one validation may take at most.
const GOAL: Duration = Duration::from_secs(1);
const TIMES: u32 = 10;

/// A zone and the question in it.
struct Trap {
    what: &'static str,
    zone: Zone,
    owner: String,
    edit: Option<Change>,
}

type Change = Box<dyn Fn(&mut Message, &Elsewhere<'_>) + Send + Sync>;

pub fn measure() {
    println!(
        "\nZones made to cost work: CPU time of one validation that knows nothing, in milliseconds (mean of {TIMES}; goal: below 1000)"
    );
    println!(
        "{:<54} {:>7} {:>8} {:>7} {:>7}  gateway's status",
        "", "gateway", "domain", "verify", "hash"
    );
    let mut builder = World::builder();
    let mut asked = Vec::new();
    for trap in traps() {
        if let Some(edit) = trap.edit {
            builder = builder.edit(&trap.owner, RecordType::A, edit);
        }
        builder = builder.zone(trap.zone);
        asked.push((trap.what, trap.owner));
    }
    let world = builder.start();
    for (what, owner) in asked {
        row(what, &Chain::new(&world, &owner, RecordType::A));
    }
}

fn row(what: &str, chain: &Chain) {
    let rival = Rival::new(chain);
    let ours = cost(|| drop(chain.validate(&())));
    let theirs = cost(|| {
        let _ = rival.validate(&rival.memory());
    });
    let outcome = chain.validate(&());
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{what:<54} {:>7.2} {:>8.2} {:>7} {:>7}  {}",
        millis(ours),
        millis(theirs),
        outcome.work.verifications(),
        outcome.work.hashes(),
        status(&outcome)
    );
    assert!(ours < GOAL, "{what} takes {ours:?}");
}

fn cost(mut call: impl FnMut()) -> Duration {
    let before = cpu_time();
    (0..TIMES).for_each(|_| call());
    (cpu_time() - before) / TIMES
}

fn status(outcome: &Outcome) -> String {
    match &outcome.answer {
        Ok(answer) => format!("{:?}", answer.security).to_lowercase(),
        Err(Why::Budget { limit, .. }) => format!("indeterminate: over {limit}"),
        Err(why) => {
            let word = format!("{:?}", why.consequence()).to_lowercase();
            format!("{word}: {why}")
        }
    }
}

fn traps() -> Vec<Trap> {
    vec![
        key_trap("KeyTrap: 31 keys of one tag, 100 wrong signatures", "trap"),
        hashing(
            "NSEC3: 50 iterations, salt of 255, name of 24 labels",
            "h50",
            50,
        ),
        hashing("NSEC3: 51 iterations", "h51", 51),
        hashing("NSEC3: 2500 iterations", "h2500", 2500),
        many_ds("200 DS records with wrong digests", "ds200", 200),
        many_ds("8 DS records with wrong digests", "ds8", 7),
        many_keys("32 keys of P-384, 8 wrong signatures", "p384"),
        many_records("answer of 4,000 records", "big"),
    ]
}

fn trap(what: &'static str, label: &str, change: impl FnOnce(Zone) -> Zone) -> Trap {
    let apex = format!("{label}.test");
    let owner = format!("h.{apex}");
    let zone = Zone::signed(&apex).address(&owner, Ipv4Addr::new(192, 0, 2, 1).into());
    Trap {
        what,
        zone: change(zone),
        owner,
        edit: None,
    }
}

fn key_trap(what: &'static str, label: &str) -> Trap {
    let key = ZoneKey::zone_signing(Algorithm::RSASHA256);
    let keys = ZoneKey::key_signing(Algorithm::RSASHA256);
    let mut trap = trap(what, label, |zone| {
        let zone = zone
            .key(KeyUse::key_signing(keys))
            .key(KeyUse::zone_signing(key.clone()));
        let apex = zone.apex();
        let twins = (0..30).map(|number| Rdata::Dnskey(key.twin(number)));
        twins.fold(zone, |zone, twin| zone.record(&apex, twin))
    });
    trap.edit = Some(Box::new(more_signatures(100, |_| {})));
    trap
}

/// The question is about a name far below what exists.
fn hashing(what: &'static str, label: &str, iterations: u16) -> Trap {
    let mut trap = trap(what, label, |zone| {
        zone.denial(Denial::Nsec3(Hashing {
            iterations,
            salt: vec![7; 255],
            opt_out: false,
        }))
    });
    let labels = vec!["x"; 22].join(".");
    trap.owner = format!("{labels}.{}", trap.zone.apex());
    trap
}

fn many_ds(what: &'static str, label: &str, count: u8) -> Trap {
    let key = ZoneKey::key_signing(Algorithm::ECDSAP256SHA256);
    trap(what, label, |zone| {
        let right = key.ds(&zone.apex(), DigestType::SHA256);
        let wrong = (0..count).map(|number| {
            let mut ds = right.clone();
            ds.digest = vec![0; 32];
            ds.digest[31] = number;
            ds
        });
        let mut records: Vec<_> = wrong.collect();
        records.push(right.clone());
        zone.key(KeyUse::combined(key)).ds(records)
    })
}

fn many_keys(what: &'static str, label: &str) -> Trap {
    let new = || ZoneKey::zone_signing(Algorithm::ECDSAP384SHA384);
    let mut trap = trap(what, label, |zone| {
        let keys = ZoneKey::key_signing(Algorithm::ECDSAP384SHA384);
        let zone = zone
            .key(KeyUse::key_signing(keys))
            .key(KeyUse::zone_signing(new()));
        (0..30).fold(zone, |zone, _| zone.key(KeyUse::zone_signing(new()).idle()))
    });
    trap.edit = Some(Box::new(more_signatures(7, |_| {})));
    trap
}

fn many_records(what: &'static str, label: &str) -> Trap {
    let mut trap = trap(what, label, |zone| zone);
    trap.edit = Some(Box::new(|reply, _| {
        let first = reply.answers[0].clone();
        let more = (0..4000_u32).map(|number| Record {
            data: Rdata::A(Ipv4Addr::from(number.wrapping_mul(0x9E37_79B9))),
            ..first.clone()
        });
        reply.answers.extend(more);
    }));
    trap
}
