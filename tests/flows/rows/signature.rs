//! Signatures, keys and denials that are not what they should be, or only look as if they were not.

use gateway::dns::{Algorithm, Dnskey, Message, Name, Rdata, Record, RecordType};
use gateway::time::Timestamp;
use gateway_lab::world::{Denial, Hashing, KeyUse, Signing, ZoneKey, tlsa_owner};
use gateway_lab::{Fault, Zone};

use crate::scenario::{Ending, Mode};
use crate::stage::{Host, Stage, with_host, zone};

/// Half of the circle in which times of signatures are compared (RFC 4034 §3.1.5), in seconds.
const HALF: u32 = 1 << 31;

pub(super) fn put_up(stage: &mut Stage) {
    another_signer(stage);
    times(stage);
    many_iterations(stage);
    keytrap(stage);
    algorithms(stage);
    wildcards(stage);
}

const fn bogus() -> Ending {
    Ending::waits("4.7.5", "dnssec-invalid")
}

/// A good domain whose TLSA records are signed otherwise.
fn signed_otherwise(stage: &mut Stage, apex: &str, signing: Signing) -> Host {
    let mx = stage.host(&format!("mx.{apex}"));
    let owner = tlsa_owner(mx.name(), mx.port()).to_string();
    let zone = zone(apex, &mx, [mx.tlsa(1, 1)]);
    stage.zone(zone.signing(&owner, RecordType::TLSA, signing));
    mx
}

/// The signature is good, and its key is that of a secure zone, which is not the one that the records lie in.
fn another_signer(stage: &mut Stage) {
    let evil = ZoneKey::key_signing(Algorithm::ECDSAP256SHA256);
    stage.zone(Zone::signed("t61-evil.test").key(KeyUse::combined(evil.clone())));
    let signing = Signing {
        key: Some(evil),
        signer: Some(Name::parse("t61-evil.test").expect("a name")),
        ..Signing::default()
    };
    signed_otherwise(stage, "t61.test", signing);
    stage.scenario("T61 signed by an unrelated zone", "t61.test", bogus());
}

fn times(stage: &mut Stage) {
    let now = u32::try_from(Timestamp::now().unix()).expect("before 2106");
    let day = 86_400;
    for (name, apex, window) in [
        (
            "T62 to be valid in an hour",
            "t62-future.test",
            (now + 3_600, now + day),
        ),
        (
            "T62 over for a second",
            "t62-over.test",
            (now - day, now - 1),
        ),
    ] {
        let signing = Signing {
            window: Some(window),
            ..Signing::default()
        };
        signed_otherwise(stage, apex, signing);
        stage
            .scenario(name, apex, bogus())
            .not_in(Mode::Unbound, "it grants an hour and more");
    }
    // As a number the first second is far ahead, on the circle it is behind.
    let signing = Signing {
        window: Some((now.wrapping_sub(HALF - 2 * day), now + day)),
        ..Signing::default()
    };
    let mx = signed_otherwise(stage, "t62-wrapped.test", signing);
    stage.scenario(
        "T62 valid since before the circle of 2106 began",
        "t62-wrapped.test",
        Ending::verified(&mx),
    );
}

/// Unsigned zones below ones whose denials take this many rounds of hashing (RFC 9276 §3.2).
fn many_iterations(stage: &mut Stage) {
    for (name, above, iterations) in [
        ("T63 51 iterations", "t63-51.test", 51),
        ("T63 501 iterations", "t63-501.test", 501),
    ] {
        let denial = Denial::Nsec3(Hashing {
            iterations,
            ..Hashing::default()
        });
        stage.zone(Zone::signed(above).denial(denial));
        let apex = format!("d.{above}");
        let mx = stage.host(&format!("mx.{apex}"));
        let zone = Zone::unsigned(&apex).mx(10, mx.name());
        stage.zone(with_host(zone, &mx, []));
        let (endings, is_too_many) = match iterations {
            51 => (insecure(&mx), false),
            _ => (Ending::waits("4.4.3", "dnssec-invalid").into(), true),
        };
        let row = stage.scenario(name, &apex, endings);
        if is_too_many {
            row.not_in(Mode::Unbound, "it calls that insecure, not bogus");
        }
    }
}

fn insecure(mx: &Host) -> [Ending; 2] {
    [
        Ending::waits("4.7.5", "mx-insecure"),
        Ending::encrypted(mx).saying(mx.name(), "mx-insecure"),
    ]
}

/// CVE-2023-50387: keys that share the tag of the one that signs, and wrong signatures before the right one.
fn keytrap(stage: &mut Stage) {
    let key = ZoneKey::zone_signing(Algorithm::RSASHA256);
    let mx = stage.host("mx.t64.test");
    let entry = ZoneKey::key_signing(Algorithm::RSASHA256);
    let mut trap = zone("t64.test", &mx, [mx.tlsa(1, 1)])
        .key(KeyUse::key_signing(entry))
        .key(KeyUse::zone_signing(key.clone()));
    for number in 0..30 {
        trap = trap.record("t64.test", Rdata::Dnskey(twin(key.dnskey(), number)));
    }
    stage.zone(trap);
    stage.edit("t64.test", RecordType::MX, wrong_signatures);
    let because = "the work is the resolver's, and so is the defence";
    stage
        .scenario(
            "T64 many keys and signatures that collide",
            "t64.test",
            Ending::waits("4.4.3", "mx-lookup-error"),
        )
        .only_in(Mode::Validate, because);
}

/// Another key with the same tag: words of the modulus change places, which the sum does not see (RFC 4034 Appendix B).
fn twin(key: &Dnskey, number: usize) -> Dnskey {
    let mut twin = key.clone();
    let place = 10 + 2 * number;
    let (low, high) = twin.public_key.split_at_mut(place + 2);
    low[place..].swap_with_slice(&mut high[..2]);
    assert_eq!(twin.key_tag(), key.key_tag());
    twin
}

fn wrong_signatures(reply: &mut Message) {
    let is_signature = |record: &Record| record.rtype() == RecordType::RRSIG;
    let Some(place) = reply.answers.iter().position(is_signature) else {
        return;
    };
    for number in 0..8 {
        let mut wrong = reply.answers[place].clone();
        if let Rdata::Rrsig(rrsig) = &mut wrong.data {
            rrsig.signature[0] ^= 0x80 | number;
        }
        reply.answers.insert(place, wrong);
    }
}

/// RFC 9905, RFC 4035 §5.2: a zone with none but such algorithms is as good as unsigned.
fn algorithms(stage: &mut Stage) {
    let of = ZoneKey::key_signing;
    let unknown = of(Algorithm::ECDSAP256SHA256).numbered(Algorithm(200));
    for (name, apex, key) in [
        ("T65 only algorithm 5", "t65-5.test", of(Algorithm::RSASHA1)),
        (
            "T65 only algorithm 7",
            "t65-7.test",
            of(Algorithm::RSASHA1_NSEC3_SHA1),
        ),
        (
            "T65 only an algorithm that nobody knows",
            "t65-200.test",
            unknown,
        ),
    ] {
        let mx = stage.host(&format!("mx.{apex}"));
        let zone = zone(apex, &mx, [mx.tlsa(1, 1)]);
        let is_known = key.dnskey().algorithm != Algorithm(200);
        stage.zone(zone.key(KeyUse::combined(key)));
        let row = stage.scenario(name, apex, insecure(&mx));
        if is_known {
            row.not_in(Mode::Unbound, "it still believes SHA-1");
        }
    }
}

/// Domains whose address and TLSA records stand at a wildcard.
fn wildcards(stage: &mut Stage) {
    for (name, apex, rtype, ending) in [
        (
            "T66 wildcards with their proofs",
            "t66-good.test",
            None,
            None,
        ),
        (
            "T66 an address from a wildcard, without the proof",
            "t66-address.test",
            Some(RecordType::A),
            Some(Ending::waits("4.4.3", "addr-lookup-error")),
        ),
        (
            "T66 TLSA records from a wildcard, without the proof",
            "t66-tlsa.test",
            Some(RecordType::TLSA),
            Some(bogus()),
        ),
    ] {
        let mx = stage.host(&format!("mx.{apex}"));
        let wildcard = format!("*.{apex}");
        let zone = Zone::signed(apex)
            .mx(10, mx.name())
            .address(&wildcard, mx.ip())
            .record(&wildcard, Rdata::Tlsa(mx.tlsa(1, 1)));
        stage.zone(zone);
        match rtype {
            Some(RecordType::TLSA) => stage.tlsa_fault(mx.name(), Fault::NoProof),
            Some(other) => stage.fault(mx.name(), other, Fault::NoProof),
            None => {}
        }
        let ending = ending.unwrap_or_else(|| Ending::verified(&mx));
        stage.scenario(name, apex, ending);
    }
}
