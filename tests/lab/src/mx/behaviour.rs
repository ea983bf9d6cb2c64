//! The switches of an MX host: what it says and does otherwise than a good one.

use std::time::Duration;

use crate::certificate::Certificate;

/// Whether the dialogue is still in clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before STARTTLS succeeded.
    Clear,
    /// Inside TLS.
    Tls,
}

/// What the server offers in the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// TLS 1.2 and 1.3 with its certificate.
    #[default]
    Modern,
    /// Nothing newer than TLS 1.2.
    Tls12Only,
    /// Nothing newer than TLS 1.1.
    Tls11Only,
    /// Cipher suites without any certificate.
    AnonymousOnly,
    /// Refuses every server name with a fatal alert (RFC 6066 §3).
    UnrecognizedNameFatal,
    /// Warns of every server name, then goes on.
    UnrecognizedNameWarning,
}

/// What to do when a point in the dialogue is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Close,
    Silence,
    Delay(Duration),
}

#[derive(Clone, Debug)]
struct Scripted<T> {
    phase: Option<Phase>,
    point: String,
    what: T,
}

/// How an MX host behaves; the default is a good server with the usual extensions.
///
/// A point of the dialogue is the beginning of a command line (`RCPT TO:<b@d.test>`, `EHLO`), or one of `BANNER` (before the greeting),
/// `HANDSHAKE` (instead of the TLS handshake), `CONTENT` (after the first line of a message), `.` (the end of a message) and `IDLE`
/// (unasked, once a message is stored).
#[derive(Clone, Debug)]
pub struct Behaviour {
    replies: Vec<Scripted<String>>,
    acts: Vec<Scripted<Act>>,
    extensions: Vec<String>,
    pub(super) tls: TlsMode,
    pub(super) certificate: Option<Certificate>,
    pub(super) other_certificate: Option<Certificate>,
    pub(super) injected: Vec<u8>,
}

impl Default for Behaviour {
    fn default() -> Self {
        let extensions = [
            "PIPELINING",
            "SIZE 52428800",
            "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
        ];
        Self {
            replies: Vec::new(),
            acts: Vec::new(),
            extensions: extensions.map(str::to_owned).to_vec(),
            tls: TlsMode::default(),
            certificate: None,
            other_certificate: None,
            injected: Vec::new(),
        }
    }
}

impl Behaviour {
    /// A good server.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers with `reply` (without its line end; several lines are separated by CRLF) at this point, in clear and inside TLS.
    #[must_use]
    pub fn reply(self, point: &str, reply: &str) -> Self {
        self.scripted(None, point, reply)
    }

    /// As [`Behaviour::reply`], only inside TLS.
    #[must_use]
    pub fn reply_in_tls(self, point: &str, reply: &str) -> Self {
        self.scripted(Some(Phase::Tls), point, reply)
    }

    /// Closes the connection at this point.
    #[must_use]
    pub fn close_at(self, point: &str) -> Self {
        self.acting(None, point, Act::Close)
    }

    /// As [`Behaviour::close_at`], only inside TLS.
    #[must_use]
    pub fn close_in_tls_at(self, point: &str) -> Self {
        self.acting(Some(Phase::Tls), point, Act::Close)
    }

    /// Says nothing more from this point on, and keeps the connection open.
    #[must_use]
    pub fn silent_at(self, point: &str) -> Self {
        self.acting(None, point, Act::Silence)
    }

    /// Waits before it answers at this point.
    #[must_use]
    pub fn delay_at(self, point: &str, delay: Duration) -> Self {
        self.acting(None, point, Act::Delay(delay))
    }

    /// Offers this further extension.
    #[must_use]
    pub fn with(mut self, extension: &str) -> Self {
        self = self.without(keyword(extension));
        self.extensions.push(extension.to_owned());
        self
    }

    /// Does not offer this extension: `STARTTLS`, `PIPELINING`, `8BITMIME`, `SIZE`, …
    #[must_use]
    pub fn without(mut self, extension: &str) -> Self {
        self.extensions
            .retain(|offered| !keyword(offered).eq_ignore_ascii_case(extension));
        self
    }

    /// Handshakes like this.
    #[must_use]
    pub fn tls(mut self, mode: TlsMode) -> Self {
        self.tls = mode;
        self
    }

    /// Presents this certificate instead of the host's own, the one its TLSA record names.
    #[must_use]
    pub fn wrong_certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Has this certificate too, with a key of another kind; which one it presents is negotiated, and ECDSA goes before RSA.
    #[must_use]
    pub fn second_certificate(mut self, certificate: Certificate) -> Self {
        self.other_certificate = Some(certificate);
        self
    }

    /// Sends these octets in one segment with the 220 that answers STARTTLS, as a man in the middle would.
    #[must_use]
    pub fn inject_after_starttls(mut self, octets: &[u8]) -> Self {
        self.injected = octets.to_vec();
        self
    }

    fn scripted(mut self, phase: Option<Phase>, point: &str, reply: &str) -> Self {
        self.replies.push(Scripted {
            phase,
            point: point.to_owned(),
            what: reply.to_owned(),
        });
        self
    }

    fn acting(mut self, phase: Option<Phase>, point: &str, act: Act) -> Self {
        self.acts.push(Scripted {
            phase,
            point: point.to_owned(),
            what: act,
        });
        self
    }

    pub(super) fn reply_at(&self, phase: Phase, line: &str) -> Option<&str> {
        find(&self.replies, phase, line).map(String::as_str)
    }

    pub(super) fn act_at(&self, phase: Phase, line: &str) -> Option<Act> {
        find(&self.acts, phase, line).copied()
    }

    /// The extensions offered in this phase: STARTTLS is not offered twice.
    pub(super) fn extensions(&self, phase: Phase) -> impl Iterator<Item = &str> {
        self.extensions
            .iter()
            .map(String::as_str)
            .filter(move |offered| phase == Phase::Clear || *offered != "STARTTLS")
    }

    /// The limit of the SIZE extension, where one is offered.
    pub(super) fn size_limit(&self) -> Option<usize> {
        self.extensions
            .iter()
            .find_map(|offered| offered.strip_prefix("SIZE ")?.parse().ok())
    }
}

fn keyword(extension: &str) -> &str {
    extension.split(' ').next().unwrap_or(extension)
}

/// The entry whose point begins the line; the one added last wins.
fn find<'a, T>(entries: &'a [Scripted<T>], phase: Phase, line: &str) -> Option<&'a T> {
    let line = line.to_ascii_lowercase();
    entries
        .iter()
        .rev()
        .find(|entry| {
            entry.phase.is_none_or(|only| only == phase)
                && line.starts_with(&entry.point.to_ascii_lowercase())
        })
        .map(|entry| &entry.what)
}
