//! What servers say and do before, at and after the handshake.

use gateway_lab::{Behaviour, Certificate, CertificateSpec, KeyKind, TlsMode, Zone};

use super::{good, unmatched};
use crate::scenario::Ending;
use crate::stage::{Stage, with_host, zone};

pub(super) fn put_up(stage: &mut Stage) {
    for (name, apex, behaviour, ending) in failures() {
        let mx = good(stage, apex);
        mx.behave(behaviour);
        stage.scenario(name, apex, ending);
    }
    names_and_kinds(stage);
    two_domains(stage);
    refused(stage);
    postponed(stage);
}

/// Whatever is said in clear text may be forged: it never makes mail fail for good.
fn failures() -> Vec<(&'static str, &'static str, Behaviour, Ending)> {
    let good = Behaviour::new;
    let waits = Ending::waits;
    vec![
        (
            "T54 no STARTTLS",
            "t54.test",
            good().without("STARTTLS"),
            waits("4.7.4", "starttls-not-supported"),
        ),
        (
            "T55 STARTTLS refused for now",
            "t55-454.test",
            good().reply("STARTTLS", "454 4.7.0 not now"),
            waits("4.7.4", "starttls-refused"),
        ),
        (
            "T55 STARTTLS refused for good",
            "t55-554.test",
            good().reply("STARTTLS", "554 5.7.0 never"),
            waits("4.7.4", "starttls-refused"),
        ),
        (
            "T55 greeted with a refusal",
            "t55-banner.test",
            good().reply("BANNER", "554 5.3.2 no mail here"),
            waits("4.3.2", "banner"),
        ),
        (
            "T56 octets injected before the handshake",
            "t56.test",
            good().inject_after_starttls(b"250 fake\r\n"),
            waits("4.7.5", "starttls-injection"),
        ),
        (
            "T57 EHLO not known",
            "t57.test",
            good().reply("EHLO", "502 5.5.1 what"),
            waits("4.7.4", "ehlo-rejected"),
        ),
        (
            "T58 nothing newer than TLS 1.1",
            "t58-version.test",
            good().tls(TlsMode::Tls11Only),
            waits("4.7.5", "tls-version"),
        ),
        // None is offered, so the server has nothing to choose.
        (
            "T58 only anonymous suites",
            "t58-anonymous.test",
            good().tls(TlsMode::AnonymousOnly),
            waits("4.7.5", "tls-handshake"),
        ),
        (
            "T59 the name is refused",
            "t59-fatal.test",
            good().tls(TlsMode::UnrecognizedNameFatal),
            waits("4.7.5", "sni-rejected"),
        ),
    ]
}

fn names_and_kinds(stage: &mut Stage) {
    let mx = good(stage, "t59-warning.test");
    mx.behave(Behaviour::new().tls(TlsMode::UnrecognizedNameWarning));
    stage.scenario(
        "T59 the name is only warned about",
        "t59-warning.test",
        Ending::verified(&mx),
    );
    let rsa = CertificateSpec::new("mx.t60.test").key(KeyKind::Rsa(2048));
    let mx = stage.host_with("mx.t60.test", rsa.build());
    stage.zone(zone("t60.test", &mx, [mx.tlsa(1, 1)]));
    mx.behave(Behaviour::new().second_certificate(Certificate::new(mx.name())));
    stage.scenario(
        "T60 the record is of the RSA key, ECDSA is presented first",
        "t60.test",
        Ending::verified(&mx).saying("mx.t60.test", "other-key"),
    );
    let mx = stage.host("mx.t60-neither.test");
    let rsa = CertificateSpec::new(mx.name()).key(KeyKind::Rsa(2048));
    let stranger = Certificate::new(mx.name());
    stage.zone(zone("t60-neither.test", &mx, [stranger.tlsa(1, 1)]));
    mx.behave(Behaviour::new().second_certificate(rsa.build()));
    stage.scenario(
        "T60 the record is of neither key",
        "t60-neither.test",
        unmatched(),
    );
}

fn two_domains(stage: &mut Stage) {
    let mx = stage.host("mx.t72-host.test");
    let host = with_host(Zone::signed("t72-host.test"), &mx, [mx.tlsa(1, 1)]);
    stage.zone(host);
    for (name, apex) in [
        ("T72 a domain", "t72-one.test"),
        ("T72 another domain with the same host", "t72-two.test"),
    ] {
        stage.zone(Zone::signed(apex).mx(10, mx.name()));
        stage.scenario(name, apex, Ending::verified(&mx));
    }
}

/// The server is proven to be the right one, so its word counts.
fn refused(stage: &mut Stage) {
    let mx = good(stage, "t78.test");
    mx.behave(Behaviour::new().reply_in_tls("RCPT", "550 5.1.1 nobody here"));
    stage.scenario(
        "T78 the recipient is refused inside TLS",
        "t78.test",
        Ending::refused(&mx, "5.1.1"),
    );
}

/// Mail that waits until the server has another key and another record (in `matrix`).
fn postponed(stage: &mut Stage) {
    let mx = good(stage, ROLLED);
    mx.behave(Behaviour::new().reply_in_tls("RCPT", "450 4.2.0 later"));
    stage.scenario(
        "T71 postponed inside TLS",
        ROLLED,
        Ending::postponed(&mx, "4.2.0"),
    );
}

/// The domain whose server gets a new key while mail waits.
pub(crate) const ROLLED: &str = "t71.test";
