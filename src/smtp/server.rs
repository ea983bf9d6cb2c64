//! The server's side of SMTP without I/O: octets in, replies and messages to be judged out (RFC 5321 §4.1.4).
//!
//! # Legal orders
//!
//! ```text
//! connected ──220──► Start ──EHLO, HELO──► Ready ──MAIL──► Mail ──RCPT──┐
//!                                          ▲  ▲             │ ▲─────────┘
//!                     RSET, EHLO, HELO ────┘  │             │ DATA, 354 (at least one recipient)
//!                                             │             ▼
//!                        the verdict's reply ─┴─ Judging ◄─ Data
//!                                                end of the message
//! ```
//!
//! NOOP, HELP, VRFY and QUIT are legal wherever commands are; everything else out of order is answered 503 and changes nothing. Replies come in
//! the order of the commands, so the driver may hand in whatever has arrived and write the replies when it has run out of input (RFC 2920 §3.2).
//!
//! A recipient is taken only when the driver has said so with [`Server::weighed`], and a message is ours only when it has said so with
//! [`Server::judged`].
//!
//! Limitations: no STARTTLS and no AUTH yet. The parameters of MAIL are understood also after HELO. Mail to `Postmaster` without domain goes to
//! the postmaster of our own host name, for clients that may relay only. What a client sends before the greeting is taken as sent after it.
//!
//! next: `src/inbound/session.rs`

use std::mem;

use super::address::{Domain, Envelope, ForwardPath, Host, Mailbox};
use super::command::{ClientName, Command, CommandError, Mail};
use super::data::{Data, DataFault, DataReader};
use super::limits::{ERRORS_MAX, IDLE_COMMANDS_MAX, RELAY_ERRORS_MAX, RELAY_IDLE_COMMANDS_MAX};
use super::line::{LineError, LineReader};
use super::reply::{EnhancedStatus, Reply, ReplyCode};

/// What is offered to this client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Our name.
    pub hostname: Domain,
    /// Octets of one message.
    pub message_size_limit: u64,
    /// Recipients of one message.
    pub recipient_limit: usize,
    /// Whether the client may send to recipients anywhere; there are no others here.
    pub may_relay: bool,
}

/// What the driver has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this; at the latest before waiting for input.
    Reply(Reply),
    /// Decide on this recipient, then call [`Server::weighed`]; read no further input before.
    Weigh(Candidate),
    /// Decide on this message, then call [`Server::judged`]; read no further input before.
    Judge(Submission),
    /// Send what there is to send and close the connection.
    Close,
}

/// A recipient that is taken unless something speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub mailbox: Mailbox,
    /// Whether the transaction has named no candidate before.
    pub is_first: bool,
}

/// A message that came in whole and in good form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who sends it.
    pub client: Client,
    /// From whom, for whom.
    pub envelope: Envelope,
    /// The message with CRLF line ends, dots unstuffed.
    pub content: Vec<u8>,
}

/// How a client introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name for itself.
    pub name: ClientName,
    /// Whether it said EHLO.
    pub is_extended: bool,
}

/// What a client is to send, which decides how long that may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A command.
    Command,
    /// A message.
    Content,
    /// Nothing, until its recipient is weighed or its message is judged.
    Judging,
    /// Nothing any more.
    Closed,
}

/// One client's dialogue.
#[derive(Debug)]
pub struct Server {
    terms: Terms,
    state: State,
    lines: LineReader,
    /// Refusals since the last accepted message.
    errors: u32,
    /// Commands that lead nowhere since the last accepted message.
    idle: u32,
    /// DATA was refused, and the client has sent no command since.
    is_data_refused: bool,
}

/// Where in the table above a dialogue stands, and what exists then.
#[derive(Debug)]
enum State {
    Start,
    Ready(Client),
    Mail(Transaction),
    Weighing(Transaction, Mailbox),
    Data(Receiving),
    Judging(Client),
    Closed,
}

/// A transaction that takes recipients.
#[derive(Debug)]
struct Transaction {
    client: Client,
    envelope: Envelope,
    /// Whether a recipient was named that was weighed.
    has_named: bool,
}

/// A message on its way in.
#[derive(Debug)]
struct Receiving {
    client: Client,
    envelope: Envelope,
    reader: DataReader,
}

impl Server {
    /// Begins a dialogue with the greeting.
    pub fn new(terms: Terms) -> (Self, Action) {
        let greeting = format!("{} ESMTP", terms.hostname);
        let server = Self {
            terms,
            state: State::Start,
            lines: LineReader::default(),
            errors: 0,
            idle: 0,
            is_data_refused: false,
        };
        let greeting = Reply::plain(ReplyCode::READY, vec![greeting]);
        (server, Action::Reply(greeting))
    }

    /// What the client is to send.
    pub const fn phase(&self) -> Phase {
        match self.state {
            State::Data(_) => Phase::Content,
            State::Weighing(..) | State::Judging(_) => Phase::Judging,
            State::Closed => Phase::Closed,
            State::Start | State::Ready(_) | State::Mail(_) => Phase::Command,
        }
    }

    /// How the client introduced itself, if it did.
    pub const fn client(&self) -> Option<&Client> {
        match &self.state {
            State::Start | State::Closed => None,
            State::Ready(client) | State::Judging(client) => Some(client),
            State::Mail(transaction) | State::Weighing(transaction, _) => Some(&transaction.client),
            State::Data(receiving) => Some(&receiving.client),
        }
    }

    /// Octets held for the message on its way in.
    pub fn content_len(&self) -> usize {
        match &self.state {
            State::Data(receiving) => receiving.reader.len(),
            _ => 0,
        }
    }

    /// Refuses the message on its way in, if there is one, as soon as its end has come.
    pub fn refuse_content(&mut self, fault: DataFault) {
        if let State::Data(receiving) = &mut self.state {
            receiving.reader.refuse(fault);
        }
    }

    /// Takes octets off the front of the input, up to the end of one command or message. Takes none while a recipient or a message is being
    /// decided on, and none once the dialogue is closed.
    pub fn read(&mut self, input: &mut &[u8]) -> Vec<Action> {
        match self.phase() {
            Phase::Command => match self.lines.read(input) {
                None => Vec::new(),
                Some(line) => self.line(line),
            },
            Phase::Content => self.content(input),
            Phase::Judging | Phase::Closed => Vec::new(),
        }
    }

    /// Answers the recipient that [`Action::Weigh`] asked about: it is taken, or gets this refusal.
    pub fn weighed(&mut self, refusal: Option<Reply>) -> Vec<Action> {
        self.state = mem::replace(&mut self.state, State::Closed).weighed(refusal.is_none());
        self.answer(refusal.unwrap_or_else(recipient_taken))
    }

    /// Answers the message that [`Action::Judge`] asked about; a positive reply says that it is ours.
    pub fn judged(&mut self, reply: Reply) -> Vec<Action> {
        self.state = mem::replace(&mut self.state, State::Closed).judged();
        if reply.code.is_positive() {
            (self.errors, self.idle) = (0, 0);
        }
        self.answer(reply)
    }

    /// Ends the dialogue from our side, wherever it stands; a message that is not accepted yet is dropped.
    pub fn end(&mut self, farewell: Farewell) -> Vec<Action> {
        self.close(farewell.reply())
    }

    fn line(&mut self, line: Result<Vec<u8>, LineError>) -> Vec<Action> {
        let parsed = line.map_err(CommandError::Line);
        match parsed.and_then(|line| Command::parse(&line)) {
            Ok(command) => self.command(command),
            // Where lines end is not certain any more.
            Err(error @ CommandError::Line(LineError::BareLineEnd)) => self.close(error.reply()),
            // These are not commands but the message that was to follow DATA: its lines must not be obeyed.
            Err(CommandError::Unknown) if self.is_data_refused => self.end(Farewell::NotWaited),
            Err(error) => self.answer(error.reply()),
        }
    }

    fn command(&mut self, command: Command) -> Vec<Action> {
        if leads_nowhere(&command) {
            self.idle = self.idle.saturating_add(1);
            let most = match self.terms.may_relay {
                true => RELAY_IDLE_COMMANDS_MAX,
                false => IDLE_COMMANDS_MAX,
            };
            if self.idle > most {
                return self.end(Farewell::Idle);
            }
        }
        let is_data = command == Command::Data;
        let state = mem::replace(&mut self.state, State::Closed);
        let (state, reply) = state.obey(command, &self.terms);
        self.state = state;
        self.is_data_refused = is_data && reply.code != ReplyCode::START_DATA;
        match &self.state {
            State::Weighing(transaction, mailbox) => vec![Action::Weigh(Candidate {
                mailbox: mailbox.clone(),
                is_first: !transaction.has_named,
            })],
            _ => self.answer(reply),
        }
    }

    fn content(&mut self, input: &mut &[u8]) -> Vec<Action> {
        let State::Data(receiving) = &mut self.state else {
            return Vec::new();
        };
        match receiving.reader.read(input) {
            Data::Open => Vec::new(),
            Data::End(Ok(content)) => {
                let submission = Submission {
                    client: receiving.client.clone(),
                    envelope: receiving.envelope.clone(),
                    content,
                };
                self.state = State::Judging(submission.client.clone());
                vec![Action::Judge(submission)]
            }
            Data::End(Err(fault)) => {
                self.state = State::Ready(receiving.client.clone());
                self.answer(fault.reply())
            }
            Data::Endless(fault) | Data::Doubtful(fault) => self.close(fault.reply()),
        }
    }

    /// Sends a reply; one refusal too many, or a reply that says so, ends the dialogue.
    fn answer(&mut self, reply: Reply) -> Vec<Action> {
        if reply.code.is_permanent() || reply.code.is_transient() {
            self.errors = self.errors.saturating_add(1);
        }
        let most = match self.terms.may_relay {
            true => RELAY_ERRORS_MAX,
            false => ERRORS_MAX,
        };
        if matches!(reply.code, ReplyCode::CLOSING | ReplyCode::NOT_AVAILABLE) {
            self.close(reply)
        } else if self.errors > most {
            self.end(Farewell::Errors)
        } else {
            vec![Action::Reply(reply)]
        }
    }

    fn close(&mut self, reply: Reply) -> Vec<Action> {
        self.state = State::Closed;
        vec![Action::Reply(reply), Action::Close]
    }
}

/// Commands with which a client could keep a session for ever without sending anything.
const fn leads_nowhere(command: &Command) -> bool {
    match command {
        Command::Helo(_)
        | Command::Ehlo(_)
        | Command::Rset
        | Command::Noop
        | Command::Vrfy
        | Command::Help => true,
        Command::Mail(_) | Command::Rcpt(_) | Command::Data | Command::Quit => false,
    }
}

impl State {
    /// The state after a command, and the reply to it; in the state `Weighing` that is the reply if nothing speaks against the recipient.
    fn obey(self, command: Command, terms: &Terms) -> (Self, Reply) {
        match (self, command) {
            (_, Command::Helo(name)) => greet(name, false, terms),
            (_, Command::Ehlo(name)) => greet(name, true, terms),
            (state, Command::Rset) => (state.reset(), ok(0, "forgotten")),
            (state, Command::Noop) => (state, ok(0, "nothing done")),
            (state, Command::Help) => (state, help()),
            (state, Command::Vrfy) => (state, cannot_verify()),
            (_, Command::Quit) => (Self::Closed, closing()),
            (Self::Ready(client), Command::Mail(mail)) => begin(client, mail, terms),
            (Self::Mail(transaction), Command::Rcpt(path)) => transaction.rcpt(path, terms),
            (Self::Mail(transaction), Command::Data) => transaction.data(terms),
            (state @ Self::Start, _) => (state, bad_sequence("send EHLO or HELO first")),
            (state @ Self::Mail(_), _) => (state, bad_sequence("MAIL was sent already")),
            (state, _) => (state, bad_sequence("send MAIL first")),
        }
    }

    /// Without the transaction, if there is one.
    fn reset(self) -> Self {
        match self {
            Self::Mail(Transaction { client, .. }) => Self::Ready(client),
            state => state,
        }
    }

    /// After the verdict on a recipient.
    fn weighed(self, is_taken: bool) -> Self {
        match self {
            Self::Weighing(mut transaction, mailbox) => {
                transaction.has_named = true;
                if is_taken {
                    transaction.envelope.recipients.push(mailbox);
                }
                Self::Mail(transaction)
            }
            state => state,
        }
    }

    /// After the verdict on a message.
    fn judged(self) -> Self {
        match self {
            Self::Judging(client) => Self::Ready(client),
            state => state,
        }
    }
}

/// HELO and EHLO, which also end any transaction (RFC 5321 §4.1.4).
fn greet(name: ClientName, is_extended: bool, terms: &Terms) -> (State, Reply) {
    let mut lines = vec![terms.hostname.to_string()];
    if is_extended {
        lines.push(format!("SIZE {}", terms.message_size_limit));
        lines.extend(["8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES", "HELP"].map(str::to_owned));
    }
    let client = Client { name, is_extended };
    (State::Ready(client), Reply::plain(ReplyCode::OK, lines))
}

/// MAIL.
fn begin(client: Client, mail: Mail, terms: &Terms) -> (State, Reply) {
    if mail
        .size
        .is_some_and(|size| size > terms.message_size_limit)
    {
        return (State::Ready(client), DataFault::TooLarge.reply());
    }
    let envelope = Envelope {
        sender: mail.sender,
        recipients: Vec::new(),
        eight_bit: mail.eight_bit,
    };
    let transaction = Transaction {
        client,
        envelope,
        has_named: false,
    };
    (State::Mail(transaction), ok(1, "sender taken"))
}

impl Transaction {
    /// RCPT.
    fn rcpt(self, path: ForwardPath, terms: &Terms) -> (State, Reply) {
        let reply = if !terms.may_relay {
            Reply::new(
                ReplyCode::REFUSED,
                EnhancedStatus::new(5, 7, 1),
                "relay access denied",
            )
        } else if self.envelope.recipients.len() >= terms.recipient_limit {
            Reply::new(
                ReplyCode::INSUFFICIENT_STORAGE,
                EnhancedStatus::new(4, 5, 3),
                "too many recipients, send to the others in a further transaction",
            )
        } else {
            return (self.weigh(path, terms), recipient_taken());
        };
        (State::Mail(self), reply)
    }

    /// The postmaster is taken without a question (RFC 5321 §4.5.1).
    fn weigh(mut self, path: ForwardPath, terms: &Terms) -> State {
        match path {
            ForwardPath::Mailbox(mailbox) => State::Weighing(self, mailbox),
            ForwardPath::Postmaster => {
                self.envelope.recipients.push(Mailbox {
                    local: "postmaster".to_owned(),
                    host: Host::Domain(terms.hostname.clone()),
                });
                State::Mail(self)
            }
        }
    }

    /// DATA.
    fn data(self, terms: &Terms) -> (State, Reply) {
        if self.envelope.recipients.is_empty() {
            let reply = Reply::new(
                ReplyCode::TRANSACTION_FAILED,
                EnhancedStatus::new(5, 5, 1),
                "no valid recipients",
            );
            return (State::Mail(self), reply);
        }
        let receiving = Receiving {
            client: self.client,
            envelope: self.envelope,
            reader: DataReader::new(terms.message_size_limit),
        };
        let text = "send the message, end it with a dot on a line of its own";
        let reply = Reply::plain(ReplyCode::START_DATA, vec![text.to_owned()]);
        (State::Data(receiving), reply)
    }
}

fn recipient_taken() -> Reply {
    let status = EnhancedStatus::new(2, 1, 5);
    Reply::new(ReplyCode::OK, status, "recipient taken")
}

fn ok(subject: u16, text: &str) -> Reply {
    Reply::new(ReplyCode::OK, EnhancedStatus::new(2, subject, 0), text)
}

fn help() -> Reply {
    Reply::new(
        ReplyCode::HELP,
        EnhancedStatus::new(2, 0, 0),
        "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP",
    )
}

/// RFC 5321 §3.5.3: who does not tell says neither yes nor no.
fn cannot_verify() -> Reply {
    Reply::new(
        ReplyCode::CANNOT_VERIFY,
        EnhancedStatus::new(2, 0, 0),
        "cannot verify, but will take a message and try to deliver it",
    )
}

fn closing() -> Reply {
    Reply::new(
        ReplyCode::CLOSING,
        EnhancedStatus::new(2, 0, 0),
        "closing the connection",
    )
}

fn bad_sequence(text: &str) -> Reply {
    Reply::new(ReplyCode::BAD_SEQUENCE, EnhancedStatus::new(5, 5, 1), text)
}

/// Why we end a dialogue, with 421 in each case (RFC 5321 §3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client was silent, or too slow, for too long.
    Timeout,
    /// We are stopping.
    Shutdown,
    /// All sessions there may be are in use.
    Busy,
    /// This client has too many sessions.
    BusyWithClient,
    /// Too many refusals.
    Errors,
    /// Too many commands that lead nowhere.
    Idle,
    /// A message was sent although DATA was refused.
    NotWaited,
    /// A defect of ours.
    Failure,
}

impl Farewell {
    /// What the client is told.
    pub fn reply(self) -> Reply {
        let ((subject, detail), text) = match self {
            Self::Timeout => ((4, 2), "waited too long, closing the connection"),
            Self::Shutdown => ((3, 2), "shutting down, try again later"),
            Self::Busy => ((3, 2), "too many sessions, try again later"),
            Self::BusyWithClient => ((7, 0), "too many sessions from your address"),
            Self::Errors => ((7, 0), "too many errors, closing the connection"),
            Self::Idle => ((7, 0), "too many commands without a message"),
            Self::NotWaited => ((7, 0), "DATA was refused, closing the connection"),
            Self::Failure => ((3, 0), "internal error, try again later"),
        };
        let status = EnhancedStatus::new(4, subject, detail);
        Reply::new(ReplyCode::NOT_AVAILABLE, status, text)
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
