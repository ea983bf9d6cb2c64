//! The extensions of a certificate (RFC 5280 §4.2).

use openssl::asn1::{Asn1Object, Asn1OctetString};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension};

/// An arc for documentation that no implementation knows (RFC 5612).
const UNKNOWN: &str = "1.3.6.1.4.1.32473.1";
/// `id-ce-nameConstraints`.
const NAME_CONSTRAINTS: &str = "2.5.29.30";

#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    pub(super) dns_names: Vec<String>,
    pub(super) is_authority: bool,
    pub(super) may_only_issue: bool,
    pub(super) path_length: Option<u32>,
    pub(super) permitted: Option<String>,
    pub(super) for_clients: bool,
    pub(super) unknown_critical: bool,
}

impl Extensions {
    pub(super) fn server(name: &str) -> Self {
        Self {
            dns_names: vec![name.to_owned()],
            ..Self::default()
        }
    }

    pub(super) fn authority() -> Self {
        Self {
            is_authority: true,
            may_only_issue: true,
            ..Self::default()
        }
    }

    /// Adds them to a certificate with a public key, issued by `above` or by itself.
    pub(super) fn add_to(&self, builder: &mut X509Builder, above: Option<&X509>) {
        let context = builder.x509v3_context(above.map(std::convert::AsRef::as_ref), None);
        let mut all = vec![SubjectKeyIdentifier::new().build(&context)];
        if above.is_some_and(|above| above.subject_key_id().is_some()) {
            let issuer = AuthorityKeyIdentifier::new().keyid(true).build(&context);
            all.push(issuer);
        }
        if !self.dns_names.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for name in &self.dns_names {
                names.dns(name);
            }
            all.push(names.build(&context));
        }
        all.push(self.basic_constraints());
        if self.may_only_issue {
            let usage = KeyUsage::new()
                .critical()
                .key_cert_sign()
                .crl_sign()
                .build();
            all.push(usage);
        }
        if self.for_clients {
            all.push(ExtendedKeyUsage::new().client_auth().build());
        }
        if let Some(domain) = &self.permitted {
            all.push(extension(NAME_CONSTRAINTS, &permitted_subtree(domain)));
        }
        if self.unknown_critical {
            all.push(extension(UNKNOWN, &[5, 0]));
        }
        for extension in all {
            builder
                .append_extension(extension.expect("an extension"))
                .expect("room for an extension");
        }
    }

    fn basic_constraints(&self) -> Result<X509Extension, openssl::error::ErrorStack> {
        let mut constraints = BasicConstraints::new();
        if self.is_authority {
            constraints.critical().ca();
        }
        if let Some(count) = self.path_length {
            constraints.pathlen(count);
        }
        constraints.build()
    }
}

/// A critical extension with that content.
fn extension(oid: &str, content: &[u8]) -> Result<X509Extension, openssl::error::ErrorStack> {
    let oid = Asn1Object::from_str(oid)?;
    X509Extension::new_from_der(&oid, true, &*Asn1OctetString::new_from_bytes(content)?)
}

/// `NameConstraints` with one permitted subtree of dNSNames (RFC 5280 §4.2.1.10).
fn permitted_subtree(domain: &str) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("a short name");
        [&[tag, length], content].concat()
    };
    let subtree = element(0x30, &element(0x82, domain.as_bytes()));
    element(0x30, &element(0xA0, &subtree))
}
