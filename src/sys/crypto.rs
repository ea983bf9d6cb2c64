//! What the crate `openssl` does not offer: the start without the system's openssl.cnf, which could switch algorithms, protocol versions or whole
//! providers off and on, handshakes that leave the presented chain to their caller, padded records, and TLS sessions that are taken up again.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslRef, SslSession};

/// `OPENSSL_INIT_NO_LOAD_CONFIG` of openssl/crypto.h: neither now nor later in this process.
const NO_LOAD_CONFIG: u64 = 0x80;

unsafe extern "C" {
    fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
    fn OPENSSL_init_ssl(options: u64, settings: *const c_void) -> c_int;
    fn SSL_CTX_set_cert_verify_callback(
        context: *mut c_void,
        verify: Option<unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int>,
        argument: *mut c_void,
    );
    fn SSL_CTX_set_block_padding(context: *mut c_void, block: usize) -> c_int;
}

/// Initialises OpenSSL; whether it worked. To be called before anything else uses OpenSSL; further calls change nothing.
pub fn init() -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    *DONE.get_or_init(|| {
        // SAFETY: both functions may be called at any time from any thread (OPENSSL_init_crypto(3)); no settings is the null pointer.
        unsafe {
            OPENSSL_init_crypto(NO_LOAD_CONFIG, ptr::null()) == 1
                && OPENSSL_init_ssl(NO_LOAD_CONFIG, ptr::null()) == 1
        }
    })
}

/// Lets handshakes of this context take the presented chain as it is. With no verification asked for OpenSSL would still look for a path in it, and
/// forget what it found: as much work as the one signature check that counts.
pub fn leave_chain_to_caller(builder: &mut SslContextBuilder) {
    // SAFETY: the pointer is that of a live context, which the builder owns; the callback is a function for good and uses neither of its
    // arguments (SSL_CTX_set_cert_verify_callback(3)).
    unsafe {
        SSL_CTX_set_cert_verify_callback(
            builder.as_ptr().cast(),
            Some(take_as_it_is),
            ptr::null_mut(),
        );
    }
}

/// Pads each record that connections of this context send with TLS 1.3 to a multiple of `block` octets, the one octet of its content type included (RFC 8446
/// §5.4); nothing is padded beyond 2^14 octets, nor with TLS 1.2.
///
/// # Errors
/// OpenSSL's refusal: `block` is larger than a record can be.
pub fn pad_records(builder: &mut SslContextBuilder, block: u16) -> Result<(), ErrorStack> {
    // SAFETY: the pointer is that of a live context, which the builder owns; the block is a plain number (SSL_CTX_set_block_padding(3)).
    match unsafe { SSL_CTX_set_block_padding(builder.as_ptr().cast(), block.into()) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Says "go on" about every chain.
const unsafe extern "C" fn take_as_it_is(_store: *mut c_void, _argument: *mut c_void) -> c_int {
    1
}

/// What a TLS client needs to take up a session again, with the context it belongs to.
pub struct Session {
    context: SslContext,
    session: SslSession,
}

impl Session {
    /// The session of a connection, once there is one.
    pub fn of(connection: &SslRef) -> Option<Self> {
        Some(Self {
            context: connection.ssl_context().to_owned(),
            session: connection.session()?.to_owned(),
        })
    }

    /// A connection object that offers this session to the server.
    ///
    /// # Errors
    /// OpenSSL's refusal.
    pub fn resume(&self) -> Result<Ssl, ErrorStack> {
        let mut connection = Ssl::new(&self.context)?;
        // SAFETY: the connection is of the context that the session belongs to.
        unsafe { connection.set_session(&self.session) }?;
        Ok(connection)
    }
}
