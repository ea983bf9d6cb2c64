//! Sockets with a deadline on every call, SOCKS proxies, networks, and TLS.
#![forbid(unsafe_code)]

pub mod breaker;
pub mod dialer;
pub mod network;
pub mod socks;
pub mod stream;
pub mod tls;

pub use breaker::Breaker;
pub use dialer::Dialer;
pub use network::Network;
pub use stream::Stream;
pub use tls::TlsStream;
