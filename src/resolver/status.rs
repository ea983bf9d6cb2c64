//! What is known about one look-up, as the one word that `query`, `check` and the log print. Nothing is decided by it.

use std::fmt;

use super::{Answer, LookupError, LookupErrorKind};
use crate::bytes::json::Json;
use crate::dns::{EdeCode, Rcode};
use crate::dnssec::Security;

/// What is known; the least trustworthy first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Forged or broken.
    Bogus,
    /// No answer.
    Error,
    /// Could not be proven either way.
    Indeterminate,
    /// Not authenticated.
    Insecure,
    /// Authenticated by DNSSEC.
    Secure,
}

impl Status {
    /// The status of a look-up.
    pub fn of(result: &Result<Answer, LookupError>) -> Self {
        match result {
            Ok(answer) => match answer.security {
                Security::Secure => Self::Secure,
                Security::Insecure => Self::Insecure,
            },
            Err(error) => Self::of_error(error),
        }
    }

    /// The status of a look-up that failed.
    pub fn of_error(error: &LookupError) -> Self {
        match &error.kind {
            LookupErrorKind::Bogus(_) | LookupErrorKind::Anchors(_) => Self::Bogus,
            LookupErrorKind::Indeterminate(_) | LookupErrorKind::NotTrusted => Self::Indeterminate,
            LookupErrorKind::Rcode(Rcode::SERVFAIL) if blames_signatures(error) => Self::Bogus,
            LookupErrorKind::Rcode(_)
            | LookupErrorKind::Timeout
            | LookupErrorKind::Unreachable(_)
            | LookupErrorKind::Unproven(_)
            | LookupErrorKind::Malformed(_)
            | LookupErrorKind::NoDnssec(_)
            | LookupErrorKind::AliasLimit
            | LookupErrorKind::NoServers => Self::Error,
        }
    }

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Bogus => "bogus",
            Self::Indeterminate => "indeterminate",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The extended errors of a look-up, as every command prints them: a list of objects.
pub fn extended_errors_json(errors: &[(EdeCode, String)]) -> Json {
    Json::array(errors.iter().map(|(code, text)| {
        Json::object([
            ("code", Json::number(code.0)),
            ("name", Json::string(&code.to_string())),
            ("text", Json::string(text)),
        ])
    }))
}

/// Whether the resolver says that its SERVFAIL is about DNSSEC (RFC 8914 §4). That is not authenticated: good enough for a word.
fn blames_signatures(error: &LookupError) -> bool {
    let mut codes = error.extended_errors.iter().map(|(code, _)| *code);
    codes.any(|code| {
        matches!(
            code,
            EdeCode::UNSUPPORTED_ALGORITHM
                | EdeCode::UNSUPPORTED_DIGEST
                | EdeCode::INDETERMINATE
                | EdeCode::BOGUS
                | EdeCode::SIGNATURE_EXPIRED
                | EdeCode::SIGNATURE_NOT_YET_VALID
                | EdeCode::DNSKEY_MISSING
                | EdeCode::RRSIGS_MISSING
                | EdeCode::NO_ZONE_KEY
                | EdeCode::NSEC_MISSING
                | EdeCode::SIGNATURE_EXPIRED_BEFORE_VALID
                | EdeCode::UNSUPPORTED_NSEC3_ITERATIONS
        )
    })
}
