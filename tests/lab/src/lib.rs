//! A small internet in one process on loopback: signed zones, a resolver that answers from them, and MX hosts that record what they get.
//!
//! It serves the tests and the demonstration, and never becomes part of the gateway. A test makes its own world in few lines:
//!
//! ```
//! use gateway_lab::{Behaviour, Fault, MxHost, World, Zone};
//! use gateway::dns::RecordType;
//!
//! let host = MxHost::start("mx.d.test");
//! host.behave(Behaviour::new().reply("RCPT TO:<b@d.test>", "550 5.1.1 nobody of that name"));
//! let world = World::builder()
//!     .zone(
//!         Zone::signed("d.test")
//!             .mx(10, "mx.d.test")
//!             .address("mx.d.test", host.ip())
//!             .tlsa("mx.d.test", host.port(), host.tlsa(1, 1)),
//!     )
//!     .fault("mx.d.test", RecordType::AAAA, Fault::Servfail)
//!     .start();
//! // Gateway::builder(env!("CARGO_BIN_EXE_gateway")).resolver(world.resolver()).smtp_port(host.port()).start()
//! assert!(world.queries().is_empty() && host.messages().is_empty());
//! ```
//!
//! From the DNS up: [`world`] (zones, keys, resolver, its faults) · [`mx`] (mail servers and their switches), on the addresses of
//! [`seats`], with the certificates of [`certificate`] · [`process`] (the gateway's binary) and [`smtp`] (a client for it) ·
//! [`dot`] (DNS over TLS) · [`capture`] (what a wire shows of all that) · [`unbound`], [`dnsdist`] and [`openssl_dane`] (second opinions about zones and certificates) · [`story`] (the world of the demonstration) ·
//! [`validation`] (the gateway's validator, fed from memory) · [`random`] (seeded choices for any test) · [`bench`] (measuring).
//!
//! Limitations: the resolver knows no zone transfers, and type ANY is an ordinary type that no owner has. It answers as a validating one:
//! what the keys, signatures and parameters of its zones amount to it finds out itself, but not what a test edits into a reply.
#![warn(missing_docs)]

pub mod bench;
pub mod capture;
pub mod certificate;
pub mod dnsdist;
pub mod dot;
pub mod journal;
pub mod mx;
#[allow(unsafe_code)]
pub mod openssl_dane;
pub mod process;
pub mod random;
pub mod seats;
pub mod smtp;
pub mod story;
pub mod temp;
pub mod unbound;
pub mod validation;
pub mod world;

pub use certificate::{Certificate, CertificateSpec, KeyKind, SignatureDigest};
pub use mx::{Behaviour, MxHost, Phase, TlsMode};
pub use process::Gateway;
pub use seats::Seats;
pub use world::{Damage, Fault, World, Zone};
