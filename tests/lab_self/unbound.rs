//! The lab's signatures and proofs of denial, judged by Unbound: it forwards to the lab's resolver, and validates what comes back.

use gateway::dns::{Algorithm, DigestType, Message, Rcode, RecordType};
use gateway_lab::unbound::Unbound;
use gateway_lab::world::{Denial, Hashing, KeyUse, ZoneKey};
use gateway_lab::{World, Zone};

use crate::dns::{Ask, over_udp, query, send, world};

fn outcome(reply: &Message) -> (Rcode, bool, Vec<String>) {
    let mut answers: Vec<_> = reply
        .answers
        .iter()
        .filter(|record| record.rtype() != RecordType::RRSIG)
        .map(|record| format!("{} {}", record.name.to_lowercase(), record.data))
        .collect();
    answers.sort();
    (reply.rcode(), reply.header.authentic_data, answers)
}

#[test]
fn unbound_agrees_with_the_lab_about_every_kind_of_answer() {
    let world = world();
    let unbound = Unbound::validating(&world);
    let (a, mx, txt) = (RecordType::A, RecordType::MX, RecordType::TXT);
    for (owner, rtype) in [
        (".", RecordType::DNSKEY),
        ("d.test", RecordType::DNSKEY),
        ("d.test", RecordType::DS),
        ("u.test", RecordType::DS),
        ("d.test", mx),
        ("d.test", txt),
        ("_25._tcp.mx.d.test", RecordType::TLSA),
        ("_26._tcp.mx.d.test", RecordType::TLSA),
        ("alias.d.test", a),
        ("alias.d.test", RecordType::AAAA),
        ("mx.old.d.test", a),
        ("none.old.d.test", a),
        ("a.w.d.test", txt),
        ("a.b.w.d.test", txt),
        ("a.b.w.d.test", mx),
        ("none.d.test", a),
        ("a.none.d.test", a),
        ("mx.d.test", RecordType::AAAA),
        ("empty.d.test", a),
        ("below.empty.d.test", a),
        ("zzz.d.test", a),
        ("none.test", mx),
        ("none", a),
        ("h.u.test", a),
        ("none.u.test", a),
        ("away.d.test", a),
        ("island.test", mx),
        ("broken.test", mx),
        ("none.broken.test", a),
        ("wrong-ds.test", mx),
        ("loop.d.test", a),
    ] {
        let asked = query(Ask::default(), owner, rtype);
        let (ours, theirs) = (over_udp(&world, &asked), send(unbound.address(), &asked));
        assert_eq!(outcome(&ours), outcome(&theirs), "{owner} {rtype}");
    }
}

/// Zones that differ in how they are signed and how they deny, all with the same names.
fn kinds() -> Vec<Zone> {
    let algorithms = [8, 10, 13, 14, 15, 16].map(|number| {
        let (ksk, zsk) = (
            ZoneKey::key_signing(Algorithm(number)),
            ZoneKey::zone_signing(Algorithm(number)),
        );
        Zone::signed(&format!("a{number}.test"))
            .key(KeyUse::key_signing(ksk))
            .key(KeyUse::zone_signing(zsk))
    });
    let hashed = |label: &str, iterations, salt: &[u8], opt_out| {
        Zone::signed(&format!("{label}.test")).denial(Denial::Nsec3(Hashing {
            iterations,
            salt: salt.to_vec(),
            opt_out,
        }))
    };
    let key = || ZoneKey::key_signing(Algorithm::ECDSAP256SHA256);
    let digests = [DigestType::SHA1, DigestType::SHA384, DigestType(200)].map(|digest| {
        Zone::signed(&format!("g{}.test", digest.0)).key(KeyUse::combined(key()).digests(&[digest]))
    });
    let unknown = ZoneKey::key_signing(Algorithm::ECDSAP256SHA256).numbered(Algorithm(200));
    let mut zones = vec![
        hashed("n3", 0, b"", false),
        hashed("salted", 10, b"salt", false),
        hashed("opt-out", 0, b"", true),
        Zone::signed("compact.test").denial(Denial::Compact),
        Zone::signed("unknown.test").key(KeyUse::combined(unknown)),
    ];
    zones.extend(algorithms.into_iter().chain(digests));
    zones
}

#[test]
fn unbound_agrees_with_the_lab_about_every_kind_of_zone() {
    let mut builder = World::builder();
    let mut apexes = Vec::new();
    for zone in kinds() {
        let apex = zone.apex();
        let at = |owner: &str| format!("{owner}.{apex}");
        builder = builder
            .zone(
                zone.address(&at("h"), [192, 0, 2, 1].into())
                    .address(&at("*.w"), [192, 0, 2, 2].into())
                    .address(&at("deep.ent"), [192, 0, 2, 3].into())
                    .cname(&at("alias"), &at("h")),
            )
            .zone(Zone::signed(&at("s")).address(&at("h.s"), [192, 0, 2, 4].into()))
            .zone(Zone::unsigned(&at("u")).address(&at("h.u"), [192, 0, 2, 5].into()));
        apexes.push(apex);
    }
    let world = builder.start();
    let unbound = Unbound::validating(&world);
    for apex in &apexes {
        for (owner, rtype) in [
            ("h", RecordType::A),
            ("h", RecordType::TXT),
            ("none", RecordType::A),
            ("x.w", RecordType::A),
            ("x.w", RecordType::TXT),
            ("ent", RecordType::A),
            ("alias", RecordType::A),
            ("h.s", RecordType::A),
            ("none.s", RecordType::A),
            ("s", RecordType::DS),
            ("h.u", RecordType::A),
            ("u", RecordType::DS),
        ] {
            let asked = query(Ask::default(), &format!("{owner}.{apex}"), rtype);
            let (ours, theirs) = (over_udp(&world, &asked), send(unbound.address(), &asked));
            assert_eq!(outcome(&ours), outcome(&theirs), "{owner}.{apex} {rtype}");
        }
    }
}
