//! What an MX host remembers.

use std::fmt;
use std::net::SocketAddr;

use gateway::time::Timestamp;

use super::behaviour::Phase;

/// One thing that happened on one connection.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Which connection, counted from 1.
    pub connection: u64,
    /// In clear text or inside TLS.
    pub phase: Phase,
    /// What.
    pub what: What,
}

/// The things that happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A client connected from there.
    Connected(SocketAddr),
    /// A line from the client, without its line end.
    Command(String),
    /// A reply, without its last line end.
    Reply(String),
    /// The handshake succeeded.
    Handshake {
        /// Protocol version, `TLSv1.3`.
        version: String,
        /// Cipher suite.
        cipher: String,
        /// The server name the client asked for.
        sni: Option<String>,
        /// Whether an earlier session went on, in which the server does not show its certificate again.
        is_resumed: bool,
    },
    /// The handshake failed, or the client broke TLS off.
    HandshakeFailed(String),
    /// The client sent a message of this many octets.
    Content(usize),
    /// The connection ended.
    Closed,
}

/// As in a protocol listing: `C:` is the client, `S:` the server, `**` a remark.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.phase {
            Phase::Clear => "clear",
            Phase::Tls => "TLS  ",
        };
        let number = self.connection;
        match &self.what {
            What::Connected(peer) => write!(f, "{number} {place} ** connected from {peer}"),
            What::Command(line) => write!(f, "{number} {place} C: {line}"),
            What::Reply(text) => {
                let lines: Vec<_> = text
                    .split("\r\n")
                    .map(|line| format!("{number} {place} S: {line}"))
                    .collect();
                f.write_str(&lines.join("\n"))
            }
            What::Handshake {
                version,
                cipher,
                sni,
                is_resumed,
            } => {
                let name = sni.as_deref().unwrap_or("none");
                let resumed = if *is_resumed { ", resumed" } else { "" };
                write!(
                    f,
                    "{number} {place} ** TLS is up: {version}, {cipher}, server name {name}{resumed}"
                )
            }
            What::HandshakeFailed(reason) => {
                write!(f, "{number} {place} ** TLS failed: {reason}")
            }
            What::Content(octets) => write!(f, "{number} {place} C: (message of {octets} octets)"),
            What::Closed => write!(f, "{number} {place} ** closed"),
        }
    }
}

/// A message the host answered 250 to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Which connection brought it.
    pub connection: u64,
    /// The argument of MAIL FROM, without angle brackets.
    pub sender: String,
    /// Parameters of MAIL FROM: `SIZE=…`, `BODY=…`.
    pub parameters: Vec<String>,
    /// The recipients that were accepted, without angle brackets.
    pub recipients: Vec<String>,
    /// The message with CRLF line ends, dots unstuffed.
    pub content: Vec<u8>,
    /// Whether it came inside TLS.
    pub phase: Phase,
}

impl StoredMessage {
    /// The message as text, for people and for tests that look for words in it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}
