//! Starts OpenSSL without the system's openssl.cnf, which could switch algorithms, protocol versions or whole providers off and on.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

/// `OPENSSL_INIT_NO_LOAD_CONFIG` of openssl/crypto.h: neither now nor later in this process.
const NO_LOAD_CONFIG: u64 = 0x80;

unsafe extern "C" {
    fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
    fn OPENSSL_init_ssl(options: u64, settings: *const c_void) -> c_int;
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
