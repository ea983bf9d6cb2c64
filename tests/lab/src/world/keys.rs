//! Zone keys: ECDSA on P-256 (algorithm 13, RFC 6605), made anew for each zone at start.

use gateway::dns::{Algorithm, DigestType, Dnskey, Ds, Name, Rdata};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::Private;
use openssl::sha::sha256;

/// Octets of each of the two numbers of a signature, and of each coordinate of a key.
const NUMBER: usize = 32;

/// A private key with its DNSKEY record.
#[derive(Clone, Debug)]
pub(super) struct ZoneKey {
    pub(super) dnskey: Dnskey,
    private: EcKey<Private>,
}

impl ZoneKey {
    /// A new key that signs the zone's keys and is named by the DS record above.
    pub(super) fn key_signing() -> Self {
        Self::generate(Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT)
    }

    /// A new key that signs everything else.
    pub(super) fn zone_signing() -> Self {
        Self::generate(Dnskey::ZONE)
    }

    fn generate(flags: u16) -> Self {
        let group = group();
        let private = EcKey::generate(&group).expect("an EC key");
        let mut context = BigNumContext::new().expect("a context");
        let point = private
            .public_key()
            .to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context)
            .expect("a point");
        let dnskey = Dnskey {
            flags,
            protocol: Dnskey::PROTOCOL,
            algorithm: Algorithm::ECDSAP256SHA256,
            // DNSSEC drops the octet that says "uncompressed" (RFC 6605 §4).
            public_key: point[1..].to_vec(),
        };
        Self { dnskey, private }
    }

    /// The signature of these octets, both numbers in full length (RFC 6605 §4).
    pub(super) fn sign(&self, octets: &[u8]) -> Vec<u8> {
        let digest = sha256(octets);
        let signature = EcdsaSig::sign(&digest, &self.private).expect("a signature");
        let width = i32::try_from(NUMBER).expect("a small number");
        [signature.r(), signature.s()]
            .iter()
            .flat_map(|number| number.to_vec_padded(width).expect("256 bits"))
            .collect()
    }
}

/// Whether `signature` is this key's over these octets.
pub(super) fn verifies(key: &Dnskey, octets: &[u8], signature: &[u8]) -> bool {
    if key.algorithm != Algorithm::ECDSAP256SHA256 || signature.len() != 2 * NUMBER {
        return false;
    }
    let (r, s) = signature.split_at(NUMBER);
    let number = |octets| BigNum::from_slice(octets).expect("a number");
    let Ok(signature) = EcdsaSig::from_private_components(number(r), number(s)) else {
        return false;
    };
    let group = group();
    let mut context = BigNumContext::new().expect("a context");
    let point = [&[4], key.public_key.as_slice()].concat();
    EcPoint::from_bytes(&group, &point, &mut context)
        .and_then(|point| EcKey::from_public_key(&group, &point))
        .and_then(|public| signature.verify(&sha256(octets), &public))
        .unwrap_or(false)
}

/// The DS record of a key (RFC 4034 §5.1.4), digest type 2.
pub(super) fn delegation(owner: &Name, key: &Dnskey) -> Ds {
    let mut octets = owner.to_lowercase().as_wire().to_vec();
    octets.extend(Rdata::Dnskey(key.clone()).canonical());
    Ds {
        key_tag: key.key_tag(),
        algorithm: key.algorithm,
        digest_type: DigestType::SHA256,
        digest: sha256(&octets).to_vec(),
    }
}

fn group() -> EcGroup {
    EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256")
}
