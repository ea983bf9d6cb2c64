//! The table of scenarios in each mode and at each level.

use std::collections::BTreeSet;
use std::time::Duration;

use gateway::dns::{Algorithm, DigestType, Rdata};
use gateway_lab::mx::What;
use gateway_lab::world::{Query, Transport, ZoneKey, tlsa_owner};
use gateway_lab::{Behaviour, Certificate, Gateway};

use crate::rows;
use crate::rows::resolver::{OTHER_CASE, TRUNCATED};
use crate::rows::session::ROLLED;
use crate::run::Run;
use crate::scenario::{Ending, Level, Mode, Scenario};
use crate::stage::{Host, Stage, zone};

/// Longest wait for a message on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Scenarios that are not in the table, and where they are.
const ELSEWHERE: [(&str, &str); 4] = [
    ("T67", "its gateway does not start: `carriers`"),
    ("T73", "all handshakes of the table"),
    ("T74", "its root has other keys: below"),
    ("T77", "its gateway delivers nothing: `carriers`"),
];

#[test]
fn every_scenario_is_somewhere() {
    let mut stage = Stage::large();
    rows::put_up(&mut stage);
    let scenarios = stage.take_scenarios();
    let elsewhere = ELSEWHERE.iter().map(|(number, _)| *number);
    let found: BTreeSet<String> = scenarios
        .iter()
        .map(Scenario::number)
        .chain(elsewhere)
        .map(str::to_owned)
        .collect();
    let all = (1..=78).map(|number| format!("T{number:02}"));
    let missing: Vec<String> = all.filter(|number| !found.contains(number)).collect();
    assert_eq!(missing, Vec::<String>::new());
    // Each number once: in the table or elsewhere.
    for (number, place) in ELSEWHERE {
        let is_both = scenarios.iter().any(|one| one.number() == number);
        assert!(!is_both && !place.is_empty(), "{number}");
    }
}

#[test]
fn dane_only_and_ad() {
    whole_table(Mode::Ad, Level::DaneOnly);
}

#[test]
fn dane_only_and_unbound() {
    whole_table(Mode::Unbound, Level::DaneOnly);
}

#[test]
fn dane_only_and_validate() {
    whole_table(Mode::Validate, Level::DaneOnly);
}

#[test]
fn dane_and_ad() {
    whole_table(Mode::Ad, Level::Dane);
}

#[test]
fn dane_and_unbound() {
    whole_table(Mode::Unbound, Level::Dane);
}

#[test]
fn dane_and_validate() {
    whole_table(Mode::Validate, Level::Dane);
}

fn whole_table(mode: Mode, level: Level) {
    let mut run = Run::of_table(mode, level).goes_by_the_table();
    run.makes_a_connection_for_each_domain();
    run.never_resumes();
    // What Unbound asks, and what it remembers, is its own business.
    if mode != Mode::Unbound {
        run.asks_over_tcp();
        run.believes_the_record_of_the_day();
    }
}

impl Run {
    /// T72.
    fn makes_a_connection_for_each_domain(&self) {
        let messages = self.host("mx.t72-host.test").messages();
        let connections: BTreeSet<u64> = messages.iter().map(|one| one.connection).collect();
        assert_eq!((messages.len(), connections.len()), (2, 2));
    }

    /// T73: every host offers tickets, and some were met by the same process again.
    fn never_resumes(&self) {
        for host in &self.flow.hosts {
            for event in host.transcript() {
                if let What::Handshake { is_resumed, .. } = event.what {
                    assert!(!is_resumed, "{}: {event}", host.name());
                }
            }
        }
    }

    /// T69, T70: what a datagram does not tell for sure is asked for in a stream.
    fn asks_over_tcp(&self) {
        for domain in [TRUNCATED, OTHER_CASE] {
            let port = self.flow.sender.port();
            let owner = tlsa_owner(&format!("mx.{domain}"), port);
            let mut asked = self.flow.world.queries().into_iter();
            let is_it = |query: &Query| query.name == owner && query.transport == Transport::Tcp;
            assert!(asked.any(|query| is_it(&query)), "{domain}");
        }
    }

    /// T71: the key is rolled while mail waits; nothing of the first attempt is used in the next one (rfc B10).
    fn believes_the_record_of_the_day(&mut self) {
        let mx = self.host(&format!("mx.{ROLLED}")).clone();
        let new = Certificate::new(mx.name());
        let record = Rdata::Tlsa(new.tlsa(1, 1));
        mx.behave(Behaviour::new().wrong_certificate(new));
        let owner = tlsa_owner(mx.name(), mx.port());
        self.flow.world.replace_rrset(&owner, vec![record]);
        let gateway = &mut self.flow.gateway;
        assert_eq!(gateway.terminate(), Some(0));
        let output = gateway.run(&["queue", "retry", ROLLED]);
        assert!(output.status.success(), "{output:?}");
        gateway.serve();
        let messages = mx.wait_for_messages(1, PATIENCE);
        assert_eq!(messages.len(), 1, "{ROLLED}");
    }

    fn host(&self, name: &str) -> &Host {
        let mut hosts = self.flow.hosts.iter();
        let host = hosts.find(|host| host.name() == name);
        host.unwrap_or_else(|| panic!("no host {name}"))
    }
}

/// T71: a record whose time to live is not over, but which matches no more, is not believed to be the last word (rfc C12).
#[test]
fn a_record_is_asked_for_again_before_it_fails() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let old = Certificate::new("mx.d.test");
    stage.zone(zone("d.test", &mx, [old.tlsa(1, 1)]));
    stage.config("retry-first 5s");
    stage.config("retry-max 5s");
    let waits = Ending::waits("4.7.5", "validation-failure");
    stage.scenario("T71 the record is not that of the key", "d.test", waits);
    let run = Run::of(stage, Level::DaneOnly).goes_by_the_table();
    let owner = tlsa_owner(mx.name(), mx.port());
    let rolled = vec![Rdata::Tlsa(mx.tlsa(1, 1))];
    run.flow.world.replace_rrset(&owner, rolled);
    assert_eq!(mx.wait_for_messages(1, PATIENCE).len(), 1);
}

/// T74: one of the configured keys signs the root, the other does not; and then the other alone.
#[test]
fn one_of_two_trust_anchors_is_enough() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    let flow = stage.start();
    let other = ZoneKey::key_signing(Algorithm::RSASHA256).ds(".", DigestType::SHA256);
    let other = format!(". IN DS {other}\n");
    let check = |anchors: &str, level: &str| {
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .resolver(flow.world.resolver())
            .smtp_port(mx.port())
            .validating(anchors)
            .prepare();
        let output = gateway.run(&["check", "--json", "-l", level, "d.test"]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), told)
    };
    for level in [Level::DaneOnly, Level::Dane] {
        let (code, told) = check(&(flow.world.trust_anchor() + &other), level.name());
        assert_eq!(code, Some(0), "{told}");
        let (code, told) = check(&other, level.name());
        assert_eq!(code, Some(75), "{told}");
        let waits = "\"verdict\":\"defer\",\"code\":\"4.";
        assert!(told.contains(waits), "{told}");
    }
}
