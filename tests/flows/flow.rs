//! A running gateway among hosts and zones.

use gateway_lab::unbound::Unbound;
use gateway_lab::{Gateway, World};

use crate::stage::Host;

/// Who sends all mail.
pub(crate) const SENDER: &str = "author@sender.test";

/// What a stage becomes when it starts.
pub(crate) struct Flow {
    /// The DNS.
    pub(crate) world: World,
    /// What is between it and the gateway, if anything is.
    pub(crate) unbound: Option<Unbound>,
    pub(crate) gateway: Gateway,
    /// The MX host of the sender's domain.
    pub(crate) sender: Host,
    /// All others.
    pub(crate) hosts: Vec<Host>,
    /// The gateway's name.
    pub(crate) hostname: String,
}

/// The message for a domain, with a line that must not end it.
pub(crate) fn message(domain: &str) -> String {
    format!(
        "From: <{SENDER}>\r\nTo: <user@{domain}>\r\nSubject: a flow\r\n\r\nFor {domain}.\r\n.\r\nThe end.\r\n"
    )
}
