//! The seam between an attempt and the network: what an attempt needs of a connection, so that tests can stand in for servers.

use super::Level;
use super::demand::{Demand, Proof};
use super::session::{Channel, Failure, Link, Mail, Receipt, TlsFacts};
use crate::smtp::Host;
use crate::time::Deadline;

/// For whom a connection is made. Two destinations never share one, nor do two levels (rfc B8).
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The recipients' domain or address literal.
    pub destination: &'a Host,
    /// What its connections must prove.
    pub level: Level,
    /// Whether a connection that has carried other messages will do.
    pub may_reuse: bool,
}

/// Makes connections that may carry mail.
pub trait Connect: Send + Sync {
    /// As [`Channel::open`].
    ///
    /// # Errors
    /// As [`Channel::open`].
    fn connect(
        &self,
        purpose: Purpose<'_>,
        link: &Link<'_>,
        demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure>;
}

/// A connection that may carry mail.
pub trait Carrier: Send {
    /// What the handshake settled; `None` without TLS.
    fn tls(&self) -> Option<&TlsFacts>;
    /// What was proven.
    fn proof(&self) -> &Proof;
    /// Whether it has carried other messages already.
    fn is_reused(&self) -> bool {
        false
    }
    /// As [`Channel::is_idle`].
    fn is_idle(&self) -> bool;
    /// As [`Channel::send`].
    ///
    /// # Errors
    /// As [`Channel::send`].
    fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure>;
    /// As [`Channel::say_quit`].
    fn say_quit(&mut self, by: Deadline);
    /// As [`Channel::leave`].
    fn leave(self: Box<Self>, by: Deadline);
    /// As [`Channel::quit`], when nothing more is to be sent over it for now.
    fn quit(self: Box<Self>);
}

/// The real network.
#[derive(Clone, Copy, Debug)]
pub struct Network;

impl Connect for Network {
    fn connect(
        &self,
        _: Purpose<'_>,
        link: &Link<'_>,
        demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure> {
        Ok(Box::new(Channel::open(link, demand)?))
    }
}

impl Carrier for Channel {
    fn tls(&self) -> Option<&TlsFacts> {
        Self::tls(self)
    }

    fn proof(&self) -> &Proof {
        Self::proof(self)
    }

    fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure> {
        Self::send(self, mail)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }

    fn say_quit(&mut self, by: Deadline) {
        Self::say_quit(self, by);
    }

    fn leave(self: Box<Self>, by: Deadline) {
        Self::leave(*self, by);
    }

    fn quit(self: Box<Self>) {
        Self::quit(*self);
    }
}
