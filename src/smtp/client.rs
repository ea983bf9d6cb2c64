//! The client's side of SMTP without I/O: one mail transaction as a machine that says what to send and is told each reply (RFC 5321 §3.3).
//!
//! The commands go out in this order; a reply belongs to the first command that has none yet:
//!
//! ```text
//! [RSET]  MAIL  RCPT …  DATA │ message  .
//! └─ one group if the server offers PIPELINING (RFC 2920), else one by one
//! ```
//!
//! Sending and receiving have positions of their own in that order. Where the machine stops short of DATA, or what it does with a go-ahead
//! that nobody can use any more, is said at `may_send` and `Step::Content`.
//!
//! Limitations: no SMTPUTF8, no CHUNKING, no DSN parameters. A message with octets above 127 goes only to servers that offer 8BITMIME; it
//! is not converted.
//!
//! next: `src/outbound/session.rs`

pub mod extensions;
pub mod reader;
pub mod stuffing;

use std::fmt;

use super::{EnhancedStatus, Mailbox, Reply, ReplyCode, ReversePath};

pub use extensions::Extensions;
pub use reader::ReplyReader;
pub use stuffing::Blocks;

/// Commands that may be under way without a reply: enough to save the round trips, few enough that commands and replies fit into the
/// buffers of both sides, so that neither waits for the other to read (RFC 2920 §3.1).
const PIPELINE_MAX: usize = 50;

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

/// Why this server cannot be sent this message at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsendable {
    /// Octets above 127, and no 8BITMIME (RFC 6152 §3).
    EightBit,
    /// Larger than the server's limit in octets (RFC 1870 §6.1).
    TooBig {
        /// The server's limit.
        limit: u64,
    },
    /// An address that would not stay one word of a command line; parsed addresses always do.
    Address,
}

/// A command of a transaction, or what takes its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// RSET, where an earlier transaction was left open.
    Reset,
    /// MAIL.
    Mail,
    /// RCPT for the recipient at that index.
    Recipient(usize),
    /// DATA.
    Data,
    /// The message and its final dot.
    Content,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send these command lines.
    Send(Vec<u8>),
    /// Send this message, dot-stuffed and with its final dot ([`Blocks`]). It is empty when the server gave the go-ahead although no
    /// recipient is left: then nothing but the dot gets the dialogue back in step (RFC 2920 §3.1).
    Content(&'a [u8]),
    /// Wait for the reply to this command, and pass it to [`Transaction::reply`].
    Receive(Command),
    /// Nothing more to do: see [`Transaction::finish`].
    Done,
}

/// A refused recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The command that was refused.
    pub command: Command,
    /// The refusal, a 4yz or 5yz reply.
    pub reply: Reply,
    /// Whether trying again is pointless.
    pub is_permanent: bool,
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For each recipient, in their order: the reply that took the message over, or the refusal.
    pub receipts: Vec<Result<Reply, Refusal>>,
    /// Whether the server may think that the transaction is still open, so that the next one must begin with RSET.
    pub is_open: bool,
    /// Whether the server said that it closes the connection (421, RFC 5321 §3.8).
    pub is_closing: bool,
}

/// A reply that is no answer to this command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// The command.
    pub command: Command,
    /// The reply.
    pub reply: Reply,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "RSET",
            Self::Mail => "MAIL",
            Self::Recipient(_) => "RCPT",
            Self::Data => "DATA",
            Self::Content => "the message",
        })
    }
}

/// One recipient on the way.
#[derive(Clone, Debug)]
enum State {
    /// No reply to RCPT yet.
    Asked,
    /// RCPT accepted; the message is still to be taken.
    Accepted,
    /// The message was taken.
    Delivered(Reply),
    /// Refused.
    Refused(Refusal),
}

/// One mail transaction: call [`Transaction::step`] until it is done.
#[derive(Debug)]
pub struct Transaction<'a> {
    mail: Mail<'a>,
    extensions: Extensions,
    commands: Vec<Command>,
    /// How many commands were sent.
    sent: usize,
    /// How many of them were answered.
    answered: usize,
    recipients: Vec<State>,
    /// Whether MAIL was accepted and nothing has ended the transaction since.
    is_open: bool,
    /// Whether DATA was answered 354.
    has_go_ahead: bool,
    is_closing: bool,
}

impl<'a> Transaction<'a> {
    /// A transaction with a server that offers these extensions; `reset` where its last one was left open.
    ///
    /// # Errors
    /// [`Unsendable`]: nothing must be sent.
    pub fn new(mail: Mail<'a>, extensions: Extensions, reset: bool) -> Result<Self, Unsendable> {
        check(&mail, extensions)?;
        let recipients = 0..mail.recipients.len();
        let commands = reset
            .then_some(Command::Reset)
            .into_iter()
            .chain([Command::Mail])
            .chain(recipients.map(Command::Recipient))
            .chain([Command::Data, Command::Content]);
        Ok(Self {
            mail,
            extensions,
            commands: commands.collect(),
            sent: 0,
            answered: 0,
            recipients: vec![State::Asked; mail.recipients.len()],
            is_open: false,
            has_go_ahead: false,
            is_closing: false,
        })
    }

    /// The next step. Sent counts as sent once it was returned from here.
    pub fn step(&mut self) -> Step<'a> {
        let mut lines = Vec::new();
        while let Some(command) = self.sendable() {
            self.sent += 1;
            match command {
                Command::Content => return Step::Content(self.content()),
                command => self.write(command, &mut lines),
            }
        }
        if !lines.is_empty() {
            return Step::Send(lines);
        }
        match self.awaited() {
            Some(command) => Step::Receive(command),
            None => Step::Done,
        }
    }

    /// Takes the reply to the command that [`Step::Receive`] named.
    ///
    /// # Errors
    /// [`Unexpected`]: the two sides are out of step, and the connection is of no further use.
    pub fn reply(&mut self, reply: Reply) -> Result<(), Unexpected> {
        let Some(command) = self.awaited() else {
            return Ok(());
        };
        self.answered += 1;
        if reply.code == ReplyCode::NOT_AVAILABLE {
            self.is_closing = true;
        }
        if reply.code.is_transient() || reply.code.is_permanent() {
            self.refused(command, &reply);
            return Ok(());
        }
        let is_wanted = match command {
            Command::Data => reply.code == ReplyCode::START_DATA,
            _ => reply.code.is_positive(),
        };
        if !is_wanted {
            return Err(Unexpected { command, reply });
        }
        self.accepted(command, &reply);
        Ok(())
    }

    /// What became of the recipients; to be called once [`Step::Done`] was returned. A recipient without a verdict would be one that the
    /// server was never asked for, which no path leads to.
    pub fn finish(self) -> Outcome {
        let is_closing = self.is_closing;
        let is_open = self.is_open;
        let receipts = self.recipients.into_iter().filter_map(|state| match state {
            State::Delivered(reply) => Some(Ok(reply)),
            State::Refused(refusal) => Some(Err(refusal)),
            State::Asked | State::Accepted => None,
        });
        Outcome {
            receipts: receipts.collect(),
            is_open,
            is_closing,
        }
    }

    /// The next command, if it may be sent before further replies are read.
    fn sendable(&self) -> Option<Command> {
        let command = *self.commands.get(self.sent)?;
        let room = if self.extensions.pipelining {
            PIPELINE_MAX
        } else {
            1
        };
        let under_way = self.sent - self.answered;
        (under_way < room && self.may_send(command, under_way)).then_some(command)
    }

    /// Nothing is sent to a server that closes. No command is sent once it is known that nobody will get the message; the message itself
    /// only after the go-ahead, but then even for nobody.
    fn may_send(&self, command: Command, under_way: usize) -> bool {
        if self.is_closing {
            return false;
        }
        match command {
            Command::Content => under_way == 0 && self.has_go_ahead,
            _ => self.has_candidates(),
        }
    }

    /// Whether anybody may still get the message.
    fn has_candidates(&self) -> bool {
        let is_candidate = |state: &State| matches!(state, State::Asked | State::Accepted);
        self.recipients.iter().any(is_candidate)
    }

    /// The first command without reply.
    fn awaited(&self) -> Option<Command> {
        let is_waiting = self.answered < self.sent && !self.is_closing;
        is_waiting.then(|| self.commands.get(self.answered).copied())?
    }

    fn accepted(&mut self, command: Command, reply: &Reply) {
        match command {
            Command::Reset => {}
            Command::Mail => self.is_open = true,
            Command::Recipient(index) => {
                if let Some(state @ State::Asked) = self.recipients.get_mut(index) {
                    *state = State::Accepted;
                }
            }
            Command::Data => self.has_go_ahead = true,
            Command::Content => {
                self.is_open = false;
                self.decide(|| State::Delivered(reply.clone()));
            }
        }
    }

    fn refused(&mut self, command: Command, reply: &Reply) {
        let refusal = Refusal {
            command,
            reply: reply.clone(),
            is_permanent: is_permanent(command, reply),
        };
        match command {
            Command::Recipient(index) if !self.is_closing => {
                if let Some(state @ State::Asked) = self.recipients.get_mut(index) {
                    *state = State::Refused(refusal);
                }
            }
            _ => {
                self.is_open &= command != Command::Content;
                self.decide(|| State::Refused(refusal.clone()));
            }
        }
    }

    /// Settles every recipient that is not settled yet.
    fn decide(&mut self, verdict: impl Fn() -> State) {
        for state in &mut self.recipients {
            if matches!(state, State::Asked | State::Accepted) {
                *state = verdict();
            }
        }
    }

    fn content(&self) -> &'a [u8] {
        if self.has_candidates() {
            self.mail.content
        } else {
            &[]
        }
    }

    /// Appends the command's line.
    fn write(&self, command: Command, lines: &mut Vec<u8>) {
        let line = match command {
            Command::Reset => "RSET".to_owned(),
            Command::Mail => self.mail_line(),
            Command::Recipient(index) => match self.mail.recipients.get(index) {
                Some(mailbox) => format!("RCPT TO:<{mailbox}>"),
                None => return,
            },
            Command::Data => "DATA".to_owned(),
            Command::Content => return,
        };
        lines.extend_from_slice(line.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }

    fn mail_line(&self) -> String {
        let mut line = format!("MAIL FROM:{}", self.mail.sender);
        if self.extensions.size.is_some() {
            let size = stuffing::size(self.mail.content);
            line.push_str(&format!(" SIZE={size}"));
        }
        let is_eight_bit = self.mail.eight_bit || !self.mail.content.is_ascii();
        if self.extensions.eight_bit_mime && is_eight_bit {
            line.push_str(" BODY=8BITMIME");
        }
        line
    }
}

fn check(mail: &Mail<'_>, extensions: Extensions) -> Result<(), Unsendable> {
    let is_word = |text: String| text.bytes().all(|octet| matches!(octet, b' '..=b'~'));
    let mut addresses = mail.recipients.iter().map(Mailbox::to_string);
    if !is_word(mail.sender.to_string()) || !addresses.all(is_word) {
        return Err(Unsendable::Address);
    }
    if !extensions.eight_bit_mime && !mail.content.is_ascii() {
        return Err(Unsendable::EightBit);
    }
    match extensions.size {
        Some(limit) if limit > 0 && stuffing::size(mail.content) > limit => {
            Err(Unsendable::TooBig { limit })
        }
        _ => Ok(()),
    }
}

/// A 552 to RCPT means "too many recipients" in old servers; it is as good as a 452 (RFC 5321 §4.5.3.1.10), unless it says otherwise.
fn is_permanent(command: Command, reply: &Reply) -> bool {
    const TOO_MANY: EnhancedStatus = EnhancedStatus::new(5, 5, 3);
    let is_too_many = matches!(command, Command::Recipient(_))
        && reply.code == ReplyCode::TOO_LARGE
        && reply.enhanced.is_none_or(|status| status == TOO_MANY);
    reply.code.is_permanent() && !is_too_many
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
