//! Decode and encode rates of the DNS codec beside those of `hickory-proto`, on the same messages, in turn, in one run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use gateway::dns::{Class, Edns, Message, Name, Question, RecordType, zonefile};

const ROUNDS: usize = 15;
/// One measurement lasts at least this long, so that the clock's grain does not matter.
const MEASUREMENT: Duration = Duration::from_millis(60);

const SIGNED: &str = "RRSIG MX 13 2 3600 20261222235244 20261124235244 25917 example.org. \
    mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

/// A reply as a resolver sends it: header and question, then records by section.
fn reply(name: &str, rtype: RecordType, answers: &str, authorities: &str) -> Vec<u8> {
    let origin: Name = "example.org".parse().expect("a name");
    let question = Question {
        name: name.parse().expect("a name"),
        rtype,
        class: Class::IN,
    };
    let mut message = Message::query(7, question, Some(Edns::query(1232, true)));
    message.header.response = true;
    message.answers = zonefile::parse(answers, &origin).expect("a zone");
    message.authorities = zonefile::parse(authorities, &origin).expect("a zone");
    message.encode()
}

fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let mx = format!("@ MX 10 mx1\n@ MX 20 mx2.provider.test.\n@ {SIGNED}\n");
    let digest = "8CB0FC6C527506A053F4F14C8464BEBBD6DEDE2738D11468DD953D7D6A3021F1";
    let tlsa = format!("_25._tcp.mx1 TLSA 3 1 1 {digest}\n_25._tcp.mx1 {SIGNED}\n");
    let referral: String = (0..6)
        .map(|n| format!("sub.example.org. NS ns{n}.sub\n"))
        .collect();
    vec![
        (
            "MX answer, signed",
            reply("example.org", RecordType::MX, &mx, ""),
        ),
        (
            "TLSA answer, signed",
            reply("_25._tcp.mx1.example.org", RecordType::TLSA, &tlsa, ""),
        ),
        (
            "referral",
            reply("a.sub.example.org", RecordType::A, "", &referral),
        ),
    ]
}

/// Calls per second in one measurement.
fn rate(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < MEASUREMENT {
        for _ in 0..64 {
            call();
        }
        calls += 64;
    }
    f64::from(calls) / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures both in turn and prints the medians and the median of the ratios.
fn compare(what: &str, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let pairs: Vec<_> = (0..ROUNDS)
        .map(|_| (rate(&mut ours), rate(&mut theirs)))
        .collect();
    let ratio = median(pairs.iter().map(|(ours, theirs)| ours / theirs).collect());
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let (ours, theirs) = (median(ours) / 1000.0, median(theirs) / 1000.0);
    println!("{what:<32} {ours:>10.0} {theirs:>14.0} {ratio:>8.2}");
}

fn main() {
    println!("DNS codec, thousand messages a second (median of {ROUNDS} paired rounds)");
    println!(
        "{:<32} {:>10} {:>14} {:>8}",
        "", "gateway", "hickory-proto", "ratio"
    );
    for (what, octets) in messages() {
        let ours = Message::decode(&octets).expect("decodes");
        let theirs = hickory_proto::op::Message::from_vec(&octets).expect("decodes");
        compare(
            &format!("decode {what}"),
            || drop(black_box(Message::decode(black_box(&octets)))),
            || {
                drop(black_box(hickory_proto::op::Message::from_vec(black_box(
                    &octets,
                ))))
            },
        );
        compare(
            &format!("encode {what}"),
            || drop(black_box(black_box(&ours).encode())),
            || drop(black_box(black_box(&theirs).to_vec())),
        );
    }
}
