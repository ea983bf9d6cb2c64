//! One TLS connection to a resolver, used by all threads that ask it: queries go out at once, replies come in any order (RFC 7858 §3.3, RFC 7766 §6.2).
//!
//! There is no thread of its own: of those that wait for replies, one waits for the network and hands out what comes, the others wait for it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use core::net::SocketAddr;

use super::fault::Fault;
use super::observe::{Direction, Transport};
use super::query::{Query, Reply};
use super::tcp::{MESSAGES_AT_MOST, framed};
use super::wire::Wire;
use crate::dns::Message;
use crate::net::TlsStream;
use crate::net::tls::Session;
use crate::sys::poll::wait_for_input;
use crate::sys::socket::acknowledge;
use crate::time::Deadline;

/// Queries that wait for their replies at the same time; further ones wait for a place. One validation asks eight.
const OUTSTANDING_AT_MOST: usize = 32;
/// Messages in a row that no query waits for: replies that came too late are among them, but not without end.
const UNASKED_AT_MOST: usize = 2 * OUTSTANDING_AT_MOST;
/// How long an idle connection is used again where the server says nothing about it: less than servers commonly wait.
const IDLE: Duration = Duration::from_secs(10);
/// The same where the server says more (RFC 7828): routers on the way forget silent connections.
const IDLE_AT_MOST: Duration = Duration::from_secs(120);
/// A connection on which nothing at all came for so long after a query is taken for dead when the query's time is over.
const SILENCE_AT_MOST: Duration = Duration::from_secs(2);
/// Octets read at a time.
const CHUNK: usize = 4096;

/// A connection to a server that has proven who it is.
pub(super) struct Connection {
    local: SocketAddr,
    /// To wait for input while others write.
    input: OwnedFd,
    state: Mutex<State>,
    /// Something came, somebody has what it waited for, or the connection has ended.
    changed: Condvar,
}

struct State {
    /// The stream, or why it has ended.
    stream: Result<TlsStream, Fault>,
    /// Of the stream that has ended.
    session: Option<Session>,
    /// What has come of messages that are not whole yet.
    input: Vec<u8>,
    /// The ids of outstanding queries, and the messages that came for them.
    outstanding: HashMap<u16, Option<Vec<u8>>>,
    /// Whether a thread is waiting for the network.
    is_watched: bool,
    unasked: usize,
    last_input: Instant,
    last_use: Instant,
    idle: Duration,
}

impl Connection {
    pub(super) fn new(stream: TlsStream) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            local: stream.local()?,
            input: stream.as_fd().try_clone_to_owned()?,
            state: Mutex::new(State {
                stream: Ok(stream),
                session: None,
                input: Vec::new(),
                outstanding: HashMap::new(),
                is_watched: false,
                unasked: 0,
                last_input: now,
                last_use: now,
                idle: IDLE,
            }),
            changed: Condvar::new(),
        })
    }

    /// Sends the query and waits for its reply until the deadline.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) fn ask(
        &self,
        wire: &Wire<'_>,
        query: &Query,
        deadline: Deadline,
    ) -> Result<Box<Reply>, Fault> {
        self.send(wire, query, deadline)?;
        let sent = Instant::now();
        let reply = self.receive(wire, query, deadline);
        let mut state = self.lock();
        state.outstanding.remove(&query.id());
        match &reply {
            Ok(reply) => state.obey(&reply.message),
            Err(Fault::Timeout) if state.last_input < sent && sent.elapsed() > SILENCE_AT_MOST => {
                state.end(Fault::Timeout);
            }
            Err(_) => {}
        }
        self.changed.notify_all();
        reply
    }

    /// Whether another query may be sent: it has not ended, and not been idle for longer than the server wants to wait (RFC 7828 §3.4).
    pub(super) fn is_usable(&self) -> bool {
        let mut state = self.lock();
        // What came while it was idle, above all its end.
        if state.outstanding.is_empty() {
            state.read();
        }
        let is_idle = state.outstanding.is_empty() && state.last_use.elapsed() >= state.idle;
        state.stream.is_ok() && !state.idle.is_zero() && !is_idle
    }

    /// Whether it can be used no more.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().stream.is_err()
    }

    /// What another connection may take up; it must be the same server, which has to prove the same.
    pub(super) fn session(&self) -> Option<Session> {
        let mut state = self.lock();
        match &state.stream {
            Ok(stream) => stream.session(),
            Err(_) => state.session.take(),
        }
    }

    /// Ends it, unless somebody is still waiting for a reply.
    pub(super) fn retire(&self) {
        let mut state = self.lock();
        if state.outstanding.is_empty() {
            state.end(Fault::Unreachable("the connection is closed".to_owned()));
        }
    }

    fn send(&self, wire: &Wire<'_>, query: &Query, deadline: Deadline) -> Result<(), Fault> {
        let mut state = self.lock();
        while !state.has_place(query.id()) {
            state = self.wait(state, deadline)?;
        }
        let stream = state.stream.as_mut().map_err(|fault| fault.clone())?;
        stream.set_deadline(deadline);
        if let Err(error) = stream.write_all(&framed(query.octets())) {
            // Whatever of it was written, nothing can follow.
            state.end(error.into());
            self.changed.notify_all();
        }
        let sent = state.stream.as_ref().map(drop).map_err(Clone::clone);
        if sent.is_ok() {
            state.outstanding.insert(query.id(), None);
            state.last_use = Instant::now();
            drop(state);
            wire.show(Transport::Tls, Direction::Sent, self.local, query.octets());
        }
        sent
    }

    fn receive(
        &self,
        wire: &Wire<'_>,
        query: &Query,
        deadline: Deadline,
    ) -> Result<Box<Reply>, Fault> {
        for _ in 0..MESSAGES_AT_MOST {
            let octets = self.next_message(query.id(), deadline)?;
            wire.show(Transport::Tls, Direction::Received, self.local, &octets);
            if let Some(settled) = wire.settle(query, &octets) {
                return settled;
            }
        }
        Err(Fault::malformed("the server sends what was not asked"))
    }

    /// The next message with this id.
    fn next_message(&self, id: u16, deadline: Deadline) -> Result<Vec<u8>, Fault> {
        let mut state = self.lock();
        loop {
            let came = state.outstanding.get_mut(&id).and_then(Option::take);
            if let Some(octets) = came {
                return Ok(octets);
            }
            if let Err(fault) = &state.stream {
                return Err(fault.clone());
            }
            state = match state.is_watched {
                true => self.wait(state, deadline)?,
                false => self.watch(state, deadline)?,
            };
        }
    }

    /// Waits for another thread to change something.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Deadline,
    ) -> Result<MutexGuard<'a, State>, Fault> {
        let left = deadline.remaining().ok_or(Fault::Timeout)?;
        let waited = self.changed.wait_timeout(state, left);
        Ok(waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Waits for the network, and hands out what comes.
    fn watch<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        deadline: Deadline,
    ) -> Result<MutexGuard<'a, State>, Fault> {
        let left = deadline.remaining().ok_or(Fault::Timeout)?;
        state.is_watched = true;
        drop(state);
        let ready = wait_for_input([self.input.as_fd()], left);
        let mut state = self.lock();
        state.is_watched = false;
        match ready {
            Ok(_) => state.read(),
            Err(error) => state.end(error.into()),
        }
        if state.outstanding.values().any(Option::is_none) {
            // Servers hold a reply back until what they sent before, session tickets above all, is acknowledged (Nagle), for which the
            // system takes 40 ms. Without it the reply comes too, but later.
            let _ = acknowledge(self.input.as_fd());
        }
        self.changed.notify_all();
        Ok(state)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock panics, so a thread that did has left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a query with this id may go out; one that has ended takes all, so that nobody waits for it.
    fn has_place(&self, id: u16) -> bool {
        let is_full = self.outstanding.len() >= OUTSTANDING_AT_MOST;
        self.stream.is_err() || !is_full && !self.outstanding.contains_key(&id)
    }

    /// Takes in what is there.
    fn read(&mut self) {
        if let Err(fault) = self.try_read() {
            self.end(fault);
        }
    }

    fn try_read(&mut self) -> Result<(), Fault> {
        let mut chunk = [0; CHUNK];
        loop {
            let stream = self.stream.as_mut().map_err(|fault| fault.clone())?;
            match stream.read_now(&mut chunk)? {
                None => return Ok(()),
                Some(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Some(count) => self.input.extend(chunk.get(..count).unwrap_or_default()),
            }
            self.last_input = Instant::now();
            self.hand_out()?;
        }
    }

    /// Gives whole messages to those that wait for their ids.
    fn hand_out(&mut self) -> Result<(), Fault> {
        while let Some(octets) = take_message(&mut self.input) {
            let id = octets.first_chunk().map(|id| u16::from_be_bytes(*id));
            match id.and_then(|id| self.outstanding.get_mut(&id)) {
                Some(place @ None) => {
                    *place = Some(octets);
                    self.unasked = 0;
                }
                _ => self.unasked += 1,
            }
            if self.unasked > UNASKED_AT_MOST {
                return Err(Fault::malformed("the server sends what was not asked"));
            }
        }
        Ok(())
    }

    /// Notes how long the server keeps the connection when it is idle (RFC 7828 §3.4).
    fn obey(&mut self, reply: &Message) {
        self.last_use = Instant::now();
        let options = reply.edns.iter().flat_map(|edns| &edns.options);
        let keepalive = options
            .filter_map(crate::dns::EdnsOption::as_keepalive)
            .next();
        if let Some(units) = keepalive {
            self.idle = IDLE_AT_MOST.min(Duration::from_millis(100) * u32::from(units));
        }
    }

    fn end(&mut self, why: Fault) {
        if let Ok(stream) = std::mem::replace(&mut self.stream, Err(why)) {
            self.session = stream.session();
            stream.close();
        }
    }
}

/// The first message of the input behind its length, once it is whole.
fn take_message(input: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (length, rest) = input.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let message = rest.get(..length)?.to_vec();
    input.drain(..length + 2);
    Some(message)
}
