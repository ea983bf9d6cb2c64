//! Lets sessions refuse what deliveries foretell: the one place where rooms meet that do not name each other.

use crate::inbound::recipient::{Foresee, Refusal};
use crate::outbound::Forecast;
use crate::outbound::cause::Cause;
use crate::smtp::{EnhancedStatus, Host, Reply, ReplyCode};
use crate::time::Deadline;

/// Octets of a reply's text: two lines. A host with many TLSA records makes longer ones, which stand in the log as a whole.
const TEXT_MAX: usize = 900;

/// The status of domains that accept no mail (RFC 7505).
const NO_MAIL: EnhancedStatus = EnhancedStatus::new(5, 1, 10);

impl Foresee for Forecast {
    fn refusal(&self, destination: &Host, deadline: Deadline) -> Option<Refusal> {
        let record = Self::refusal(self, destination, deadline)?;
        Some(Refusal {
            reply: reply(&record.cause),
            record: record.log_line(),
        })
    }
}

/// Reason and sentence as in the log and in bounces.
fn reply(cause: &Cause) -> Reply {
    let code = match cause.status {
        NO_MAIL => ReplyCode::NO_MAIL,
        _ => ReplyCode::REFUSED,
    };
    let mut text = format!("[{}] {}", cause.reason, cause.text);
    if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
        text.truncate(end);
        text.push_str("...");
    }
    Reply::new(code, cause.status, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Reason;

    #[test]
    fn the_reply_says_what_the_record_says_in_lines_that_clients_can_read() {
        let long = "w\u{e4}rts ".repeat(1000);
        for (reason, text, expected) in [
            (Reason::NxDomain, "no", "550 5.1.2 [nxdomain] no\r\n"),
            (Reason::NullMx, "no", "556 5.1.10 [null-mx] no\r\n"),
            (
                Reason::NullMxBelieved,
                "no",
                "556 5.1.10 [null-mx-insecure] no\r\n",
            ),
            (
                Reason::DaneRequired,
                "a\r\n250 b\u{1b}",
                "550 5.7.5 [dane-required] a\\r\\n250 b\\u{1b}\r\n",
            ),
            (
                Reason::TlsaInvalid,
                long.as_str(),
                "550-5.7.5 [tlsa-invalid] w?rts w?rts ",
            ),
        ] {
            let cause = Cause {
                status: reason.status().permanent(),
                ..Cause::new(reason, text)
            };
            let wire = reply(&cause).to_wire();
            let wire = String::from_utf8(wire).expect("ASCII");
            assert!(wire.starts_with(expected), "{wire}");
            assert!(wire.split_inclusive("\r\n").all(|line| line.len() <= 512));
            assert!(wire.lines().count() <= 2, "{wire}");
        }
    }
}
