//! How much of a chain is looked at. Servers send three or four certificates of 1 to 2 KiB each.

/// Certificates in a chain. Signatures are only checked along one path, but each further certificate may be tried as a trust anchor.
pub(super) const CERTIFICATES_MAX: usize = 32;

/// Octets of all certificates of a chain: what OpenSSL takes in a handshake unless told otherwise (SSL_CTX_set_max_cert_list(3)).
pub(super) const CHAIN_OCTETS_MAX: usize = 102_400;

/// CAs between a certificate and its trust anchor; as many as in Postfix.
pub(super) const PATH_DEPTH_MAX: i32 = 9;

/// Names of a certificate that are compared; public CAs put at most 250 into one.
pub(super) const NAMES_MAX: usize = 1000;

/// Names of a certificate that are printed.
pub(super) const NAMES_PRINTED_MAX: usize = 4;

/// Characters of a name that are printed: a host name has at most 253.
pub(super) const NAME_PRINTED_MAX: usize = 100;

/// Strength in bits below which keys and signatures prove nothing; OpenSSL calls this level 2.
pub(super) const SECURITY_BITS_MIN: u32 = 112;

/// OpenSSL's name for the same.
pub(super) const SECURITY_LEVEL: i32 = 2;

/// Bits of an RSA modulus and of its exponent in a key that is tried on every certificate of a chain. No CA has larger ones, and one
/// signature check would take 10 ms.
pub(super) const RSA_BITS_MAX: [i32; 2] = [8192, 64];
