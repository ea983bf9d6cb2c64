//! The data of the DNSSEC record types (RFC 4034, RFC 5155).

use crate::dns::decode::Decoder;
use crate::dns::encode::Encoder;
use crate::dns::{Algorithm, DecodeError, DigestType, Fault, Name, RecordType};

use super::TypeBitmap;

/// A DS record's data (RFC 4034 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ds {
    /// Key tag of the DNSKEY record meant.
    pub key_tag: u16,
    /// Algorithm of that key.
    pub algorithm: Algorithm,
    /// How the digest is computed.
    pub digest_type: DigestType,
    /// Digest of that record.
    pub digest: Vec<u8>,
}

impl Ds {
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key_tag: from.u16()?,
            algorithm: Algorithm(from.u8()?),
            digest_type: DigestType(from.u8()?),
            digest: from.rest().to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.u16(self.key_tag);
        out.octets(&[self.algorithm.0, self.digest_type.0]);
        out.octets(&self.digest);
    }
}

/// A DNSKEY record's data (RFC 4034 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dnskey {
    /// Flags; see the constants.
    pub flags: u16,
    /// Always 3.
    pub protocol: u8,
    /// Algorithm of the key.
    pub algorithm: Algorithm,
    /// The public key, in the algorithm's own form.
    pub public_key: Vec<u8>,
}

impl Dnskey {
    /// Flag: a zone key (RFC 4034 §2.1.1).
    pub const ZONE: u16 = 0x0100;
    /// Flag: a revoked key (RFC 5011 §3).
    pub const REVOKE: u16 = 0x0080;
    /// Flag: a secure entry point (RFC 4034 §2.1.1).
    pub const SECURE_ENTRY_POINT: u16 = 0x0001;
    /// The only protocol value (RFC 4034 §2.1.2).
    pub const PROTOCOL: u8 = 3;

    /// Whether the key may sign zone data (RFC 4034 §2.1.1).
    pub const fn is_zone_key(&self) -> bool {
        self.flags & Self::ZONE != 0
    }

    /// Whether the key is revoked (RFC 5011 §2.1).
    pub const fn is_revoked(&self) -> bool {
        self.flags & Self::REVOKE != 0
    }

    /// Whether the key is marked as a secure entry point: a hint, never a condition.
    pub const fn is_secure_entry_point(&self) -> bool {
        self.flags & Self::SECURE_ENTRY_POINT != 0
    }

    /// The key tag (RFC 4034 Appendix B), a hint that several keys may share.
    pub fn key_tag(&self) -> u16 {
        if self.algorithm == Algorithm::RSAMD5 {
            return self.rsamd5_key_tag();
        }
        let [low, high] = self.flags.to_le_bytes();
        let head = [high, low, self.protocol, self.algorithm.0];
        let octets = head.iter().chain(&self.public_key);
        let mut sum: u32 = 0;
        for (&octet, shift) in octets.zip([8, 0].into_iter().cycle()) {
            sum = sum.wrapping_add(u32::from(octet) << shift);
        }
        let folded = sum.wrapping_add(sum >> 16) & 0xFFFF;
        u16::try_from(folded).unwrap_or_default()
    }

    /// The tag of algorithm 1: 16 bits of the modulus, before its last octet (RFC 4034 Appendix B.1).
    fn rsamd5_key_tag(&self) -> u16 {
        match self.public_key.last_chunk::<3>() {
            Some(&[high, low, _]) => u16::from_be_bytes([high, low]),
            None => 0,
        }
    }

    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            flags: from.u16()?,
            protocol: from.u8()?,
            algorithm: Algorithm(from.u8()?),
            public_key: from.rest().to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.u16(self.flags);
        out.octets(&[self.protocol, self.algorithm.0]);
        out.octets(&self.public_key);
    }
}

/// A RRSIG record's data (RFC 4034 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rrsig {
    /// Type of the records signed.
    pub type_covered: RecordType,
    /// Algorithm of the signature.
    pub algorithm: Algorithm,
    /// Labels of the owner name, without the root and a wildcard.
    pub labels: u8,
    /// Time to live of the records signed, in seconds.
    pub original_ttl: u32,
    /// Not valid after this time: seconds since 1970, in serial number arithmetic (RFC 4034 §3.1.5).
    pub expiration: u32,
    /// Not valid before this time, likewise.
    pub inception: u32,
    /// Key tag of the key.
    pub key_tag: u16,
    /// Owner of the key: the apex of the zone.
    pub signer: Name,
    /// The signature, in the algorithm's own form.
    pub signature: Vec<u8>,
}

impl Rrsig {
    /// The data without the signature, in canonical form: the start of what is signed (RFC 4034 §3.1.8.1).
    pub fn signed_prefix(&self) -> Vec<u8> {
        let mut out = Encoder::canonical();
        self.write_prefix(&mut out);
        out.into_octets()
    }

    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            type_covered: RecordType(from.u16()?),
            algorithm: Algorithm(from.u8()?),
            labels: from.u8()?,
            original_ttl: from.u32()?,
            expiration: from.u32()?,
            inception: from.u32()?,
            key_tag: from.u16()?,
            signer: from.plain_name()?,
            signature: from.rest().to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        self.write_prefix(out);
        out.octets(&self.signature);
    }

    fn write_prefix(&self, out: &mut Encoder) {
        out.u16(self.type_covered.0);
        out.octets(&[self.algorithm.0, self.labels]);
        out.u32(self.original_ttl);
        out.u32(self.expiration);
        out.u32(self.inception);
        out.u16(self.key_tag);
        out.plain_name(&self.signer);
    }
}

/// A NSEC record's data (RFC 4034 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nsec {
    /// The next owner name of the zone in canonical order.
    pub next: Name,
    /// Types at this owner.
    pub types: TypeBitmap,
}

impl Nsec {
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            next: from.plain_name()?,
            types: TypeBitmap::read(from)?,
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.exact_name(&self.next);
        self.types.write(out);
    }
}

/// A NSEC3 record's data (RFC 5155 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nsec3 {
    /// Hash algorithm; 1 is SHA-1, the only one defined.
    pub hash_algorithm: u8,
    /// Flags; bit 0 is opt-out.
    pub flags: u8,
    /// Additional iterations of the hash.
    pub iterations: u16,
    /// Salt, at most 255 octets.
    pub salt: Vec<u8>,
    /// Hash of the next owner name in hash order, 1 to 255 octets.
    pub next_hash: Vec<u8>,
    /// Types at the original owner.
    pub types: TypeBitmap,
}

impl Nsec3 {
    /// Flag: unsigned delegations may lie between this hash and the next (RFC 5155 §3.1.2.1).
    pub const OPT_OUT: u8 = 0x01;

    /// Whether unsigned delegations may lie between this hash and the next.
    pub const fn is_opt_out(&self) -> bool {
        self.flags & Self::OPT_OUT != 0
    }

    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let hash_algorithm = from.u8()?;
        let flags = from.u8()?;
        let iterations = from.u16()?;
        let salt = read_counted(from)?;
        let empty = from.fault(Fault::EmptyHash);
        let next_hash = read_counted(from)?;
        if next_hash.is_empty() {
            return Err(empty);
        }
        Ok(Self {
            hash_algorithm,
            flags,
            iterations,
            salt,
            next_hash,
            types: TypeBitmap::read(from)?,
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.octets(&[self.hash_algorithm, self.flags]);
        out.u16(self.iterations);
        write_counted(&self.salt, out);
        write_counted(&self.next_hash, out);
        self.types.write(out);
    }
}

/// A NSEC3PARAM record's data (RFC 5155 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nsec3param {
    /// Hash algorithm; 1 is SHA-1, the only one defined.
    pub hash_algorithm: u8,
    /// Flags; all are zero.
    pub flags: u8,
    /// Additional iterations of the hash.
    pub iterations: u16,
    /// Salt, at most 255 octets.
    pub salt: Vec<u8>,
}

impl Nsec3param {
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            hash_algorithm: from.u8()?,
            flags: from.u8()?,
            iterations: from.u16()?,
            salt: read_counted(from)?,
        })
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.octets(&[self.hash_algorithm, self.flags]);
        out.u16(self.iterations);
        write_counted(&self.salt, out);
    }
}

/// Reads octets with an 8-bit length before them.
fn read_counted(from: &mut Decoder<'_>) -> Result<Vec<u8>, DecodeError> {
    let length = from.u8()?;
    Ok(from.octets(usize::from(length))?.to_vec())
}

/// Writes octets with an 8-bit length before them; what does not fit that length is cut off.
fn write_counted(octets: &[u8], out: &mut Encoder) {
    let length = u8::try_from(octets.len()).unwrap_or(u8::MAX);
    out.u8(length);
    out.octets(octets.get(..usize::from(length)).unwrap_or(octets));
}
