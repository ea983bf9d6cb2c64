//! Records of usage 2: certificates that a trust anchor vouches for, and names that count (RFC 7672 §3.1.2, §3.2.2).

use gateway::dns::Tlsa;
use gateway_lab::{Certificate, CertificateSpec, Zone};

use super::good;
use crate::scenario::Ending;
use crate::stage::{Host, Stage, with_host, zone};

pub(super) fn put_up(stage: &mut Stage) {
    trust_anchors(stage);
    next_hop_names(stage);
    expanded_names(stage);
    dates(stage);
    not_presented(stage);
    own_certificate(stage);
    names(stage);
}

/// A signed domain whose only host presents this chain and has this record.
fn domain(stage: &mut Stage, apex: &str, certificate: Certificate, record: Tlsa) -> Host {
    let mx = stage.host_with(&format!("mx.{apex}"), certificate);
    stage.zone(zone(apex, &mx, [record]));
    mx
}

fn root() -> Certificate {
    CertificateSpec::authority("Root").build()
}

/// A certificate for this name below this trust anchor, which is presented.
fn below(anchor: &Certificate, name: &str) -> Certificate {
    let spec = CertificateSpec::new(name);
    spec.build_below(anchor).presenting(&[anchor])
}

fn refused(reason: &'static str) -> Ending {
    Ending::waits("4.7.5", reason)
}

fn trust_anchors(stage: &mut Stage) {
    let root = root();
    let leaf = below(&root, "mx.t06.test");
    let mx = domain(stage, "t06.test", leaf, root.record(2, 1, 1));
    stage.scenario("T06 2 1 1", "t06.test", Ending::verified(&mx));

    let middle = CertificateSpec::authority("Middle").build_below(&root);
    let leaf = CertificateSpec::new("mx.t06-middle.test").build_below(&middle);
    let leaf = leaf.presenting(&[&middle]);
    let record = middle.record(2, 0, 2);
    let mx = domain(stage, "t06-middle.test", leaf, record);
    stage.scenario(
        "T06 2 0 2 of a CA that is no root",
        "t06-middle.test",
        Ending::verified(&mx),
    );
}

fn next_hop_names(stage: &mut Stage) {
    let root = root();
    let record = root.record(2, 0, 1);
    let leaf = below(&root, "t07.test");
    let mx = domain(stage, "t07.test", leaf, record.clone());
    stage.scenario(
        "T07 the certificate names only the domain",
        "t07.test",
        Ending::verified(&mx),
    );

    let mx = stage.host_with("mx.t08-host.test", below(&root, "t08.test"));
    stage.zone(with_host(Zone::signed("t08-host.test"), &mx, [record]));
    stage.zone(Zone::unsigned("t08.test").mx(10, mx.name()));
    let endings = [refused("mx-insecure"), refused("certificate-host-mismatch")];
    let name = "T08 the certificate names only the domain, whose MX is insecure";
    stage.scenario(name, "t08.test", endings);
}

fn expanded_names(stage: &mut Stage) {
    let root = root();
    let leaf = below(&root, "t43-real.test");
    let mx = domain(stage, "t43-real.test", leaf, root.record(2, 0, 1));
    let alias = "mail.t43.test";
    stage.zone(Zone::signed("t43.test").cname(alias, "t43-real.test"));
    stage.scenario(
        "T43 the domain is an alias, the certificate names only its target",
        alias,
        Ending::verified(&mx).saying(mx.name(), "cname"),
    );
    let mx = good(stage, "t43-usage-3.test");
    let alias = "three.t43-alias.test";
    let zone = Zone::signed("t43-alias.test").cname(alias, "t43-usage-3.test");
    stage.zone(zone);
    stage.scenario(
        "T43 the domain is an alias",
        alias,
        Ending::verified(&mx).saying(mx.name(), "cname"),
    );
}

fn dates(stage: &mut Stage) {
    let root = root();
    let spec = CertificateSpec::new("mx.t10-leaf.test").expired();
    let leaf = spec.build_below(&root).presenting(&[&root]);
    domain(stage, "t10-leaf.test", leaf, root.record(2, 0, 1));
    stage.scenario(
        "T10 the server's certificate is over",
        "t10-leaf.test",
        refused("certificate-expired"),
    );
    let root = CertificateSpec::authority("Root").expired().build();
    let leaf = below(&root, "mx.t10-anchor.test");
    domain(stage, "t10-anchor.test", leaf, root.record(2, 0, 1));
    stage.scenario(
        "T10 the trust anchor is over",
        "t10-anchor.test",
        refused("certificate-expired"),
    );
}

fn not_presented(stage: &mut Stage) {
    let root = root();
    stage.store(&root);
    for (name, apex, record, is_enough) in [
        (
            "T11 2 0 1 of a root that only the system's store has",
            "t11.test",
            root.record(2, 0, 1),
            false,
        ),
        (
            "T12 2 0 0 of a root that is not presented",
            "t12.test",
            root.record(2, 0, 0),
            true,
        ),
        (
            "T13 2 1 0 of a root that is not presented",
            "t13.test",
            root.record(2, 1, 0),
            true,
        ),
    ] {
        let spec = CertificateSpec::new(&format!("mx.{apex}"));
        let mx = domain(stage, apex, spec.build_below(&root), record);
        let ending = match is_enough {
            true => Ending::verified(&mx),
            false => refused("ta-not-presented"),
        };
        stage.scenario(name, apex, ending);
    }
}

fn own_certificate(stage: &mut Stage) {
    let leaf = Certificate::new("mx.t14.test");
    let record = leaf.record(2, 1, 1);
    domain(stage, "t14.test", leaf, record);
    stage.scenario(
        "T14 2 1 1 of the server's own certificate",
        "t14.test",
        refused("ta-matches-leaf"),
    );
    let root = root();
    let leaf = below(&root, "mx.t14-none.test");
    let other = CertificateSpec::authority("Other").build();
    domain(stage, "t14-none.test", leaf, other.record(2, 1, 1));
    stage.scenario(
        "T14 2 1 1 of what nobody presents",
        "t14-none.test",
        refused("ta-not-presented"),
    );
}

/// What the certificate is for: these names instead of the host's.
fn names(stage: &mut Stage) {
    for (name, host, names, is_for) in [
        (
            "T09 another's name",
            "mx.t09.test",
            "mx.elsewhere.test",
            false,
        ),
        (
            "T15 *.d.test for mx.d.test",
            "mx.t15.test",
            "*.t15.test",
            true,
        ),
        (
            "T15 *.d.test for a.b.d.test",
            "a.b.t15-deep.test",
            "*.t15-deep.test",
            false,
        ),
        ("T15 *.test for mx.test", "t15-top.test", "*.test", false),
        ("T16 mx*.d.test", "mx1.t16.test", "mx*.t16.test", false),
        (
            "T17 the common name is right, the dNSName is not",
            "mx.t17.test",
            "other.t17.test",
            false,
        ),
    ] {
        let root = root();
        let spec = CertificateSpec::new(host).dns_names(&[names]);
        let leaf = spec.build_below(&root).presenting(&[&root]);
        let mx = stage.host_with(host, leaf);
        let apex = apex_of(host);
        stage.zone(zone(apex, &mx, [root.record(2, 0, 1)]));
        let ending = match is_for {
            true => Ending::verified(&mx),
            false => refused("certificate-host-mismatch"),
        };
        stage.scenario(name, apex, ending);
    }
}

/// The last two labels of a name.
fn apex_of(host: &str) -> &str {
    let mut dots = host.rmatch_indices('.').map(|(place, _)| place + 1);
    dots.nth(1).map_or(host, |start| &host[start..])
}
