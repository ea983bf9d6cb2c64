//! The seam between an attempt and the network: what an attempt needs of a connection, so that tests can stand in for servers.

use super::demand::{Demand, Proof};
use super::session::{Channel, Failure, Link, Mail, Receipt, TlsFacts};

/// Makes connections that may carry mail.
pub trait Connect: Send + Sync {
    /// As [`Channel::open`].
    ///
    /// # Errors
    /// As [`Channel::open`].
    fn connect(&self, link: &Link<'_>, demand: &Demand) -> Result<Box<dyn Carrier>, Failure>;
}

/// A connection that may carry mail.
pub trait Carrier {
    /// What the handshake settled; `None` without TLS.
    fn tls(&self) -> Option<&TlsFacts>;
    /// What was proven.
    fn proof(&self) -> &Proof;
    /// As [`Channel::send`].
    ///
    /// # Errors
    /// As [`Channel::send`].
    fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure>;
    /// Says goodbye and closes.
    fn quit(self: Box<Self>);
}

/// The real network.
#[derive(Clone, Copy, Debug)]
pub struct Network;

impl Connect for Network {
    fn connect(&self, link: &Link<'_>, demand: &Demand) -> Result<Box<dyn Carrier>, Failure> {
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

    fn quit(self: Box<Self>) {
        Self::quit(*self);
    }
}
