//! One server as all transports see it: who watches, and whether what came is a reply that can carry DNSSEC.

use std::sync::Arc;
use std::time::Duration;

use core::net::SocketAddr;

use super::fault::Fault;
use super::observe::{Direction, Observer, Packet, Transport};
use super::query::{Checks, Judgement, Query, Reply};
use crate::dns::Rcode;
use crate::log;

/// One server, who checks its data, and who watches it.
pub(super) struct Wire<'a> {
    /// The server.
    pub(super) server: SocketAddr,
    /// Who checks the data.
    pub(super) checks: Checks,
    /// Wait for the reply to one datagram.
    pub(super) udp_wait: Duration,
    /// Those who see every packet.
    pub(super) observers: &'a [Arc<dyn Observer>],
}

impl Wire<'_> {
    /// Shows a packet to every observer; `local` is our side's address.
    pub(super) fn show(
        &self,
        transport: Transport,
        direction: Direction,
        local: SocketAddr,
        octets: &[u8],
    ) {
        for observer in self.observers {
            observer.packet(&Packet {
                direction,
                transport,
                local,
                server: self.server,
                octets,
            });
        }
    }

    /// What a message over a connection is to a query: `None` if it has nothing to do with it.
    pub(super) fn settle(&self, query: &Query, octets: &[u8]) -> Option<Result<Box<Reply>, Fault>> {
        match query.judge_on_connection(octets) {
            Judgement::Reply(reply) if reply.message.header.truncated => Some(Err(
                Fault::malformed("the reply over a connection is truncated"),
            )),
            Judgement::Reply(reply) => Some(Ok(reply)),
            Judgement::Doubtful(why) => Some(Err(Fault::malformed(why))),
            Judgement::Foreign => {
                self.trace("ignored a message that is not the reply");
                None
            }
        }
    }

    /// Writes a trace line that names the server.
    pub(super) fn trace(&self, step: impl std::fmt::Display) {
        if log::is_enabled(log::Level::Trace) {
            log::trace(format_args!("dns {}: {step}", self.server));
        }
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
