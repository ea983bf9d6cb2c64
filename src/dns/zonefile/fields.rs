//! The fields of record data in zone-file form.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::token::Word;
use crate::bytes::{hex, radix};
use crate::dns::{
    Algorithm, Class, DigestType, Dnskey, Ds, Name, Nsec, Nsec3, Nsec3param, Rdata, RecordType,
    Rrsig, Soa, Srv, Tlsa, Txt, TypeBitmap,
};
use crate::time::Timestamp;

/// A name; relative ones and `@` end in the origin.
pub(super) fn name(text: &str, origin: &Name) -> Result<Name, String> {
    if text == "@" {
        return Ok(origin.clone());
    }
    Name::parse_relative(text, Some(origin)).map_err(|error| format!("'{text}': {error}"))
}

/// A time in seconds: a number, or numbers with the units `s m h d w` (`1h30m`).
pub(super) fn ttl(text: &str) -> Option<u32> {
    let mut total: u32 = 0;
    let mut rest = text;
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (digits, after) = rest.split_at_checked(end)?;
        let count: u32 = digits.parse().ok()?;
        let mut characters = after.chars();
        let unit = match characters.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = characters.as_str();
    }
    Some(total)
}

/// The words of one record's data, taken from the front.
pub(super) struct Fields<'a> {
    words: std::vec::IntoIter<Word>,
    origin: &'a Name,
}

type Parsed<T> = Result<T, String>;

impl<'a> Fields<'a> {
    pub(super) fn new(words: Vec<Word>, origin: &'a Name) -> Self {
        Self {
            words: words.into_iter(),
            origin,
        }
    }

    /// The data; every word must belong to it.
    pub(super) fn rdata(mut self, rtype: RecordType, class: Class) -> Parsed<Rdata> {
        let is_generic = self
            .words
            .as_slice()
            .first()
            .is_some_and(|word| word.text == "\\#" && !word.is_quoted);
        let is_address = matches!(rtype, RecordType::A | RecordType::AAAA);
        let data = if is_generic {
            self.generic(rtype, class)?
        } else if is_address && class != Class::IN {
            // There they mean something else (RFC 1035 §3.4.1), and are octets as in a message.
            return Err(format!(
                "{rtype} in class {class} is written as '\\# LENGTH HEX' (RFC 3597)"
            ));
        } else {
            self.typed(rtype)?
        };
        match self.words.next() {
            None => Ok(data),
            Some(word) => Err(format!("'{}' is one word too many for {rtype}", word.text)),
        }
    }

    fn typed(&mut self, rtype: RecordType) -> Parsed<Rdata> {
        Ok(match rtype {
            RecordType::A => Rdata::A(self.parsed::<Ipv4Addr>("an IPv4 address")?),
            RecordType::AAAA => Rdata::Aaaa(self.parsed::<Ipv6Addr>("an IPv6 address")?),
            RecordType::NS => Rdata::Ns(self.name()?),
            RecordType::CNAME => Rdata::Cname(self.name()?),
            RecordType::DNAME => Rdata::Dname(self.name()?),
            RecordType::PTR => Rdata::Ptr(self.name()?),
            RecordType::MX => Rdata::Mx {
                preference: self.number("a preference")?,
                exchange: self.name()?,
            },
            RecordType::SOA => Rdata::Soa(self.soa()?),
            RecordType::TXT => Rdata::Txt(self.txt()?),
            RecordType::SRV => Rdata::Srv(Srv {
                priority: self.number("a priority")?,
                weight: self.number("a weight")?,
                port: self.number("a port")?,
                target: self.name()?,
            }),
            RecordType::TLSA => Rdata::Tlsa(Tlsa {
                usage: self.number("a certificate usage")?,
                selector: self.number("a selector")?,
                matching: self.number("a matching type")?,
                data: self.hex()?,
            }),
            RecordType::DS => Rdata::Ds(Ds {
                key_tag: self.number("a key tag")?,
                algorithm: self.algorithm()?,
                digest_type: DigestType(self.number("a digest type")?),
                digest: self.hex()?,
            }),
            RecordType::DNSKEY => Rdata::Dnskey(Dnskey {
                flags: self.number("flags")?,
                protocol: self.number("a protocol")?,
                algorithm: self.algorithm()?,
                public_key: self.base64()?,
            }),
            RecordType::RRSIG => Rdata::Rrsig(self.rrsig()?),
            RecordType::NSEC => Rdata::Nsec(Nsec {
                next: self.name()?,
                types: self.types()?,
            }),
            RecordType::NSEC3 => Rdata::Nsec3(self.nsec3()?),
            RecordType::NSEC3PARAM => Rdata::Nsec3param(Nsec3param {
                hash_algorithm: self.number("a hash algorithm")?,
                flags: self.number("flags")?,
                iterations: self.number("iterations")?,
                salt: self.salt()?,
            }),
            _ => return Err(format!("{rtype} is written as '\\# LENGTH HEX' (RFC 3597)")),
        })
    }

    /// `\# LENGTH HEX…`; known types are decoded, so that one record has one form.
    fn generic(&mut self, rtype: RecordType, class: Class) -> Parsed<Rdata> {
        self.words.next();
        let length: u16 = self.number("a length")?;
        let data = if length == 0 { Vec::new() } else { self.hex()? };
        if data.len() != usize::from(length) {
            return Err(format!(
                "{length} octets are announced, {} given",
                data.len()
            ));
        }
        Rdata::decode(rtype, class, &data).map_err(|error| format!("{rtype}: {error}"))
    }

    fn soa(&mut self) -> Parsed<Soa> {
        Ok(Soa {
            mname: self.name()?,
            rname: self.name()?,
            serial: self.number("a serial number")?,
            refresh: self.time("a refresh time")?,
            retry: self.time("a retry time")?,
            expire: self.time("an expiry time")?,
            minimum: self.time("a negative TTL")?,
        })
    }

    fn txt(&mut self) -> Parsed<Txt> {
        let strings = self
            .words
            .by_ref()
            .map(|word| unescape(&word.text))
            .collect::<Parsed<Vec<_>>>()?;
        if strings.is_empty() {
            return Err("expected at least one string".to_owned());
        }
        let strings = strings.iter().map(Vec::as_slice);
        Txt::from_strings(strings).map_err(|_| "a string is longer than 255 octets".to_owned())
    }

    fn rrsig(&mut self) -> Parsed<Rrsig> {
        Ok(Rrsig {
            type_covered: self.parsed("a record type")?,
            algorithm: self.algorithm()?,
            labels: self.number("a number of labels")?,
            original_ttl: self.time("a TTL")?,
            expiration: self.moment()?,
            inception: self.moment()?,
            key_tag: self.number("a key tag")?,
            signer: self.name()?,
            signature: self.base64()?,
        })
    }

    fn nsec3(&mut self) -> Parsed<Nsec3> {
        Ok(Nsec3 {
            hash_algorithm: self.number("a hash algorithm")?,
            flags: self.number("flags")?,
            iterations: self.number("iterations")?,
            salt: self.salt()?,
            next_hash: {
                let word = self.word("a hash in base 32")?;
                let hash = radix::decode_base32_hex(&word).filter(|hash| !hash.is_empty());
                hash.filter(|hash| hash.len() <= 255)
                    .ok_or_else(|| expected("a hash in base 32", &word))?
            },
            types: self.types()?,
        })
    }

    fn word(&mut self, what: &str) -> Parsed<String> {
        let word = self.words.next();
        word.map(|word| word.text)
            .ok_or_else(|| format!("expected {what}, the record ends before it"))
    }

    fn parsed<T: FromStr>(&mut self, what: &str) -> Parsed<T> {
        let word = self.word(what)?;
        word.parse().map_err(|_| expected(what, &word))
    }

    /// A decimal number without sign.
    fn number<T: FromStr>(&mut self, what: &str) -> Parsed<T> {
        let word = self.word(what)?;
        let is_digits = word.bytes().all(|octet| octet.is_ascii_digit());
        let number = word.parse().ok().filter(|_| is_digits);
        number.ok_or_else(|| expected(what, &word))
    }

    fn time(&mut self, what: &str) -> Parsed<u32> {
        let word = self.word(what)?;
        ttl(&word).ok_or_else(|| expected(what, &word))
    }

    fn name(&mut self) -> Parsed<Name> {
        let word = self.word("a name")?;
        name(&word, self.origin)
    }

    fn algorithm(&mut self) -> Parsed<Algorithm> {
        self.parsed("an algorithm")
    }

    /// A signature's time: `YYYYMMDDHHmmSS`, or seconds since 1970 (RFC 4034 §3.2).
    fn moment(&mut self) -> Parsed<u32> {
        let word = self.word("a time")?;
        let moment = match word.len() {
            14 => parse_calendar(&word),
            _ => word.parse().ok(),
        };
        moment.ok_or_else(|| expected("a time as YYYYMMDDHHmmSS", &word))
    }

    /// All further words put together; no octets at all are written in the generic form, so that a forgotten word is noticed.
    fn joined(&mut self, what: &str) -> Parsed<String> {
        let first = self.word(what)?;
        let others = self.words.by_ref().map(|word| word.text);
        Ok(std::iter::once(first).chain(others).collect())
    }

    fn hex(&mut self) -> Parsed<Vec<u8>> {
        let text = self.joined("hexadecimal")?;
        hex::decode(&text).ok_or_else(|| expected("hexadecimal", &text))
    }

    fn base64(&mut self) -> Parsed<Vec<u8>> {
        let text = self.joined("base 64")?;
        radix::decode_base64(&text).ok_or_else(|| expected("base 64", &text))
    }

    fn salt(&mut self) -> Parsed<Vec<u8>> {
        let word = self.word("a salt")?;
        let salt = if word == "-" {
            Some(Vec::new())
        } else {
            hex::decode(&word)
        };
        salt.filter(|salt| salt.len() <= 255)
            .ok_or_else(|| expected("a salt in hexadecimal, or -", &word))
    }

    fn types(&mut self) -> Parsed<TypeBitmap> {
        let types = self
            .words
            .by_ref()
            .map(|word| {
                word.text
                    .parse()
                    .map_err(|_| expected("a record type", &word.text))
            })
            .collect::<Parsed<Vec<RecordType>>>()?;
        Ok(TypeBitmap::from_types(types))
    }
}

fn expected(what: &str, found: &str) -> String {
    // Long words (keys, signatures) are not repeated whole.
    let shown: String = found.chars().take(40).collect();
    format!("expected {what}, found '{shown}'")
}

/// `\X` and `\DDD` of a string (RFC 1035 §5.1).
fn unescape(text: &str) -> Parsed<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let (&next, after) = rest.split_first().ok_or("a backslash ends the string")?;
        if !next.is_ascii_digit() {
            octets.push(next);
            rest = after;
            continue;
        }
        let digits = rest.split_first_chunk::<3>();
        let (digits, after) = digits.ok_or("a backslash needs three digits")?;
        let value = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok());
        octets.push(value.ok_or("a backslash needs three digits up to 255")?);
        rest = after;
    }
    Ok(octets)
}

/// Seconds since 1970 modulo 2^32 of a calendar time in UTC.
fn parse_calendar(text: &str) -> Option<u32> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let moment = Timestamp::from_calendar([year, month, day], [hour, minute, second])?;
    let [.., a, b, c, d] = moment.unix().to_be_bytes();
    Some(u32::from_be_bytes([a, b, c, d]))
}
