//! Decode and encode rates of the DNS codec beside those of `hickory-proto`, on the same messages, in turn, in one run.

use std::hint::black_box;

use gateway::dns::{Class, Edns, Message, Name, Question, RecordType, zonefile};
use gateway_lab::bench::{ROUNDS, in_turn};

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

/// Measures both in turn and prints thousands a second and the ratio.
fn compare(what: &str, mut ours: impl FnMut(), mut theirs: impl FnMut()) {
    let measured = in_turn(&mut [&mut ours, &mut theirs]);
    let [ours, theirs] = [0, 1].map(|place: usize| measured.rates[place] / 1000.0);
    let ratio = measured.ratios[1];
    println!("{what:<32} {ours:>10.0} {theirs:>14.0} {ratio:>8.2}");
}

fn main() {
    println!(
        "DNS codec, thousand messages in a second of CPU time (median of {ROUNDS} paired rounds)"
    );
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
