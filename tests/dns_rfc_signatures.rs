//! The signed examples of the RFCs, checked with OpenSSL: key tags, DS digests and signatures come out right only if names, data and zone-file
//! forms are exact to the octet.

use gateway::dns::{Algorithm, DigestType, Dnskey, Ds, Name, Rdata, Record, Rrsig, zonefile};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;

/// RFC 4034 §5.4 (SHA-1) and RFC 4509 §2.3 (SHA-256): two digests of one key; RFC 6605 §6, RFC 8080 §6: keys with their digests and signatures.
/// The signatures of RFC 8080 are those of its erratum 4935. RFC 5702 §6: RSA with SHA-256 and SHA-512. Some names are in capitals here, which must not matter.
const ZONE: &str = "\
dskey.example.com. 86400 IN DNSKEY 256 3 5 ( AQOeiiR0GOMYkDshWoSKz9Xz fwJr1AYtsmx3TGkJaNXVbfi/
  2pHm822aJ5iI9BMzNXxeYCmZ DRD99WYwYqUSdjMmmAphXdvx egXd/M5+X7OrzKBaMbCVdFLU Uh6DhweJBjEVv5f2wwjM9Xzc
  nOf+EPbtG9DMBmADjFDc2w/r ljwvFw== ) ; key id = 60485
dskey.example.com. 86400 IN DS 60485 5 1 ( 2BB183AF5F22588179A53B0A 98631FAD1A292118 )
dskey.example.com. 86400 IN DS 60485 5 2 ( D4B7D520E7BB5F0F67674A0C CEB1E3E0614B93C4F9E99B83 83F6A1E4469DA50A )

www.example.net. 3600 IN A 192.0.2.91
example.net. 3600 IN DNSKEY 256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=
www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. (
  kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg== )
example.net. 3600 IN DNSKEY 256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL
www.example.net. 3600 IN RRSIG A 10 3 3600 20300101000000 20000101000000 3740 example.net. (
  tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw= )

WWW.Example.Net. 3600 IN A 192.0.2.1
example.net. 3600 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==
example.net. 3600 IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17
www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. (
  qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXA yGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw== )
example.net. 3600 IN DNSKEY 257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40
example.net. 3600 IN DS 10771 14 4 ( 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9 495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6 )
www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. (
  /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm )

example.com. 3600 IN MX 10 Mail.Example.COM.
example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=
example.com. 3600 IN DS 3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b
example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. (
  oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg== )
example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=
example.com. 3600 IN DS 35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c
example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 35217 example.com. (
  zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg== )
";

fn zone() -> Vec<Record> {
    zonefile::parse(ZONE, &Name::root()).unwrap()
}

/// The key of that tag and algorithm, with its owner.
fn key(tag: u16, algorithm: Algorithm) -> (Name, Dnskey) {
    let keys = zone().into_iter().filter_map(|record| match record.data {
        Rdata::Dnskey(key) if key.algorithm == algorithm => Some((record.name, key)),
        _ => None,
    });
    let mut found = keys.filter(|(_, key)| key.key_tag() == tag);
    let key = found.next();
    key.unwrap_or_else(|| panic!("no key with tag {tag}"))
}

/// Digest of the owner in canonical form and the key's data (RFC 4034 §5.1.4).
#[test]
fn delegation_digests_are_those_of_the_rfcs() {
    let mut count = 0;
    for record in zone() {
        let Rdata::Ds(ds) = record.data else { continue };
        let Ds {
            key_tag,
            algorithm,
            digest_type,
            digest,
        } = ds;
        let (owner, key) = key(key_tag, algorithm);
        assert_eq!(owner, record.name);
        let octets = [
            owner.to_lowercase().as_wire(),
            &Rdata::Dnskey(key).canonical(),
        ]
        .concat();
        let method = match digest_type {
            DigestType::SHA1 => MessageDigest::sha1(),
            DigestType::SHA256 => MessageDigest::sha256(),
            DigestType::SHA384 => MessageDigest::sha384(),
            other => panic!("{other}"),
        };
        assert_eq!(
            *hash(method, &octets).unwrap(),
            *digest,
            "key tag {key_tag}"
        );
        count += 1;
    }
    assert_eq!(count, 6);
}

/// The signed data of each example, put together as RFC 4034 §3.1.8.1 says, fit its signature; with another octet they do not.
#[test]
fn signatures_are_those_of_the_rfcs() {
    let zone = zone();
    let mut count = 0;
    for (number, record) in zone.iter().enumerate() {
        let Rdata::Rrsig(rrsig) = &record.data else {
            continue;
        };
        let (_, key) = key(rrsig.key_tag, rrsig.algorithm);
        let mut octets = rrsig.signed_prefix();
        // Each signature follows, at some distance, the only record that it covers.
        let signed = zone[..number]
            .iter()
            .rev()
            .find(|r| r.name == record.name && r.rtype() == rrsig.type_covered)
            .unwrap();
        let data = signed.data.canonical();
        octets.extend(signed.name.to_lowercase().as_wire());
        octets.extend(signed.rtype().0.to_be_bytes());
        octets.extend(signed.class.0.to_be_bytes());
        octets.extend(rrsig.original_ttl.to_be_bytes());
        octets.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        octets.extend(data);
        assert!(verifies(&key, rrsig, &octets), "{record}");
        *octets.last_mut().unwrap() ^= 1;
        assert!(!verifies(&key, rrsig, &octets), "{record}");
        count += 1;
    }
    assert_eq!(count, 6);
}

fn verifies(key: &Dnskey, rrsig: &Rrsig, octets: &[u8]) -> bool {
    match key.algorithm {
        Algorithm::RSASHA256 => {
            let digest = MessageDigest::sha256();
            verifies_plain(
                &rsa_key(&key.public_key),
                Some(digest),
                &rrsig.signature,
                octets,
            )
        }
        Algorithm::RSASHA512 => {
            let digest = MessageDigest::sha512();
            verifies_plain(
                &rsa_key(&key.public_key),
                Some(digest),
                &rrsig.signature,
                octets,
            )
        }
        Algorithm::ED25519 => {
            let public = PKey::public_key_from_raw_bytes(&key.public_key, Id::ED25519).unwrap();
            verifies_plain(&public, None, &rrsig.signature, octets)
        }
        Algorithm::ECDSAP256SHA256 => {
            let digest = hash(MessageDigest::sha256(), octets).unwrap();
            verifies_ecdsa(Nid::X9_62_PRIME256V1, key, rrsig, &digest)
        }
        Algorithm::ECDSAP384SHA384 => {
            let digest = hash(MessageDigest::sha384(), octets).unwrap();
            verifies_ecdsa(Nid::SECP384R1, key, rrsig, &digest)
        }
        other => panic!("{other}"),
    }
}

fn verifies_plain(
    public: &PKey<Public>,
    digest: Option<MessageDigest>,
    signature: &[u8],
    octets: &[u8],
) -> bool {
    let mut verifier = match digest {
        Some(digest) => Verifier::new(digest, public).unwrap(),
        None => Verifier::new_without_digest(public).unwrap(),
    };
    verifier.verify_oneshot(signature, octets).unwrap_or(false)
}

/// RFC 3110 §2: length of the exponent, exponent, modulus.
fn rsa_key(octets: &[u8]) -> PKey<Public> {
    let (exponent, modulus) = octets[1..].split_at(usize::from(octets[0]));
    let modulus = BigNum::from_slice(modulus).unwrap();
    let exponent = BigNum::from_slice(exponent).unwrap();
    PKey::from_rsa(Rsa::from_public_components(modulus, exponent).unwrap()).unwrap()
}

/// RFC 6605 §4: key and signature are two numbers of equal length.
fn verifies_ecdsa(curve: Nid, key: &Dnskey, rrsig: &Rrsig, digest: &[u8]) -> bool {
    let group = EcGroup::from_curve_name(curve).unwrap();
    let mut context = BigNumContext::new().unwrap();
    let point = [&[4], key.public_key.as_slice()].concat();
    let point = EcPoint::from_bytes(&group, &point, &mut context).unwrap();
    let public = EcKey::from_public_key(&group, &point).unwrap();
    let (r, s) = rrsig.signature.split_at(rrsig.signature.len() / 2);
    let (r, s) = (
        BigNum::from_slice(r).unwrap(),
        BigNum::from_slice(s).unwrap(),
    );
    let signature = EcdsaSig::from_private_components(r, s).unwrap();
    signature.verify(digest, &public).unwrap()
}
