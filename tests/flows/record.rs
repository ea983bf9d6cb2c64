//! Which TLSA records count, and what they say about the certificate that the server presents.

use gateway::dns::Tlsa;
use gateway_lab::{Certificate, CertificateSpec};

use crate::stage::{Stage, zone};

/// Domains whose host has the given records besides none that match, each for one reason unusable or mismatching.
fn all_defer(domains: &[(&str, Vec<Tlsa>)], reason: &str) {
    let mut stage = Stage::new();
    for (apex, records) in domains {
        let mx = stage.host(&format!("mx.{apex}"));
        stage.zone(zone(apex, &mx, records.clone()));
    }
    let flow = stage.start();
    for (apex, _) in domains {
        flow.defers(apex, "4.7.5", reason);
    }
}

#[test]
fn t01_the_public_key_s_digest_matches() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    let log = stage.start().delivers("d.test", &mx);
    assert_eq!(
        mx.server_names().first(),
        Some(&Some("mx.d.test".to_owned()))
    );
    assert_eq!(log.attempts(), 1, "{log}");
}

#[test]
fn t02_every_selector_and_matching_type() {
    let mut stage = Stage::new();
    let kinds = [(0, 1), (0, 2), (1, 2), (1, 0), (0, 0)];
    let domains = kinds.map(|(selector, matching)| {
        let apex = format!("s{selector}m{matching}.test");
        let mx = stage.host(&format!("mx.{apex}"));
        stage.zone(zone(&apex, &mx, [mx.tlsa(selector, matching)]));
        (apex, mx)
    });
    let flow = stage.start();
    for (apex, mx) in &domains {
        flow.delivers(apex, mx);
    }
}

/// RFC 7671 §5.1: with usage 3 nothing in the certificate matters but what the record names.
#[test]
fn t03_whatever_else_the_certificate_says() {
    let mut stage = Stage::new();
    let own_name = |apex: &str| CertificateSpec::new(&format!("mx.{apex}"));
    let domains = [
        ("expired.test", own_name("expired.test").expired()),
        ("future.test", own_name("future.test").not_yet_valid()),
        ("name.test", CertificateSpec::new("mx.elsewhere.test")),
        ("version.test", own_name("version.test").version_1()),
    ];
    let domains = domains.map(|(apex, spec)| {
        let mx = stage.host_with(&format!("mx.{apex}"), spec.build());
        stage.zone(zone(apex, &mx, [mx.tlsa(1, 1)]));
        (apex, mx)
    });
    let flow = stage.start();
    for (apex, mx) in &domains {
        flow.delivers(apex, mx);
    }
}

#[test]
fn t04_only_a_mismatching_record() {
    let other = Certificate::new("mx.d.test");
    all_defer(&[("d.test", vec![other.tlsa(1, 1)])], "validation-failure");
}

#[test]
fn t05_the_second_record_matches() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let old = Certificate::new("mx.d.test");
    stage.zone(zone("d.test", &mx, [old.tlsa(1, 1), mx.tlsa(1, 1)]));
    stage.start().delivers("d.test", &mx);
}

#[test]
fn t18_only_pkix_usages() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let records = [(1, 1, 1), (0, 0, 1)].map(|(usage, selector, matching)| Tlsa {
        usage,
        ..mx.tlsa(selector, matching)
    });
    stage.zone(zone("d.test", &mx, records));
    stage.start().defers("d.test", "4.7.5", "tlsa-invalid");
}

#[test]
fn t19_a_matching_pkix_record_does_not_help() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let pkix = Tlsa {
        usage: 1,
        ..mx.tlsa(1, 1)
    };
    let other = Certificate::new("mx.d.test");
    stage.zone(zone("d.test", &mx, [pkix, other.tlsa(1, 1)]));
    stage
        .start()
        .defers("d.test", "4.7.5", "validation-failure");
}

#[test]
fn t20_a_digest_of_31_octets() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let mut short = mx.tlsa(1, 1);
    short.data.pop();
    stage.zone(zone("d.test", &mx, [short]));
    stage.start().defers("d.test", "4.7.5", "tlsa-invalid");
}

#[test]
fn t21_parameters_that_nobody_defined() {
    let good = Certificate::new("mx.d.test").tlsa(1, 1);
    let unknown = [(3, 1, 7), (3, 9, 1), (9, 1, 1), (3, 1, 255)];
    let records = unknown.map(|(usage, selector, matching)| Tlsa {
        usage,
        selector,
        matching,
        ..good.clone()
    });
    let [matching, selector, usage, private] = records.clone();
    all_defer(
        &[
            ("matching.test", vec![matching]),
            ("selector.test", vec![selector]),
            ("usage.test", vec![usage]),
            ("private.test", vec![private]),
            ("all.test", records.to_vec()),
        ],
        "tlsa-invalid",
    );
}

#[test]
fn t22_octets_that_are_no_certificate() {
    let random = Tlsa {
        usage: 3,
        selector: 0,
        matching: 0,
        data: b"\x30\x82 no certificate at all".to_vec(),
    };
    all_defer(&[("d.test", vec![random])], "tlsa-invalid");
}

#[test]
fn t23_an_unusable_record_beside_a_matching_one() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let mut short = mx.tlsa(1, 2);
    short.data.pop();
    stage.zone(zone("d.test", &mx, [short, mx.tlsa(1, 1)]));
    let log = stage.start().delivers("d.test", &mx);
    assert!(log.says("mx.d.test", "tlsa-partial"), "{log}");
}

/// RFC 7671 §9: SHA-256 does not count beside SHA-512.
#[test]
fn t24_only_the_weaker_digest_matches() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let other = Certificate::new("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1), other.tlsa(1, 2)]));
    stage
        .start()
        .defers("d.test", "4.7.5", "validation-failure");
}
