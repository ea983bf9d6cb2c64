//! The way to one server, as UDP and TCP share it: who watches, and how it can fail.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use core::net::SocketAddr;

use super::dot::Link;
use super::observe::{Direction, Observer, Packet, Transport};
use super::query::{Checks, Judgement, Query, Reply};
use crate::log;

/// The way to one server, and who watches it.
pub(super) struct Wire<'a> {
    /// The server.
    pub(super) server: SocketAddr,
    /// How it is asked over TLS, and then never in another way.
    pub(super) link: Option<&'a Link>,
    /// Who checks the data.
    pub(super) checks: Checks,
    /// Wait for the reply to one datagram.
    pub(super) udp_wait: Duration,
    /// Those who see every packet.
    pub(super) observers: &'a [Arc<dyn Observer>],
}

/// Why a server gave no reply that can be read further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing came in time.
    Timeout,
    /// The system reports a failure.
    Unreachable(String),
    /// What came is not a DNS reply to the question.
    Malformed(String),
    /// The server has not proven that it is the one that was configured, and was asked nothing but for that proof.
    Unproven(String),
    /// The server does not do EDNS, without which there is no DNSSEC.
    NoDnssec(String),
}

impl Fault {
    /// Says why TCP was used at all, where that was refused.
    pub(super) fn after(self, why: &str) -> Self {
        match self {
            Self::Unreachable(fault) => {
                Self::Unreachable(format!("{why} over UDP, and over TCP {fault}"))
            }
            other => other,
        }
    }

    pub(super) fn malformed(why: &str) -> Self {
        Self::Malformed(why.to_owned())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            io::ErrorKind::UnexpectedEof => {
                Self::Unreachable("it closed the connection before the reply was whole".to_owned())
            }
            _ => Self::Unreachable(error.to_string()),
        }
    }
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
