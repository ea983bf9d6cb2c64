//! Which certificate or key of a file a record is about, and what speaks against publishing it.

use openssl::asn1::Asn1Time;
use openssl::pkey::PKey;
use openssl::x509::X509;

use super::input::Input;
use crate::certificate;
use crate::cli::options::Failure;
use crate::dane;
use crate::dns::Tlsa;
use crate::time::Timestamp;

/// A record that names a certificate is not worth publishing for less than this: 30 days in seconds, when most CAs' clients renew.
const SOON: u64 = 30 * 86_400;
/// Strength in bits below which the gateway, as other senders, refuses a server's key: RSA of 2048 bits has 112.
const KEY_SECURITY_BITS_MIN: u32 = 112;

/// What a record is to say about what: usage, selector and matching type (RFC 6698 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) usage: u8,
    pub(super) selector: u8,
    pub(super) matching: u8,
}

impl Form {
    /// Whether the usage names a CA (PKIX-TA, DANE-TA) instead of the server's own certificate.
    const fn names_authority(self) -> bool {
        self.usage % 2 == 0
    }
}

/// What a record is about.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    input: &'a Input,
    /// The place among the file's certificates, or else among its keys, counted from 1.
    place: usize,
    /// In DER; `None` for a bare key.
    certificate: Option<&'a [u8]>,
    /// As SubjectPublicKeyInfo.
    key: &'a [u8],
}

impl<'a> Subject<'a> {
    /// For a usage that names a CA the last CA's certificate of a file, which is the topmost of a chain; otherwise, or if there is none,
    /// the first certificate; or else the first key.
    pub(super) fn of(input: &'a Input, form: Form) -> Option<Self> {
        let certificates = || input.certificates.iter().zip(1..);
        let is_authority = |(one, _): &(&Vec<u8>, _)| certificate::is_authority(one);
        let topmost = match form.names_authority() {
            true => certificates().filter(is_authority).last(),
            false => None,
        };
        if let Some((octets, place)) = topmost.or_else(|| certificates().next()) {
            return Some(Self {
                input,
                place,
                certificate: Some(octets),
                key: certificate::public_key_of(octets)?,
            });
        }
        let key = input.keys.first()?;
        Some(Self {
            input,
            place: 1,
            certificate: None,
            key,
        })
    }

    /// The record.
    ///
    /// # Errors
    /// [`Failure`] if a certificate is to be named and there is only a key.
    pub(super) fn record(&self, form: Form) -> Result<Tlsa, Failure> {
        let selected = match form.selector {
            0 => self.certificate,
            _ => Some(self.key),
        };
        let form_of = (form.selector, form.matching);
        let record = selected.map(|octets| dane::record_for(form.usage, form_of, octets));
        record.ok_or_else(|| {
            Failure::usage(format!(
                "{}: selector 0 is for a certificate, and this is a key; use --selector 1",
                self.input.name
            ))
        })
    }

    /// The certificate, as OpenSSL reads it.
    fn x509(&self) -> Option<X509> {
        X509::from_der(self.certificate?).ok()
    }

    /// What is meant, where a file holds several, or where it is not plain: `certificate 2 of 3 in chain.pem, of 'Some CA', valid until …`.
    pub(super) fn describe(&self) -> String {
        let file = &self.input.name;
        let (what, count) = match self.certificate {
            Some(_) => ("certificate", self.input.certificates.len()),
            None => ("key", self.input.keys.len()),
        };
        let mut text = format!("{what} {} of {count} in {file}", self.place);
        if let Some(certificate) = self.x509() {
            text += &format!(
                ", of '{}', valid until {}",
                certificate::subject_of(&certificate),
                certificate.not_after()
            );
        }
        text
    }

    /// Whether somebody may be in doubt about which certificate is meant.
    pub(super) fn is_one_of_several(&self) -> bool {
        match self.certificate {
            Some(_) => self.input.certificates.len() > 1,
            None => self.input.keys.len() > 1,
        }
    }

    /// What does not work in practice with such a record.
    pub(super) fn warnings(&self, form: Form, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        match form.usage {
            0 | 1 => warnings.push(format!(
                "usage {} is ignored by mail servers (RFC 7672 §3.1.3); publish usage 3, or 2 for a CA",
                form.usage
            )),
            2 if self.is_no_authority() => warnings.push(
                "usage 2 names a CA above the server's certificate, and this certificate is not marked as a CA's: a server's own never matches; use --usage 3".to_owned(),
            ),
            3 if self.is_authority_before_others() => warnings.push(
                "the first certificate is a CA's; the server's own must come first, as the server presents it".to_owned(),
            ),
            _ => {}
        }
        if form.matching == 0 {
            warnings.push(
                "matching type 0 puts the whole certificate or key into the DNS, where large answers get lost; use --matching 1".to_owned(),
            );
        }
        warnings.extend(self.weakness());
        warnings.extend(self.expiry(form, now));
        warnings
    }

    fn is_no_authority(&self) -> bool {
        self.certificate
            .is_some_and(|octets| !certificate::is_authority(octets))
    }

    fn is_authority_before_others(&self) -> bool {
        self.is_one_of_several() && self.certificate.is_some_and(certificate::is_authority)
    }

    fn weakness(&self) -> Option<String> {
        let key = PKey::public_key_from_der(self.key).ok()?;
        (key.security_bits() < KEY_SECURITY_BITS_MIN).then(|| {
            format!(
                "the key of {} bits is too weak: senders refuse it; RSA needs 2048 bits, a curve 224",
                key.bits()
            )
        })
    }

    /// Dates count where the record names a CA, and a record that names a whole certificate is over with it.
    fn expiry(&self, form: Form, now: Timestamp) -> Option<String> {
        if form.selector != 0 && !form.names_authority() {
            return None;
        }
        let certificate = self.x509()?;
        let soon = i64::try_from(now.unix().saturating_add(SOON)).ok()?;
        let soon = Asn1Time::from_unix(soon).ok()?;
        let until = certificate.not_after();
        (until < &*soon).then(|| match form.selector {
            0 => format!(
                "the certificate is valid until {until}, and its successor needs another record; with --selector 1 the record stays as long as the key"
            ),
            _ => format!("the CA's certificate is valid until {until}, and then nothing below it will match any more"),
        })
    }
}
