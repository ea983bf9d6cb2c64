//! One connection to one address of one host: greeting, EHLO, STARTTLS, verdict, and then mail.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Reason, Settings};
use crate::dane;
use crate::smtp::{Domain, EnhancedStatus, Mailbox, Reply, ReversePath};

/// One address of one host to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Where to connect.
    pub address: SocketAddr,
    /// The TLSA base domain without final dot: the name asked for in the handshake (RFC 7672 §8.1).
    pub server_name: &'a str,
    /// Our name in EHLO.
    pub hostname: &'a Domain,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP connection.
    pub connect: Duration,
    /// For each reply, for the handshake, and for each block of the message to be taken (RFC 5321 §4.5.3.2).
    pub command: Duration,
    /// For the reply to the final dot (RFC 5321 §4.5.3.2.6: 10 minutes).
    pub final_dot: Duration,
}

impl From<&Settings> for Timeouts {
    /// The final dot gets twice the time of a command, as RFC 5321 §4.5.3.2 has it (5 and 10 minutes).
    fn from(settings: &Settings) -> Self {
        Self {
            connect: settings.connect_timeout,
            command: settings.command_timeout,
            final_dot: settings.command_timeout.saturating_mul(2),
        }
    }
}

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
    /// DATA, the message, and the reply to its final dot.
    Data,
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

/// What the handshake settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// Protocol version, `TLSv1.3`.
    pub version: String,
    /// Cipher suite, in OpenSSL's spelling.
    pub cipher: String,
}

/// One message for the recipients that share this destination.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Reverse-path.
    pub sender: &'a ReversePath,
    /// Forward-paths, at least one.
    pub recipients: &'a [Mailbox],
    /// Whether the message came in with `BODY=8BITMIME`.
    pub eight_bit: bool,
    /// The message with CRLF line ends, not dot-stuffed.
    pub content: &'a [u8],
}

/// What became of one recipient: the reply that took the message over, or the one that refused it.
pub type Receipt = Result<Reply, Failure>;

/// A connection that may carry mail: TLS with a certificate that matched, or cleartext to loopback at level `none`.
#[derive(Debug)]
pub struct Channel {
    _made_here: (),
}

/// Connects, upgrades to TLS and checks the certificate; no mail command is sent before, nor after a failure.
///
/// # Errors
/// [`Failure`]: the step that failed and why.
pub fn connect_verified(_link: &Link<'_>, _plan: &dane::Plan) -> Result<Channel, Failure> {
    todo!()
}

/// Connects without TLS, for level `none`: only to a peer on loopback.
///
/// # Errors
/// [`Failure`]; [`Reason::NotLoopback`] when the connected peer is not loopback.
pub fn connect_plain(_link: &Link<'_>) -> Result<Channel, Failure> {
    todo!()
}

impl Channel {
    /// What the handshake settled; `None` at level `none`.
    pub fn tls(&self) -> Option<&TlsFacts> {
        todo!()
    }

    /// The TLSA record that matched; `None` at level `none`.
    pub fn matched(&self) -> Option<&dane::Match> {
        todo!()
    }

    /// The server's greeting without code, one sanitised line.
    pub fn greeting(&self) -> &str {
        todo!()
    }

    /// Sends one message; may be called again for the next message while it returns `Ok`.
    ///
    /// The receipts stand in the order of the recipients.
    ///
    /// # Errors
    /// [`Failure`] that concerns every recipient: connection lost, garbage, or a message that this server cannot take.
    pub fn send(&mut self, _mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure> {
        todo!()
    }

    /// Says QUIT, waits for the reply and closes; nothing that happens now matters to anybody.
    pub fn quit(self) {
        todo!()
    }
}
