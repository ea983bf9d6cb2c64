//! Certificates, good and odd ones, alone or in chains, and the TLSA records that name them.
//!
//! A chain is built from the top down, each certificate issued by the one before:
//!
//! ```
//! use gateway_lab::{Certificate, CertificateSpec};
//!
//! let root = CertificateSpec::authority("Root").build();
//! let ca = CertificateSpec::authority("CA").build_below(&root);
//! let leaf = CertificateSpec::new("mx.d.test").build_below(&ca).presenting(&[&ca, &root]);
//! assert_eq!(leaf.chain().len(), 3);
//! // MxHost::start_on(listener, leaf, "mx.d.test") presents all three; root.record(2, 1, 1) names the trust anchor.
//! ```
//!
//! Cross-signing: `CertificateSpec::authority("CA").key_of(&ca).build_below(&other_root)` is the same CA below another root.

use gateway::dns::Tlsa;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::{sha256, sha512};
use openssl::x509::{X509, X509Name};

mod extensions;

const DAY: i64 = 86_400;

/// What key a certificate is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    #[default]
    P256,
    /// RSA with this many bits.
    Rsa(u32),
    /// Ed25519.
    Ed25519,
}

/// The digest under a certificate's signature; Ed25519 has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureDigest {
    /// MD5, broken since 2004.
    Md5,
    /// SHA-1, broken since 2017.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
}

/// What a certificate shall look like; the default is an ordinary one for a server, valid for a month.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    name: String,
    key: KeyKind,
    key_of: Option<PKey<Private>>,
    from: i64,
    until: i64,
    version_1: bool,
    digest: SignatureDigest,
    extensions: extensions::Extensions,
}

impl CertificateSpec {
    /// A certificate whose common name and only dNSName is `name`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: KeyKind::default(),
            key_of: None,
            from: -DAY,
            until: 30 * DAY,
            version_1: false,
            digest: SignatureDigest::default(),
            extensions: extensions::Extensions::server(name),
        }
    }

    /// The certificate of a CA with that common name.
    pub fn authority(name: &str) -> Self {
        Self {
            extensions: extensions::Extensions::authority(),
            ..Self::new(name)
        }
    }

    /// With a key of this kind.
    #[must_use]
    pub fn key(mut self, key: KeyKind) -> Self {
        self.key = key;
        self
    }

    /// With the very key of another certificate.
    #[must_use]
    pub fn key_of(mut self, other: &Certificate) -> Self {
        self.key_of = Some(other.key.clone());
        self
    }

    /// Over since yesterday.
    #[must_use]
    pub fn expired(mut self) -> Self {
        (self.from, self.until) = (-30 * DAY, -DAY);
        self
    }

    /// Valid from tomorrow on.
    #[must_use]
    pub fn not_yet_valid(mut self) -> Self {
        (self.from, self.until) = (DAY, 30 * DAY);
        self
    }

    /// X.509 version 1: no extensions, hence no dNSName and no word on whether it is a CA.
    #[must_use]
    pub fn version_1(mut self) -> Self {
        self.version_1 = true;
        self
    }

    /// Signed over a digest of this kind.
    #[must_use]
    pub fn signed_over(mut self, digest: SignatureDigest) -> Self {
        self.digest = digest;
        self
    }

    /// With these dNSNames instead of the common name as the only one; `*.d.test` is a wildcard. None at all leaves the common name alone.
    #[must_use]
    pub fn dns_names(mut self, names: &[&str]) -> Self {
        self.extensions.dns_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// A CA with at most so many CAs below it (pathLenConstraint).
    #[must_use]
    pub fn path_length(mut self, count: u32) -> Self {
        self.extensions.path_length = Some(count);
        self
    }

    /// A CA that may issue for names in this domain only (name constraints).
    #[must_use]
    pub fn permits_only(mut self, domain: &str) -> Self {
        self.extensions.permitted = Some(domain.to_owned());
        self
    }

    /// Says that it is a CA, or that it is none (basic constraints), whatever its key may be used for.
    #[must_use]
    pub fn is_authority(mut self, is_authority: bool) -> Self {
        self.extensions.is_authority = is_authority;
        self
    }

    /// For TLS clients only (extended key usage without serverAuth).
    #[must_use]
    pub fn for_clients(mut self) -> Self {
        self.extensions.for_clients = true;
        self
    }

    /// With a critical extension that nobody knows.
    #[must_use]
    pub fn with_unknown_critical(mut self) -> Self {
        self.extensions.unknown_critical = true;
        self
    }

    /// Signs the certificate with its own key.
    pub fn build(&self) -> Certificate {
        let key = self.make_key();
        let leaf = self.sign(&key, &common_name(&self.name), &key, None);
        Certificate::alone(leaf, key)
    }

    /// Has the certificate signed by another's key.
    pub fn build_below(&self, issuer: &Certificate) -> Certificate {
        let key = self.make_key();
        let above = issuer.leaf.subject_name();
        let leaf = self.sign(&key, above, &issuer.key, Some(&issuer.leaf));
        Certificate::alone(leaf, key)
    }

    fn make_key(&self) -> PKey<Private> {
        self.key_of.clone().unwrap_or_else(|| generate(self.key))
    }

    fn sign(
        &self,
        key: &PKey<Private>,
        issuer: &openssl::x509::X509NameRef,
        signer: &PKey<Private>,
        above: Option<&X509>,
    ) -> X509 {
        let mut builder = X509::builder().expect("OpenSSL builds certificates");
        let version = if self.version_1 { 0 } else { 2 };
        builder.set_version(version).expect("a version");
        let serial = serial();
        builder.set_serial_number(&serial).expect("a serial number");
        let name = common_name(&self.name);
        builder.set_subject_name(&name).expect("a subject");
        builder.set_issuer_name(issuer).expect("an issuer");
        builder.set_not_before(&moment(self.from)).expect("a date");
        builder.set_not_after(&moment(self.until)).expect("a date");
        builder.set_pubkey(key).expect("a key");
        if !self.version_1 {
            self.extensions.add_to(&mut builder, above);
        }
        let digest = match (signer.id(), self.digest) {
            (Id::ED25519, _) => MessageDigest::null(),
            (_, SignatureDigest::Md5) => MessageDigest::md5(),
            (_, SignatureDigest::Sha1) => MessageDigest::sha1(),
            (_, SignatureDigest::Sha256) => MessageDigest::sha256(),
        };
        builder
            .sign(signer, digest)
            .expect("the key is fit to sign");
        builder.build()
    }
}

/// A certificate with its private key, and what is presented with it.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(crate) leaf: X509,
    pub(crate) key: PKey<Private>,
    pub(crate) above: Vec<X509>,
}

impl Certificate {
    /// An ordinary, self-signed one for `name`.
    pub fn new(name: &str) -> Self {
        CertificateSpec::new(name).build()
    }

    fn alone(leaf: X509, key: PKey<Private>) -> Self {
        Self {
            leaf,
            key,
            above: Vec::new(),
        }
    }

    /// The same, presented by servers with these certificates after it, in this order.
    #[must_use]
    pub fn presenting(mut self, above: &[&Self]) -> Self {
        self.above = above.iter().map(|other| other.leaf.clone()).collect();
        self
    }

    /// The certificate in DER.
    pub fn der(&self) -> Vec<u8> {
        self.leaf.to_der().expect("a certificate has a DER form")
    }

    /// What a server presents: this certificate and those after it, in DER.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        let encode = |certificate: &X509| certificate.to_der().expect("a DER form");
        let all = std::iter::once(&self.leaf).chain(&self.above);
        all.map(encode).collect()
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        let pem = self.leaf.to_pem().expect("a certificate has a PEM form");
        String::from_utf8(pem).expect("PEM is ASCII")
    }

    /// What a server presents, in PEM.
    pub fn chain_pem(&self) -> String {
        let encode = |certificate: &X509| certificate.to_pem().expect("a PEM form");
        let all = std::iter::once(&self.leaf).chain(&self.above);
        String::from_utf8(all.flat_map(encode).collect()).expect("PEM is ASCII")
    }

    /// The private key in PEM.
    pub fn key_pem(&self) -> String {
        let pem = self
            .key
            .private_key_to_pem_pkcs8()
            .expect("a key has a PEM form");
        String::from_utf8(pem).expect("PEM is ASCII")
    }

    /// The right DANE-EE record (usage 3) with this selector and matching type (RFC 6698 §2.1).
    pub fn tlsa(&self, selector: u8, matching: u8) -> Tlsa {
        self.record(3, selector, matching)
    }

    /// The record that names this certificate with this usage, selector and matching type (RFC 6698 §2.1).
    pub fn record(&self, usage: u8, selector: u8, matching: u8) -> Tlsa {
        let selected = match selector {
            0 => self.der(),
            1 => self.key.public_key_to_der().expect("a key has a DER form"),
            other => panic!("selector {other} selects nothing"),
        };
        let data = match matching {
            0 => selected,
            1 => sha256(&selected).to_vec(),
            2 => sha512(&selected).to_vec(),
            other => panic!("matching type {other} matches nothing"),
        };
        Tlsa {
            usage,
            selector,
            matching,
            data,
        }
    }
}

fn generate(kind: KeyKind) -> PKey<Private> {
    match kind {
        KeyKind::P256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
            PKey::from_ec_key(EcKey::generate(&group).expect("an EC key"))
        }
        KeyKind::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits).expect("an RSA key")),
        KeyKind::Ed25519 => PKey::generate_ed25519(),
    }
    .expect("a key")
}

fn serial() -> openssl::asn1::Asn1Integer {
    let mut number = BigNum::new().expect("a number");
    number
        .rand(127, MsbOption::MAYBE_ZERO, false)
        .expect("randomness");
    number.to_asn1_integer().expect("an integer")
}

fn common_name(name: &str) -> X509Name {
    let mut builder = X509Name::builder().expect("a name");
    builder
        .append_entry_by_nid(Nid::COMMONNAME, name)
        .expect("a common name of at most 64 characters");
    builder.build()
}

fn moment(seconds_from_now: i64) -> Asn1Time {
    let now = i64::try_from(gateway::time::Timestamp::now().unix()).expect("this millennium");
    Asn1Time::from_unix(now + seconds_from_now).expect("a date")
}
