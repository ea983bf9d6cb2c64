//! Record data in zone-file form.

use std::fmt::{self, Display, Write};

use super::{Dnskey, Ds, Nsec, Nsec3, Nsec3param, Rdata, Rrsig, Soa, Srv, Txt, TypeBitmap};
use crate::bytes::{hex, radix};
use crate::dns::encode::Encoder;
use crate::time::Timestamp;

/// Zone-file form (RFC 1035 §5.1) on one line; the generic form (RFC 3597 §5) of unknown types, and where octets that are missing would leave a blank at the end.
impl Display for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ends_in_nothing() {
            let mut octets = Encoder::message();
            self.write(&mut octets);
            return generic(&octets.into_octets(), f);
        }
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Ns(name) | Self::Cname(name) | Self::Dname(name) | Self::Ptr(name) => name.fmt(f),
            Self::Mx {
                preference,
                exchange,
            } => write!(f, "{preference} {exchange}"),
            Self::Soa(soa) => soa.fmt(f),
            Self::Txt(txt) => txt.fmt(f),
            Self::Srv(srv) => srv.fmt(f),
            Self::Tlsa(tlsa) => tlsa.fmt(f),
            Self::Ds(ds) => ds.fmt(f),
            Self::Dnskey(key) => key.fmt(f),
            Self::Rrsig(signature) => signature.fmt(f),
            Self::Nsec(nsec) => nsec.fmt(f),
            Self::Nsec3(nsec3) => nsec3.fmt(f),
            Self::Nsec3param(parameters) => parameters.fmt(f),
            Self::Unknown { data, .. } => generic(data, f),
        }
    }
}

impl Rdata {
    /// Whether the digest, key, signature or association data that ends the data is empty.
    fn ends_in_nothing(&self) -> bool {
        match self {
            Self::Tlsa(tlsa) => tlsa.data.is_empty(),
            Self::Ds(ds) => ds.digest.is_empty(),
            Self::Dnskey(key) => key.public_key.is_empty(),
            Self::Rrsig(signature) => signature.signature.is_empty(),
            _ => false,
        }
    }
}

/// `\# LENGTH HEX`; without data just `\# 0`.
fn generic(data: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "\\# {}", data.len())?;
    match data {
        [] => Ok(()),
        data => write!(f, " {}", hex::encode(data)),
    }
}

impl Display for Soa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {} {} {}",
            self.mname,
            self.rname,
            self.serial,
            self.refresh,
            self.retry,
            self.expire,
            self.minimum
        )
    }
}

/// Each string in quotes.
impl Display for Txt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, string) in self.strings().enumerate() {
            if number > 0 {
                f.write_char(' ')?;
            }
            f.write_char('"')?;
            for &octet in string {
                match octet {
                    b'"' | b'\\' => write!(f, "\\{}", char::from(octet))?,
                    b' '..=b'~' => f.write_char(char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_char('"')?;
        }
        Ok(())
    }
}

impl Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (priority, weight, port) = (self.priority, self.weight, self.port);
        write!(f, "{priority} {weight} {port} {}", self.target)
    }
}

impl Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tag, digest) = (self.key_tag, hex::encode(&self.digest));
        write!(
            f,
            "{tag} {} {} {digest}",
            self.algorithm.0, self.digest_type.0
        )
    }
}

impl Display for Dnskey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = radix::encode_base64(&self.public_key);
        write!(
            f,
            "{} {} {} {key}",
            self.flags, self.protocol, self.algorithm.0
        )
    }
}

/// Times as `YYYYMMDDHHmmSS` (RFC 4034 §3.2).
impl Display for Rrsig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {} {} {} {} {}",
            self.type_covered,
            self.algorithm.0,
            self.labels,
            self.original_ttl,
            calendar(self.expiration),
            calendar(self.inception),
            self.key_tag,
            self.signer,
            radix::encode_base64(&self.signature)
        )
    }
}

fn calendar(seconds: u32) -> String {
    let c = Timestamp::from_unix(u64::from(seconds)).civil();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    )
}

impl Display for Nsec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.next, self.types)
    }
}

impl Display for Nsec3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = radix::encode_base32_hex(&self.next_hash);
        write!(
            f,
            "{} {} {} {} {next}{}",
            self.hash_algorithm,
            self.flags,
            self.iterations,
            salt(&self.salt),
            self.types
        )
    }
}

impl Display for Nsec3param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let salt = salt(&self.salt);
        write!(
            f,
            "{} {} {} {salt}",
            self.hash_algorithm, self.flags, self.iterations
        )
    }
}

/// No salt is written as a hyphen (RFC 5155 §3.3).
fn salt(octets: &[u8]) -> String {
    match octets {
        [] => "-".to_owned(),
        octets => hex::encode(octets),
    }
}

/// Each type with a blank before it.
impl Display for TypeBitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.types().try_for_each(|rtype| write!(f, " {rtype}"))
    }
}
