//! Pins: the digest of a certificate or of its public key, for servers that nothing else proves (rfc C15).

use std::fmt;

use sha2::{Digest, Sha256};

use super::{Chain, der};
use crate::bytes::{hex, radix};

/// A SHA-256 digest of a certificate or of its SubjectPublicKeyInfo, in text `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let octets = hex::decode(digits)?;
        octets.try_into().ok().map(Self)
    }

    /// Reads base 64, as pins of DNS over TLS are written (RFC 7858 §4.2).
    pub fn parse_base64(text: &str) -> Option<Self> {
        let octets = radix::decode_base64(text)?;
        octets.try_into().ok().map(Self)
    }

    /// The base 64 that [`Pin::parse_base64`] reads.
    pub fn to_base64(self) -> String {
        radix::encode_base64(&self.0)
    }

    /// The pins of a certificate (DER): of its public key, if it can be read, and of the whole.
    pub fn all_of(certificate: &[u8]) -> Vec<Self> {
        let key = der::public_key_of(certificate);
        let parts = key.into_iter().chain([certificate]);
        parts
            .map(|octets| Self(Sha256::digest(octets).into()))
            .collect()
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(&self.0))
    }
}

/// The first of the pins that the server's certificate (the first of the chain) has; names, dates and issuers are of no concern.
pub fn matching_pin<'a>(chain: &Chain, pins: &'a [Pin]) -> Option<&'a Pin> {
    let presented = Pin::all_of(chain.octets().first()?);
    pins.iter().find(|pin| presented.contains(pin))
}
