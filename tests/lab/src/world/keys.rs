//! Zone keys of every algorithm in use, what they sign in a zone, and their DS records.

use gateway::dns::{Algorithm, DigestType, Dnskey, Ds, Name, Rdata};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};

/// Bits of an RSA key unless a test wants others: the fewest that validators take, because tests make many.
const RSA_BITS: u32 = 1024;

/// A private key with its DNSKEY record.
#[derive(Clone, Debug)]
pub struct ZoneKey {
    pub(super) dnskey: Dnskey,
    private: PKey<Private>,
    form: Form,
}

/// How a signature is computed and written.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// RFC 3110, RFC 5702.
    Rsa(Digest),
    /// RFC 6605: both numbers, each of so many octets.
    Ecdsa(Digest, usize),
    /// RFC 8080.
    Eddsa,
}

#[derive(Clone, Copy, Debug)]
enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    fn openssl(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

impl ZoneKey {
    /// A new key with the flags of one that signs the zone's keys and is named by the DS record above.
    ///
    /// # Panics
    /// When the algorithm is none of 5, 7, 8, 10, 13, 14, 15 and 16.
    pub fn key_signing(algorithm: Algorithm) -> Self {
        Self::zone_signing(algorithm).flags(Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT)
    }

    /// A new key with the flags of one that signs everything else.
    ///
    /// # Panics
    /// As [`ZoneKey::key_signing`].
    pub fn zone_signing(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ECDSAP256SHA256 => {
                Self::ecdsa(algorithm, Nid::X9_62_PRIME256V1, Digest::Sha256, 32)
            }
            Algorithm::ECDSAP384SHA384 => {
                Self::ecdsa(algorithm, Nid::SECP384R1, Digest::Sha384, 48)
            }
            Algorithm::ED25519 => Self::eddsa(algorithm, PKey::generate_ed25519()),
            Algorithm::ED448 => Self::eddsa(algorithm, PKey::generate_ed448()),
            _ => Self::rsa(algorithm, RSA_BITS),
        }
    }

    /// A new RSA key of so many bits.
    ///
    /// # Panics
    /// When the algorithm is not one with RSA.
    pub fn rsa(algorithm: Algorithm, bits: u32) -> Self {
        let digest = match algorithm {
            Algorithm::RSASHA1 | Algorithm::RSASHA1_NSEC3_SHA1 => Digest::Sha1,
            Algorithm::RSASHA256 => Digest::Sha256,
            Algorithm::RSASHA512 => Digest::Sha512,
            other => panic!("the lab cannot sign with {other}"),
        };
        let private = Rsa::generate(bits).expect("an RSA key");
        let exponent = private.e().to_vec();
        let length = u8::try_from(exponent.len()).expect("a short exponent");
        let public = [&[length], exponent.as_slice(), &private.n().to_vec()].concat();
        let private = PKey::from_rsa(private).expect("a key");
        Self::new(algorithm, public, private, Form::Rsa(digest))
    }

    fn ecdsa(algorithm: Algorithm, curve: Nid, digest: Digest, width: usize) -> Self {
        let group = EcGroup::from_curve_name(curve).expect("a curve");
        let private = EcKey::generate(&group).expect("an EC key");
        let mut context = openssl::bn::BigNumContext::new().expect("a context");
        let point = private
            .public_key()
            .to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context)
            .expect("a point");
        let private = PKey::from_ec_key(private).expect("a key");
        // DNSSEC drops the octet that says "uncompressed" (RFC 6605 §4).
        let form = Form::Ecdsa(digest, width);
        Self::new(algorithm, point[1..].to_vec(), private, form)
    }

    fn eddsa(
        algorithm: Algorithm,
        private: Result<PKey<Private>, openssl::error::ErrorStack>,
    ) -> Self {
        let private = private.expect("a key");
        let public = private.raw_public_key().expect("its public half");
        Self::new(algorithm, public, private, Form::Eddsa)
    }

    fn new(algorithm: Algorithm, public_key: Vec<u8>, private: PKey<Private>, form: Form) -> Self {
        let dnskey = Dnskey {
            flags: Dnskey::ZONE,
            protocol: Dnskey::PROTOCOL,
            algorithm,
            public_key,
        };
        Self {
            dnskey,
            private,
            form,
        }
    }

    /// With these flags in its record.
    #[must_use]
    pub const fn flags(mut self, flags: u16) -> Self {
        self.dnskey.flags = flags;
        self
    }

    /// With this protocol number in its record.
    #[must_use]
    pub const fn protocol(mut self, protocol: u8) -> Self {
        self.dnskey.protocol = protocol;
        self
    }

    /// With the number of another algorithm in its record and signatures, such as one that nobody supports.
    #[must_use]
    pub const fn numbered(mut self, algorithm: Algorithm) -> Self {
        self.dnskey.algorithm = algorithm;
        self
    }

    /// Its record.
    pub const fn dnskey(&self) -> &Dnskey {
        &self.dnskey
    }

    /// The record of another key with the same tag, which has no private half: two words of the key that stand side by side change places, which the
    /// sum does not see (RFC 4034 Appendix B). Different numbers give different keys, as far as the key is long enough.
    ///
    /// # Panics
    /// When it is not long enough.
    pub fn twin(&self, number: u16) -> Dnskey {
        let mut twin = self.dnskey.clone();
        // The head of the record has four octets, so words of the key begin at even places.
        let place = 10 + 2 * usize::from(number);
        let (low, high) = twin.public_key.split_at_mut(place + 2);
        low[place..].swap_with_slice(&mut high[..2]);
        assert_eq!(twin.key_tag(), self.dnskey.key_tag());
        twin
    }

    /// Its DS record (RFC 4034 §5.1.4). The digest of a type that is unknown here is SHA-256.
    ///
    /// # Panics
    /// When the zone is no name.
    pub fn ds(&self, zone: &str, digest_type: DigestType) -> Ds {
        delegation(&super::zone::name(zone), &self.dnskey, digest_type)
    }

    /// The signature of these octets.
    pub(super) fn sign(&self, octets: &[u8]) -> Vec<u8> {
        match self.form {
            Form::Rsa(digest) => {
                let mut signer = Signer::new(digest.openssl(), &self.private).expect("a signer");
                signer.sign_oneshot_to_vec(octets).expect("a signature")
            }
            Form::Eddsa => {
                let mut signer = Signer::new_without_digest(&self.private).expect("a signer");
                signer.sign_oneshot_to_vec(octets).expect("a signature")
            }
            Form::Ecdsa(digest, width) => {
                let digest = hash(digest.openssl(), octets).expect("a digest");
                let private = self.private.ec_key().expect("an EC key");
                let signature = EcdsaSig::sign(&digest, &private).expect("a signature");
                let width = i32::try_from(width).expect("a small number");
                [signature.r(), signature.s()]
                    .iter()
                    .flat_map(|number| number.to_vec_padded(width).expect("short numbers"))
                    .collect()
            }
        }
    }

    /// Whether `signature` is this key's over these octets.
    pub(super) fn verifies(&self, octets: &[u8], signature: &[u8]) -> bool {
        let verified = match self.form {
            Form::Rsa(digest) => Verifier::new(digest.openssl(), &self.private)
                .and_then(|mut verifier| verifier.verify_oneshot(signature, octets)),
            Form::Eddsa => Verifier::new_without_digest(&self.private)
                .and_then(|mut verifier| verifier.verify_oneshot(signature, octets)),
            Form::Ecdsa(_, width) if signature.len() != 2 * width => Ok(false),
            Form::Ecdsa(digest, width) => {
                let (r, s) = signature.split_at(width);
                let number = |octets| BigNum::from_slice(octets).expect("a number");
                let digest = hash(digest.openssl(), octets).expect("a digest");
                let private = self.private.ec_key().expect("an EC key");
                EcdsaSig::from_private_components(number(r), number(s))
                    .and_then(|signature| signature.verify(&digest, &private))
            }
        };
        verified.unwrap_or(false)
    }
}

/// A key in a zone, and what it does there.
#[derive(Clone, Debug)]
pub struct KeyUse {
    pub(super) key: ZoneKey,
    pub(super) signs_keys: bool,
    pub(super) signs_data: bool,
    pub(super) is_published: bool,
    pub(super) digests: Vec<DigestType>,
}

impl KeyUse {
    /// Signs the zone's keys, and has a DS record above.
    pub fn key_signing(key: ZoneKey) -> Self {
        Self {
            key,
            signs_keys: true,
            signs_data: false,
            is_published: true,
            digests: vec![DigestType::SHA256],
        }
    }

    /// Signs everything but the zone's keys, and has no DS record.
    pub fn zone_signing(key: ZoneKey) -> Self {
        Self {
            signs_keys: false,
            signs_data: true,
            digests: Vec::new(),
            ..Self::key_signing(key)
        }
    }

    /// Signs everything, and has a DS record.
    pub fn combined(key: ZoneKey) -> Self {
        Self {
            signs_data: true,
            ..Self::key_signing(key)
        }
    }

    /// Signs nothing; its records stay.
    #[must_use]
    pub const fn idle(mut self) -> Self {
        (self.signs_keys, self.signs_data) = (false, false);
        self
    }

    /// Has no DNSKEY record.
    #[must_use]
    pub const fn unpublished(mut self) -> Self {
        self.is_published = false;
        self
    }

    /// Has DS records with these digests.
    #[must_use]
    pub fn digests(mut self, digests: &[DigestType]) -> Self {
        self.digests = digests.to_vec();
        self
    }
}

/// The DS record of a key (RFC 4034 §5.1.4); of types unknown here the digest is SHA-256.
pub(super) fn delegation(owner: &Name, key: &Dnskey, digest_type: DigestType) -> Ds {
    let mut octets = owner.to_lowercase().as_wire().to_vec();
    octets.extend(Rdata::Dnskey(key.clone()).canonical());
    let algorithm = match digest_type {
        DigestType::SHA1 => MessageDigest::sha1(),
        DigestType::SHA384 => MessageDigest::sha384(),
        _ => MessageDigest::sha256(),
    };
    Ds {
        key_tag: key.key_tag(),
        algorithm: key.algorithm,
        digest_type,
        digest: hash(algorithm, &octets).expect("a digest").to_vec(),
    }
}
