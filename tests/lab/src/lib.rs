//! A small internet in one process on loopback: signed zones, a resolver that answers from them, and MX hosts that record what they get.

pub mod certificate;
pub mod journal;
pub mod mx;
pub mod process;
pub mod seats;
pub mod smtp;
pub mod story;
pub mod temp;
pub mod world;

pub use certificate::{Certificate, CertificateSpec, KeyKind};
pub use mx::{Behaviour, MxHost, Phase, TlsMode};
pub use process::Gateway;
pub use seats::Seats;
pub use world::{Damage, Fault, World, Zone};
