//! DNSSEC: what is proven about data. Today the status that answers carry and the root's trust anchors; the validator's core comes beside them.
#![forbid(unsafe_code)]

pub mod anchor;
pub mod status;

pub use status::Security;
