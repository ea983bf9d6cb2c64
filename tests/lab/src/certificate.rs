//! Self-signed certificates, good and odd ones, and the TLSA records that name them.

use gateway::dns::Tlsa;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::{sha256, sha512};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Builder, X509Name};

const DAY: i64 = 86_400;

/// What key a certificate is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    #[default]
    P256,
    /// RSA with this many bits.
    Rsa(u32),
}

/// What a certificate shall look like; the default is an ordinary one, valid for a month.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    name: String,
    key: KeyKind,
    from: i64,
    until: i64,
    version_1: bool,
}

impl CertificateSpec {
    /// A certificate whose common name and only dNSName is `name`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: KeyKind::default(),
            from: -DAY,
            until: 30 * DAY,
            version_1: false,
        }
    }

    /// With a key of this kind.
    #[must_use]
    pub fn key(mut self, key: KeyKind) -> Self {
        self.key = key;
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

    /// X.509 version 1: no extensions, hence no dNSName.
    #[must_use]
    pub fn version_1(mut self) -> Self {
        self.version_1 = true;
        self
    }

    /// Generates the key and signs the certificate with it.
    pub fn build(&self) -> Certificate {
        let key = generate(self.key);
        let mut builder = X509::builder().expect("OpenSSL builds certificates");
        self.fill(&mut builder, &key);
        builder
            .sign(&key, MessageDigest::sha256())
            .expect("the key is fit to sign");
        Certificate {
            leaf: builder.build(),
            key,
        }
    }

    fn fill(&self, builder: &mut X509Builder, key: &PKey<Private>) {
        let version = if self.version_1 { 0 } else { 2 };
        builder.set_version(version).expect("a version");
        builder
            .set_serial_number(&serial())
            .expect("a serial number");
        let name = common_name(&self.name);
        builder.set_subject_name(&name).expect("a subject");
        builder.set_issuer_name(&name).expect("an issuer");
        builder.set_not_before(&moment(self.from)).expect("a date");
        builder.set_not_after(&moment(self.until)).expect("a date");
        builder.set_pubkey(key).expect("a key");
        if !self.version_1 {
            let names = SubjectAlternativeName::new()
                .dns(&self.name)
                .build(&builder.x509v3_context(None, None))
                .expect("a dNSName");
            builder.append_extension(names).expect("an extension");
        }
    }
}

/// A certificate with its private key.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(crate) leaf: X509,
    pub(crate) key: PKey<Private>,
}

impl Certificate {
    /// An ordinary one for `name`.
    pub fn new(name: &str) -> Self {
        CertificateSpec::new(name).build()
    }

    /// The certificate in DER.
    pub fn der(&self) -> Vec<u8> {
        self.leaf.to_der().expect("a certificate has a DER form")
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        let pem = self.leaf.to_pem().expect("a certificate has a PEM form");
        String::from_utf8(pem).expect("PEM is ASCII")
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
            usage: 3,
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
