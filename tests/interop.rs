//! The gateway between servers that others wrote: zones signed by ldns-signzone, served by NSD, validated by Unbound; mail sent by
//! Python's smtplib, received by Postfix. They are installed by `scripts/setup test`; Postfix needs root, so without it the test says so and ends.

#[path = "interop/servers.rs"]
mod servers;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use gateway_lab::Gateway;
use openssl::hash::{MessageDigest, hash};
use openssl::x509::X509;
use servers::{Directory, Postfix, nsd, output, sign, unbound};

const WAIT: Duration = Duration::from_secs(30);

/// A self-signed certificate made by the openssl command: its file, its key's file, and the data of its `3 1 1` record.
fn certificate(directory: &Directory) -> (PathBuf, PathBuf, String) {
    let (certificate, key) = (
        directory.path().join("cert.pem"),
        directory.path().join("key.pem"),
    );
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    command
        .args(["-days", "2", "-subj", "/CN=somebody else", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    output(&mut command);
    let parsed = X509::from_pem(&fs::read(&certificate).unwrap()).unwrap();
    let spki = parsed.public_key().unwrap().public_key_to_der().unwrap();
    let digest = hash(MessageDigest::sha256(), &spki).unwrap();
    let hex = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    (certificate, key, hex)
}

/// Sends one message through the gateway with Python's smtplib.
fn send_with_smtplib(port: u16, recipient: &str, body: &str) {
    let script = "\
import smtplib, sys
from email.message import EmailMessage
message = EmailMessage()
message['From'], message['To'], message['Subject'] = 'sender@client.test', sys.argv[2], 'interop'
message.set_content(sys.argv[3])
with smtplib.SMTP('127.0.0.1', int(sys.argv[1]), timeout=20) as smtp:
    smtp.send_message(message)
";
    output(Command::new("python3").args(["-c", script, &port.to_string(), recipient, body]));
}

/// Whatever is altered in a signed zone breaks its signatures.
fn tamper(zone: &servers::SignedZone) {
    let text = fs::read_to_string(&zone.file).unwrap();
    let altered = text.replace("MX\t10 mx", "MX\t11 mx");
    assert_ne!(
        text, altered,
        "the signed zone has the MX record where it is expected"
    );
    fs::write(&zone.file, altered).unwrap();
}

#[test]
fn between_real_servers_only_the_verified_host_gets_mail() {
    if output(Command::new("id").arg("-u")).trim() != "0" {
        println!("skipped: Postfix can only be started by root");
        return;
    }
    let directory = Directory::new();
    let (certificate, key, digest) = certificate(&directory);
    let postfix = Postfix::start(
        "good.test, wrong.test, bogus.test, plain.test",
        "mx.good.test",
        (&certificate, &key),
        "",
    );
    let port = postfix.port;
    let host = |digest: &str| {
        format!("@ IN MX 10 mx\nmx IN A 127.0.0.1\n_{port}._tcp.mx IN TLSA 3 1 1 {digest}\n")
    };
    let zones = [
        // The gateway makes sure that its resolver validates the root.
        sign(&directory, ".", ""),
        sign(&directory, "good.test", &host(&digest)),
        sign(&directory, "wrong.test", &host(&"ab".repeat(32))),
        sign(&directory, "bogus.test", &host(&digest)),
        sign(
            &directory,
            "plain.test",
            "@ IN MX 10 mx\nmx IN A 127.0.0.1\n",
        ),
    ];
    tamper(&zones[3]);
    let (_nsd, upstream) = nsd(&directory, &zones);
    let (_unbound, resolver) = unbound(&directory, &zones, upstream);
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .resolver(([127, 0, 0, 1], resolver).into())
        .smtp_port(port)
        .config("filter subject-tag [seen]")
        .start();
    the_good_domain_gets_its_mail(&gateway, &postfix);
    the_others_do_not(&gateway, &postfix);
    commands_tell_the_same(&gateway);
}

fn the_good_domain_gets_its_mail(gateway: &Gateway, postfix: &Postfix) {
    let lines: String = (0..2000)
        .map(|number| format!("{number}\n.\n..dots {number}\n"))
        .collect();
    send_with_smtplib(gateway.address().port(), "user@good.test", &lines);
    let messages = postfix.messages(1, WAIT);
    assert_eq!(
        messages.len(),
        1,
        "{}\n{}",
        gateway.log().join("\n"),
        postfix.log()
    );
    let message = &messages[0];
    assert!(message.contains("Subject: [seen] interop"), "{message}");
    assert!(
        message.contains("using TLSv1.3"),
        "Postfix says how it was received: {message}"
    );
    let body = message.split_once("\n\n").unwrap().1;
    assert_eq!(body, lines);
}

fn the_others_do_not(gateway: &Gateway, postfix: &Postfix) {
    for (domain, token) in [
        ("wrong.test", "validation-failure"),
        ("bogus.test", "dnssec-invalid"),
        ("plain.test", "dane-required"),
    ] {
        send_with_smtplib(
            gateway.address().port(),
            &format!("user@{domain}"),
            "secret",
        );
        let line = gateway
            .wait_for_log(token, WAIT)
            .unwrap_or_else(|missing| panic!("{missing}"));
        assert!(line.contains(domain), "{line}");
    }
    assert_eq!(postfix.messages(2, Duration::ZERO).len(), 1);
    let log = postfix.log();
    assert_eq!(
        log.matches(": client=").count(),
        1,
        "one mail transaction only:\n{log}"
    );
}

fn commands_tell_the_same(gateway: &Gateway) {
    let run = |arguments: &[&str], status: i32| {
        let done = gateway.run(arguments);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(
            done.status.code(),
            Some(status),
            "{arguments:?}: {text}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        text
    };
    assert!(run(&["check", "--json", "good.test"], 0).contains(r#""verdict":"deliver""#));
    assert!(
        run(&["check", "--json", "wrong.test"], 75).contains(r#""reason":"validation-failure""#)
    );
    assert!(run(&["query", "--json", "good.test", "MX"], 0).contains(r#""status":"secure""#));
    assert!(
        run(&["query", "--json", "nothing.good.test", "A"], 0).contains(r#""rcode":"NXDOMAIN""#)
    );
    assert!(run(&["query", "--json", "bogus.test", "MX"], 1).contains(r#""status":"bogus""#));
}

/// Anchored at each zone, with Unbound, of which only the signatures are taken.
#[test]
fn what_unbound_carries_is_validated_here() {
    let directory = Directory::new();
    let records = "@ IN MX 10 mx\nmx IN A 127.0.0.1\n*.wild IN TXT any\nwww IN CNAME mx\nto IN CNAME mx.bogus.test.\n";
    let zones = ["good.test", "bogus.test"].map(|name| sign(&directory, name, records));
    tamper(&zones[1]);
    let (_nsd, upstream) = nsd(&directory, &zones);
    let (_unbound, resolver) = unbound(&directory, &zones, upstream);
    let anchors = directory.path().join("anchors");
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .without("dnssec")
        .resolver(([127, 0, 0, 1], resolver).into())
        .config(&format!("trust-anchor {}", anchors.display()))
        .prepare();
    for (name, rtype, expected) in [
        ("good.test", "MX", "secure"),
        ("www.good.test", "A", "secure"),
        ("mx.good.test", "AAAA", "secure"),
        ("no.good.test", "A", "secure"),
        ("x.wild.good.test", "TXT", "secure"),
        ("x.wild.good.test", "A", "secure"),
        ("good.test", "DNSKEY", "secure"),
        ("bogus.test", "MX", "bogus"),
        ("mx.bogus.test", "A", "secure"),
        ("to.good.test", "A", "secure"),
    ] {
        let output = gateway.run(&["query", name, rtype]);
        let text = String::from_utf8_lossy(&output.stdout);
        let first = text.lines().next().unwrap_or_default();
        assert_eq!(first, format!("{name}. {rtype}: {expected}"), "{text}");
    }
}
