//! Every reason an attempt can end or be remarked on for: its token in the log, its enhanced status and what it leads to, as one table.
//!
//! The tokens are those of the decision tables (RFC 8460 §4.3 result names where one exists). A finding that leads to different ends at
//! different levels has a row for each end. Why a single TLSA record does not count is said by [`crate::dane::Unusable`].

use std::fmt;

use crate::certificate::Distrust;
use crate::dane::Mismatch;
use crate::smtp::EnhancedStatus;

/// What a reason leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing failed: the recipient's message was taken over by the next hop.
    Delivered,
    /// Nothing failed: a remark for the decision record.
    Remark,
    /// This address or host gets nothing; the next one in MX order is tried, and when none is left the message waits.
    NextHost,
    /// No host of this destination is tried now; the message waits.
    Defer,
    /// Permanent: the sender is told.
    Bounce,
}

/// Writes the enum and its table from one list, so that no reason can lack a row.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $token:literal, $class:literal $subject:literal $detail:literal, $effect:ident;)+) => {
        /// Why an attempt ended as it did, or what was remarkable on the way.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the tables.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            const fn row(self) -> (&'static str, EnhancedStatus, Effect) {
                match self {
                    $(Self::$name => ($token, EnhancedStatus::new($class, $subject, $detail), Effect::$effect),)+
                }
            }
        }
    };
}

reasons! {
    /// The next hop accepted the message.
    Delivered = "ok", 2 0 0, Delivered;

    /// M2, M12: the MX RRset or an alias before it is not DNSSEC-secure; a remark at the levels that go on all the same.
    MxInsecure = "mx-insecure", 4 7 5, Defer;
    /// M3: the MX answer is bogus.
    MxInvalid = "dnssec-invalid", 4 4 3, Defer;
    /// M3: the MX lookup failed.
    MxLookupError = "mx-lookup-error", 4 4 3, Defer;
    /// M4: the domain does not exist, proven.
    NxDomain = "nxdomain", 5 1 2, Bounce;
    /// M5 at `dane-only`: the domain is said not to exist, unproven.
    NxDomainInsecure = "nxdomain-insecure", 4 7 5, Defer;
    /// M5 at the other levels, which believe it.
    NxDomainBelieved = "nxdomain-insecure", 5 1 2, Bounce;
    /// M6: no MX record, proven; the domain itself is the host (RFC 5321 §5.1).
    ImplicitMx = "implicit-mx", 2 0 0, Remark;
    /// M7: no MX record, unproven.
    ImplicitMxInsecure = "implicit-mx", 4 7 5, Defer;
    /// B9: the MX record's time to live ended during the attempt, and the host is no MX host any more.
    MxExpired = "mx-expired", 4 4 3, Defer;
    /// M8: the domain takes no mail (RFC 7505), proven.
    NullMx = "null-mx", 5 1 10, Bounce;
    /// M9 at `dane-only`: the domain is said to take no mail, unproven.
    NullMxInsecure = "null-mx-insecure", 4 7 5, Defer;
    /// M9 at the other levels, which believe it.
    NullMxBelieved = "null-mx-insecure", 5 1 10, Bounce;
    /// M10: "." among other MX hosts; ignored.
    NullMxMixed = "null-mx-mixed", 2 0 0, Remark;
    /// M11: the next hop is an alias, every link secure.
    Cname = "cname", 2 0 0, Remark;
    /// M13: too many alias links, or a loop.
    CnameLimit = "cname-limit", 4 4 4, Defer;
    /// M14: the MX target is an address or no host name.
    MxMalformed = "mx-malformed", 4 4 4, NextHost;
    /// M15: the best MX host is ourselves.
    Loop = "loop", 5 4 6, Bounce;
    /// M16: we are an MX host but not the best; hosts that are not better than us were dropped.
    LoopTrimmed = "loop-trimmed", 2 0 0, Remark;
    /// M16: no host was left after dropping those that are not better than us.
    LoopTrimmedAll = "loop-trimmed", 4 4 4, Defer;
    /// M17: the server greets with our own name.
    LoopBanner = "loop-banner", 4 4 6, NextHost;
    /// M18: more MX hosts than are tried.
    MxTruncated = "mx-truncated", 2 0 0, Remark;
    /// M19: the recipient is an address literal, which DANE cannot protect.
    AddressLiteral = "address-literal", 5 7 4, Bounce;
    /// M20: a configured route was used instead of MX records.
    Route = "route", 2 0 0, Remark;

    /// H2: the host name is an alias, every link secure.
    MxCname = "mx-cname", 2 0 0, Remark;
    /// H3, H4: the host's address or an alias before it is not secure; a remark at the levels that use it all the same.
    AddressInsecure = "addr-insecure", 4 7 5, NextHost;
    /// H5: neither address family could be looked up.
    AddressLookupError = "addr-lookup-error", 4 4 3, NextHost;
    /// H10: the status of the host's alias could not be found out.
    AliasLookupError = "addr-lookup-error", 4 7 5, NextHost;
    /// H6: one address family could not be looked up; the other is used.
    AddressPartial = "addr-partial", 2 0 0, Remark;
    /// H7: the host has no address.
    NoAddress = "no-address", 4 4 4, NextHost;
    /// H7: no MX host has an address; the MX RRset and every denial are secure.
    NoAddressProven = "no-address", 5 4 4, Bounce;
    /// H8: only one address family is secure; at `dane-only` the other is not used.
    AddressMixed = "addr-mixed", 2 0 0, Remark;
    /// H9: the host has only reserved addresses (loopback, private, …).
    AddressReserved = "addr-reserved", 4 4 4, NextHost;

    /// L2: every TLSA record is unusable; a remark at `dane`.
    TlsaInvalid = "tlsa-invalid", 4 7 5, NextHost;
    /// L3 at `dane-only`: the host has no TLSA records, proven.
    DaneRequired = "dane-required", 4 7 5, NextHost;
    /// L3 at `dane`: the host has no TLSA records, proven; encryption is enough.
    NoTlsa = "no-tlsa", 2 0 0, Remark;
    /// L4: the TLSA answer is not secure; a remark at `dane`.
    TlsaInsecure = "tlsa-insecure", 4 7 5, NextHost;
    /// L5: the TLSA answer is bogus.
    TlsaBogus = "dnssec-invalid", 4 7 5, NextHost;
    /// L5: the TLSA lookup failed.
    TlsaLookupError = "tlsa-lookup-error", 4 7 5, NextHost;
    /// L6: the TLSA owner is an alias, every link secure.
    TlsaCname = "tlsa-cname", 2 0 0, Remark;
    /// L8: some TLSA records are unusable; the others count.
    TlsaPartial = "tlsa-partial", 2 0 0, Remark;
    /// T67, T77: the resolver's AD bit may not be believed.
    ResolverNotValidating = "resolver-not-validating", 4 7 5, Defer;

    /// S1: no TCP connection.
    Connect = "connect", 4 4 1, NextHost;
    /// S2: the greeting refuses us or is no greeting.
    Banner = "banner", 4 3 2, NextHost;
    /// S3: EHLO refused.
    EhloRejected = "ehlo-rejected", 4 7 4, NextHost;
    /// S4: STARTTLS not offered.
    StartTlsNotSupported = "starttls-not-supported", 4 7 4, NextHost;
    /// S5: STARTTLS offered but refused.
    StartTlsRefused = "starttls-refused", 4 7 4, NextHost;
    /// S6: octets after the reply to STARTTLS: somebody in the middle, or a broken server.
    StartTlsInjection = "starttls-injection", 4 7 5, NextHost;
    /// S7: the TLS handshake failed.
    TlsHandshake = "tls-handshake", 4 7 5, NextHost;
    /// S8: the server speaks nothing newer than TLS 1.1.
    TlsVersion = "tls-version", 4 7 5, NextHost;
    /// S9: the server refuses the server name.
    SniRejected = "sni-rejected", 4 7 5, NextHost;
    /// S10: the server presented no certificate.
    NoCertificate = "no-certificate", 4 7 5, NextHost;
    /// B8: a connection that has carried other messages of the same destination was used.
    Reused = "reused", 2 0 0, Remark;
    /// B8: such a connection did not even take MAIL, so another one was made.
    ReuseFailed = "reuse-failed", 2 0 0, Remark;
    /// C12: nothing matched the certificate that the host presents first, but its other one, for a key of another type, did.
    OtherKey = "other-key", 2 0 0, Remark;
    /// S12: a 5yz reply inside the authenticated session; the status is the server's.
    RemotePermanent = "remote", 5 0 0, Bounce;
    /// S12: a 4yz reply inside the authenticated session; the status is the server's.
    RemoteTransient = "remote", 4 0 0, NextHost;
    /// S13: the connection ended or fell silent.
    ConnectionLost = "conn-lost", 4 4 2, NextHost;
    /// The server's reply inside the session is no SMTP reply or answers nothing that was asked.
    BadReply = "bad-reply", 4 5 0, NextHost;
    /// The message has octets above 127 and the server does not offer 8BITMIME (RFC 6152 §3).
    EightBitNotSupported = "8bitmime-not-supported", 5 6 3, Bounce;
    /// An address of the envelope cannot be written in a command.
    BadAddress = "bad-address", 5 1 3, Bounce;
    /// The message is larger than the limit the server declares (RFC 1870 §6.1).
    TooBig = "message-too-big", 5 3 4, Bounce;

    /// C4: the certificate below the trust anchor is for other names.
    CertificateHostMismatch = "certificate-host-mismatch", 4 7 5, NextHost;
    /// C5: a certificate of the path to the trust anchor is outside its dates.
    CertificateExpired = "certificate-expired", 4 7 5, NextHost;
    /// C6: the trust anchor that the TLSA record names was not presented.
    TaNotPresented = "ta-not-presented", 4 7 5, NextHost;
    /// C9: the TLSA record of usage 2 names the server's own certificate.
    TaMatchesLeaf = "ta-matches-leaf", 4 7 5, NextHost;
    /// C10: the path to the trust anchor is broken or too weak.
    CertificateNotTrusted = "certificate-not-trusted", 4 7 5, NextHost;
    /// C11: the server's key or certificate is too weak for TLS.
    WeakKey = "weak-key", 4 7 5, NextHost;
    /// C12: no TLSA record matches the presented certificate.
    ValidationFailure = "validation-failure", 4 7 5, NextHost;
    /// B4: a weaker digest, which does not count beside a stronger one, would have matched.
    AgilityMasked = "agility-masked", 2 0 0, Remark;

    /// B11: the destination was DANE-verified before, and now something that proves it is provably missing.
    DaneLost = "dane-lost", 2 0 0, Remark;
    /// B11: the host was verified by another record before, which is not published any more.
    DaneChanged = "dane-changed", 2 0 0, Remark;
    /// An exception stands in for the proof that the policy demands.
    Exception = "exception", 2 0 0, Remark;

    /// G6: level `none` and a destination that is not loopback.
    NotLoopback = "not-loopback", 4 3 5, NextHost;
    /// The gateway was stopped during the attempt.
    Stopped = "stopped", 4 3 2, Defer;
    /// The gateway failed: the spool could not be read, or a defect.
    Internal = "internal", 4 3 0, Defer;
    /// G7: the message waited as long as it may.
    Expired = "expired", 5 4 7, Bounce;
}

impl Reason {
    /// Whether it says that there is no DANE; proven, where signatures are checked here (the rows tagged \[P\] of the tables, rfc G7).
    pub const fn denies_dane(self) -> bool {
        matches!(
            self,
            Self::MxInsecure
                | Self::NxDomainInsecure
                | Self::ImplicitMxInsecure
                | Self::AddressInsecure
                | Self::TlsaInvalid
                | Self::DaneRequired
                | Self::NoTlsa
                | Self::TlsaInsecure
        )
    }

    /// Whether it says that what was looked up or presented does not prove what DANE demands.
    pub const fn refutes(self) -> bool {
        matches!(
            self,
            Self::AliasLookupError
                | Self::TlsaBogus
                | Self::TlsaLookupError
                | Self::ValidationFailure
                | Self::CertificateHostMismatch
                | Self::CertificateExpired
                | Self::TaNotPresented
                | Self::TaMatchesLeaf
                | Self::CertificateNotTrusted
        )
    }

    /// The word in the log, in `queue show`, in bounces and in metrics.
    pub const fn token(self) -> &'static str {
        self.row().0
    }

    /// The enhanced status; for `remote` a stand-in where the server gave none.
    pub const fn status(self) -> EnhancedStatus {
        self.row().1
    }

    /// What it leads to.
    pub const fn effect(self) -> Effect {
        self.row().2
    }
}

impl From<&Distrust> for Reason {
    fn from(distrust: &Distrust) -> Self {
        match distrust {
            Distrust::NoCertificate => Self::NoCertificate,
            Distrust::HostMismatch(_) => Self::CertificateHostMismatch,
            Distrust::Expired(_) => Self::CertificateExpired,
            Distrust::NoPath(_) | Distrust::NotTrusted(_) => Self::CertificateNotTrusted,
        }
    }
}

impl From<&Mismatch> for Reason {
    fn from(mismatch: &Mismatch) -> Self {
        match mismatch {
            Mismatch::NoCertificate => Self::NoCertificate,
            Mismatch::NoMatch(_) => Self::ValidationFailure,
            Mismatch::HostMismatch(_) => Self::CertificateHostMismatch,
            Mismatch::Expired(_) => Self::CertificateExpired,
            Mismatch::TaNotPresented(_) => Self::TaNotPresented,
            Mismatch::TaMatchesLeaf(_) => Self::TaMatchesLeaf,
            Mismatch::NotTrusted(_) => Self::CertificateNotTrusted,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_class_and_effect_agree() {
        for reason in Reason::ALL {
            let class = match reason.effect() {
                Effect::Delivered | Effect::Remark => 2,
                Effect::NextHost | Effect::Defer => 4,
                Effect::Bounce => 5,
            };
            assert_eq!(reason.status().class, class, "{reason}");
        }
    }

    #[test]
    fn tokens_are_words_of_a_log_line() {
        for reason in Reason::ALL {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(reason.token().chars().all(plain), "{reason}");
        }
    }
}
