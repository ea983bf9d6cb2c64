//! Why a chain is not worth anything.

use std::fmt;

/// Why a chain was refused. Each text is one line that names the certificate and the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// There is no certificate.
    NoCertificate,
    /// C4: the certificate is for other names.
    HostMismatch(String),
    /// C5: a certificate of the path is outside its dates.
    Expired(String),
    /// No path leads to the anchor: it has nothing to do with what was presented, or a certificate between the two was not presented.
    NoPath(String),
    /// C10: the path breaks a rule, or is too weak.
    NotTrusted(String),
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("the server presented no certificate"),
            Self::HostMismatch(text)
            | Self::Expired(text)
            | Self::NoPath(text)
            | Self::NotTrusted(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Distrust {}
