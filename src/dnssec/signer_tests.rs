//! Keys made for a test, and the signatures and DS records that they give.

use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::{sha256, sha384};
use openssl::sign::Signer as OpensslSigner;

use super::{Rrset, signature};
use crate::dns::{Algorithm, DigestType, Dnskey, Ds, Name, Rdata, Rrsig};

/// The time at which the signatures of [`Signer::sign`] are valid, a day before and after included.
pub(crate) const NOW: u32 = 1_800_000_000;
const DAY: u32 = 86_400;

/// A private key with its DNSKEY record.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) dnskey: Dnskey,
    private: PrivateKey,
}

#[derive(Clone)]
enum PrivateKey {
    Plain(PKey<Private>, Option<MessageDigest>),
    Ecdsa(EcKey<Private>),
}

impl Signer {
    /// A new zone key, with 1024 bits for RSA.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ECDSAP256SHA256 => Self::ecdsa(algorithm, Nid::X9_62_PRIME256V1),
            Algorithm::ECDSAP384SHA384 => Self::ecdsa(algorithm, Nid::SECP384R1),
            Algorithm::ED25519 => Self::eddsa(algorithm, PKey::generate_ed25519().unwrap()),
            Algorithm::ED448 => Self::eddsa(algorithm, PKey::generate_ed448().unwrap()),
            _ => Self::rsa(algorithm, 1024),
        }
    }

    pub(crate) fn rsa(algorithm: Algorithm, bits: u32) -> Self {
        let digest = match algorithm {
            Algorithm::RSASHA256 => MessageDigest::sha256(),
            Algorithm::RSASHA512 => MessageDigest::sha512(),
            _ => MessageDigest::sha1(),
        };
        let rsa = Rsa::generate(bits).unwrap();
        let exponent = rsa.e().to_vec();
        let length = u8::try_from(exponent.len()).unwrap();
        let octets = [&[length], &exponent[..], &rsa.n().to_vec()].concat();
        let private = PrivateKey::Plain(PKey::from_rsa(rsa).unwrap(), Some(digest));
        Self::with(algorithm, octets, private)
    }

    fn ecdsa(algorithm: Algorithm, curve: Nid) -> Self {
        let group = EcGroup::from_curve_name(curve).unwrap();
        let private = EcKey::generate(&group).unwrap();
        let mut context = BigNumContext::new().unwrap();
        let form = PointConversionForm::UNCOMPRESSED;
        let point = private.public_key().to_bytes(&group, form, &mut context);
        let octets = point.unwrap()[1..].to_vec();
        Self::with(algorithm, octets, PrivateKey::Ecdsa(private))
    }

    fn eddsa(algorithm: Algorithm, private: PKey<Private>) -> Self {
        let octets = private.raw_public_key().unwrap();
        Self::with(algorithm, octets, PrivateKey::Plain(private, None))
    }

    fn with(algorithm: Algorithm, public_key: Vec<u8>, private: PrivateKey) -> Self {
        let dnskey = Dnskey {
            flags: Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT,
            protocol: Dnskey::PROTOCOL,
            algorithm,
            public_key,
        };
        Self { dnskey, private }
    }

    /// The signature over these octets, in the algorithm's DNSSEC form.
    pub(crate) fn sign_octets(&self, octets: &[u8]) -> Vec<u8> {
        match &self.private {
            PrivateKey::Plain(key, digest) => {
                let mut signer = match digest {
                    Some(digest) => OpensslSigner::new(*digest, key).unwrap(),
                    None => OpensslSigner::new_without_digest(key).unwrap(),
                };
                signer.sign_oneshot_to_vec(octets).unwrap()
            }
            PrivateKey::Ecdsa(key) => {
                let (digest, width) = match self.dnskey.algorithm {
                    Algorithm::ECDSAP256SHA256 => (sha256(octets).to_vec(), 32),
                    _ => (sha384(octets).to_vec(), 48),
                };
                let signature = EcdsaSig::sign(&digest, key).unwrap();
                let numbers = [signature.r(), signature.s()];
                let padded = numbers.map(|number| number.to_vec_padded(width).unwrap());
                padded.concat()
            }
        }
    }

    /// Adds a signature that `change` may alter before it is made.
    pub(crate) fn sign_with(&self, set: &mut Rrset, zone: &Name, change: impl FnOnce(&mut Rrsig)) {
        let owner = &set.owner;
        let labels = owner.label_count() - usize::from(owner.is_wildcard());
        let mut rrsig = Rrsig {
            type_covered: set.rtype,
            algorithm: self.dnskey.algorithm,
            labels: u8::try_from(labels).unwrap(),
            original_ttl: set.ttl,
            expiration: NOW + DAY,
            inception: NOW - DAY,
            key_tag: self.dnskey.key_tag(),
            signer: zone.clone(),
            signature: Vec::new(),
        };
        change(&mut rrsig);
        let signed = usize::from(rrsig.labels);
        let wildcard = (signed < labels).then_some(signed);
        rrsig.signature = self.sign_octets(&signature::signed_octets(set, &rrsig, wildcard));
        set.signatures.push(rrsig);
    }

    /// Adds a valid signature.
    pub(crate) fn sign(&self, set: &mut Rrset, zone: &Name) {
        self.sign_with(set, zone, |_| ());
    }

    /// The DS record that names the key.
    pub(crate) fn ds(&self, zone: &Name, digest_type: DigestType) -> Ds {
        let key = Rdata::Dnskey(self.dnskey.clone()).canonical();
        let octets = [zone.to_lowercase().as_wire(), &key].concat();
        let digest = match digest_type {
            DigestType::SHA1 => MessageDigest::sha1(),
            DigestType::SHA384 => MessageDigest::sha384(),
            _ => MessageDigest::sha256(),
        };
        Ds {
            key_tag: self.dnskey.key_tag(),
            algorithm: self.dnskey.algorithm,
            digest_type,
            digest: openssl::hash::hash(digest, &octets).unwrap().to_vec(),
        }
    }
}
