//! The seam between an attempt and the network: what an attempt needs of a connection, so that tests can stand in for servers.

use super::session::{self, Channel, Failure, Link, Mail, Receipt, TlsFacts};
use crate::dane::{Match, Plan};

/// Makes connections that may carry mail.
pub trait Connect: Send + Sync {
    /// Connects over TLS to a server whose certificate matches the plan; without a plan in cleartext, to loopback only.
    ///
    /// # Errors
    /// [`Failure`]: the step that failed and why.
    fn connect(&self, link: &Link<'_>, plan: Option<&Plan>) -> Result<Box<dyn Carrier>, Failure>;
}

/// A connection that may carry mail.
pub trait Carrier {
    /// What the handshake settled; `None` without TLS.
    fn tls(&self) -> Option<&TlsFacts>;
    /// The TLSA record that matched; `None` without TLS.
    fn matched(&self) -> Option<&Match>;
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
    fn connect(&self, link: &Link<'_>, plan: Option<&Plan>) -> Result<Box<dyn Carrier>, Failure> {
        let channel = match plan {
            Some(plan) => session::connect_verified(link, plan)?,
            None => session::connect_plain(link)?,
        };
        Ok(Box::new(channel))
    }
}

impl Carrier for Channel {
    fn tls(&self) -> Option<&TlsFacts> {
        Self::tls(self)
    }

    fn matched(&self) -> Option<&Match> {
        Self::matched(self)
    }

    fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure> {
        Self::send(self, mail)
    }

    fn quit(self: Box<Self>) {
        Self::quit(*self);
    }
}
