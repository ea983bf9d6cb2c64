//! DNS over TLS to one server (RFC 7858): nothing is asked before it has proven who it is (RFC 8310 §5, strict profile), except for that proof
//! (`bootstrap`), and nothing ever goes in clear.
//!
//! All threads share one connection, which is kept while it is idle. Where the server closed it meanwhile, the question is asked once more
//! over another, which takes up the TLS session of the one before, if the server still knows it. What was proven is looked at each time: the
//! session remembers the certificates, and they may have expired.
//! One that was idle for too long is ended by the next question, or by whoever looks for such now and then ([`super::Resolver::close_idle`]).

use core::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bootstrap::Candidate;
use super::connection::Connection;
use super::endpoint::Proof;
use super::fault::Fault;
use super::query::{Query, Reply};
use super::validator::Present;
use super::wire::Wire;
use crate::certificate::{Chain, Roots, matching_pin, verify_pkix};
use crate::net::tls::{Session, TlsError, TlsErrorKind};
use crate::net::{Dialer, TlsStream};
use crate::smtp::Domain;
use crate::time::{Deadline, Timestamp};

/// Wait for connection and handshake: a server that takes longer is of no use beside others.
const CONNECT_WAIT: Duration = Duration::from_secs(3);
/// Wait for all of it: the resolver may have to ask several servers first.
const WAIT: Duration = Duration::from_secs(5);

/// How many times as long both are through a proxy, which may have to find its own way first, as Tor has.
const PROXY_FACTOR: u32 = 4;

/// The way to one server over TLS.
pub(super) struct Link {
    proof: Arc<Proof>,
    how: Connecting,
    state: Mutex<State>,
    /// An attempt to connect is over.
    connected: Condvar,
}

/// What connections of all links have in common.
#[derive(Clone)]
pub(super) struct Connecting {
    /// The CAs that are believed, for [`Proof::Name`].
    pub(super) roots: Option<Arc<Roots>>,
    /// The SOCKS proxy that makes them, if there is one.
    pub(super) proxy: Option<SocketAddr>,
    /// What TLSA records are validated with, for [`Proof::Dane`].
    pub(super) validator: Arc<Present>,
}

impl Connecting {
    fn patience(&self, straight: Duration) -> Duration {
        match self.proxy {
            Some(_) => straight.saturating_mul(PROXY_FACTOR),
            None => straight,
        }
    }
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// Of the last connection that was proven.
    session: Option<Session>,
    is_connecting: bool,
    /// Attempts to connect that are over, and what came of the last if it failed.
    attempts: u64,
    fault: Option<Fault>,
}

impl Link {
    pub(super) fn new(proof: Arc<Proof>, how: Connecting) -> Self {
        Self {
            proof,
            how,
            state: Mutex::default(),
            connected: Condvar::new(),
        }
    }

    /// Sends the query and waits for its reply until the deadline.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Unproven`] before the query was sent.
    pub(super) fn ask(
        &self,
        wire: &Wire<'_>,
        query: &Query,
        deadline: Deadline,
    ) -> Result<Box<Reply>, Fault> {
        let deadline = deadline.within(self.how.patience(WAIT));
        let (connection, is_new) = self.connection(wire, deadline)?;
        match connection.ask(wire, query, deadline) {
            Err(_) if !is_new && connection.has_ended() && !deadline.is_over() => {
                wire.trace("the server closed the connection; asks over another");
                let (connection, _) = self.connection(wire, deadline)?;
                connection.ask(wire, query, deadline)
            }
            outcome => outcome,
        }
    }

    /// Ends the connection if it was idle for too long.
    pub(super) fn close_idle(&self) {
        let _ = self.lock().usable();
    }

    /// A connection that may be used, and whether it is a new one. Of threads that need one at the same time, one makes it for all.
    fn connection(
        &self,
        wire: &Wire<'_>,
        deadline: Deadline,
    ) -> Result<(Arc<Connection>, bool), Fault> {
        let mut state = self.lock();
        let before = state.attempts;
        loop {
            if let Some(connection) = state.usable() {
                return Ok((connection, state.attempts != before));
            }
            let failed = state.fault.as_ref().filter(|_| state.attempts != before);
            if let Some(fault) = failed {
                return Err(fault.clone());
            }
            if !state.is_connecting {
                return self.connect(wire, state, deadline);
            }
            let left = deadline.remaining().ok_or(Fault::Timeout)?;
            let waited = self.connected.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn connect(
        &self,
        wire: &Wire<'_>,
        mut state: MutexGuard<'_, State>,
        deadline: Deadline,
    ) -> Result<(Arc<Connection>, bool), Fault> {
        state.is_connecting = true;
        // A session is taken up once: two connections with the same ticket could be linked (RFC 8446 §C.4).
        let session = state.session.take();
        drop(state);
        let opened = self.open(wire, session, deadline);
        let mut state = self.lock();
        state.is_connecting = false;
        state.attempts += 1;
        state.fault = opened.as_ref().err().cloned();
        state.connection = opened.as_ref().ok().cloned();
        self.connected.notify_all();
        opened.map(|connection| (connection, true))
    }

    fn open(
        &self,
        wire: &Wire<'_>,
        session: Option<Session>,
        deadline: Deadline,
    ) -> Result<Arc<Connection>, Fault> {
        let proven = match session {
            // The certificates of the session may be out of date, and those of today not.
            Some(session) => match self.dial(wire, Some(&session), deadline) {
                Err(Fault::Unproven(_)) => self.dial(wire, None, deadline),
                dialled => dialled,
            },
            None => self.dial(wire, None, deadline),
        };
        proven.map(Arc::new)
    }

    /// Connects, and closes again unless the server proves who it is.
    fn dial(
        &self,
        wire: &Wire<'_>,
        session: Option<&Session>,
        deadline: Deadline,
    ) -> Result<Connection, Fault> {
        let stream = self.shake_hands(wire, session, deadline)?;
        let how = match stream.is_resumed() {
            true => format!("{}, session taken up again", stream.version()),
            false => stream.version().to_owned(),
        };
        let chain = stream.chain().clone();
        let connection = Connection::new(stream)?;
        let candidate = Candidate {
            wire,
            connection: &connection,
            chain: &chain,
            deadline,
        };
        if let Err(fault) = self.verify(&candidate) {
            connection.retire();
            return Err(fault);
        }
        wire.trace(format_args!("is proven to be the right one, {how}"));
        Ok(connection)
    }

    fn shake_hands(
        &self,
        wire: &Wire<'_>,
        session: Option<&Session>,
        deadline: Deadline,
    ) -> Result<TlsStream, Fault> {
        let name = match &*self.proof {
            Proof::Name(name) | Proof::Dane(name) => name.as_str(),
            Proof::Pin(_) => "",
        };
        let dialer = Dialer {
            proxy: self.how.proxy,
            destination: &wire.server.to_string(),
        };
        let stream = dialer.dial(
            wire.server,
            deadline.within(self.how.patience(CONNECT_WAIT)),
        )?;
        Ok(TlsStream::connect_again(stream, name, session)?)
    }

    /// Whether the server proves what is asked for.
    fn verify(&self, candidate: &Candidate<'_>) -> Result<(), Fault> {
        let proven = match &*self.proof {
            Proof::Pin(pin) => match matching_pin(candidate.chain, &[*pin]) {
                Some(_) => Ok(()),
                None => Err("its key is not the pinned one; if it was changed rightly, change the pin behind '#sha256/'".to_owned()),
            },
            Proof::Name(name) => self.verify_name(name, candidate.chain),
            Proof::Dane(name) => return candidate.verify(name, &self.how.validator.get()),
        };
        proven.map_err(Fault::Unproven)
    }

    fn verify_name(&self, name: &Domain, chain: &Chain) -> Result<(), String> {
        let roots = self.how.roots.as_ref();
        let roots = roots.ok_or("there are no CAs to believe (directive 'ca-file')")?;
        let named = verify_pkix(roots, chain, std::slice::from_ref(name), Timestamp::now());
        named.map(drop).map_err(|distrust| distrust.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock panics, so a thread that did has left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The connection, if it may still be used; one that may not is let go, and what can be taken up of it kept.
    fn usable(&mut self) -> Option<Arc<Connection>> {
        let connection = self.connection.as_ref()?;
        if connection.is_usable() {
            return Some(Arc::clone(connection));
        }
        connection.retire();
        self.session = connection.session();
        self.connection = None;
        None
    }
}

impl From<TlsError> for Fault {
    fn from(error: TlsError) -> Self {
        match error.kind {
            TlsErrorKind::Timeout => Self::Timeout,
            TlsErrorKind::WeakKey | TlsErrorKind::NoCertificate => Self::Unproven(error.text),
            _ => Self::Unreachable(error.text),
        }
    }
}
