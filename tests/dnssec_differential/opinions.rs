//! Three validators and what they say: ours, Unbound, and delv of BIND.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gateway::dns::{Class, Edns, Message, Question, Rcode};
use gateway::dnssec::chain::{Progress, Settings};
use gateway::dnssec::{Algorithms, RrsetId, Security, TrustAnchors, Validation};
use gateway::time::Timestamp;

use crate::zones::PARENT;

const PATIENCE: Duration = Duration::from_secs(20);

/// What a validator says about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Opinion {
    Secure,
    Insecure,
    /// Bogus, or not found out.
    Error,
}

/// The chain machine, with Unbound under CD=1 as the carrier.
pub(crate) fn ours(carrier: SocketAddr, anchors: &TrustAnchors, question: &RrsetId) -> Opinion {
    let settings = Settings {
        anchors,
        algorithms: Algorithms::new(false),
        now: Timestamp::now(),
    };
    let mut validation = Validation::new(question.clone(), settings);
    loop {
        match validation.progress(&()) {
            Progress::Need(questions) => {
                assert!(!questions.is_empty(), "{question:?}: it waits for nothing");
                for question in questions {
                    let reply = ask(carrier, &question, true);
                    validation.supply(&question, Ok(reply.into()));
                }
            }
            Progress::Done(outcome) => {
                return match outcome.answer.map(|answer| answer.security) {
                    Ok(Security::Secure) => Opinion::Secure,
                    Ok(Security::Insecure) => Opinion::Insecure,
                    Err(_) => Opinion::Error,
                };
            }
        }
    }
}

pub(crate) fn unbound(resolver: SocketAddr, question: &RrsetId) -> Opinion {
    let reply = ask(resolver, question, false);
    match reply.rcode() {
        Rcode::NOERROR | Rcode::NXDOMAIN if reply.header.authentic_data => Opinion::Secure,
        Rcode::NOERROR | Rcode::NXDOMAIN => Opinion::Insecure,
        _ => Opinion::Error,
    }
}

/// delv asks the carrier too, and always with CD.
pub(crate) fn delv(carrier: SocketAddr, anchors: &Path, question: &RrsetId) -> Opinion {
    let done = Command::new("delv")
        .arg(format!("@{}", carrier.ip()))
        .args(["-p", &carrier.port().to_string()])
        .arg("-a")
        .arg(anchors)
        .arg(format!("+root={PARENT}."))
        .arg(question.owner.to_string())
        .arg(question.rtype.to_string())
        .output()
        .expect("delv is installed (scripts/setup test)");
    let text = [done.stdout, done.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    if text.contains("unsigned answer") {
        Opinion::Insecure
    } else if text.contains("fully validated") {
        Opinion::Secure
    } else {
        Opinion::Error
    }
}

fn ask(resolver: SocketAddr, question: &RrsetId, checking_disabled: bool) -> Message {
    let question = Question {
        name: question.owner.clone(),
        rtype: question.rtype,
        class: Class::IN,
    };
    let mut query = Message::query(7, question, Some(Edns::query(4096, true)));
    query.header.checking_disabled = checking_disabled;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&query.encode(), resolver).unwrap();
    let mut buffer = [0; 65_535];
    let length = socket.recv(&mut buffer).unwrap();
    let reply = Message::decode(&buffer[..length]).unwrap();
    assert!(!reply.header.truncated, "{:?}", reply.questions);
    reply
}
