//! What the fields of record data mean.

use super::sheet::Sheet;
use super::{RecordType, Step};
use crate::dns::rdata::TypeBitmap;
use crate::dns::{Algorithm, Class, DigestType, Dnskey, Rdata};
use crate::time::Timestamp;

/// Annotates the data of one record up to the sheet's bound.
pub(super) fn annotate(sheet: &mut Sheet<'_>, rtype: RecordType, class: Class) -> Step {
    match rtype {
        RecordType::A if class == Class::IN => address(sheet, 4, rtype),
        RecordType::AAAA if class == Class::IN => address(sheet, 16, rtype),
        RecordType::NS => sheet.name("name server").map(drop),
        RecordType::CNAME => sheet.name("canonical name").map(drop),
        RecordType::DNAME => sheet.name("target").map(drop),
        RecordType::PTR => sheet.name("pointer's target").map(drop),
        RecordType::MX => {
            sheet.u16(|preference| format!("preference {preference}, lower is tried first"))?;
            sheet.name("mail exchange").map(drop)
        }
        RecordType::SOA => soa(sheet),
        RecordType::TXT => {
            while sheet.remaining() > 0 {
                sheet.string()?;
            }
            Ok(())
        }
        RecordType::SRV => {
            sheet.u16(|priority| format!("priority {priority}"))?;
            sheet.u16(|weight| format!("weight {weight}"))?;
            sheet.u16(|port| format!("port {port}"))?;
            sheet.name("target").map(drop)
        }
        RecordType::TLSA => tlsa(sheet),
        RecordType::DS => ds(sheet),
        RecordType::DNSKEY => dnskey(sheet),
        RecordType::RRSIG => rrsig(sheet),
        RecordType::NSEC => {
            sheet.name("next name of the zone")?;
            types(sheet)
        }
        RecordType::NSEC3 => {
            nsec3_parameters(sheet)?;
            counted(sheet, "hash of the next name")?;
            types(sheet)
        }
        RecordType::NSEC3PARAM => nsec3_parameters(sheet),
        _ => sheet.octets_left("data of a type not known here"),
    }
}

fn address(sheet: &mut Sheet<'_>, length: usize, rtype: RecordType) -> Step {
    let meaning = sheet
        .peek(length)
        .and_then(|octets| Rdata::decode(rtype, Class::IN, octets).ok())
        .map_or_else(|| "address".to_owned(), |data| format!("address {data}"));
    sheet.octets(length, &meaning)
}

fn soa(sheet: &mut Sheet<'_>) -> Step {
    sheet.name("primary name server")?;
    sheet.name("mailbox of the person responsible")?;
    sheet.u32(|serial| format!("serial {serial}"))?;
    for what in [
        "secondaries refresh after",
        "a failed refresh is tried again after",
        "secondaries stop answering after",
        "denials may be kept for",
    ] {
        sheet.u32(|seconds| format!("{what} {seconds} seconds"))?;
    }
    Ok(())
}

/// The acronyms of RFC 7218 §2.
fn tlsa(sheet: &mut Sheet<'_>) -> Step {
    sheet.u8(|usage| {
        let name = match usage {
            0 => "PKIX-TA: a public CA",
            1 => "PKIX-EE: a certificate of a public CA",
            2 => "DANE-TA: the issuer of the server's certificate",
            3 => "DANE-EE: the server's own certificate",
            255 => "PrivCert",
            _ => "unassigned",
        };
        format!("usage {usage} {name}")
    })?;
    sheet.u8(|selector| {
        let name = match selector {
            0 => "Cert: the whole certificate",
            1 => "SPKI: its public key",
            255 => "PrivSel",
            _ => "unassigned",
        };
        format!("selector {selector} {name}")
    })?;
    sheet.u8(|matching| {
        let name = match matching {
            0 => "Full: the data itself",
            1 => "SHA2-256: its digest",
            2 => "SHA2-512: its digest",
            255 => "PrivMatch",
            _ => "unassigned",
        };
        format!("matching type {matching} {name}")
    })?;
    sheet.octets_left("certificate association data")
}

fn ds(sheet: &mut Sheet<'_>) -> Step {
    sheet.u16(|tag| format!("key tag {tag}"))?;
    algorithm(sheet)?;
    sheet.u8(|digest| format!("digest type {digest} {}", DigestType(digest)))?;
    sheet.octets_left("digest of the child's key")
}

fn algorithm(sheet: &mut Sheet<'_>) -> Result<Algorithm, super::DecodeError> {
    let number = sheet.u8(|number| format!("algorithm {number} {}", Algorithm(number)))?;
    Ok(Algorithm(number))
}

fn dnskey(sheet: &mut Sheet<'_>) -> Step {
    let key = sheet
        .peek(sheet.remaining())
        .and_then(|octets| Rdata::decode(RecordType::DNSKEY, Class::IN, octets).ok());
    sheet.u16(|flags| {
        let named = [
            (Dnskey::ZONE, "zone key"),
            (Dnskey::SECURE_ENTRY_POINT, "secure entry point"),
            (Dnskey::REVOKE, "revoked"),
        ];
        let set = named.iter().filter(|(bit, _)| flags & bit != 0);
        let names: Vec<_> = set.map(|(_, name)| *name).collect();
        format!("flags {flags}: {}", names.join(", "))
    })?;
    sheet.u8(|protocol| format!("protocol {protocol}"))?;
    algorithm(sheet)?;
    let meaning = match key {
        Some(Rdata::Dnskey(key)) => format!("public key, tag {}", key.key_tag()),
        _ => "public key".to_owned(),
    };
    sheet.octets_left(&meaning)
}

fn rrsig(sheet: &mut Sheet<'_>) -> Step {
    sheet.u16(|rtype| format!("signs the {} records", RecordType(rtype)))?;
    algorithm(sheet)?;
    sheet.u8(|labels| format!("the signed owner has {labels} labels"))?;
    sheet.u32(|ttl| format!("original TTL {ttl} seconds"))?;
    sheet.u32(|time| format!("valid until {}", Timestamp::from_unix(time.into())))?;
    sheet.u32(|time| format!("valid from {}", Timestamp::from_unix(time.into())))?;
    sheet.u16(|tag| format!("key tag {tag}"))?;
    sheet.name("signer")?;
    sheet.octets_left("signature")
}

fn nsec3_parameters(sheet: &mut Sheet<'_>) -> Step {
    sheet.u8(|hash| {
        format!(
            "hash algorithm {hash}{}",
            if hash == 1 { " SHA-1" } else { "" }
        )
    })?;
    sheet.u8(|flags| {
        format!(
            "flags {flags}{}",
            if flags & 1 == 1 { ": opt-out" } else { "" }
        )
    })?;
    sheet.u16(|count| format!("{count} additional iterations"))?;
    counted(sheet, "salt")
}

fn counted(sheet: &mut Sheet<'_>, what: &str) -> Step {
    let length = sheet.u8(|length| format!("{length} octets of {what}"))?;
    sheet.within(usize::from(length), |sheet| sheet.octets_left(what))
}

fn types(sheet: &mut Sheet<'_>) -> Step {
    let types = sheet
        .peek(sheet.remaining())
        .and_then(TypeBitmap::decode)
        .map_or_else(|| " malformed".to_owned(), |types| types.to_string());
    sheet.octets_left(&format!("types there:{types}"))
}
