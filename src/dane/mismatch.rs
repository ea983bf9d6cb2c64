//! Why a presented chain did not match: one variant per outcome of the decision table (rfc A5).

use std::fmt;

use crate::certificate::Distrust;

/// Why a chain was refused. Each text is one line that says what was presented, what was published, and what is to be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// S10: the server presented no certificate.
    NoCertificate,
    /// C12: no usable record matches what was presented.
    NoMatch(String),
    /// C4: the chain leads to a trust anchor of a record, but its certificate is for other names.
    HostMismatch(String),
    /// C5: a certificate of the path, the trust anchor's own included, is outside its dates.
    Expired(String),
    /// C6: all records name trust anchors by digest, and none of these certificates was presented (RFC 7671 §5.2.2).
    TaNotPresented(String),
    /// C9: a record of usage 2 names the server's own certificate, which is no trust anchor.
    TaMatchesLeaf(String),
    /// C10: the path to the trust anchor breaks a rule of RFC 5280, or is too weak.
    NotTrusted(String),
}

impl From<Distrust> for Mismatch {
    fn from(distrust: Distrust) -> Self {
        match distrust {
            Distrust::NoCertificate => Self::NoCertificate,
            Distrust::HostMismatch(text) => Self::HostMismatch(text),
            Distrust::Expired(text) => Self::Expired(text),
            Distrust::NoPath(text) => Self::NoMatch(text),
            Distrust::NotTrusted(text) => Self::NotTrusted(text),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("the server presented no certificate"),
            Self::NoMatch(text)
            | Self::HostMismatch(text)
            | Self::Expired(text)
            | Self::TaNotPresented(text)
            | Self::TaMatchesLeaf(text)
            | Self::NotTrusted(text) => f.write_str(text),
        }
    }
}
