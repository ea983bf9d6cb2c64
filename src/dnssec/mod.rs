//! DNSSEC: what was proven about data.
#![forbid(unsafe_code)]

pub mod status;

pub use status::Security;
