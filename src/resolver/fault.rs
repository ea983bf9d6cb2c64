//! Why a server gave no reply, whichever way it was asked.

use std::io;

/// Why a server gave no reply that can be read further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing came in time.
    Timeout,
    /// The system reports a failure.
    Unreachable(String),
    /// What came is not a DNS reply to the question.
    Malformed(String),
    /// The server has not proven that it is the one that was configured, and was asked nothing but for that proof.
    Unproven(String),
    /// The server does not do EDNS, without which there is no DNSSEC.
    NoDnssec(String),
}

impl Fault {
    /// Says why TCP was used at all, where that was refused.
    pub(super) fn after(self, why: &str) -> Self {
        match self {
            Self::Unreachable(fault) => {
                Self::Unreachable(format!("{why} over UDP, and over TCP {fault}"))
            }
            other => other,
        }
    }

    pub(super) fn malformed(why: &str) -> Self {
        Self::Malformed(why.to_owned())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            io::ErrorKind::UnexpectedEof => {
                Self::Unreachable("it closed the connection before the reply was whole".to_owned())
            }
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
