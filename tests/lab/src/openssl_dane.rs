//! What OpenSSL's own DANE verification (SSL_CTX_dane_enable(3)) says about TLSA records and a chain: a second opinion for the gateway's.
//!
//! It does what OpenSSL does with the certificates of a handshake, without the handshake, so that any chain can be asked about. The calls
//! are in no crate, hence the declarations below: the only unsafe code of the lab.

use std::ffi::{CString, c_char, c_int, c_ulong, c_void};
use std::ptr;

use gateway::dns::Tlsa;
use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslMethod};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509StoreContext, X509StoreContextRef};

/// `DANE_FLAG_NO_DANE_EE_NAMECHECKS`: usage 3 looks at no name (RFC 7672 §3.1.1).
const NO_NAMES_FOR_USAGE_3: c_ulong = 1;
/// The level of Debian's builds, and the gateway's.
const SECURITY_LEVEL: c_int = 2;

unsafe extern "C" {
    fn SSL_CTX_dane_enable(context: *mut c_void) -> c_int;
    fn SSL_dane_enable(ssl: *mut c_void, base: *const c_char) -> c_int;
    fn SSL_dane_set_flags(ssl: *mut c_void, flags: c_ulong) -> c_ulong;
    fn SSL_add1_host(ssl: *mut c_void, name: *const c_char) -> c_int;
    fn SSL_dane_tlsa_add(
        ssl: *mut c_void,
        usage: u8,
        selector: u8,
        matching: u8,
        data: *const u8,
        length: usize,
    ) -> c_int;
    fn SSL_get0_dane(ssl: *mut c_void) -> *mut c_void;
    fn SSL_get0_param(ssl: *mut c_void) -> *mut c_void;
    fn SSL_get0_dane_authority(
        ssl: *mut c_void,
        certificate: *mut *mut c_void,
        key: *mut *mut c_void,
    ) -> c_int;
    fn X509_STORE_CTX_set0_dane(context: *mut c_void, dane: *mut c_void);
    fn X509_STORE_CTX_set_default(context: *mut c_void, name: *const c_char) -> c_int;
    fn X509_STORE_CTX_get0_param(context: *mut c_void) -> *mut c_void;
    fn X509_VERIFY_PARAM_set1(to: *mut c_void, from: *const c_void) -> c_int;
    fn X509_VERIFY_PARAM_set_auth_level(param: *mut c_void, level: c_int);
}

/// What OpenSSL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// The chain matches a record, at this depth.
    Match(usize),
    /// It does not: the code and text of X509_STORE_CTX_get_error(3).
    Mismatch(i32, &'static str),
    /// No record is usable.
    NoUsableRecord,
    /// A certificate of the chain cannot be read, so that no such chain can come out of a handshake.
    Unreadable,
}

/// Asks OpenSSL whether a chain (DER, the server's certificate first) matches one of the records of usage 2 and 3, for one of the references,
/// of which the first is the TLSA base domain, now.
pub fn opinion(records: &[Tlsa], chain: &[Vec<u8>], references: &[&str]) -> Opinion {
    let read: Result<Vec<X509>, _> = chain.iter().map(|octets| X509::from_der(octets)).collect();
    let opinion = match read {
        Ok(chain) if !chain.is_empty() => ask(records, &chain, references),
        _ => Opinion::Unreadable,
    };
    // What failed leaves its errors behind, and they belong to no later call.
    let _ = ErrorStack::get();
    opinion
}

fn ask(records: &[Tlsa], chain: &[X509], references: &[&str]) -> Opinion {
    let mut builder = SslContext::builder(SslMethod::tls_client()).expect("a context");
    // SAFETY: the builder owns a context, and as_ptr is its address.
    let enabled = unsafe { SSL_CTX_dane_enable(builder.as_ptr().cast()) };
    assert_eq!(enabled, 1, "DANE is part of OpenSSL");
    builder.set_security_level(2);
    let mut connection = Ssl::new(&builder.build()).expect("a connection");
    // A reference of the crate is the address of OpenSSL's object.
    let ssl: *mut c_void = ptr::from_mut(&mut *connection).cast();
    let names: Vec<CString> = references.iter().map(|name| c_string(name)).collect();
    // SAFETY: `ssl` lives as long as `connection`, the names are C strings, and each data pointer goes with its length.
    let usable = unsafe {
        assert_eq!(SSL_dane_enable(ssl, names[0].as_ptr()), 1);
        SSL_dane_set_flags(ssl, NO_NAMES_FOR_USAGE_3);
        for name in &names[1..] {
            assert_eq!(SSL_add1_host(ssl, name.as_ptr()), 1);
        }
        let add = |one: &Tlsa| {
            let (data, length) = (one.data.as_ptr(), one.data.len());
            SSL_dane_tlsa_add(ssl, one.usage, one.selector, one.matching, data, length)
        };
        records.iter().map(add).filter(|added| *added == 1).count()
    };
    if usable == 0 {
        return Opinion::NoUsableRecord;
    }
    let mut presented = Stack::new().expect("a stack");
    for certificate in chain {
        presented.push(certificate.clone()).expect("room");
    }
    let no_store = X509StoreBuilder::new().expect("a store").build();
    let mut context = X509StoreContext::new().expect("a context");
    let verdict = context.init(&no_store, &chain[0], &presented, |context| {
        // SAFETY: `ssl` lives longer than this call.
        unsafe { prepare(context, ssl) };
        let is_match = context.verify_cert()?;
        Ok((is_match, context.error()))
    });
    match verdict.expect("OpenSSL verifies") {
        (true, _) => matched(ssl),
        (false, error) => Opinion::Mismatch(error.as_raw(), error.error_string()),
    }
}

/// Does what a handshake does before it verifies (`ssl_verify_cert_chain` of OpenSSL's ssl/ssl_cert.c).
///
/// # Safety
/// `ssl` is a connection that lives until the verification is over.
unsafe fn prepare(context: &mut X509StoreContextRef, ssl: *mut c_void) {
    let context: *mut c_void = ptr::from_mut(context).cast();
    // SAFETY: both objects are alive; the parameters belong to them, and what is set is copied, except for the DANE state of `ssl`.
    unsafe {
        let param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        X509_STORE_CTX_set0_dane(context, SSL_get0_dane(ssl));
        assert_eq!(
            X509_STORE_CTX_set_default(context, c"ssl_server".as_ptr()),
            1
        );
        assert_eq!(X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)), 1);
    }
}

fn matched(ssl: *mut c_void) -> Opinion {
    // SAFETY: the caller's connection is alive; null pointers say that neither certificate nor key is wanted.
    let depth = unsafe { SSL_get0_dane_authority(ssl, ptr::null_mut(), ptr::null_mut()) };
    Opinion::Match(usize::try_from(depth).expect("a record matched"))
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("no zero octet")
}
