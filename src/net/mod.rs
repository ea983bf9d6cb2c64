//! Outgoing connections with deadlines: TCP and TLS.
#![forbid(unsafe_code)]
