//! The path from a presented certificate to a trust anchor (RFC 5280 §6), as OpenSSL finds it.

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext, X509StoreContextRef};

use super::Distrust;
use super::chain::{Chain, parse};
use super::limits::{
    CERTIFICATES_MAX, CHAIN_OCTETS_MAX, PATH_DEPTH_MAX, RSA_BITS_MAX, SECURITY_BITS_MIN,
    SECURITY_LEVEL,
};
use super::names::{self, Names};
use crate::smtp::Domain;
use crate::time::Timestamp;

/// `X509_V_ERR_CERT_NOT_YET_VALID` and `X509_V_ERR_CERT_HAS_EXPIRED` of openssl/x509_vfy.h.
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;
/// The five ways to say that the issuer of a certificate is neither trusted nor there, `X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT` and others.
const NO_ISSUER: [i32; 5] = [2, 18, 19, 20, 21];

/// A presented chain, read: the server's certificate, and the others as material for paths.
pub struct Presented {
    own: X509,
    names: Names,
    others: Vec<Other>,
}

/// A presented certificate that is not the server's own.
struct Other {
    octets: Vec<u8>,
    parsed: X509,
}

impl Presented {
    /// Reads a presented chain.
    ///
    /// # Errors
    /// [`Distrust`] if it is too large or the first certificate cannot be read.
    pub fn read(chain: &Chain) -> Result<Self, Distrust> {
        let count = chain.octets().len();
        let size: usize = chain.octets().iter().map(Vec::len).sum();
        if count > CERTIFICATES_MAX || size > CHAIN_OCTETS_MAX {
            let text = format!(
                "the server presented {count} certificates of {size} octets; at most {CERTIFICATES_MAX} and {CHAIN_OCTETS_MAX} are looked at"
            );
            return Err(Distrust::NotTrusted(text));
        }
        let mut certificates = chain.read();
        let (first, own) = certificates.next().ok_or(Distrust::NoCertificate)?;
        let own = own.ok_or_else(|| {
            let text = "the server's certificate cannot be read: it is no sound X.509 certificate";
            Distrust::NotTrusted(text.to_owned())
        })?;
        Ok(Self {
            names: Names::of(&own, first),
            own,
            others: certificates
                .filter_map(|(octets, parsed)| {
                    let octets = octets.to_owned();
                    parsed.map(|parsed| Other { octets, parsed })
                })
                .collect(),
        })
    }

    /// Looks for a path to this certificate (DER) and checks it as of `now`; the depth of the certificate in it.
    ///
    /// # Errors
    /// [`Distrust`]: the rule that is broken.
    pub fn path_to_certificate(&self, anchor: &[u8], now: Timestamp) -> Result<usize, Distrust> {
        // Most anchors were presented.
        let presented = self.others.iter().find(|other| other.octets == anchor);
        let presented = presented.map(|other| other.parsed.clone());
        match presented.or_else(|| parse(anchor)) {
            Some(anchor) => self.path_to(&[anchor], now),
            None => Err(Distrust::NotTrusted(
                "the certificate of the trust anchor cannot be read".to_owned(),
            )),
        }
    }

    /// Looks for a path to a certificate that this key (a SubjectPublicKeyInfo) has signed, and checks it as of `now`; the depth of the
    /// signed certificate. A bare key has neither a name nor dates.
    ///
    /// # Errors
    /// [`Distrust`]: the key has signed nothing here, or the rule that is broken.
    pub fn path_to_key(&self, key: &[u8], now: Timestamp) -> Result<usize, Distrust> {
        let key = PKey::public_key_from_der(key).ok();
        let key = key.filter(|key| !is_oversized(key)).ok_or_else(|| {
            let text = "the key of the trust anchor cannot be read, or is larger than any in use";
            Distrust::NotTrusted(text.to_owned())
        })?;
        let mut failure = None;
        for signed in
            std::iter::once(&self.own).chain(self.others.iter().map(|other| &other.parsed))
        {
            if !has_signed(&key, signed) {
                continue;
            }
            let found = check_strength(&key, signed);
            match found.and_then(|()| self.path_to(std::slice::from_ref(signed), now)) {
                Ok(depth) => return Ok(depth),
                Err(distrust) => failure = failure.or(Some(distrust)),
            }
        }
        Err(failure.unwrap_or_else(|| {
            let text = "no presented certificate is signed by the key of the trust anchor";
            Distrust::NoPath(text.to_owned())
        }))
    }

    /// The first of the references that the server's certificate is for (RFC 7672 §3.2.3).
    ///
    /// # Errors
    /// [`Distrust::HostMismatch`].
    pub fn name_among<'a>(&self, references: &'a [Domain]) -> Result<&'a Domain, Distrust> {
        self.names.find(references).ok_or_else(|| {
            let wanted: Vec<&str> = references.iter().map(Domain::as_str).collect();
            let wanted = wanted.join(" or ");
            Distrust::HostMismatch(format!(
                "the certificate is for {}, but must be for {wanted} (a dNSName among its subject alternative names)",
                self.names
            ))
        })
    }

    /// A path to one of these certificates.
    pub(super) fn path_to(&self, anchors: &[X509], now: Timestamp) -> Result<usize, Distrust> {
        let found = self.walk(anchors, now);
        // What OpenSSL noted on the way belongs to no later call.
        let _ = ErrorStack::get();
        found.unwrap_or_else(|error| Err(Distrust::NotTrusted(format!("OpenSSL failed: {error}"))))
    }

    fn walk(
        &self,
        anchors: &[X509],
        now: Timestamp,
    ) -> Result<Result<usize, Distrust>, ErrorStack> {
        let store = store_of(anchors, now)?;
        let mut others = Stack::new()?;
        for other in &self.others {
            others.push(other.parsed.clone())?;
        }
        let mut context = X509StoreContext::new()?;
        context.init(&store, &self.own, &others, |context| {
            Ok(match context.verify_cert()? {
                true => Ok(context
                    .chain()
                    .map_or(0, |path| path.len().saturating_sub(1))),
                false => Err(explain(context)),
            })
        })
    }
}

/// A store with the anchors and the rules: a path may end at any of them, root or not (RFC 7671 §5.2).
fn store_of(anchors: &[X509], now: Timestamp) -> Result<X509Store, ErrorStack> {
    let mut rules = X509VerifyParam::new()?;
    rules.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    rules.set_purpose(X509PurposeId::SSL_SERVER)?;
    rules.set_auth_level(SECURITY_LEVEL);
    rules.set_depth(PATH_DEPTH_MAX);
    rules.set_time(i64::try_from(now.unix()).unwrap_or(i64::MAX));
    let mut builder = X509StoreBuilder::new()?;
    builder.set_param(&rules)?;
    for anchor in anchors {
        builder.add_cert(anchor.clone())?;
    }
    Ok(builder.build())
}

fn is_oversized(key: &PKey<Public>) -> bool {
    let [modulus, exponent] = RSA_BITS_MAX;
    key.rsa()
        .is_ok_and(|rsa| rsa.n().num_bits() > modulus || rsa.e().num_bits() > exponent)
}

fn has_signed(key: &PKey<Public>, certificate: &X509Ref) -> bool {
    let is_signed = certificate.verify(key).unwrap_or(false);
    let _ = ErrorStack::get();
    is_signed
}

/// OpenSSL looks at the strength of keys and signatures below a trust anchor, but a bare key and its signature lie outside of the path.
fn check_strength(key: &PKey<Public>, signed: &X509Ref) -> Result<(), Distrust> {
    if key.security_bits() < SECURITY_BITS_MIN {
        let text = format!("the trust anchor's key of {} bits is too weak", key.bits());
        return Err(Distrust::NotTrusted(text));
    }
    let algorithm = signed.signature_algorithm().object().nid();
    let digest = algorithm.signature_algorithms().map(|pair| pair.digest);
    let strong = [Nid::SHA224, Nid::SHA256, Nid::SHA384, Nid::SHA512];
    let has_own_digest = matches!(key.id(), Id::ED25519 | Id::ED448);
    match digest {
        _ if has_own_digest => Ok(()),
        Some(digest) if strong.contains(&digest) => Ok(()),
        _ => Err(Distrust::NotTrusted(format!(
            "the signature on the certificate of {} is too weak or of an unknown kind",
            names::subject_of(signed)
        ))),
    }
}

/// Names the certificate, its place in the path and the rule it breaks.
fn explain(context: &X509StoreContextRef) -> Distrust {
    let error = context.error();
    let depth = context.error_depth();
    let Some(certificate) = context.current_cert() else {
        return Distrust::NotTrusted(format!("depth {depth}: {}", error.error_string()));
    };
    let which = format!(
        "the certificate at depth {depth} ({})",
        names::subject_of(certificate)
    );
    match error.as_raw() {
        HAS_EXPIRED => Distrust::Expired(format!(
            "{which} expired on {}; it must be renewed",
            certificate.not_after()
        )),
        NOT_YET_VALID => Distrust::Expired(format!(
            "{which} is valid only from {} on",
            certificate.not_before()
        )),
        code if NO_ISSUER.contains(&code) => Distrust::NoPath(format!(
            "no path leads to the trust anchor: it ends with {which}, whose issuer was not presented"
        )),
        _ => Distrust::NotTrusted(format!("{which}: {}", error.error_string())),
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
