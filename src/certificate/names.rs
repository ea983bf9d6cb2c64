//! The names a certificate is for, and whether a reference identifier is among them (RFC 6125 §6.4, RFC 7672 §3.2.3, rfc B2).

use std::fmt;

use openssl::nid::Nid;
use openssl::x509::{X509NameRef, X509Ref};

use super::der;
use super::limits::{NAME_PRINTED_MAX, NAMES_MAX, NAMES_PRINTED_MAX};
use crate::smtp::Domain;

/// The names of a certificate: its dNSNames, or the common names of its subject if it has no dNSName at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names(Vec<Vec<u8>>);

impl Names {
    /// The names of a certificate whose octets are `octets`; none if they cannot be read.
    pub(super) fn of(certificate: &X509Ref, octets: &[u8]) -> Self {
        let names = der::dns_names_of(octets).map(|names| match names.is_empty() {
            true => common_names(certificate.subject_name()),
            false => names
                .into_iter()
                .take(NAMES_MAX)
                .map(<[u8]>::to_vec)
                .collect(),
        });
        Self(names.unwrap_or_default())
    }

    /// The first of the references that the certificate is for.
    pub(super) fn find<'a>(&self, references: &'a [Domain]) -> Option<&'a Domain> {
        let is_named = |reference: &&Domain| self.0.iter().any(|name| covers(name, reference));
        references.iter().find(is_named)
    }
}

/// Whether a presented name is the reference, or a wildcard for it: `*` as the whole left-most label stands for exactly one label, and
/// only above a name of two labels or more.
fn covers(presented: &[u8], reference: &Domain) -> bool {
    let reference = reference.as_str();
    if presented.eq_ignore_ascii_case(reference.as_bytes()) {
        return true;
    }
    let (Some(parent), Some((_, rest))) =
        (presented.strip_prefix(b"*."), reference.split_once('.'))
    else {
        return false;
    };
    parent.contains(&b'.') && parent.eq_ignore_ascii_case(rest.as_bytes())
}

/// As sent. Where a character takes more than one octet it is of no host name, so that every form of string can be compared like this.
fn common_names(subject: &X509NameRef) -> Vec<Vec<u8>> {
    let entries = subject.entries_by_nid(Nid::COMMONNAME).take(NAMES_MAX);
    entries
        .map(|entry| entry.data().as_slice().to_vec())
        .collect()
}

/// What to call a certificate in a text: the common name of its subject, or else its last part.
pub fn subject_of(certificate: &X509Ref) -> String {
    let subject = certificate.subject_name();
    let common_name = subject.entries_by_nid(Nid::COMMONNAME).last();
    let entry = common_name.or_else(|| subject.entries().last());
    match entry {
        Some(entry) => shortened(entry.data().as_slice()),
        None => "without a subject".to_owned(),
    }
}

fn shortened(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    text.chars().take(NAME_PRINTED_MAX).collect()
}

/// The first few names.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().take(NAMES_PRINTED_MAX);
        let names: Vec<String> = names.map(|name| shortened(name)).collect();
        match self.0.len().saturating_sub(NAMES_PRINTED_MAX) {
            _ if names.is_empty() => f.write_str("no host name"),
            0 => f.write_str(&names.join(", ")),
            more => write!(f, "{} and {more} more", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B2, T15 to T17.
    #[test]
    fn presented_names_against_references() {
        for (presented, reference, expected) in [
            ("mx.d.test", "mx.d.test", true),
            ("MX.D.Test", "mx.d.test", true),
            ("mx.d.test", "MX.d.test.", true),
            ("mx.d.test.", "mx.d.test", false),
            ("d.test", "mx.d.test", false),
            ("x.mx.d.test", "mx.d.test", false),
            ("*.d.test", "mx.d.test", true),
            ("*.D.TEST", "mx.d.test", true),
            ("*.d.test", "xn--mx-eka.d.test", true),
            ("*.d.test", "d.test", false),
            ("*.d.test", "a.b.d.test", false),
            ("*.test", "mx.test", false),
            ("*.com", "example.com", false),
            ("*", "mx.d.test", false),
            ("*.", "test", false),
            ("mx*.d.test", "mx1.d.test", false),
            ("*mx.d.test", "amx.d.test", false),
            ("m*x.d.test", "mx.d.test", false),
            ("mx.*.test", "mx.d.test", false),
            ("*.*.test", "mx.d.test", false),
            ("mx.d.test\0", "mx.d.test", false),
            ("mx.d.test\0.evil.test", "mx.d.test", false),
            (" mx.d.test", "mx.d.test", false),
            ("", "mx.d.test", false),
        ] {
            let reference = Domain::parse(reference).expect("a domain");
            let found = covers(presented.as_bytes(), &reference);
            assert_eq!(found, expected, "{presented} for {reference}");
        }
    }

    #[test]
    fn few_names_are_printed() {
        let names = |count: usize| Names(vec![b"mx.d.test".to_vec(); count]).to_string();
        assert_eq!(names(0), "no host name");
        assert_eq!(names(1), "mx.d.test");
        assert_eq!(
            names(9),
            "mx.d.test, mx.d.test, mx.d.test, mx.d.test and 5 more"
        );
        assert_eq!(shortened(&[b'x'; 5000]).len(), NAME_PRINTED_MAX);
    }
}
