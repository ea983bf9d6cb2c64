use super::*;
use crate::dnssec::signer_tests::Signer;
use openssl::pkey::Private;

const ALL: [u8; 8] = [5, 7, 8, 10, 13, 14, 15, 16];

fn dnskey(algorithm: Algorithm, public_key: Vec<u8>) -> Dnskey {
    Dnskey {
        flags: Dnskey::ZONE,
        protocol: Dnskey::PROTOCOL,
        algorithm,
        public_key,
    }
}

#[test]
fn supported_are_the_algorithms_of_today() {
    let supported = |algorithms: Algorithms| {
        let numbers = (0..=u8::MAX).filter(|number| algorithms.supports(Algorithm(*number)));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(supported(Algorithms::new(false)), ALL[2..]);
    assert_eq!(supported(Algorithms::new(true)), ALL);
    assert_eq!(supported(Algorithms::of_examples()), ALL);
    let digests = (0..=u8::MAX).filter(|n| Algorithms::new(false).supports_digest(DigestType(*n)));
    assert_eq!(digests.collect::<Vec<_>>(), [1, 2, 4]);
}

/// Whatever fails, OpenSSL's queue of errors is empty afterwards.
#[test]
fn each_algorithm_verifies_its_own_signatures_only() {
    let others: Vec<Vec<u8>> = vec![
        vec![],
        vec![0; 64],
        vec![0xFF; 96],
        vec![0; 114],
        vec![1; 128],
    ];
    for algorithm in ALL.map(Algorithm) {
        let (signer, stranger) = (Signer::new(algorithm), Signer::new(algorithm));
        let key = PublicKey::new(&signer.dnskey, Algorithms::new(true)).unwrap();
        let signature = signer.sign_octets(b"octets");
        assert!(key.verify(b"octets", &signature), "{algorithm}");
        assert!(key.clone().verify(b"octets", &signature), "{algorithm}");
        let mut wrong = others.clone();
        wrong.push(stranger.sign_octets(b"octets"));
        wrong.push(signer.sign_octets(b"octet"));
        wrong.push([&signature[..], &[0]].concat());
        wrong.push([&[0], &signature[..]].concat());
        wrong.push(signature[1..].to_vec());
        wrong.push(signature[..signature.len() - 1].to_vec());
        for place in 0..signature.len() {
            let mut changed = signature.clone();
            changed[place] ^= 1 << (place % 8);
            wrong.push(changed);
        }
        for signature in wrong {
            assert!(!key.verify(b"octets", &signature), "{algorithm}");
            assert!(ErrorStack::get().errors().is_empty(), "{algorithm}");
        }
        assert!(!key.verify(b"", &signature), "{algorithm}");
    }
}

#[test]
fn keys_that_are_not_supported_are_not_built() {
    for algorithm in [0, 1, 3, 5, 6, 7, 9, 12, 17, 252, 255].map(Algorithm) {
        let key = dnskey(
            algorithm,
            Signer::rsa(Algorithm::RSASHA256, 1024).dnskey.public_key,
        );
        let fault = PublicKey::new(&key, Algorithms::new(false)).unwrap_err();
        assert_eq!(fault, KeyFault::Algorithm, "{algorithm}");
        assert!(fault.is_unsupported());
    }
}

/// Exponent and modulus of so many octets, all bits set.
fn rsa_octets(exponent: usize, modulus: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(exponent).unwrap().to_be_bytes();
    let length = if exponent > 255 {
        vec![0, high, low]
    } else {
        vec![low]
    };
    [length, vec![0xFF; exponent + modulus]].concat()
}

/// The exponent in front costs what it is long; OpenSSL itself lets 3071 bits pass.
#[test]
fn hostile_rsa_keys_are_refused_before_they_are_built() {
    let with = |exponent: &[u8], modulus: &[u8]| {
        let length = u8::try_from(exponent.len()).unwrap();
        [&[length], exponent, modulus].concat()
    };
    let (odd, mut even) = (vec![0xFF; 128], vec![0xFF; 128]);
    even[127] = 0xFE;
    let padded = [&[0; 100], &odd[..]].concat();
    for (octets, fault) in [
        (rsa_octets(383, 384), Some(KeyFault::RsaExponent(3064))),
        (rsa_octets(9, 128), Some(KeyFault::RsaExponent(72))),
        (rsa_octets(8, 128), None),
        (rsa_octets(3, 127), Some(KeyFault::RsaBits(1016))),
        (rsa_octets(3, 512), None),
        (rsa_octets(3, 513), Some(KeyFault::RsaBits(4104))),
        (rsa_octets(3, 0), Some(KeyFault::Malformed)),
        (with(&[1], &odd), Some(KeyFault::Malformed)),
        (with(&[0], &odd), Some(KeyFault::Malformed)),
        (with(&[], &odd), Some(KeyFault::Malformed)),
        (with(&[1, 0, 0], &odd), Some(KeyFault::Malformed)),
        (with(&[1, 0, 1], &even), Some(KeyFault::Malformed)),
        (with(&[0, 0, 3], &padded), None),
        (vec![], Some(KeyFault::Malformed)),
        (vec![0], Some(KeyFault::Malformed)),
        (vec![0, 0, 3, 1, 0], Some(KeyFault::Malformed)),
        (vec![0, 0, 0, 1, 0], Some(KeyFault::Malformed)),
        (vec![200, 1], Some(KeyFault::Malformed)),
    ] {
        let head = octets.iter().take(4).collect::<Vec<_>>();
        let key = PublicKey::new(
            &dnskey(Algorithm::RSASHA256, octets.clone()),
            Algorithms::new(false),
        );
        assert_eq!(key.err(), fault, "{head:?} {}", octets.len());
    }
}

#[test]
fn malformed_curve_keys_are_refused() {
    let algorithms = Algorithms::new(false);
    for (number, length) in [(13, 64), (14, 96), (15, 32), (16, 57)] {
        let algorithm = Algorithm(number);
        let good = Signer::new(algorithm).dnskey.public_key;
        assert_eq!(good.len(), length);
        let mut off_the_curve = good.clone();
        off_the_curve[length - 1] ^= 1;
        let mut bad = vec![vec![], good[1..].to_vec(), [&good[..], &[0]].concat()];
        if number < 15 {
            bad.extend([off_the_curve, vec![0; length], vec![0xFF; length]]);
        }
        for octets in bad {
            let key = PublicKey::new(&dnskey(algorithm, octets), algorithms);
            assert_eq!(key.err(), Some(KeyFault::Malformed), "{algorithm}");
            assert!(ErrorStack::get().errors().is_empty());
        }
    }
}

/// What the hand-made verification must not accept: anything after, before or instead of the one right form.
#[test]
fn sha1_signatures_have_one_form() {
    let rsa: Rsa<Private> = Rsa::generate(1024).unwrap();
    let public =
        Rsa::from_public_components(rsa.n().to_owned().unwrap(), rsa.e().to_owned().unwrap());
    let key = PublicKey(Kind::RsaSha1(public.unwrap()));
    let digest = sha1(b"octets");
    let signed = |form: &[u8], padding| {
        let mut signature = vec![0; 128];
        rsa.private_encrypt(form, &mut signature, padding).unwrap();
        key.verify(b"octets", &signature)
    };
    let right = [&SHA1_DIGEST_INFO[..], &digest].concat();
    assert!(signed(&right, Padding::PKCS1));
    assert!(!signed(&[&right[..], &[0]].concat(), Padding::PKCS1));
    assert!(!signed(&[&[0], &right[..]].concat(), Padding::PKCS1));
    assert!(!signed(&digest, Padding::PKCS1));
    assert!(!signed(&right[..34], Padding::PKCS1));
    let without_parameters = [&[0x30, 0x1F, 0x30, 0x07], &right[4..11], &right[13..]].concat();
    assert!(!signed(&without_parameters, Padding::PKCS1));
    // Short padding with the digest in front, the rest of the block free: what a small exponent would let anyone compute.
    let mut block = vec![0, 1, 0xFF, 0];
    block.extend(&right);
    block.resize(128, 0);
    assert!(!signed(&block, Padding::NONE));
    let mut block = vec![0, 1];
    block.resize(128 - 36, 0xFF);
    block.push(0);
    block.extend(&right);
    assert!(signed(&block, Padding::NONE));
    block[50] = 0xFE;
    assert!(!signed(&block, Padding::NONE));
}
