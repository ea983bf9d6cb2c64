//! One question to one server: UDP, TCP where the reply asks for it, or TLS alone; and whether the server can carry DNSSEC.

use std::time::{Duration, Instant};

use super::observe::Transport;
use super::query::{Query, Reply};
use super::wire::{Fault, Wire};
use super::{tcp, udp};
use crate::dns::{Message, Name, Rcode, RecordType};
use crate::log;
use crate::time::Deadline;

/// Wait for connection and reply over TCP: the resolver may have to ask several servers first.
const TCP_WAIT: Duration = Duration::from_secs(5);

impl Wire<'_> {
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
        let query = Query::new(name, rtype, self.checks, transport)?;
        let started = Instant::now();
        self.trace(format_args!(
            "asks {name} {rtype} over {transport}, id {}",
            query.id()
        ));
        let reply = self.fetch(&query, transport, deadline);
        match &reply {
            Ok(reply) => self.trace_reply(&reply.message, started),
            Err(fault) => self.trace(format_args!(
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
            return link.ask(self, query, deadline);
        }
        if transport == Transport::Tcp {
            return tcp::ask(self, query, deadline.within(TCP_WAIT));
        }
        match udp::ask(self, query, deadline.within(self.udp_wait))? {
            udp::Received::Reply(reply) => Ok(reply),
            udp::Received::UseTcp(why) => {
                self.trace(format_args!("asks again over TCP: {why}"));
                let reply = tcp::ask(self, query, deadline.within(TCP_WAIT));
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
        self.trace(format_args!(
            "{}{flags}, answers {}, authority {}{errors}, after {} ms",
            reply.rcode(),
            reply.answers.len(),
            reply.authorities.len(),
            started.elapsed().as_millis()
        ));
    }
}

/// A server that does not answer EDNS with EDNS cannot carry DNSSEC; it is never asked again without (rfc C5): what it would say then
/// looks like unsigned data.
pub(super) fn require_edns(reply: Box<Reply>) -> Result<Box<Reply>, Fault> {
    let rcode = reply.message.rcode();
    if rcode == Rcode::BADVERS {
        return Err(Fault::NoDnssec(
            "it refuses EDNS version 0 (BADVERS)".to_owned(),
        ));
    }
    // Other errors are errors with or without EDNS, and their code tells more.
    let needs_edns = matches!(
        rcode,
        Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::FORMERR | Rcode::NOTIMP
    );
    if needs_edns && reply.message.edns.is_none() {
        return Err(Fault::NoDnssec(format!("it answers {rcode} without EDNS")));
    }
    Ok(reply)
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
