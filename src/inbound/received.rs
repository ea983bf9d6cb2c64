//! The trace field of a message that came in (RFC 5321 §4.4).
//!
//! Limitation: it has no `id` clause, since the queue gives the id only when it takes the message; the log line has it.

use core::net::IpAddr;

use crate::message::{Field, FieldName, date};
use crate::smtp::server::Submission;
use crate::smtp::{Domain, Host};
use crate::time::Timestamp;

/// The field, to be put above all others.
///
/// The recipient is named only if there is one: several would learn of each other.
pub(super) fn field(
    submission: &Submission,
    peer: IpAddr,
    hostname: &Domain,
    now: Timestamp,
) -> Field<'static> {
    let name = &submission.client.name;
    let address = Host::Literal(peer.to_canonical());
    let protocol = match submission.client.is_extended {
        true => "ESMTP",
        false => "SMTP",
    };
    let recipient = match submission.envelope.recipients.as_slice() {
        [only] => format!("\r\n\tfor <{only}>"),
        _ => String::new(),
    };
    let date = date::format(now);
    let value = format!(
        " from {name} ({address})\r\n\tby {hostname} with {protocol}{recipient};\r\n\t{date}"
    );
    Field::structured(&FieldName::known("Received"), "").with_raw_value(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::command::Command;
    use crate::smtp::server::Client;
    use crate::smtp::{Envelope, Mailbox, ReversePath};

    fn submission(greeting: &str, recipients: &[&str]) -> Submission {
        let (name, is_extended) = match Command::parse(greeting.as_bytes()) {
            Ok(Command::Ehlo(name)) => (name, true),
            Ok(Command::Helo(name)) => (name, false),
            other => panic!("{other:?}"),
        };
        let mailbox = |text: &&str| Mailbox::parse(text).expect("a mailbox");
        Submission {
            client: Client { name, is_extended },
            envelope: Envelope {
                sender: ReversePath::Null,
                recipients: recipients.iter().map(mailbox).collect(),
                eight_bit: false,
            },
            content: Vec::new(),
        }
    }

    #[test]
    fn the_field_says_from_whom_how_for_whom_and_when() {
        let hostname = Domain::parse("gateway.test").expect("a domain");
        let now = Timestamp::from_unix(1_795_536_480);
        for (greeting, recipients, peer, expected) in [
            (
                "EHLO client.example",
                &["a@example.org"][..],
                "192.0.2.1",
                "Received: from client.example ([192.0.2.1])\r\n\tby gateway.test with ESMTP\r\n\tfor <a@example.org>;\r\n\tTue, 24 Nov 2026 16:08:00 +0000\r\n",
            ),
            (
                "HELO [IPv6:2001:db8::1]",
                &["a@example.org", "b@example.org"],
                "2001:db8::1",
                "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n\tby gateway.test with SMTP;\r\n\tTue, 24 Nov 2026 16:08:00 +0000\r\n",
            ),
            (
                "EHLO x",
                &["a@example.org", "b@example.org"],
                "::ffff:192.0.2.1",
                "Received: from x ([192.0.2.1])\r\n\tby gateway.test with ESMTP;\r\n\tTue, 24 Nov 2026 16:08:00 +0000\r\n",
            ),
        ] {
            let peer = peer.parse().expect("an address");
            let found = field(&submission(greeting, recipients), peer, &hostname, now);
            assert_eq!(found.octets(), expected.as_bytes());
        }
    }
}
