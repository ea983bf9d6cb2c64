//! Why a session, a message or one recipient got no further, and how what the server said is shown to people.

use std::fmt;

use crate::outbound::Reason;
use crate::smtp::{EnhancedStatus, Reply};

/// Characters of a server's words that are quoted; enough for an explanation with a link in it.
const QUOTE_MAX: usize = 400;

/// The step of a session at which something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// TCP connection.
    Connect,
    /// The server's greeting.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS and its reply.
    StartTls,
    /// TLS handshake.
    Handshake,
    /// Comparison of the certificate with the TLSA records.
    Verdict,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Recipient,
    /// DATA and the message.
    Data,
    /// The reply to the message's final dot: from here on the server may have taken the message.
    FinalDot,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Handshake => "handshake",
            Self::Verdict => "verdict",
            Self::Mail => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::FinalDot => "final dot",
        })
    }
}

/// Why a session, a message or one recipient got no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which row of the tables.
    pub reason: Reason,
    /// Enhanced status: the reason's, or the server's inside the session.
    pub status: EnhancedStatus,
    /// Where it ended.
    pub phase: Phase,
    /// The server's words, if it was a reply that ended it. Not sanitised: print [`Failure::text`].
    pub reply: Option<Reply>,
    /// One line for the operator: what happened, what was seen (greeting, TLS version, presented certificate); no control characters.
    pub text: String,
}

impl Failure {
    /// Something that is not a reply.
    pub(super) fn new(reason: Reason, phase: Phase, text: impl Into<String>) -> Self {
        Self {
            reason,
            status: reason.status(),
            phase,
            reply: None,
            text: text.into(),
        }
    }

    /// A reply that may be forged: its code decides nothing.
    pub(super) fn refused(reason: Reason, phase: Phase, reply: Reply) -> Self {
        let text = format!("the server's answer at {phase} was {}", quote(&reply));
        Self {
            reply: Some(reply),
            ..Self::new(reason, phase, text)
        }
    }

    /// A reply inside the session: its status counts (rfc S12).
    pub(super) fn remote(phase: Phase, reply: Reply, is_permanent: bool) -> Self {
        let reason = match is_permanent {
            true => Reason::RemotePermanent,
            false => Reason::RemoteTransient,
        };
        let given = reply.enhanced.unwrap_or_else(|| reason.status());
        let status = match is_permanent {
            true => given.permanent(),
            false => given.transient(),
        };
        Self {
            status,
            ..Self::refused(reason, phase, reply)
        }
    }

    /// The same with more to say.
    pub(super) fn remark(mut self, text: &str) -> Self {
        self.text = format!("{}; {text}", self.text);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A reply in quotes, as one short line of printable ASCII: a server can neither forge nor flood a log.
pub(super) fn quote(reply: &Reply) -> String {
    quote_text(&reply.to_string())
}

/// As [`quote`], for octets that are no reply.
pub(super) fn quote_octets(octets: &[u8]) -> String {
    quote_text(&String::from_utf8_lossy(octets))
}

fn quote_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if quoted.len() >= QUOTE_MAX {
            // Half an address would not be known for one where addresses are hidden.
            quoted.truncate(quoted.rfind(' ').unwrap_or(QUOTE_MAX));
            quoted.push_str(" ...");
            break;
        }
        match character {
            ' '..='~' => quoted.push(character),
            other => quoted.extend(other.escape_default()),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::ReplyCode;

    fn reply(text: &str) -> Reply {
        Reply::parse(&[text.as_bytes()]).expect("a reply")
    }

    #[test]
    fn quotes_are_short_printable_lines() {
        let forged = Reply::plain(
            ReplyCode::READY,
            vec!["a\r\nb\u{1b}[2J ü\u{202e}".to_owned()],
        );
        assert_eq!(quote(&forged), r#""220 a\r\nb\u{1b}[2J \u{fc}\u{202e}""#);
        let long = Reply::plain(ReplyCode::READY, vec!["\u{202e}".repeat(5000)]);
        assert!(quote(&long).len() < QUOTE_MAX + 20);
        let cut = "x".repeat(QUOTE_MAX - "\"550 ".len() - " bob".len()) + " bob@d.test";
        let cut = Reply::plain(ReplyCode::REFUSED, vec![cut]);
        assert!(quote(&cut).ends_with("x ...\""), "{}", quote(&cut));
    }

    #[test]
    fn only_verified_servers_choose_the_status() {
        let before = Failure::refused(
            Reason::StartTlsRefused,
            Phase::StartTls,
            reply("554 5.7.1 no"),
        );
        assert_eq!(before.status, EnhancedStatus::new(4, 7, 4));
        for (text, is_permanent, expected) in [
            ("554 5.7.1 no", true, EnhancedStatus::new(5, 7, 1)),
            ("554 no", true, EnhancedStatus::new(5, 0, 0)),
            ("451 4.7.1 later", false, EnhancedStatus::new(4, 7, 1)),
            ("552 5.5.3 too many", false, EnhancedStatus::new(4, 5, 3)),
        ] {
            let inside = Failure::remote(Phase::Recipient, reply(text), is_permanent);
            assert_eq!(inside.status, expected, "{text}");
        }
    }
}
