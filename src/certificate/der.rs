//! Finds the public key and the host names in a certificate as it was sent, octet for octet (RFC 5280 §4.1); a walker over DER, not a parser.
//!
//! Strict where it looks (definite and shortest lengths, the tags the standard demands, nothing left over), blind to everything else: dates,
//! issuers and algorithms are of no concern to usage 3. It looks few levels deep, without recursion.

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `version [0]`; absent in certificates of version 1.
const VERSION: u8 = 0xA0;
/// What may follow the public key, in this order: `issuerUniqueID [1]`, `subjectUniqueID [2]`, `extensions [3]`.
const ISSUER_ID: u8 = 0x81;
const SUBJECT_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xA3;
/// `id-ce-subjectAltName`, 2.5.29.17 (RFC 5280 §4.2.1.6).
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1D, 0x11];
/// `id-ce-basicConstraints`, 2.5.29.19 (RFC 5280 §4.2.1.9).
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1D, 0x13];
/// `dNSName [2]` of a GeneralName.
const DNS_NAME: u8 = 0x82;
/// A tag of more than one octet, which nothing here has (X.690 §8.1.2.4).
const LONG_TAG: u8 = 0x1F;
/// Algorithms of public keys: `rsaEncryption`, `id-ecPublicKey`, `id-Ed25519`, `id-Ed448`, each with the word for it.
const KEY_KINDS: [(&[u8], &str); 4] = [
    (
        &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01],
        "RSA",
    ),
    (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01], "ECDSA"),
    (&[0x2B, 0x65, 0x70], "Ed25519"),
    (&[0x2B, 0x65, 0x71], "Ed448"),
];

/// The SubjectPublicKeyInfo of a certificate as sent; `None` unless the octets are exactly one certificate.
pub fn public_key_of(certificate: &[u8]) -> Option<&[u8]> {
    Fields::of(certificate).map(|fields| fields.key)
}

/// Whether the octets are exactly one SubjectPublicKeyInfo, of whatever algorithm.
pub fn is_public_key(octets: &[u8]) -> bool {
    algorithm_of(octets).is_some()
}

/// The kind of a SubjectPublicKeyInfo in a word, `RSA` or `ECDSA`; `None` for one that is not known.
pub fn key_kind(key: &[u8]) -> Option<&'static str> {
    let algorithm = algorithm_of(key)?;
    let mut known = KEY_KINDS.iter();
    known
        .find(|(id, _)| *id == algorithm)
        .map(|(_, word)| *word)
}

/// Whether the octets are a certificate that says it is a CA's (`cA` of basicConstraints, RFC 5280 §4.2.1.9).
pub fn is_authority(certificate: &[u8]) -> bool {
    let says_so = |value| {
        let mut constraints = Walker::inside_only(value)?;
        Some(constraints.take(BOOLEAN)?.content != [0])
    };
    let values = extension_values(certificate, &BASIC_CONSTRAINTS);
    values.is_some_and(|values| values.into_iter().filter_map(says_so).any(|is_ca| is_ca))
}

/// The dNSNames of a certificate, as sent; `None` if the octets are no certificate or its alternative names cannot be read.
pub(super) fn dns_names_of(certificate: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    for value in extension_values(certificate, &SUBJECT_ALT_NAME)? {
        let mut names = Walker::inside_only(value)?;
        while !names.is_empty() {
            let (tag, name) = names.take_any()?;
            if tag == DNS_NAME {
                found.push(name.content);
            }
        }
    }
    Some(found)
}

/// The values of a certificate's extensions of that kind, of which there should be one at most; `None` if they cannot be read.
fn extension_values<'a>(certificate: &'a [u8], wanted: &[u8]) -> Option<Vec<&'a [u8]>> {
    let Some(extensions) = Fields::of(certificate)?.extensions else {
        return Some(Vec::new());
    };
    let mut extensions = Walker::inside_only(extensions)?;
    let mut found = Vec::new();
    while !extensions.is_empty() {
        let mut extension = Walker(extensions.take(SEQUENCE)?.content);
        let id = extension.take(OBJECT_IDENTIFIER)?.content;
        extension.skip_optional(BOOLEAN);
        let value = extension.take(OCTET_STRING)?.content;
        if id == wanted {
            found.push(value);
        }
    }
    Some(found)
}

/// The object identifier of a SubjectPublicKeyInfo's algorithm.
fn algorithm_of(key: &[u8]) -> Option<&[u8]> {
    let mut fields = Walker::inside_only(key)?;
    let algorithm = fields.take(SEQUENCE)?.content;
    let id = Walker(algorithm).take(OBJECT_IDENTIFIER)?.content;
    fields.take_bit_string()?;
    fields.is_empty().then_some(id)
}

/// The parts of a certificate that are looked at.
struct Fields<'a> {
    key: &'a [u8],
    extensions: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut whole = Walker::inside_only(certificate)?;
        let mut signed = Walker(whole.take(SEQUENCE)?.content);
        signed.skip_optional(VERSION);
        signed.take(INTEGER)?;
        for _algorithm_issuer_validity_subject in 0..4 {
            signed.take(SEQUENCE)?;
        }
        let key = signed.take(SEQUENCE)?.whole;
        signed.skip_optional(ISSUER_ID);
        signed.skip_optional(SUBJECT_ID);
        let extensions = signed.take(EXTENSIONS).map(|element| element.content);
        whole.take(SEQUENCE)?;
        whole.take_bit_string()?;
        let is_sound = signed.is_empty() && whole.is_empty() && is_public_key(key);
        is_sound.then_some(Self { key, extensions })
    }
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
        match self.0.first() == Some(&tag) {
            true => self.take_any().map(|(_, element)| element),
            false => None,
        }
    }

    /// Takes the next element, whatever its tag.
    fn take_any(&mut self) -> Option<(u8, Element<'a>)> {
        let (tag, after_tag) = self.0.split_first()?;
        if tag & LONG_TAG == LONG_TAG {
            return None;
        }
        let (length, after_length) = length(after_tag)?;
        let (content, rest) = after_length.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - rest.len())?;
        self.0 = rest;
        Some((*tag, Element { content, whole }))
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
pub(crate) mod tests;
