//! Takes messages from the queue to servers that DNSSEC and DANE prove to be the right ones.
#![forbid(unsafe_code)]

pub mod address;
pub mod attempt;
pub mod base;
pub mod bounce;
pub mod cause;
pub mod connect;
pub mod decision;
pub mod delivery;
pub mod demand;
pub mod exception;
pub mod facts;
#[cfg(test)]
#[path = "fakes_tests.rs"]
mod fakes;
pub mod forecast;
pub mod level;
pub mod memory;
pub mod outcome;
pub mod pattern;
pub mod policy;
mod pool;
pub mod reason;
pub mod route;
pub mod runner;
pub mod session;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::certificate::Roots;
use crate::net::Network;
use crate::smtp::Domain;

pub use demand::{Demand, Proof, Refusal};
pub use exception::{Exception, Instead};
pub use forecast::Forecast;
pub use level::Level;
pub use memory::Memory;
pub use pattern::Pattern;
pub use policy::{Policies, Policy};
pub use pool::KEPT_MAX;
pub use reason::{Effect, Reason};
pub use runner::Outbound;
pub use session::{
    Channel, Event, Failure, Link, Mail, Phase, Receipt, Timeouts, TlsFacts, Transcript,
};

/// What deliveries need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Our name in EHLO, in bounces, and in the test for mail loops.
    pub hostname: Domain,
    /// Our name in EHLO before TLS, if it is to be another one (`ehlo-name`).
    pub ehlo_name: Option<Domain>,
    /// What is sent inside TLS 1.3 is padded to a multiple of so many octets (`tls-padding`).
    pub tls_padding: Option<u16>,
    /// The SOCKS proxy that makes all connections but those at level `none` (`socks5`).
    pub socks5: Option<SocketAddr>,
    /// Where we listen: an MX host there is ourselves (rfc M15 to M16).
    pub own_addresses: Vec<SocketAddr>,
    /// Port of MX hosts.
    pub smtp_port: u16,
    /// Level and hosts per recipient domain.
    pub policies: Policies,
    /// Whether mail for a domain that provably has no DANE is refused at once at `dane-only` (`no-dane-action bounce`, rfc G7).
    pub no_dane_is_final: bool,
    /// Where the CAs come from (`ca-file`); the system's bundle if it is not given.
    pub ca_file: Option<PathBuf>,
    /// The CAs, where something needs them.
    pub roots: Option<Arc<Roots>>,
    /// Reserved addresses (loopback, private, …) that MX hosts may have all the same.
    pub allow_addresses: Vec<Network>,
    /// Attempts at the same time.
    pub workers: usize,
    /// Longest wait for the DNS answers of one step: the MX records, the addresses of one host, or its TLSA records.
    pub lookup_timeout: Duration,
    /// Longest wait for a TCP connection.
    pub connect_timeout: Duration,
    /// Longest wait for one reply (RFC 5321 §4.5.3.2: at least 5 minutes; 10 after the final dot).
    pub command_timeout: Duration,
}

/// Locks a mutex of this room. No code panics with half a change made, so a poisoned lock protects sound data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random bits for choices that need no secrecy: the order of equal hosts, the spread of retries.
pub fn random() -> u32 {
    let mut octets = [0; 4];
    // Without randomness the first choice is as good as any.
    let _ = openssl::rand::rand_bytes(&mut octets);
    u32::from_be_bytes(octets)
}
