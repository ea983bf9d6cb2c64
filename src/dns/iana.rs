//! Registry values of the DNS: newtypes over the numbers, so that unknown ones survive.

use std::fmt;
use std::str::FromStr;

/// Declares a registry: a newtype, a constant per value known, and the mnemonics in text.
macro_rules! registry {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal: $($constant:ident = $value:literal $text:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        #[allow(missing_docs)]
        impl $name {
            $(pub const $constant: Self = Self($value);)*

            /// The mnemonic, where the value has one.
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        /// The mnemonic, else the prefix and the number.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.mnemonic() {
                    Some(text) => f.write_str(text),
                    None => write!(f, concat!($prefix, "{}"), self.0),
                }
            }
        }

        /// Reads a mnemonic in either case, the prefix and a number, or a number.
        impl FromStr for $name {
            type Err = UnknownMnemonic;

            fn from_str(text: &str) -> Result<Self, UnknownMnemonic> {
                let known: &[(&str, $inner)] = &[$(($text, $value),)*];
                if let Some((_, value)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
                    return Ok(Self(*value));
                }
                let number = match text.split_at_checked($prefix.len()) {
                    Some((prefix, number)) if prefix.eq_ignore_ascii_case($prefix) => number,
                    _ => text,
                };
                let is_digits = number.bytes().all(|octet| octet.is_ascii_digit());
                let parsed = number.parse().ok().filter(|_| is_digits);
                parsed.map(Self).ok_or(UnknownMnemonic)
            }
        }
    };
}

/// Text that is neither a mnemonic nor a number of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMnemonic;

impl fmt::Display for UnknownMnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a mnemonic nor a number of the registry")
    }
}

impl std::error::Error for UnknownMnemonic {}

registry! {
    /// A record type (RFC 6895 §3.1); unknown ones are written `TYPE65280` (RFC 3597 §5).
    RecordType(u16), "TYPE":
    A = 1 "A",
    NS = 2 "NS",
    CNAME = 5 "CNAME",
    SOA = 6 "SOA",
    PTR = 12 "PTR",
    HINFO = 13 "HINFO",
    MX = 15 "MX",
    TXT = 16 "TXT",
    RP = 17 "RP",
    AFSDB = 18 "AFSDB",
    SIG = 24 "SIG",
    KEY = 25 "KEY",
    AAAA = 28 "AAAA",
    LOC = 29 "LOC",
    SRV = 33 "SRV",
    NAPTR = 35 "NAPTR",
    CERT = 37 "CERT",
    DNAME = 39 "DNAME",
    OPT = 41 "OPT",
    DS = 43 "DS",
    SSHFP = 44 "SSHFP",
    RRSIG = 46 "RRSIG",
    NSEC = 47 "NSEC",
    DNSKEY = 48 "DNSKEY",
    NSEC3 = 50 "NSEC3",
    NSEC3PARAM = 51 "NSEC3PARAM",
    TLSA = 52 "TLSA",
    SMIMEA = 53 "SMIMEA",
    CDS = 59 "CDS",
    CDNSKEY = 60 "CDNSKEY",
    OPENPGPKEY = 61 "OPENPGPKEY",
    CSYNC = 62 "CSYNC",
    ZONEMD = 63 "ZONEMD",
    SVCB = 64 "SVCB",
    HTTPS = 65 "HTTPS",
    SPF = 99 "SPF",
    TSIG = 250 "TSIG",
    IXFR = 251 "IXFR",
    AXFR = 252 "AXFR",
    ANY = 255 "ANY",
    URI = 256 "URI",
    CAA = 257 "CAA",
}

registry! {
    /// A class; unknown ones are written `CLASS5` (RFC 3597 §5).
    Class(u16), "CLASS":
    IN = 1 "IN",
    CH = 3 "CH",
    HS = 4 "HS",
    NONE = 254 "NONE",
    ANY = 255 "ANY",
}

registry! {
    /// An opcode.
    Opcode(u8), "OPCODE":
    QUERY = 0 "QUERY",
    STATUS = 2 "STATUS",
    NOTIFY = 4 "NOTIFY",
    UPDATE = 5 "UPDATE",
}

registry! {
    /// A response code, extended by EDNS to 12 bits (RFC 6895 §2.3).
    Rcode(u16), "RCODE":
    NOERROR = 0 "NOERROR",
    FORMERR = 1 "FORMERR",
    SERVFAIL = 2 "SERVFAIL",
    NXDOMAIN = 3 "NXDOMAIN",
    NOTIMP = 4 "NOTIMP",
    REFUSED = 5 "REFUSED",
    YXDOMAIN = 6 "YXDOMAIN",
    YXRRSET = 7 "YXRRSET",
    NXRRSET = 8 "NXRRSET",
    NOTAUTH = 9 "NOTAUTH",
    NOTZONE = 10 "NOTZONE",
    BADVERS = 16 "BADVERS",
    BADCOOKIE = 23 "BADCOOKIE",
}

registry! {
    /// An EDNS option code.
    OptionCode(u16), "OPTION":
    LLQ = 1 "LLQ",
    NSID = 3 "NSID",
    DAU = 5 "DAU",
    DHU = 6 "DHU",
    N3U = 7 "N3U",
    CLIENT_SUBNET = 8 "CLIENT-SUBNET",
    EXPIRE = 9 "EXPIRE",
    COOKIE = 10 "COOKIE",
    TCP_KEEPALIVE = 11 "TCP-KEEPALIVE",
    PADDING = 12 "PADDING",
    CHAIN = 13 "CHAIN",
    KEY_TAG = 14 "KEY-TAG",
    EXTENDED_ERROR = 15 "EDE",
    REPORT_CHANNEL = 18 "REPORT-CHANNEL",
    ZONE_VERSION = 19 "ZONEVERSION",
}

registry! {
    /// An extended DNS error code (RFC 8914 §4).
    EdeCode(u16), "EDE":
    OTHER = 0 "Other Error",
    UNSUPPORTED_ALGORITHM = 1 "Unsupported DNSKEY Algorithm",
    UNSUPPORTED_DIGEST = 2 "Unsupported DS Digest Type",
    STALE_ANSWER = 3 "Stale Answer",
    FORGED_ANSWER = 4 "Forged Answer",
    INDETERMINATE = 5 "DNSSEC Indeterminate",
    BOGUS = 6 "DNSSEC Bogus",
    SIGNATURE_EXPIRED = 7 "Signature Expired",
    SIGNATURE_NOT_YET_VALID = 8 "Signature Not Yet Valid",
    DNSKEY_MISSING = 9 "DNSKEY Missing",
    RRSIGS_MISSING = 10 "RRSIGs Missing",
    NO_ZONE_KEY = 11 "No Zone Key Bit Set",
    NSEC_MISSING = 12 "NSEC Missing",
    CACHED_ERROR = 13 "Cached Error",
    NOT_READY = 14 "Not Ready",
    BLOCKED = 15 "Blocked",
    CENSORED = 16 "Censored",
    FILTERED = 17 "Filtered",
    PROHIBITED = 18 "Prohibited",
    STALE_NXDOMAIN = 19 "Stale NXDOMAIN Answer",
    NOT_AUTHORITATIVE = 20 "Not Authoritative",
    NOT_SUPPORTED = 21 "Not Supported",
    NO_REACHABLE_AUTHORITY = 22 "No Reachable Authority",
    NETWORK_ERROR = 23 "Network Error",
    INVALID_DATA = 24 "Invalid Data",
    SIGNATURE_EXPIRED_BEFORE_VALID = 25 "Signature Expired before Valid",
    TOO_EARLY = 26 "Too Early",
    UNSUPPORTED_NSEC3_ITERATIONS = 27 "Unsupported NSEC3 Iterations Value",
    UNABLE_TO_CONFORM = 28 "Unable to conform to policy",
    SYNTHESIZED = 29 "Synthesized",
    INVALID_QUERY_TYPE = 30 "Invalid Query Type",
}

registry! {
    /// A DNSSEC algorithm (RFC 8624 §3.1).
    Algorithm(u8), "":
    RSAMD5 = 1 "RSAMD5",
    DSA = 3 "DSA",
    RSASHA1 = 5 "RSASHA1",
    DSA_NSEC3_SHA1 = 6 "DSA-NSEC3-SHA1",
    RSASHA1_NSEC3_SHA1 = 7 "RSASHA1-NSEC3-SHA1",
    RSASHA256 = 8 "RSASHA256",
    RSASHA512 = 10 "RSASHA512",
    ECC_GOST = 12 "ECC-GOST",
    ECDSAP256SHA256 = 13 "ECDSAP256SHA256",
    ECDSAP384SHA384 = 14 "ECDSAP384SHA384",
    ED25519 = 15 "ED25519",
    ED448 = 16 "ED448",
    PRIVATEDNS = 253 "PRIVATEDNS",
    PRIVATEOID = 254 "PRIVATEOID",
}

registry! {
    /// A digest type of DS records (RFC 8624 §3.3).
    DigestType(u8), "":
    SHA1 = 1 "SHA-1",
    SHA256 = 2 "SHA-256",
    GOST = 3 "GOST",
    SHA384 = 4 "SHA-384",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnemonics_and_numbers_round_trip() {
        for number in 0..=u16::MAX {
            let rtype = RecordType(number);
            assert_eq!(rtype.to_string().parse(), Ok(rtype));
        }
        assert_eq!("mx".parse(), Ok(RecordType::MX));
        assert_eq!("type65280".parse(), Ok(RecordType(65280)));
        assert_eq!("CLASS5".parse(), Ok(Class(5)));
        assert_eq!(Class(5).to_string(), "CLASS5");
        assert_eq!("13".parse(), Ok(Algorithm::ECDSAP256SHA256));
        for text in ["", "TYPE", "TYPE65536", "TYPE+1", "MXX", "-1"] {
            assert_eq!(text.parse::<RecordType>(), Err(UnknownMnemonic), "{text}");
        }
    }
}
