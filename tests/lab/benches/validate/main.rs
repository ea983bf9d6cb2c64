//! Validations a second beside what OpenSSL alone takes for the same signatures, and beside the validator of NLnet Labs' crate `domain`; answers a
//! second of what is known; CPU time of hostile zones.
//!
//! Everything runs on one thread, and but for answers out of the cache begins with the octets of the replies in memory.

mod chain;
mod hostile;
mod rival;

use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

use domain::dnssec::validator::context::ValidationState;
use gateway::dns::{Algorithm, Dnskey, Name, RecordType, Tlsa};
use gateway::dnssec::{Security, TrustAnchors};
use gateway::resolver::{Resolve, Resolver, Settings, ValidationSettings};
use gateway::time::Deadline;
use gateway_lab::bench::{ROUNDS, Rates, in_turn};
use gateway_lab::validation::Memory;
use gateway_lab::world::{KeyUse, ZoneKey};
use gateway_lab::{World, Zone};

use chain::{Chain, Signature};
use rival::Rival;

const RSA_BITS: u32 = 2048;
/// Hosts in the zone, so that one answer is not validated again right after itself.
const HOSTS: usize = 64;
/// A look-up that takes longer than this fails.
const WAIT: Duration = Duration::from_secs(10);

fn main() {
    println!(
        "DNSSEC validation, answers in a second of CPU time (median of {ROUNDS} paired rounds)"
    );
    println!(
        "{:<44} {:>9} {:>9} {:>9} {:>12} {:>12}",
        "", "gateway", "OpenSSL", "domain", "time over", "answers over"
    );
    println!(
        "{:<44} {:>9} {:>9} {:>9} {:>12} {:>12}",
        "", "", "alone", "0.11", "OpenSSL's", "domain's"
    );
    let algorithms = [
        (Algorithm::RSASHA256, "8 (RSA 2048)"),
        (Algorithm::ECDSAP256SHA256, "13 (P-256)"),
        (Algorithm::ED25519, "15 (Ed25519)"),
    ];
    let worlds = algorithms.map(|(algorithm, name)| (world(algorithm), name));
    println!(
        "nothing known: root, top-level domain and zone, 6 signatures (goal: at most 1.3 times OpenSSL's time)"
    );
    for (world, name) in &worlds {
        cold(name, &chain(world, 0));
    }
    println!("the zone's keys known: 1 signature");
    for (world, name) in &worlds {
        let chains: Vec<_> = (0..HOSTS).map(|host| chain(world, host)).collect();
        warm(name, &chains);
    }
    println!("the answer known: Resolver::lookup (goal: 200,000 a second)");
    cached(&worlds[1].0);
    hostile::measure();
}

/// Root, top-level domain and zone, each with a key for its keys and a key for the rest.
fn world(algorithm: Algorithm) -> World {
    let key = || match algorithm {
        Algorithm::RSASHA256 => ZoneKey::rsa(algorithm, RSA_BITS),
        _ => ZoneKey::zone_signing(algorithm),
    };
    let zone = |apex| {
        let keys = key().flags(Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT);
        Zone::signed(apex)
            .key(KeyUse::key_signing(keys))
            .key(KeyUse::zone_signing(key()))
    };
    let tlsa = Tlsa {
        usage: 3,
        selector: 1,
        matching: 1,
        data: vec![7; 32],
    };
    let hosts = (0..HOSTS).fold(zone("d.test"), |zone, host| {
        zone.tlsa(&format!("mx{host}.d.test"), 25, tlsa.clone())
    });
    World::builder()
        .zone(zone("."))
        .zone(zone("test"))
        .zone(hosts)
        .start()
}

fn owner(host: usize) -> String {
    format!("_25._tcp.mx{host}.d.test")
}

fn chain(world: &World, host: usize) -> Chain {
    Chain::new(world, &owner(host), RecordType::TLSA)
}

fn cold(name: &str, chain: &Chain) {
    let signatures = chain.signatures();
    let outcome = chain.validate(&());
    let answer = outcome.answer.expect("an answer");
    assert_eq!(answer.security, Security::Secure);
    assert_eq!(outcome.work.verifications() as usize, signatures.len());
    let rival = Rival::new(chain);
    let mut ours = || drop(black_box(chain.validate(&())));
    let mut crypto = || signatures.iter().for_each(|one| one.verify(&one.key()));
    let mut theirs = || assert!(rival.is_secure());
    if !rival.is_secure() {
        return row(name, &in_turn(&mut [&mut ours, &mut crypto]));
    }
    row(name, &in_turn(&mut [&mut ours, &mut crypto, &mut theirs]));
}

fn warm(name: &str, chains: &[Chain]) {
    let known = Memory::default();
    let _ = chains[0].validate(&known);
    let next = Cell::new(0);
    let turn = || next.replace((next.get() + 1) % chains.len());
    let signatures: Vec<_> = chains
        .iter()
        .flat_map(|chain| chain.signatures_in(&chain.question))
        .collect();
    let keys: Vec<_> = signatures.iter().map(Signature::key).collect();
    let rivals: Vec<_> = chains.iter().map(Rival::new).collect();
    let memory = rivals[0].memory();
    let mut ours = || assert_eq!(chains[turn()].validate(&known).work.verifications(), 1);
    let mut crypto = || {
        let host = turn();
        signatures[host].verify(&keys[host]);
    };
    let mut theirs = || assert_eq!(rivals[turn()].validate(&memory), ValidationState::Secure);
    if !rivals[0].is_secure() {
        return row(name, &in_turn(&mut [&mut ours, &mut crypto]));
    }
    row(name, &in_turn(&mut [&mut ours, &mut crypto, &mut theirs]));
}

fn cached(world: &World) {
    let anchors = TrustAnchors::parse(&world.trust_anchor()).expect("an anchor");
    let settings = Settings {
        servers: vec![world.resolver().into()],
        validation: ValidationSettings {
            anchors,
            ..ValidationSettings::default()
        },
        ..Settings::default()
    };
    let resolver = Resolver::new(&settings).expect("a resolver");
    let names: Vec<Name> = (0..HOSTS)
        .map(|host| Name::parse(&owner(host)).expect("a name"))
        .collect();
    let look_up = |name: &Name| {
        let deadline = Deadline::after(WAIT);
        let answer = resolver.lookup(name, RecordType::TLSA, deadline);
        assert_eq!(answer.expect("an answer").security, Security::Secure);
    };
    names.iter().for_each(look_up);
    let asked = world.queries().len();
    let mut turn = names.iter().cycle();
    let measured = in_turn(&mut [&mut || turn.next().into_iter().for_each(look_up)]);
    assert_eq!(world.queries().len(), asked, "all from the cache");
    println!("{:<44} {:>9.0}", "  TLSA", measured.rates[0]);
}

fn row(name: &str, measured: &Rates) {
    let over_crypto = 1.0 / measured.ratios[1];
    let [ours, crypto] = [0, 1].map(|place: usize| measured.rates[place]);
    print!(
        "  {:<42} {ours:>9.0} {crypto:>9.0}",
        format!("algorithm {name}")
    );
    match (measured.rates.get(2), measured.ratios.get(2)) {
        (Some(theirs), Some(ratio)) => println!(" {theirs:>9.0} {over_crypto:>12.2} {ratio:>12.2}"),
        _ => println!(" {:>9} {over_crypto:>12.2} {:>12}", "-", "-"),
    }
}
