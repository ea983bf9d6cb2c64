//! What servers say and do before, at and after the handshake.

use gateway_lab::{Behaviour, TlsMode, Zone};

use crate::flow::Flow;
use crate::stage::{Host, Stage, with_host, zone};

/// A host with a matching record that behaves like this.
fn domain(behaviour: Behaviour) -> (Flow, Host) {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    mx.behave(behaviour);
    (stage.start(), mx)
}

fn defers(behaviour: Behaviour, code: &str, reason: &str) {
    let (flow, mx) = domain(behaviour);
    flow.defers("d.test", code, reason);
    assert!(mx.connection_count() > 0);
}

#[test]
fn t54_no_starttls() {
    let behaviour = Behaviour::new().without("STARTTLS");
    defers(behaviour, "4.7.4", "starttls-not-supported");
}

/// Whatever is said in clear text may be forged: it never makes mail fail for good.
#[test]
fn t55_starttls_refused_for_now() {
    let behaviour = Behaviour::new().reply("STARTTLS", "454 4.7.0 not now");
    defers(behaviour, "4.7.4", "starttls-refused");
}

#[test]
fn t55_starttls_refused_for_good() {
    let behaviour = Behaviour::new().reply("STARTTLS", "554 5.7.0 never");
    defers(behaviour, "4.7.4", "starttls-refused");
}

#[test]
fn t55_greeted_with_a_refusal() {
    let behaviour = Behaviour::new().reply("BANNER", "554 5.3.2 no mail here");
    defers(behaviour, "4.3.2", "banner");
}

#[test]
fn t56_octets_injected_before_the_handshake() {
    let behaviour = Behaviour::new().inject_after_starttls(b"250 fake\r\n");
    defers(behaviour, "4.7.5", "starttls-injection");
}

#[test]
fn t57_ehlo_not_known() {
    let behaviour = Behaviour::new().reply("EHLO", "502 5.5.1 what");
    defers(behaviour, "4.7.4", "ehlo-rejected");
}

#[test]
fn t58_nothing_newer_than_tls_1_1() {
    let behaviour = Behaviour::new().tls(TlsMode::Tls11Only);
    defers(behaviour, "4.7.5", "tls-version");
}

/// No anonymous suite is offered, so the server has nothing to choose.
#[test]
fn t58_only_anonymous_suites() {
    let behaviour = Behaviour::new().tls(TlsMode::AnonymousOnly);
    defers(behaviour, "4.7.5", "tls-handshake");
}

#[test]
fn t59_the_name_is_refused() {
    let behaviour = Behaviour::new().tls(TlsMode::UnrecognizedNameFatal);
    defers(behaviour, "4.7.5", "sni-rejected");
}

#[test]
fn t59_the_name_is_only_warned_about() {
    let (flow, mx) = domain(Behaviour::new().tls(TlsMode::UnrecognizedNameWarning));
    flow.delivers("d.test", &mx);
}

#[test]
fn t72_two_domains_at_one_host() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.h.test");
    stage.zone(with_host(Zone::signed("h.test"), &mx, [mx.tlsa(1, 1)]));
    for apex in ["one.test", "two.test"] {
        stage.zone(Zone::signed(apex).mx(10, mx.name()));
    }
    let flow = stage.start();
    flow.delivers("one.test", &mx);
    flow.delivers("two.test", &mx);
    let connections: Vec<u64> = mx.messages().iter().map(|one| one.connection).collect();
    assert_ne!(
        connections[0], connections[1],
        "one connection for two domains"
    );
}

/// The server is proven to be the right one, so its word counts.
#[test]
fn t78_the_recipient_is_refused_inside_tls() {
    let (flow, mx) = domain(Behaviour::new().reply_in_tls("RCPT", "550 5.1.1 nobody here"));
    flow.bounces_at("d.test", &mx, "5.1.1");
    assert!(mx.messages().is_empty());
}
