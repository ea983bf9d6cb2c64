//! One question to one server: UDP, TCP where the reply asks for it, or TLS alone; and whether the server can carry DNSSEC.

use std::time::{Duration, Instant};

use super::dot::Link;
use super::fault::Fault;
use super::observe::Transport;
use super::query::{Query, Reply};
use super::wire::{Wire, require_edns};
use super::{tcp, udp};
use crate::dns::{Message, Name, RecordType};
use crate::log;
use crate::time::Deadline;

/// Wait for connection and reply over TCP: the resolver may have to ask several servers first.
const TCP_WAIT: Duration = Duration::from_secs(5);

/// The way to one server.
pub(super) struct Way<'a> {
    pub(super) wire: Wire<'a>,
    /// How the server is asked over TLS, if it is, and then never in another way.
    pub(super) link: Option<&'a Link>,
}

impl Way<'_> {
    /// Asks once, first over `transport`; an answer that must not be taken from UDP is fetched over TCP at once. A server that is to be asked over
    /// TLS is asked over TLS, whatever `transport` says.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) fn ask(
        &self,
        name: &Name,
        rtype: RecordType,
        transport: Transport,
        deadline: Deadline,
    ) -> Result<Box<Reply>, Fault> {
        let transport = match self.link {
            Some(_) => Transport::Tls,
            None => transport,
        };
        let query = Query::new(name, rtype, self.wire.checks, transport)?;
        let started = Instant::now();
        self.wire.trace(format_args!(
            "asks {name} {rtype} over {transport}, id {}",
            query.id()
        ));
        let reply = self.fetch(&query, transport, deadline);
        match &reply {
            Ok(reply) => self.trace_reply(&reply.message, started),
            Err(fault) => self.wire.trace(format_args!(
                "{fault:?} after {} ms",
                started.elapsed().as_millis()
            )),
        }
        reply.and_then(require_edns)
    }

    fn fetch(
        &self,
        query: &Query,
        transport: Transport,
        deadline: Deadline,
    ) -> Result<Box<Reply>, Fault> {
        if let Some(link) = self.link {
            return link.ask(&self.wire, query, deadline);
        }
        if transport == Transport::Tcp {
            return tcp::ask(&self.wire, query, deadline.within(TCP_WAIT));
        }
        match udp::ask(&self.wire, query, deadline.within(self.wire.udp_wait))? {
            udp::Received::Reply(reply) => Ok(reply),
            udp::Received::UseTcp(why) => {
                self.wire.trace(format_args!("asks again over TCP: {why}"));
                let reply = tcp::ask(&self.wire, query, deadline.within(TCP_WAIT));
                reply.map_err(|fault| fault.after(why))
            }
        }
    }

    fn trace_reply(&self, reply: &Message, started: Instant) {
        if !log::is_enabled(log::Level::Trace) {
            return;
        }
        let header = &reply.header;
        let flags = [
            (header.authentic_data, " AD"),
            (header.authoritative, " AA"),
            (header.recursion_available, " RA"),
        ];
        let flags = flags.iter().filter(|(is_set, _)| *is_set);
        let flags: String = flags.map(|(_, name)| *name).collect();
        let errors = reply.extended_errors().into_iter();
        let errors: String = errors
            .map(|(code, text)| format!(", EDE {} {code}: {text}", code.0))
            .collect();
        self.wire.trace(format_args!(
            "{}{flags}, answers {}, authority {}{errors}, after {} ms",
            reply.rcode(),
            reply.answers.len(),
            reply.authorities.len(),
            started.elapsed().as_millis()
        ));
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
