//! Unbound's opinion about the corpus.

use std::net::UdpSocket;
use std::time::Duration;

use gateway::dns::{Class, Edns, Message, Question, Rcode};
use gateway_lab::unbound::Unbound;

use crate::case::{Case, Expected, name};

const PATIENCE: Duration = Duration::from_secs(20);

/// What a validating resolver shows of a status.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    AuthenticData,
    Data,
    Failure,
}

impl Shown {
    fn of(reply: &Message) -> Self {
        match reply.rcode() {
            Rcode::NOERROR | Rcode::NXDOMAIN if reply.header.authentic_data => Self::AuthenticData,
            Rcode::NOERROR | Rcode::NXDOMAIN => Self::Data,
            _ => Self::Failure,
        }
    }

    fn expected(case: &Case) -> Self {
        match case.expected {
            Expected::Secure(_) => Self::AuthenticData,
            Expected::Insecure(_) => Self::Data,
            Expected::Bogus(_) | Expected::Indeterminate(_) => Self::Failure,
        }
    }
}

#[test]
fn unbound_agrees_but_where_the_table_says_why_not() {
    let (cases, world) = crate::corpus();
    let unbound = Unbound::validating(world);
    let mut wrong = Vec::new();
    // Unbound cannot be asked at another time, nor be told about algorithms.
    for case in cases.iter().filter(|case| case.at.is_none() && !case.sha1) {
        let shown = Shown::of(&ask(&unbound, case));
        let agrees = shown == Shown::expected(case);
        if agrees == case.differs.is_some() {
            wrong.push(format!(
                "{}: {shown:?}, table {:?}",
                case.name, case.expected
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn ask(unbound: &Unbound, case: &Case) -> Message {
    let question = Question {
        name: name(&case.owner),
        rtype: case.rtype,
        class: Class::IN,
    };
    let query = Message::query(7, question, Some(Edns::query(1232, true)));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&query.encode(), unbound.address()).unwrap();
    let mut buffer = [0; 65_535];
    let length = socket.recv(&mut buffer).unwrap();
    Message::decode(&buffer[..length]).unwrap()
}
