//! Sockets with a deadline on every call, networks, and TLS.
#![forbid(unsafe_code)]

pub mod breaker;
pub mod network;
pub mod stream;
pub mod tls;

pub use breaker::Breaker;
pub use network::Network;
pub use stream::Stream;
pub use tls::TlsStream;
