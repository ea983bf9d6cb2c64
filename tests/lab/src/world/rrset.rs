//! RRsets with their signatures: made, served and checked.

use gateway::dns::{Class, Name, Rdata, Record, RecordType, Rrsig};

use super::edit::Signing;
use super::keys::ZoneKey;

/// Records of one owner and type, with the signatures that cover them; none in an unsigned zone.
#[derive(Clone, Debug)]
pub(crate) struct Rrset {
    pub(super) owner: Name,
    pub(super) rtype: RecordType,
    pub(super) ttl: u32,
    pub(super) data: Vec<Rdata>,
    pub(super) signatures: Vec<Rrsig>,
    /// Whether the records were made up on the way, as the CNAME that a DNAME implies (RFC 6672 §3.1): such are never signed.
    pub(super) synthesized: bool,
}

/// From when until when signatures are valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub inception: u32,
    /// The last second.
    pub expiration: u32,
}

impl Rrset {
    /// # Panics
    /// When the data are of different types, or none.
    pub(super) fn new(owner: Name, ttl: u32, data: Vec<Rdata>) -> Self {
        let rtype = data.first().expect("at least one record").rtype();
        assert!(
            data.iter().all(|one| one.rtype() == rtype),
            "records of one type"
        );
        Self {
            owner,
            rtype,
            ttl,
            data,
            signatures: Vec::new(),
            synthesized: false,
        }
    }

    /// This set as served under another owner: the name a wildcard matched, or the case the client asked in.
    pub(super) fn served_as(&self, owner: &Name) -> Self {
        Self {
            owner: owner.clone(),
            ..self.clone()
        }
    }

    /// Puts one signature by each key in the place of those it has.
    pub(super) fn sign<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a ZoneKey>,
        signer: &Name,
        validity: Validity,
    ) {
        let signing = Signing::default();
        let signatures = keys.into_iter().map(|key| {
            let rrsig = self.unsigned(key, signer, validity);
            self.signature(key, rrsig, &signing)
        });
        self.signatures = signatures.collect();
    }

    /// As `sign`, but as a test wants it.
    pub(super) fn sign_otherwise(
        &mut self,
        keys: &[ZoneKey],
        signer: &Name,
        validity: Validity,
        signing: &Signing,
    ) {
        let keys = signing.key.as_ref().map_or(keys, std::slice::from_ref);
        let keys = keys.iter().filter(|_| !signing.is_missing);
        let signatures = keys.map(|key| {
            let signer = signing.signer.as_ref().unwrap_or(signer);
            self.signature(key, self.unsigned(key, signer, validity), signing)
        });
        self.signatures = signatures.collect();
        if signing.is_damaged {
            self.damage();
        }
    }

    /// The fields of a signature as they should be.
    fn unsigned(&self, key: &ZoneKey, signer: &Name, validity: Validity) -> Rrsig {
        let asterisk = usize::from(self.owner.is_wildcard());
        let labels = self.owner.label_count() - asterisk;
        Rrsig {
            type_covered: self.rtype,
            algorithm: key.dnskey.algorithm,
            labels: u8::try_from(labels).expect("a name has at most 127 labels"),
            original_ttl: self.ttl,
            expiration: validity.expiration,
            inception: validity.inception,
            key_tag: key.dnskey.key_tag(),
            signer: signer.clone(),
            signature: Vec::new(),
        }
    }

    fn signature(&self, key: &ZoneKey, mut rrsig: Rrsig, signing: &Signing) -> Rrsig {
        if let Some((inception, expiration)) = signing.window {
            (rrsig.inception, rrsig.expiration) = (inception, expiration);
        }
        if let Some(change) = signing.fields {
            change(&mut rrsig);
        }
        rrsig.signature = key.sign(&self.signed_octets(&rrsig));
        rrsig
    }

    /// Flips a bit of every signature.
    pub(super) fn damage(&mut self) {
        for signature in &mut self.signatures {
            if let Some(octet) = signature.signature.last_mut() {
                *octet ^= 1;
            }
        }
    }

    /// Whether one of its signatures is by one of these keys of this zone, and holds at this time (seconds since 1970).
    pub(super) fn is_signed_by(&self, keys: &[&ZoneKey], zone: &Name, now: u32) -> bool {
        let labels = self.owner.label_count() - usize::from(self.owner.is_wildcard());
        self.signatures.iter().any(|signature| {
            let octets = self.signed_octets(signature);
            let is_by = |key: &&&ZoneKey| {
                key.dnskey.key_tag() == signature.key_tag
                    && key.dnskey.algorithm == signature.algorithm
            };
            is_at_or_after(now, signature.inception)
                && is_at_or_after(signature.expiration, now)
                && signature.signer == *zone
                && usize::from(signature.labels) <= labels
                && keys
                    .iter()
                    .filter(is_by)
                    .any(|key| key.verifies(&octets, &signature.signature))
        })
    }

    /// Whether it has signatures, all of them run out before this time.
    pub(super) fn is_expired(&self, now: u32) -> bool {
        let in_time = |one: &Rrsig| is_at_or_after(one.expiration, now);
        !self.signatures.is_empty() && !self.signatures.iter().any(in_time)
    }

    /// What a signature is computed over (RFC 4034 §3.1.8.1): its own fields, then the records in canonical form and order.
    fn signed_octets(&self, signature: &Rrsig) -> Vec<u8> {
        let mut data: Vec<_> = self.data.iter().map(Rdata::canonical).collect();
        data.sort();
        data.dedup();
        let owner = signed_owner(&self.owner, usize::from(signature.labels)).to_lowercase();
        let mut octets = signature.signed_prefix();
        for rdata in data {
            let length = u16::try_from(rdata.len()).expect("record data fit 16 bits");
            octets.extend_from_slice(owner.as_wire());
            octets.extend_from_slice(&self.rtype.0.to_be_bytes());
            octets.extend_from_slice(&Class::IN.0.to_be_bytes());
            octets.extend_from_slice(&signature.original_ttl.to_be_bytes());
            octets.extend_from_slice(&length.to_be_bytes());
            octets.extend_from_slice(&rdata);
        }
        octets
    }

    /// The records, without signatures.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        self.data.iter().map(|data| self.record(data.clone()))
    }

    /// The signatures as records.
    pub(super) fn signature_records(&self) -> impl Iterator<Item = Record> {
        self.signatures
            .iter()
            .map(|signature| self.record(Rdata::Rrsig(signature.clone())))
    }

    fn record(&self, data: Rdata) -> Record {
        Record {
            name: self.owner.clone(),
            class: Class::IN,
            ttl: self.ttl,
            data,
        }
    }
}

/// Whether one time is not before the other, in serial number arithmetic (RFC 4034 §3.1.5).
const fn is_at_or_after(later: u32, earlier: u32) -> bool {
    later.wrapping_sub(earlier) < 1 << 31
}

/// The owner as it was signed: a wildcard where the signature counts fewer labels than the name has.
fn signed_owner(owner: &Name, labels: usize) -> Name {
    let asterisk = usize::from(owner.is_wildcard());
    match owner.suffix(labels) {
        Some(encloser) if labels + asterisk < owner.label_count() => {
            encloser.prepend(b"*").expect("shorter than the owner")
        }
        _ => owner.clone(),
    }
}
