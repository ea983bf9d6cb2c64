//! Drives one client's dialogue: octets from the socket into the machine, its replies back, each within the patience there is.
//!
//! Replies are collected and written when the input has run out, so that a pipelining client gets them in few packets (RFC 2920 §3.2). A client
//! that vanishes in the middle of a message leaves nothing behind.
//!
//! next: `src/inbound/judge.rs`

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::judge::judge;
use super::limits::{CHUNK, CONTENT_MEMORY, LINGER, LINGER_OCTETS, REFUSALS_LOGGED};
use super::memory::Share;
use super::patience::Patience;
use super::recipient::Recipients;
use super::stop::Wake;
use super::{Current, Shared};
use crate::log;
use crate::net::Stream;
use crate::smtp::data::DataFault;
use crate::smtp::server::{Action, Farewell, Phase, Server, Terms};
use crate::smtp::{Reply, ReplyCode};
use crate::time::Deadline;

/// One client and its dialogue.
struct Session<'a> {
    stream: &'a mut Stream,
    server: Server,
    shared: &'a Shared,
    current: &'a Current,
    share: Share<'a>,
    recipients: Recipients,
    /// Replies not sent yet.
    replies: Vec<u8>,
    refusals_logged: u32,
}

/// What comes of waiting for the client.
enum Received {
    /// So many octets.
    Octets(usize),
    /// The client has closed the connection.
    Gone,
    /// It is our turn to end the dialogue.
    Ended(Farewell),
}

/// Serves a client from the greeting to the end of its connection. A panic ends this session and nothing else.
pub(super) fn serve(mut stream: Stream, shared: &Shared, current: &Current) {
    let peer = stream.peer();
    let session = AssertUnwindSafe(|| Session::run(&mut stream, shared, current));
    match catch_unwind(session) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug(format_args!("inbound: client={peer} lost: {error}")),
        Err(_) => {
            log::error(format_args!(
                "inbound: client={peer} session ended by an internal error"
            ));
            stream.set_deadline(Deadline::after(LINGER));
            // A client that cannot be told sees the connection end, which means the same.
            let _ = stream.write_all(&Farewell::Failure.reply().to_wire());
        }
    }
    linger(&mut stream);
}

/// Gives the client the time to read our last reply: closing with input unread resets the connection and destroys the reply on its way.
fn linger(stream: &mut Stream) {
    stream.end_output();
    stream.set_deadline(Deadline::after(LINGER));
    let mut thrown_away = 0;
    let mut buffer = [0; 1024];
    while thrown_away < LINGER_OCTETS {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => thrown_away += count,
        }
    }
}

impl<'a> Session<'a> {
    fn run(stream: &'a mut Stream, shared: &'a Shared, current: &'a Current) -> io::Result<()> {
        let settings = &current.settings;
        let address = stream.peer().ip();
        let (server, greeting) = Server::new(Terms {
            hostname: settings.hostname.clone(),
            message_size_limit: settings.message_size_limit,
            recipient_limit: settings.recipient_limit,
            may_relay: settings.may_relay(address),
        });
        let mut session = Self {
            stream,
            server,
            shared,
            current,
            share: shared.memory.share(),
            recipients: Recipients::new(current.services.foresight.clone()),
            replies: Vec::new(),
            refusals_logged: 0,
        };
        session.obey(vec![greeting])?;
        session.converse()
    }

    fn converse(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        let mut patience = self.patience();
        loop {
            self.flush()?;
            if self.server.phase() == Phase::Closed {
                return Ok(());
            }
            match self.receive(&mut buffer, &mut patience)? {
                Received::Octets(count) => {
                    patience.count(count);
                    let input = buffer.get(..count).unwrap_or_default();
                    if self.digest(input)? {
                        patience = self.patience();
                    }
                }
                Received::Gone => {
                    self.log_gone();
                    return Ok(());
                }
                Received::Ended(farewell) => {
                    let actions = self.server.end(farewell);
                    self.obey(actions)?;
                }
            }
        }
    }

    fn patience(&self) -> Patience {
        match self.server.phase() {
            Phase::Content => Patience::with_content(&self.current.settings),
            Phase::Command | Phase::Judging | Phase::Closed => {
                Patience::with_command(&self.current.settings)
            }
        }
    }

    /// Waits for the client. Between commands a stop of the gateway ends the wait; a message on its way in may still come in whole.
    fn receive(&mut self, buffer: &mut [u8], patience: &mut Patience) -> io::Result<Received> {
        loop {
            let deadline = patience.deadline();
            if self.server.phase() == Phase::Command {
                match self.shared.stop.wait(self.stream, deadline)? {
                    Wake::Input => {}
                    Wake::Stop => return Ok(Received::Ended(Farewell::Shutdown)),
                    Wake::Late => return Ok(Received::Ended(Farewell::Timeout)),
                }
            }
            self.stream.set_deadline(deadline);
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Received::Gone),
                Ok(count) => return Ok(Received::Octets(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    if !patience.renew(&self.current.settings) {
                        return Ok(Received::Ended(Farewell::Timeout));
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands what has come in to the machine; returns whether a command or a message was completed by it.
    fn digest(&mut self, mut input: &[u8]) -> io::Result<bool> {
        let mut is_completed = false;
        while !input.is_empty() && self.server.phase() != Phase::Closed {
            let actions = self.server.read(&mut input);
            is_completed |= !actions.is_empty();
            self.obey(actions)?;
        }
        self.account();
        Ok(is_completed)
    }

    /// Sees to it that all messages on their way in stay within the memory for them.
    fn account(&mut self) {
        let limit = self.current.settings.message_size_limit;
        // A buffer that grows by doubling may be twice as large as what it holds.
        let memory = CONTENT_MEMORY.max(limit.saturating_mul(2));
        if !self.share.resize(self.server.content_len() as u64, memory) {
            self.server.refuse_content(DataFault::NoRoom);
            self.share.resize(0, memory);
        }
    }

    fn obey(&mut self, actions: Vec<Action>) -> io::Result<()> {
        for action in actions {
            match action {
                Action::Reply(reply) => {
                    self.log_reply(&reply);
                    self.replies.extend_from_slice(&reply.to_wire());
                }
                Action::Weigh(candidate) => {
                    let refusal = self.recipients.weigh(&candidate);
                    if let Some(refusal) = &refusal {
                        self.log_few("refused", &refusal.record);
                    }
                    let actions = self.server.weighed(refusal.map(|refusal| refusal.reply));
                    self.finish(actions);
                }
                Action::Judge(submission) => {
                    self.flush()?;
                    let Current { settings, services } = self.current;
                    let peer = self.stream.peer();
                    let reply = judge(submission, peer, &settings.hostname, services);
                    let actions = self.server.judged(reply);
                    self.finish(actions);
                }
                // Seen by the phase.
                Action::Close => {}
            }
        }
        Ok(())
    }

    /// A verdict's reply, which has been logged.
    fn finish(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Reply(reply) = action {
                self.replies.extend_from_slice(&reply.to_wire());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.replies.is_empty() {
            return Ok(());
        }
        // Whoever does not read our replies is as silent as one who sends no commands.
        let patience = self.current.settings.command_timeout;
        self.stream.set_deadline(Deadline::after(patience));
        let written = self.stream.write_all(&self.replies);
        self.replies.clear();
        written
    }

    fn log_reply(&mut self, reply: &Reply) {
        // The text may say what was found about a recipient's domain.
        let text = match log::shows_domains() {
            true => reply.to_string(),
            false => reply.code.to_string(),
        };
        match reply.code {
            ReplyCode::NOT_AVAILABLE => self.log_few("ended", text),
            code if code.is_transient() || code.is_permanent() => self.log_few("refused", text),
            _ => {}
        }
    }

    fn log_few(&mut self, event: &str, why: impl Display) {
        if self.refusals_logged < REFUSALS_LOGGED {
            self.refusals_logged += 1;
            log::info(format_args!("inbound: {} {event}: {why}", self.who()));
        }
    }

    fn log_gone(&self) {
        let who = self.who();
        match self.server.phase() {
            Phase::Content => log::info(format_args!(
                "inbound: {who} gone in the middle of a message, which is dropped"
            )),
            _ => log::debug(format_args!("inbound: {who} gone without QUIT")),
        }
    }

    fn who(&self) -> String {
        let peer = self.stream.peer();
        match self.server.client() {
            Some(client) => format!("client={peer} helo={}", client.name),
            None => format!("client={peer}"),
        }
    }
}
