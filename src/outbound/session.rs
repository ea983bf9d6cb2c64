//! One connection to one address of one host: greeting, EHLO, STARTTLS, verdict, and then mail.
//!
//! ```text
//! connect → 220 → EHLO → STARTTLS → 220, and silence → handshake → verdict → EHLO → MAIL …
//!           └──────── Dialogue<Stream> ─────────┘      Unverified  Verified  Channel
//! ```
//!
//! Each step consumes the one before. Mail commands exist only on a [`Channel`]; over TLS only a `Verified` connection becomes one, and only
//! the [`Proof`] of what was demanded makes that. What was learnt before TLS, greeting and extensions, is forgotten with the dialogue it was said in.
//! Before the verdict nothing but EHLO, STARTTLS and QUIT is ever sent, so that nobody in between learns whom the mail is for.
//!
//! Whatever a server says before it is verified can only make us wait, never give up (rfc G2): see [`Failure`].
//!
//! next: `src/outbound/outcome.rs`

mod dialogue;
mod failure;
mod transcript;
mod verdict;

use std::net::SocketAddr;
use std::time::Duration;

use super::{Demand, Proof, Reason, Settings};
use crate::net::tls::KeyType;
use crate::net::{Breaker, Dialer, Stream};
use crate::smtp::client::{Blocks, Command, Extensions, Step, Transaction, Unsendable};
use crate::smtp::{Domain, Reply, ReplyCode};
use crate::time::Deadline;

use dialogue::{Dialogue, FAREWELL, Wire};
use verdict::{Unverified, Verified};

pub use crate::smtp::client::Mail;
pub use failure::{Failure, Phase};
pub use transcript::{Event, Transcript};

/// One address of one host to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Where to connect.
    pub address: SocketAddr,
    /// The name asked for in the handshake, without final dot: the TLSA base domain, where there is one (RFC 7672 §8.1), else the host.
    /// Empty for an address literal: no name is asked for.
    pub server_name: &'a str,
    /// How to get there. At level `none` it is not asked: that goes straight to loopback.
    pub dialer: Dialer<'a>,
    /// Our name in EHLO inside TLS, and at level `none`; a server of this name is ourselves.
    pub hostname: &'a Domain,
    /// Our name in EHLO before TLS, where everybody in between hears it.
    pub ehlo_name: &'a Domain,
    /// What is sent inside TLS 1.3 is padded to a multiple of so many octets.
    pub tls_padding: Option<u16>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// What ends the connection when the gateway stops; while it is being made, only its own timeout does.
    pub breaker: Option<&'a Breaker>,
    /// Where it is written down what was said, if anywhere.
    pub transcript: Option<&'a Transcript>,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP connection, with what a proxy needs.
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

/// All commands of one transaction together get this many times the time of one: a server that is slow with each of a thousand
/// recipients would otherwise hold a worker for days.
const ENVELOPE_COMMANDS: u32 = 4;
/// Octets per second below which a server does not want the message.
const CONTENT_RATE_MIN: u64 = 1024;

/// What the handshake settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// Protocol version, `TLSv1.3`.
    pub version: &'static str,
    /// Cipher suite, in OpenSSL's spelling.
    pub cipher: &'static str,
    /// Whether the certificate is the host's other one, asked for because nothing matched the one it presents first (rfc C12).
    pub is_other_key: bool,
}

/// What became of one recipient: the reply that took the message over, or the one that refused it.
pub type Receipt = Result<Reply, Failure>;

/// A connection that may carry mail: TLS that proved what was demanded, or cleartext to loopback at level `none`.
#[derive(Debug)]
pub struct Channel {
    dialogue: Dialogue<Box<dyn Wire>>,
    timeouts: Timeouts,
    extensions: Extensions,
    greeting: String,
    tls: Option<TlsFacts>,
    proof: Proof,
    /// Whether the last transaction was left open.
    is_open: bool,
    /// Whether nothing more can be said.
    is_over: bool,
    /// Whether QUIT was said and its reply is to come.
    is_leaving: bool,
}

/// Upgrades to TLS and checks the certificate; no mail command is sent before, nor after a failure. Where nothing matches, the host may have another
/// certificate, for a key of another type: then that is asked for over another connection (rfc C12).
fn open_tls(link: &Link<'_>, demand: &Demand) -> Result<Channel, Failure> {
    let (first, greeting) = upgrade(link, None)?;
    let other = first.other_key();
    let refusal = match verify(first, demand, &greeting) {
        Ok(verified) => return open_channel(verified, link, greeting),
        Err(refusal) => refusal,
    };
    let other = other.filter(|_| refusal.reason == Reason::ValidationFailure);
    let second = other.and_then(|key| upgrade(link, Some(key)).ok());
    let Some((second, greeting)) = second else {
        return Err(refusal);
    };
    match verify(second, demand, &greeting) {
        Ok(verified) => open_channel(verified, link, greeting),
        Err(refusal) => {
            Err(refusal.remark("nor does the other certificate, which it presents first"))
        }
    }
}

/// The connection up to the handshake, and the greeting, quoted.
fn upgrade(link: &Link<'_>, key: Option<KeyType>) -> Result<(Unverified, String), Failure> {
    let mut dialogue = connect(link, link.dialer)?;
    let greeting = greet(&mut dialogue, link)?;
    reject_ourselves(&mut dialogue, Phase::Greeting, &greeting, link)?;
    let offer = ehlo(&mut dialogue, link)?;
    reject_ourselves(&mut dialogue, Phase::Ehlo, &offer, link)?;
    let greeting = failure::quote(&greeting);
    let stream = start_tls(dialogue, link, Extensions::parse(&offer))?;
    let unverified = Unverified::handshake(stream, link, key);
    let unverified = unverified.map_err(|failure| name_server(failure, &greeting))?;
    Ok((unverified, greeting))
}

fn verify(unverified: Unverified, demand: &Demand, greeting: &str) -> Result<Verified, Failure> {
    let verified = unverified.verify(demand);
    verified.map_err(|failure| name_server(failure, greeting))
}

fn name_server(failure: Failure, greeting: &str) -> Failure {
    failure.remark(&format!("the greeting was {greeting}"))
}

/// Without TLS, for level `none`: only to a peer on loopback. Where a proxy connects to cannot be known here, so none is asked.
fn open_plain(link: &Link<'_>) -> Result<Channel, Failure> {
    require_loopback(link.address)?;
    let mut dialogue = connect(link, Dialer::STRAIGHT)?;
    require_loopback(dialogue.peer())?;
    let greeting = failure::quote(&greet(&mut dialogue, link)?);
    let extensions = ehlo_or_helo(&mut dialogue, link)?;
    Ok(Channel {
        dialogue: dialogue.boxed(),
        timeouts: link.timeouts,
        extensions,
        greeting,
        tls: None,
        proof: Proof::Loopback,
        is_open: false,
        is_over: false,
        is_leaving: false,
    })
}

/// rfc G6: cleartext never leaves this machine.
fn require_loopback(peer: SocketAddr) -> Result<(), Failure> {
    if peer.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let text = format!("level none is for loopback only, and {peer} is not: choose another level");
    Err(Failure::new(Reason::NotLoopback, Phase::Connect, text))
}

/// rfc S1.
fn connect(link: &Link<'_>, dialer: Dialer<'_>) -> Result<Dialogue<Stream>, Failure> {
    let deadline = Deadline::after(link.timeouts.connect);
    match dialer.dial(link.address, deadline) {
        Ok(stream) => {
            if let Some(breaker) = link.breaker {
                breaker.watch(&stream);
            }
            let dialogue = Dialogue::new(stream).noted_in(link.transcript);
            dialogue.note(Event::Connected);
            Ok(dialogue)
        }
        Err(error) => {
            let text = format!("no connection to {}: {error}", link.address);
            Err(Failure::new(Reason::Connect, Phase::Connect, text))
        }
    }
}

/// rfc S2.
fn greet(dialogue: &mut Dialogue<Stream>, link: &Link<'_>) -> Result<Reply, Failure> {
    let greeting = dialogue.receive(Phase::Greeting, command_deadline(link))?;
    if greeting.code == ReplyCode::READY {
        return Ok(greeting);
    }
    Err(dialogue.leave(Failure::refused(Reason::Banner, Phase::Greeting, greeting)))
}

/// rfc M17. Not asked at level `none`: a server on this machine may well have this machine's name.
fn reject_ourselves(
    dialogue: &mut Dialogue<Stream>,
    phase: Phase,
    reply: &Reply,
    link: &Link<'_>,
) -> Result<(), Failure> {
    let first = reply.lines.first().map_or("", String::as_str);
    let name = first.split_ascii_whitespace().next().unwrap_or("");
    if !name.eq_ignore_ascii_case(link.hostname.as_str()) {
        return Ok(());
    }
    let text = format!("the server calls itself {name}, as we do: mail would loop");
    Err(dialogue.leave(Failure::new(Reason::LoopBanner, phase, text)))
}

/// rfc S3.
fn ehlo(dialogue: &mut Dialogue<Stream>, link: &Link<'_>) -> Result<Reply, Failure> {
    let reply = say_ehlo(dialogue, link.ehlo_name, link)?;
    if reply.code.is_positive() {
        return Ok(reply);
    }
    Err(dialogue.leave(Failure::refused(Reason::EhloRejected, Phase::Ehlo, reply)))
}

fn say_ehlo<W: Wire>(
    dialogue: &mut Dialogue<W>,
    name: &Domain,
    link: &Link<'_>,
) -> Result<Reply, Failure> {
    let line = format!("EHLO {name}\r\n");
    dialogue.ask(&line, Phase::Ehlo, command_deadline(link))
}

/// A server that knows no EHLO gets HELO (RFC 5321 §3.2), which has no extensions; only at level `none`, since STARTTLS is one.
fn ehlo_or_helo(dialogue: &mut Dialogue<Stream>, link: &Link<'_>) -> Result<Extensions, Failure> {
    let reply = say_ehlo(dialogue, link.hostname, link)?;
    if reply.code.is_positive() {
        return Ok(Extensions::parse(&reply));
    }
    let line = format!("HELO {}\r\n", link.hostname);
    let reply = dialogue.ask(&line, Phase::Ehlo, command_deadline(link))?;
    if reply.code.is_positive() {
        return Ok(Extensions::default());
    }
    Err(dialogue.leave(Failure::refused(Reason::EhloRejected, Phase::Ehlo, reply)))
}

/// rfc S4 to S6: gives the bare stream back once it is the handshake's turn.
fn start_tls(
    mut dialogue: Dialogue<Stream>,
    link: &Link<'_>,
    offer: Extensions,
) -> Result<Stream, Failure> {
    if !offer.start_tls {
        let text = "the server does not offer STARTTLS, or somebody in between removed the offer";
        let failure = Failure::new(Reason::StartTlsNotSupported, Phase::StartTls, text);
        return Err(dialogue.leave(failure));
    }
    let reply = dialogue.ask("STARTTLS\r\n", Phase::StartTls, command_deadline(link))?;
    if reply.code != ReplyCode::READY {
        let failure = Failure::refused(Reason::StartTlsRefused, Phase::StartTls, reply);
        return Err(dialogue.leave(failure));
    }
    dialogue.into_silent_stream()
}

/// rfc S11, S12: whatever was offered before TLS may have been forged, so everything is asked again.
fn open_channel(verified: Verified, link: &Link<'_>, greeting: String) -> Result<Channel, Failure> {
    let (stream, facts, proof) = verified.into_parts();
    let mut dialogue = Dialogue::new(stream).noted_in(link.transcript);
    let reply = say_ehlo(&mut dialogue, link.hostname, link)?;
    if !reply.code.is_positive() {
        let is_permanent = reply.code.is_permanent();
        return Err(dialogue.leave(Failure::remote(Phase::Ehlo, reply, is_permanent)));
    }
    Ok(Channel {
        dialogue: dialogue.boxed(),
        timeouts: link.timeouts,
        extensions: Extensions::parse(&reply),
        greeting,
        tls: Some(facts),
        proof,
        is_open: false,
        is_over: false,
        is_leaving: false,
    })
}

fn command_deadline(link: &Link<'_>) -> Deadline {
    Deadline::after(link.timeouts.command)
}

impl Channel {
    /// Connects to a server that proves what is demanded.
    ///
    /// # Errors
    /// [`Failure`]: the step that failed and why; [`Reason::NotLoopback`] for cleartext to a peer that is not loopback.
    pub fn open(link: &Link<'_>, demand: &Demand) -> Result<Self, Failure> {
        match demand {
            Demand::Cleartext => open_plain(link),
            Demand::Dane { plan, .. } if plan.usable.is_empty() => {
                let text = "no TLSA record is usable";
                Err(Failure::new(Reason::TlsaInvalid, Phase::Verdict, text))
            }
            Demand::Dane { .. } | Demand::Pkix { .. } | Demand::Pins(_) | Demand::Encryption => {
                open_tls(link, demand)
            }
        }
    }

    /// What the handshake settled; `None` without TLS.
    pub const fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    /// What was proven.
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The server's greeting, quoted: one line without control characters.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Sends one message; may be called again for the next message while it returns `Ok`.
    ///
    /// The receipts stand in the order of the recipients.
    ///
    /// # Errors
    /// [`Failure`] that concerns every recipient: connection lost, garbage, or a message that this server cannot take.
    pub fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure> {
        if self.is_over {
            let text = "the server has closed the connection";
            return Err(Failure::new(Reason::ConnectionLost, Phase::Mail, text));
        }
        let transaction =
            Transaction::new(*mail, self.extensions, self.is_open).map_err(unsendable)?;
        let receipts = self.run(transaction, mail.recipients.len());
        self.is_over |= receipts.is_err();
        receipts
    }

    /// Drives the machine until it is done.
    fn run(
        &mut self,
        mut transaction: Transaction<'_>,
        recipients: usize,
    ) -> Result<Vec<Receipt>, Failure> {
        let envelope = Deadline::after(self.timeouts.command.saturating_mul(ENVELOPE_COMMANDS));
        let mut phase = Phase::Mail;
        loop {
            let deadline = envelope.within(self.timeouts.command);
            match transaction.step() {
                Step::Send(lines) => self.dialogue.send(&lines, phase, deadline)?,
                Step::Content(content) => self.send_content(content)?,
                Step::Receive(command) => {
                    phase = phase_of(command);
                    let deadline = match command {
                        Command::Content => Deadline::after(self.timeouts.final_dot),
                        _ => deadline,
                    };
                    let reply = self.dialogue.receive(phase, deadline)?;
                    transaction.reply(reply).map_err(|unexpected| {
                        Failure::refused(Reason::BadReply, phase, unexpected.reply)
                    })?;
                }
                Step::Done => break,
            }
        }
        let outcome = transaction.finish();
        self.is_open = outcome.is_open;
        self.is_over = outcome.is_closing;
        if outcome.receipts.len() != recipients {
            let text = "the dialogue ended without a verdict on every recipient";
            return Err(Failure::new(Reason::Internal, phase, text));
        }
        let receipts = outcome.receipts.into_iter().map(|receipt| {
            receipt.map_err(|refusal| {
                let phase = phase_of(refusal.command);
                Failure::remote(phase, refusal.reply, refusal.is_permanent)
            })
        });
        Ok(receipts.collect())
    }

    /// Each block has the time of a command, and all together the time that the slowest bearable server needs.
    fn send_content(&mut self, content: &[u8]) -> Result<(), Failure> {
        let octets = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let slowest = Duration::from_secs(octets / CONTENT_RATE_MIN);
        let whole = Deadline::after(self.timeouts.command.saturating_add(slowest));
        for block in Blocks::new(content) {
            let deadline = whole.within(self.timeouts.command);
            self.dialogue.send(&block, Phase::Data, deadline)?;
        }
        Ok(())
    }

    /// Whether it could carry another message: nothing has failed, and the server has said nothing unasked.
    pub fn is_idle(&self) -> bool {
        !self.is_over && self.dialogue.is_silent()
    }

    /// Says QUIT, unless the connection is over already.
    pub fn say_quit(&mut self, by: Deadline) {
        if !self.is_over {
            self.dialogue.say_quit(by);
            (self.is_over, self.is_leaving) = (true, true);
        }
    }

    /// Closes, once the reply to QUIT is there or `by` is over; nothing that happens now matters to anybody.
    pub fn leave(mut self, by: Deadline) {
        if self.is_leaving {
            self.dialogue.hear_goodbye(by);
        }
        self.dialogue.close();
    }

    /// Says QUIT, waits a little for the reply and closes.
    pub fn quit(mut self) {
        let by = Deadline::after(FAREWELL);
        self.say_quit(by);
        self.leave(by);
    }
}

const fn phase_of(command: Command) -> Phase {
    match command {
        Command::Reset | Command::Mail => Phase::Mail,
        Command::Recipient(_) => Phase::Recipient,
        Command::Data => Phase::Data,
        Command::Content => Phase::FinalDot,
    }
}

fn unsendable(why: Unsendable) -> Failure {
    let (reason, text) = match why {
        Unsendable::EightBit => (
            Reason::EightBitNotSupported,
            "the message has octets above 127, and the server does not offer 8BITMIME".to_owned(),
        ),
        Unsendable::TooBig { limit } => (
            Reason::TooBig,
            format!("the message is larger than the {limit} octets that the server allows"),
        ),
        Unsendable::Address => (
            Reason::BadAddress,
            "an address of the envelope has characters that no command line can carry".to_owned(),
        ),
    };
    Failure::new(reason, Phase::Mail, text)
}
