//! Finds the public key in a certificate as it was sent, octet for octet (RFC 5280 §4.1); a walker over DER, not a parser.
//!
//! Strict where it looks (definite and shortest lengths, the tags the standard demands, nothing left over), blind to everything else: dates,
//! names, extensions and algorithms are of no concern to usage 3. It looks two levels deep, without recursion.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `version [0]`; absent in certificates of version 1.
const VERSION: u8 = 0xA0;
/// What may follow the public key: `issuerUniqueID [1]`, `subjectUniqueID [2]`, `extensions [3]`, in this order.
const AFTER_KEY: [u8; 3] = [0x81, 0x82, 0xA3];

/// The SubjectPublicKeyInfo of a certificate as sent; `None` unless the octets are exactly one certificate.
pub(super) fn public_key_of(certificate: &[u8]) -> Option<&[u8]> {
    let mut fields = Walker::inside_only(certificate)?;
    let mut signed = Walker(fields.take(SEQUENCE)?.content);
    signed.skip_optional(VERSION);
    signed.take(INTEGER)?;
    for _algorithm_issuer_validity_subject in 0..4 {
        signed.take(SEQUENCE)?;
    }
    let key = signed.take(SEQUENCE)?.whole;
    for tag in AFTER_KEY {
        signed.skip_optional(tag);
    }
    fields.take(SEQUENCE)?;
    fields.take_bit_string()?;
    (signed.is_empty() && fields.is_empty() && is_public_key(key)).then_some(key)
}

/// Whether the octets are exactly one SubjectPublicKeyInfo, of whatever algorithm.
pub(super) fn is_public_key(octets: &[u8]) -> bool {
    let walk = || {
        let mut fields = Walker::inside_only(octets)?;
        let algorithm = fields.take(SEQUENCE)?.content;
        Walker(algorithm).take(OBJECT_IDENTIFIER)?;
        fields.take_bit_string()?;
        Some(fields.is_empty())
    };
    walk().unwrap_or(false)
}

/// One element: its content, and the whole of it with tag and length.
struct Element<'a> {
    content: &'a [u8],
    whole: &'a [u8],
}

/// What is left to be walked over. A failed step leaves it where it was.
struct Walker<'a>(&'a [u8]);

impl<'a> Walker<'a> {
    /// Steps into the one SEQUENCE that the octets must be.
    fn inside_only(octets: &'a [u8]) -> Option<Self> {
        let mut outside = Self(octets);
        let content = outside.take(SEQUENCE)?.content;
        outside.is_empty().then_some(Self(content))
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next element if it has that tag.
    fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        let (found, after_tag) = self.0.split_first()?;
        if *found != tag {
            return None;
        }
        let (length, after_length) = length(after_tag)?;
        let (content, rest) = after_length.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element { content, whole })
    }

    fn skip_optional(&mut self, tag: u8) {
        let _ = self.take(tag);
    }

    /// A BIT STRING opens with the number of unused bits in its last octet (X.690 §8.6.2).
    fn take_bit_string(&mut self) -> Option<()> {
        let content = self.take(BIT_STRING)?.content;
        let (unused, bits) = content.split_first()?;
        let sound = *unused == 0 || (*unused < 8 && !bits.is_empty());
        sound.then_some(())
    }
}

/// A definite length in its shortest form (X.690 §10.1), of at most four octets: certificates are far below 4 GiB.
fn length(octets: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = octets.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let count = usize::from(*first & 0x7F);
    let (digits, rest) = rest.split_at_checked(count)?;
    if count > 4 || digits.first()? == &0 {
        return None;
    }
    let value = digits
        .iter()
        .fold(0, |value: usize, digit| value << 8 | usize::from(*digit));
    (value >= 0x80).then_some((value, rest))
}

#[cfg(test)]
#[path = "der_tests.rs"]
pub(super) mod tests;
