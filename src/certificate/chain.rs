//! What a server presented, octet for octet and as OpenSSL reads it.

use openssl::error::ErrorStack;
use openssl::x509::X509;

use super::der;

/// The certificates a server presented, its own first: exact DER, which is what counts, and beside it what the handshake read in it.
///
/// Reading one certificate takes OpenSSL longer than checking a signature, so where a handshake has done it nobody does it again.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    octets: Vec<Vec<u8>>,
    /// The same certificates in the same order, or none where only the octets are known.
    parsed: Vec<X509>,
}

impl Chain {
    /// Certificates that have been read.
    ///
    /// # Errors
    /// OpenSSL's, if it cannot write one of them down again.
    pub fn of(parsed: Vec<X509>) -> Result<Self, ErrorStack> {
        let octets = parsed.iter().map(|certificate| certificate.to_der());
        let octets = octets.collect::<Result<_, _>>()?;
        Ok(Self { octets, parsed })
    }

    /// The certificates, as DER.
    pub fn octets(&self) -> &[Vec<u8>] {
        &self.octets
    }

    /// Each certificate's octets, and what is read in them if they are exactly one.
    pub(super) fn read(&self) -> impl Iterator<Item = (&[u8], Option<X509>)> {
        let mut parsed = self.parsed.iter();
        self.octets.iter().map(move |octets| {
            let certificate = match parsed.next() {
                Some(known) => der::public_key_of(octets).map(|_| known.clone()),
                None => parse(octets),
            };
            (octets.as_slice(), certificate)
        })
    }
}

/// Certificates of which nothing but the octets is known.
impl From<Vec<Vec<u8>>> for Chain {
    fn from(octets: Vec<Vec<u8>>) -> Self {
        let parsed = Vec::new();
        Self { octets, parsed }
    }
}

/// The certificate, if the octets are exactly one.
pub(super) fn parse(octets: &[u8]) -> Option<X509> {
    der::public_key_of(octets)?;
    X509::from_der(octets).ok()
}
