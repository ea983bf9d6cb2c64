//! Which TLSA records count, and what they say about the certificate that the server presents.

use gateway::dns::Tlsa;
use gateway_lab::{Certificate, CertificateSpec};

use super::{domain, good, unmatched};
use crate::scenario::Ending;
use crate::stage::{Stage, zone};

pub(super) fn put_up(stage: &mut Stage) {
    matching(stage);
    odd_certificates(stage);
    mismatching(stage);
    unusable(stage);
    beside_unusable(stage);
}

fn matching(stage: &mut Stage) {
    let mx = good(stage, "t01.test");
    stage.scenario(
        "T01 the key's digest matches",
        "t01.test",
        Ending::verified(&mx),
    );
    let kinds = [
        ("T02 3 0 1", "t02-301.test", (0, 1)),
        ("T02 3 0 2", "t02-302.test", (0, 2)),
        ("T02 3 1 2", "t02-312.test", (1, 2)),
        ("T02 3 1 0", "t02-310.test", (1, 0)),
        ("T02 3 0 0", "t02-300.test", (0, 0)),
    ];
    for (name, apex, (selector, matching)) in kinds {
        let mx = domain(stage, apex, |mx| vec![mx.tlsa(selector, matching)]);
        stage.scenario(name, apex, Ending::verified(&mx));
    }
    let mx = domain(stage, "t05.test", |mx| {
        let old = Certificate::new(mx.name());
        vec![old.tlsa(1, 1), mx.tlsa(1, 1)]
    });
    stage.scenario(
        "T05 the second record matches",
        "t05.test",
        Ending::verified(&mx),
    );
}

/// RFC 7671 §5.1: with usage 3 nothing in the certificate matters but what the record names.
fn odd_certificates(stage: &mut Stage) {
    let own = |apex: &str| CertificateSpec::new(&format!("mx.{apex}"));
    let odd = [
        (
            "T03 expired",
            "t03-expired.test",
            own("t03-expired.test").expired(),
        ),
        (
            "T03 not yet valid",
            "t03-future.test",
            own("t03-future.test").not_yet_valid(),
        ),
        (
            "T03 another's name",
            "t03-name.test",
            CertificateSpec::new("mx.elsewhere.test"),
        ),
        (
            "T03 X.509 version 1",
            "t03-v1.test",
            own("t03-v1.test").version_1(),
        ),
    ];
    for (name, apex, spec) in odd {
        let mx = stage.host_with(&format!("mx.{apex}"), spec.build());
        stage.zone(zone(apex, &mx, [mx.tlsa(1, 1)]));
        stage.scenario(name, apex, Ending::verified(&mx));
    }
}

fn mismatching(stage: &mut Stage) {
    domain(stage, "t04.test", |mx| {
        vec![Certificate::new(mx.name()).tlsa(1, 1)]
    });
    stage.scenario("T04 no record matches", "t04.test", unmatched());
    domain(stage, "t19.test", |mx| {
        let other = Certificate::new(mx.name());
        vec![usage(1, mx.tlsa(1, 1)), other.tlsa(1, 1)]
    });
    let name = "T19 a matching record of usage 1 does not help";
    stage.scenario(name, "t19.test", unmatched());
    // RFC 7671 §9: SHA-256 does not count beside SHA-512.
    let mx = domain(stage, "t24.test", |mx| {
        let other = Certificate::new(mx.name());
        vec![mx.tlsa(1, 1), other.tlsa(1, 2)]
    });
    stage.scenario(
        "T24 only the weaker digest matches",
        "t24.test",
        unmatched().saying(mx.name(), "agility-masked"),
    );
}

fn unusable(stage: &mut Stage) {
    let good = Certificate::new("mx.t21.test").tlsa(1, 1);
    let with = |usage, selector, matching| Tlsa {
        usage,
        selector,
        matching,
        ..good.clone()
    };
    let mut short = good.clone();
    short.data.pop();
    let random = Tlsa {
        data: b"\x30\x82 no certificate at all".to_vec(),
        ..with(3, 0, 0)
    };
    let undefined = [with(3, 1, 7), with(3, 9, 1), with(9, 1, 1), with(3, 1, 255)];
    let [matching, selector, other_usage, private] = undefined.clone();
    let sets = [
        (
            "T18 only usages 0 and 1",
            "t18.test",
            vec![usage(1, good.clone()), usage(0, with(3, 0, 1))],
        ),
        ("T20 a digest of 31 octets", "t20.test", vec![short]),
        ("T21 3 1 7", "t21-matching.test", vec![matching]),
        ("T21 3 9 1", "t21-selector.test", vec![selector]),
        ("T21 9 1 1", "t21-usage.test", vec![other_usage]),
        ("T21 3 1 255", "t21-private.test", vec![private]),
        ("T21 all of them", "t21-all.test", undefined.to_vec()),
        ("T22 3 0 0 with no certificate", "t22.test", vec![random]),
    ];
    for (name, apex, records) in sets {
        let mx = domain(stage, apex, |_| records);
        let endings = [
            Ending::waits("4.7.5", "tlsa-invalid"),
            Ending::encrypted(&mx).saying(mx.name(), "tlsa-invalid"),
        ];
        stage.scenario(name, apex, endings);
    }
}

fn beside_unusable(stage: &mut Stage) {
    let mx = domain(stage, "t23.test", |mx| {
        let mut short = mx.tlsa(1, 2);
        short.data.pop();
        vec![short, mx.tlsa(1, 1)]
    });
    stage.scenario(
        "T23 an unusable record beside a matching one",
        "t23.test",
        Ending::verified(&mx).saying(mx.name(), "tlsa-partial"),
    );
}

fn usage(usage: u8, record: Tlsa) -> Tlsa {
    Tlsa { usage, ..record }
}
