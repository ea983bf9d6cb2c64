//! Reads certificates and keys from files, PEM or DER.
//!
//! Certificates and public keys stay as they are, octet for octet. Limitation: the public half of a private key is as OpenSSL writes it,
//! which is how it writes it into certificates, too.

use std::fs::File;
use std::io::{self, Read};

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;

use super::pem::{self, Block};
use crate::certificate;
use crate::cli::exit;
use crate::cli::options::Failure;

/// Octets read of one file: a chain has 10 KiB, a file with all CAs that a system knows is smaller than this.
const FILE_OCTETS_MAX: u64 = 1 << 20;
/// Labels of PEM blocks that are named where none was of use.
const LABELS_NAMED_MAX: usize = 4;

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    /// What to call it.
    pub(super) name: String,
    /// The certificates in DER, in order.
    pub(super) certificates: Vec<Vec<u8>>,
    /// The public keys, and those of private keys, as SubjectPublicKeyInfo, in order.
    pub(super) keys: Vec<Vec<u8>>,
}

/// Reads a file, or standard input if it is called `-`.
///
/// # Errors
/// [`Failure`] with [`exit::NO_INPUT`] that names the file and what was expected.
pub(super) fn read(word: &str) -> Result<Input, Failure> {
    let name = match word {
        "-" => "standard input",
        file => file,
    };
    let fail = |why: String| {
        let text = format!("{name}: expected certificates or a key in PEM or DER, but {why}");
        Failure::new(exit::NO_INPUT, text)
    };
    let octets = octets(word).map_err(|error| fail(format!("it cannot be read: {error}")))?;
    if u64::try_from(octets.len()).unwrap_or(u64::MAX) > FILE_OCTETS_MAX {
        return Err(fail("it is larger than 1 MiB".to_owned()));
    }
    let found = match pem::is_pem(&octets) {
        true => Input::of_pem(&String::from_utf8_lossy(&octets)),
        false => Input::of_der(&octets),
    };
    // What OpenSSL noted on the way belongs to no later call.
    let _ = ErrorStack::get();
    Ok(Input {
        name: name.to_owned(),
        ..found.map_err(fail)?
    })
}

/// As [`read`], for certificates alone.
///
/// # Errors
/// As [`read`]; also if there is none.
pub(super) fn read_chain(word: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let input = read(word)?;
    match input.certificates.is_empty() {
        false => Ok(input.certificates),
        true => Err(Failure::new(
            exit::NO_INPUT,
            format!("{}: expected certificates, found only a key", input.name),
        )),
    }
}

/// At most one octet more than may be.
fn octets(word: &str) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let limit = FILE_OCTETS_MAX.saturating_add(1);
    match word {
        "-" => io::stdin().lock().take(limit).read_to_end(&mut octets)?,
        file => File::open(file)?.take(limit).read_to_end(&mut octets)?,
    };
    Ok(octets)
}

impl Input {
    fn of_pem(text: &str) -> Result<Self, String> {
        let mut input = Self::default();
        let mut useless = Vec::new();
        for block in pem::blocks(text)? {
            match &block.octets {
                Some(octets) => input.take(&block, octets, &mut useless)?,
                None => useless.push(format!("{} (encrypted)", block.label)),
            }
        }
        if !input.certificates.is_empty() || !input.keys.is_empty() {
            return Ok(input);
        }
        useless.truncate(LABELS_NAMED_MAX);
        Err(match useless.is_empty() {
            true => "there is no PEM block in it".to_owned(),
            false => format!("there is only {}", useless.join(", ")),
        })
    }

    fn take(
        &mut self,
        block: &Block,
        octets: &[u8],
        useless: &mut Vec<String>,
    ) -> Result<(), String> {
        let unsound = || {
            format!(
                "the {} that begins on line {} is not sound",
                block.label, block.line
            )
        };
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                self.certificates
                    .push(certificate(octets).ok_or_else(unsound)?);
            }
            "PUBLIC KEY" => self.keys.push(public_key(octets).ok_or_else(unsound)?),
            "RSA PUBLIC KEY" => self.keys.push(rsa_public_key(octets).ok_or_else(unsound)?),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                self.keys.push(public_half(octets).ok_or_else(unsound)?);
            }
            label => useless.push(label.to_owned()),
        }
        Ok(())
    }

    fn of_der(octets: &[u8]) -> Result<Self, String> {
        let mut input = Self::default();
        if let Some(certificate) = certificate(octets) {
            input.certificates.push(certificate);
        } else if let Some(key) = public_key(octets).or_else(|| public_half(octets)) {
            input.keys.push(key);
        } else {
            return Err("it is neither".to_owned());
        }
        Ok(input)
    }
}

/// The certificate, if the octets are exactly one that OpenSSL would take in a handshake, too.
fn certificate(octets: &[u8]) -> Option<Vec<u8>> {
    certificate::public_key_of(octets)?;
    X509::from_der(octets).ok()?;
    Some(octets.to_vec())
}

fn public_key(octets: &[u8]) -> Option<Vec<u8>> {
    certificate::is_public_key(octets).then(|| octets.to_vec())
}

fn rsa_public_key(octets: &[u8]) -> Option<Vec<u8>> {
    let key = PKey::from_rsa(Rsa::public_key_from_der_pkcs1(octets).ok()?);
    key.ok()?.public_key_to_der().ok()
}

fn public_half(octets: &[u8]) -> Option<Vec<u8>> {
    let key = PKey::private_key_from_der(octets).ok()?;
    key.public_key_to_der().ok()
}

#[cfg(test)]
mod tests {
    use gateway_lab::random::Random;
    use gateway_lab::{Certificate, CertificateSpec, KeyKind};

    use super::*;

    /// Whatever is done to a file: no panic, and what is taken for a certificate or a key is one.
    #[test]
    fn mutated_files_are_read_or_refused() {
        let rsa = CertificateSpec::new("mx.d.test")
            .key(KeyKind::Rsa(2048))
            .build();
        let ec = Certificate::new("mx.d.test");
        let mut files: Vec<Vec<u8>> = [ec.pem() + &ec.key_pem(), rsa.pem(), rsa.key_pem()]
            .map(String::into_bytes)
            .to_vec();
        files.extend(ec.chain());
        let mut random = Random::new(0x7468);
        let (mut read, mut refused) = (0, 0);
        for round in 0..8000 {
            let mut octets = files[round % files.len()].clone();
            random.mutate(&mut octets);
            let found = match pem::is_pem(&octets) {
                true => Input::of_pem(&String::from_utf8_lossy(&octets)),
                false => Input::of_der(&octets),
            };
            let Ok(input) = found else {
                refused += 1;
                continue;
            };
            read += 1;
            for certificate in &input.certificates {
                assert!(certificate::public_key_of(certificate).is_some());
            }
            assert!(input.keys.iter().all(|key| certificate::is_public_key(key)));
        }
        assert!(
            read > 400 && refused > 400,
            "{read} read, {refused} refused"
        );
    }
}
