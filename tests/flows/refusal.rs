//! Recipients that are refused at RCPT TO (`refuse-at-rcpt yes`), and those that are taken although their mail will only wait.

use std::fs;
use std::time::Duration;

use gateway::dns::RecordType;
use gateway_lab::smtp::SmtpClient;
use gateway_lab::world::Damage;
use gateway_lab::{Fault, Zone};

use crate::flow::{Flow, SENDER, message};
use crate::scenario::Mode;
use crate::stage::{Host, Stage, zone};

const PATIENCE: Duration = Duration::from_secs(60);

/// A recipient's domain, and how each mode answers: `250`, or code, status and reason.
type Row = (&'static str, [&'static str; 2]);

const TAKEN: &str = "250 2.1.5 recipient taken";

/// In this order, in one packet; where we validate, and with an AD bit.
const ROWS: &[Row] = &[
    ("good.test", [TAKEN; 2]),
    ("nowhere.test", ["550 5.1.2 [nxdomain] "; 2]),
    ("null.test", ["556 5.1.10 [null-mx] "; 2]),
    (
        "plain.test",
        [
            "550 5.7.5 [dane-required] mx.plain.test has no TLSA record",
            TAKEN,
        ],
    ),
    ("broken.test", [TAKEN; 2]),
    ("unsigned.test", ["550 5.7.5 [mx-insecure] ", TAKEN]),
    ("homeless.test", ["550 5.4.4 [no-address] "; 2]),
    ("ours.test", ["550 5.4.6 [loop] "; 2]),
    ("[192.0.2.1]", ["550 5.7.4 [address-literal] "; 2]),
    ("plain.test", ["550 5.7.5 [dane-required] ", TAKEN]),
    ("servfail.test", [TAKEN; 2]),
    ("dane.test", [TAKEN; 2]),
    ("null.dane.test", ["556 5.1.10 [null-mx] "; 2]),
    ("nowhere.test", ["550 5.1.2 [nxdomain] "; 2]),
];

/// The good host, and one without TLSA records.
fn put_up(mode: Mode) -> (Stage, Host, Host) {
    let mut stage = Stage::new();
    stage.mode = mode;
    let (good, plain) = (stage.host("mx.good.test"), stage.host("mx.plain.test"));
    stage.zone(zone("good.test", &good, [good.tlsa(1, 1)]));
    stage.zone(zone("plain.test", &plain, []));
    stage.zone(Zone::signed("null.test").mx(0, "."));
    stage.zone(
        Zone::signed("broken.test")
            .mx(10, "mx.good.test")
            .damaged(Damage::Signatures),
    );
    stage.zone(Zone::unsigned("unsigned.test").mx(10, "mx.good.test"));
    stage.zone(Zone::signed("homeless.test").mx(10, "mx.homeless.test"));
    stage.zone(Zone::signed("ours.test").mx(10, "gateway.test"));
    stage.zone(
        Zone::signed("servfail.test")
            .mx(10, "mx.plain.test")
            .mx(20, "mx.servfail.test"),
    );
    stage.fault("mx.servfail.test", RecordType::ANY, Fault::Servfail);
    stage.zone(Zone::signed("dane.test").mx(10, "mx.plain.test"));
    stage.zone(Zone::signed("null.dane.test").mx(0, "."));
    stage.zone(Zone::signed("silent.test").mx(10, "mx.good.test"));
    stage.fault("silent.test", RecordType::MX, Fault::Timeout);
    stage.config("policy dane.test dane\npolicy .dane.test dane");
    (stage, good, plain)
}

/// One transaction for these domains in one packet, from MAIL to the 354, and its replies to RCPT.
fn pipeline(flow: &Flow, domains: &[&str]) -> (SmtpClient, Vec<String>) {
    let (mut client, _) = SmtpClient::connect(flow.gateway.address()).expect("it listens");
    client.command("EHLO client.test").expect("a reply");
    let recipients: String = domains
        .iter()
        .map(|domain| format!("RCPT TO:<user@{domain}>\r\n"))
        .collect();
    let all = format!("MAIL FROM:<{SENDER}>\r\n{recipients}DATA\r\n");
    client.send(all.as_bytes()).expect("sent");
    assert_eq!(client.reply().expect("a reply").code, 250);
    let mut reply = || client.reply().expect("a reply").to_string();
    let replies = domains.iter().map(|_| reply()).collect();
    (client, replies)
}

fn run(mode: Mode) {
    let (mut stage, good, plain) = put_up(mode);
    stage.config("refuse-at-rcpt yes");
    let flow = stage.start();
    let domains: Vec<&str> = ROWS.iter().map(|(domain, _)| *domain).collect();
    let (mut client, replies) = pipeline(&flow, &domains);
    for ((domain, expected), reply) in ROWS.iter().zip(&replies) {
        let expected = expected[usize::from(mode == Mode::Ad)];
        assert!(reply.starts_with(expected), "{mode:?} {domain}: {reply}");
    }
    for host in [&good, &plain] {
        assert_eq!(host.connection_count(), 0, "asking connects to nobody");
    }
    assert_log(&flow, ROWS.iter().zip(&replies));
    assert_eq!(
        client.reply().expect("a reply").code,
        354,
        "the others go on"
    );
    let stuffed = message("good.test").replace("\r\n.\r\n", "\r\n..\r\n");
    client
        .send(format!("{stuffed}.\r\n").as_bytes())
        .expect("sent");
    let queued = client.reply().expect("a reply");
    assert_eq!(queued.code, 250, "{queued}");
    assert_eq!(good.wait_for_messages(1, PATIENCE).len(), 1);
    let queries = flow.world.queries();
    let asked = |domain: &str| {
        let about = queries.iter().filter(|query| query.rtype == RecordType::MX);
        about
            .filter(|query| query.name.to_host().eq_ignore_ascii_case(domain))
            .count()
    };
    for domain in ["good.test", "plain.test", "nowhere.test"] {
        assert_eq!(
            asked(domain),
            1,
            "{domain} is asked about once, whoever asks"
        );
    }
}

/// Each refusal is one line: a decision record as of every attempt, without the local part.
fn assert_log<'a>(flow: &Flow, rows: impl Iterator<Item = (&'a Row, &'a String)>) {
    for ((domain, _), reply) in rows.filter(|(_, reply)| reply.starts_with('5')) {
        let mut words = reply.split(' ').skip(1);
        let (status, reason) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let level = if domain.ends_with("dane.test") {
            "dane"
        } else {
            "dane-only"
        };
        let (reason, bare) = (
            reason.trim_matches(['[', ']']),
            domain.trim_matches(['[', ']']),
        );
        let record =
            format!(" helo=client.test refused: {level} reject {status} {reason} domain={bare} ");
        let line = flow.gateway.wait_for_log(&record, PATIENCE);
        let line = line.unwrap_or_else(|error| panic!("{error}"));
        assert!(!line.contains("user@"), "{line}");
    }
}

#[test]
fn what_we_proved_ourselves_is_refused_and_what_is_unknown_is_taken() {
    run(Mode::Validate);
}

#[test]
fn with_an_ad_bit_only_what_bounces_at_once_is_refused() {
    run(Mode::Ad);
}

/// A resolver that is silent costs a transaction its patience once; what is asked about afterwards is taken unseen.
#[test]
fn when_time_is_up_everybody_is_taken() {
    let (mut stage, ..) = put_up(Mode::Validate);
    stage.config("refuse-at-rcpt yes");
    let flow = stage.start();
    let (_client, replies) = pipeline(
        &flow,
        &[
            "plain.test",
            "silent.test",
            "null.test",
            "plain.test",
            "silent.test",
        ],
    );
    let codes: Vec<&str> = replies.iter().map(|reply| &reply[..9]).collect();
    assert_eq!(
        codes,
        [
            "550 5.7.5",
            "250 2.1.5",
            "250 2.1.5",
            "550 5.7.5",
            "250 2.1.5"
        ]
    );
}

/// Off as long as nobody asks for it; a reload counts for the next session.
#[test]
fn a_reload_switches_it() {
    let (stage, ..) = put_up(Mode::Validate);
    let flow = stage.start();
    let refused = |flow: &Flow| pipeline(flow, &["nowhere.test"]).1[0].starts_with("550 5.1.2 ");
    assert!(!refused(&flow));
    let file = flow.gateway.directory().join("gateway.conf");
    let before = flow.gateway.configuration();
    for (count, is_on) in [(1, true), (2, false)] {
        let line = if is_on {
            "refuse-at-rcpt yes"
        } else {
            "refuse-at-rcpt no"
        };
        fs::write(&file, format!("{before}\n{line}\n")).expect("a writable file");
        flow.gateway.signal("HUP");
        wait_for_reload(&flow, count);
        assert_eq!(refused(&flow), is_on);
    }
}

fn wait_for_reload(flow: &Flow, count: usize) {
    let is_it = |line: &&String| line.contains("the configuration was read again");
    let end = std::time::Instant::now() + PATIENCE;
    while flow.gateway.log().iter().filter(is_it).count() < count {
        assert!(std::time::Instant::now() < end, "no reload");
        std::thread::sleep(Duration::from_millis(20));
    }
}
