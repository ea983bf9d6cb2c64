//! Signature algorithms: which ones count, public keys made ready for use, and the verification of octets.
//!
//! Everything is computed by OpenSSL. Keys are built once, because building costs up to half of a verification; a key that would make
//! verification expensive is refused before it is built.

use std::fmt;
use std::sync::LazyLock;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sha::{sha1, sha256, sha384};
use openssl::sign::Verifier;

use super::limits::{RSA_BITS_AT_LEAST, RSA_BITS_AT_MOST, RSA_EXPONENT_BITS_AT_MOST};
use crate::bytes::hex;
use crate::dns::{Algorithm, DigestType, Dnskey};

/// Which algorithms and digests are supported; all others make a zone insecure if it has nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Algorithms {
    sha1: bool,
    rsa_bits_at_least: u32,
}

impl Algorithms {
    /// The algorithms of today; with `sha1` also 5 and 7, which RFC 9905 §2 wants off, provided that OpenSSL computes them here.
    pub fn new(sha1: bool) -> Self {
        Self {
            sha1: sha1 && *SHA1_WORKS,
            rsa_bits_at_least: RSA_BITS_AT_LEAST,
        }
    }

    /// Also algorithms 5 and 7, and RSA keys of 512 bits: the examples of the older RFCs have such keys.
    #[cfg(test)]
    pub(crate) fn of_examples() -> Self {
        Self {
            rsa_bits_at_least: 512,
            ..Self::new(true)
        }
    }

    /// Whether signatures of this algorithm count.
    pub const fn supports(self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::RSASHA256
            | Algorithm::RSASHA512
            | Algorithm::ECDSAP256SHA256
            | Algorithm::ECDSAP384SHA384
            | Algorithm::ED25519
            | Algorithm::ED448 => true,
            Algorithm::RSASHA1 | Algorithm::RSASHA1_NSEC3_SHA1 => self.sha1,
            _ => false,
        }
    }

    /// Whether DS digests of this type count. SHA-1 does where there is nothing better (RFC 4509 §3): no second preimage of it is known.
    pub const fn supports_digest(self, digest: DigestType) -> bool {
        matches!(
            digest,
            DigestType::SHA1 | DigestType::SHA256 | DigestType::SHA384
        )
    }
}

/// Why a DNSKEY record's public key is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFault {
    /// The algorithm is not supported.
    Algorithm,
    /// An RSA modulus of this many bits, outside the limits.
    RsaBits(u32),
    /// An RSA exponent of this many bits, above the limit.
    RsaExponent(u32),
    /// The octets are no key of the algorithm.
    Malformed,
}

impl KeyFault {
    /// Whether the key is well formed, only not supported here.
    pub const fn is_unsupported(self) -> bool {
        !matches!(self, Self::Malformed)
    }
}

/// What is wrong with the key, after "the key": "has a modulus of 512 bits".
impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Algorithm => f.write_str("has an algorithm that is not supported"),
            Self::RsaBits(bits) => write!(
                f,
                "has a modulus of {bits} bits; {RSA_BITS_AT_LEAST} to {RSA_BITS_AT_MOST} are supported"
            ),
            Self::RsaExponent(bits) => write!(
                f,
                "has an exponent of {bits} bits; at most {RSA_EXPONENT_BITS_AT_MOST} are supported"
            ),
            Self::Malformed => f.write_str("is malformed"),
        }
    }
}

/// A public key ready to verify signatures; may be shared by threads.
#[derive(Clone, Debug)]
pub struct PublicKey(Kind);

#[derive(Clone)]
enum Kind {
    /// RFC 5702 §3.
    Rsa(PKey<Public>, MessageDigest),
    /// Verified by hand: some systems' OpenSSL refuses RSA signatures with SHA-1 by policy.
    RsaSha1(Rsa<Public>),
    Ecdsa(EcKey<Public>, &'static Curve),
    Eddsa(PKey<Public>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa(..) => "RSA",
            Self::RsaSha1(_) => "RSA with SHA-1",
            Self::Ecdsa(..) => "ECDSA",
            Self::Eddsa(_) => "EdDSA",
        })
    }
}

impl PublicKey {
    /// Builds the key of a DNSKEY record, whose flags do not matter here.
    ///
    /// # Errors
    /// [`KeyFault`] when the key is malformed, not supported, or would make verification expensive.
    pub fn new(key: &Dnskey, algorithms: Algorithms) -> Result<Self, KeyFault> {
        if !algorithms.supports(key.algorithm) {
            return Err(KeyFault::Algorithm);
        }
        let octets = key.public_key.as_slice();
        let rsa = || rsa_key(octets, algorithms.rsa_bits_at_least);
        let kind = match key.algorithm {
            Algorithm::RSASHA1 | Algorithm::RSASHA1_NSEC3_SHA1 => rsa().map(Kind::RsaSha1),
            Algorithm::RSASHA256 => rsa().and_then(|rsa| with_digest(rsa, MessageDigest::sha256())),
            Algorithm::RSASHA512 => rsa().and_then(|rsa| with_digest(rsa, MessageDigest::sha512())),
            Algorithm::ECDSAP256SHA256 => ecdsa_key(octets, &P256),
            Algorithm::ECDSAP384SHA384 => ecdsa_key(octets, &P384),
            Algorithm::ED25519 => eddsa_key(octets, Id::ED25519),
            Algorithm::ED448 => eddsa_key(octets, Id::ED448),
            _ => Err(KeyFault::Algorithm),
        };
        kind.map(Self)
    }

    /// Whether `signature`, in the algorithm's DNSSEC form, is this key's over `octets`.
    pub fn verify(&self, octets: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.0 {
            Kind::Rsa(key, digest) => Verifier::new(*digest, key)
                .and_then(|mut verifier| verifier.verify_oneshot(signature, octets)),
            Kind::RsaSha1(key) => verify_rsa_sha1(key, octets, signature),
            Kind::Ecdsa(key, curve) => verify_ecdsa(key, curve, octets, signature),
            Kind::Eddsa(key) => Verifier::new_without_digest(key)
                .and_then(|mut verifier| verifier.verify_oneshot(signature, octets)),
        };
        let verified = verified.unwrap_or(false);
        if !verified {
            drain_errors();
        }
        verified
    }
}

/// OpenSSL keeps what went wrong per thread; left there, the next TLS session would report it.
fn drain_errors() {
    drop(ErrorStack::get());
}

/// For the failures of OpenSSL while a key is built: it refused the octets.
fn malformed(_: ErrorStack) -> KeyFault {
    KeyFault::Malformed
}

/// Splits exponent and modulus (RFC 3110 §2) and refuses what would be slow: OpenSSL itself limits exponents only above 3072 bits.
fn rsa_key(octets: &[u8], bits_at_least: u32) -> Result<Rsa<Public>, KeyFault> {
    let (exponent, modulus) = split_rsa(octets).ok_or(KeyFault::Malformed)?;
    let exponent_bits = bits(exponent);
    if exponent_bits > RSA_EXPONENT_BITS_AT_MOST {
        return Err(KeyFault::RsaExponent(exponent_bits));
    }
    let modulus_bits = bits(modulus);
    if !(bits_at_least..=RSA_BITS_AT_MOST).contains(&modulus_bits) {
        return Err(KeyFault::RsaBits(modulus_bits));
    }
    // Exponent 1 would accept any padded digest as its signature.
    if exponent_bits < 2 || !is_odd(exponent) || !is_odd(modulus) {
        return Err(KeyFault::Malformed);
    }
    let exponent = BigNum::from_slice(exponent).map_err(malformed)?;
    let modulus = BigNum::from_slice(modulus).map_err(malformed)?;
    Rsa::from_public_components(modulus, exponent).map_err(malformed)
}

/// An octet with the length of the exponent, or a zero octet and two octets with it; the exponent; the modulus.
fn split_rsa(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match octets {
        [0, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        [0, ..] | [] => return None,
        [length, rest @ ..] => (u16::from(*length), rest),
    };
    let (exponent, modulus) = rest.split_at_checked(usize::from(length))?;
    (!exponent.is_empty() && !modulus.is_empty()).then_some((exponent, modulus))
}

/// How many bits a big-endian number has.
fn bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    let first = number.get(zeros).copied().unwrap_or_default();
    let octets = u32::try_from(number.len() - zeros).unwrap_or(u32::MAX);
    octets
        .saturating_mul(8)
        .saturating_sub(first.leading_zeros() & 7)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|octet| octet & 1 == 1)
}

fn with_digest(rsa: Rsa<Public>, digest: MessageDigest) -> Result<Kind, KeyFault> {
    let key = PKey::from_rsa(rsa).map_err(malformed)?;
    Ok(Kind::Rsa(key, digest))
}

/// The octets before a SHA-1 digest in a signature of PKCS #1 version 1.5 (RFC 8017 §9.2).
const SHA1_DIGEST_INFO: [u8; 15] = [
    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14,
];

/// RFC 8017 §8.2.2: what the signature recovers must be exactly the digest with its prefix, in minimal padding, which OpenSSL checks.
fn verify_rsa_sha1(key: &Rsa<Public>, octets: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
    let size = usize::try_from(key.size()).unwrap_or_default();
    if signature.len() != size {
        return Ok(false);
    }
    let mut recovered = vec![0; size];
    let length = key.public_decrypt(signature, &mut recovered, Padding::PKCS1)?;
    let expected = SHA1_DIGEST_INFO
        .iter()
        .chain(&sha1(octets))
        .copied()
        .collect::<Vec<_>>();
    Ok(recovered.get(..length) == Some(expected.as_slice()))
}

/// Whether OpenSSL here verifies RSA signatures with SHA-1: distributions and FIPS providers may have taken that away.
static SHA1_WORKS: LazyLock<bool> = LazyLock::new(|| {
    let (Some(modulus), Some(signature)) = (hex::decode(TEST_MODULUS), hex::decode(TEST_SIGNATURE))
    else {
        return false;
    };
    let mut octets = vec![3, 1, 0, 1];
    octets.extend(modulus);
    rsa_key(&octets, RSA_BITS_AT_LEAST).is_ok_and(|key| {
        let key = PublicKey(Kind::RsaSha1(key));
        key.verify(b"gateway", &signature) && !key.verify(b"gateways", &signature)
    })
});

/// Of a key made for the self-test alone, with exponent 65537.
const TEST_MODULUS: &str = concat!(
    "a3e9ab85a4680438172b48fdf56c767065c30bfed7ef8543b4a0d34d9464bfb9",
    "6dff26a364434cf0cf3fc1fdfea6c1eda109eb875c0058219b2ce74fcee7cd16",
    "90f805697250235c151ae4a7a1ed5a4912f20b63ce2ae9eecac84a30645b7727",
    "a2c86badcbda26e50542a9e4295e9859a9aff15fafa7b3f5616dea65d11d0787",
);
/// Of that key over the octets "gateway", with SHA-1.
const TEST_SIGNATURE: &str = concat!(
    "5cdae60fb52e0e483531b9595a7706d56f312f8b6c820fad8415aa0ea8dcde5c",
    "5cef78fcf2ddb039732dd49fce7f182686d12b4171809c27e88514c0b1cf2af3",
    "1ca71885e9323fe49b67e6e42c0fd8cfe545119a2dba9450c3a9b56a8c1ca989",
    "23be3f0d77be2815d54870bb25710a8b0fd6dd600576269e20d45f65b6c87c23",
);

/// A curve whose tables OpenSSL builds once: made anew for each key they cost more than the verification.
struct Curve {
    group: LazyLock<Option<EcGroup>>,
    /// Octets of a coordinate, and of each number of a signature.
    width: usize,
    digest: fn(&[u8]) -> Vec<u8>,
}

static P256: Curve = Curve {
    group: LazyLock::new(|| EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).ok()),
    width: 32,
    digest: |octets| sha256(octets).to_vec(),
};

static P384: Curve = Curve {
    group: LazyLock::new(|| EcGroup::from_curve_name(Nid::SECP384R1).ok()),
    width: 48,
    digest: |octets| sha384(octets).to_vec(),
};

/// RFC 6605 §4: the two coordinates. That the point lies on the curve is all that can be wrong with it: both curves have cofactor 1, so the
/// slow check of its order, which OpenSSL's other ways to build a key include, says nothing more.
fn ecdsa_key(octets: &[u8], curve: &'static Curve) -> Result<Kind, KeyFault> {
    if octets.len() != 2 * curve.width {
        return Err(KeyFault::Malformed);
    }
    let group = curve.group.as_ref().ok_or(KeyFault::Algorithm)?;
    let point = [&[0x04], octets].concat();
    let key = BigNumContext::new()
        .and_then(|mut context| EcPoint::from_bytes(group, &point, &mut context))
        .and_then(|point| EcKey::from_public_key(group, &point));
    let key = key.map_err(malformed)?;
    Ok(Kind::Ecdsa(key, curve))
}

/// RFC 6605 §4: the signature is its two numbers, each in full length.
fn verify_ecdsa(
    key: &EcKey<Public>,
    curve: &Curve,
    octets: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let Some((r, s)) = signature.split_at_checked(curve.width) else {
        return Ok(false);
    };
    if s.len() != curve.width {
        return Ok(false);
    }
    let numbers =
        EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
    numbers.verify(&(curve.digest)(octets), key)
}

/// RFC 8080 §3: the key as RFC 8032 writes it, of one length.
fn eddsa_key(octets: &[u8], id: Id) -> Result<Kind, KeyFault> {
    let key = PKey::public_key_from_raw_bytes(octets, id).map_err(malformed)?;
    Ok(Kind::Eddsa(key))
}

#[cfg(test)]
#[path = "algorithm_tests.rs"]
mod tests;
