//! TLS from our side to a server: handshake by a deadline, and the certificates that were presented. What they are worth is decided elsewhere.
//!
//! OpenSSL is asked to verify nothing and has no CA certificates: a handshake that succeeds proves only that the server holds the key of
//! the first certificate. `dane::verify` says whether that is the right key.
//!
//! Limitation: certificates come back as OpenSSL writes them. What is signed in them, the public key included, is as sent, octet for octet;
//! an outermost layer that is not DER, which X.509 forbids, would come back as DER.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, OnceLock, PoisonError};

use openssl::error::ErrorStack;
use openssl::pkey::Id;
use openssl::ssl::{
    self, ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
    SslSessionCacheMode, SslStream, SslVerifyMode, SslVersion,
};

use super::Stream;
use crate::certificate::Chain;
use crate::sys::crypto;
pub use crate::sys::crypto::Session;
use crate::time::Deadline;

/// Suites of TLS 1.2: forward secrecy and an authenticated server, best first. Those of TLS 1.3 all have both.
const CIPHERS: &str =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!PSK:!SRP:!DSS";
/// OpenSSL's level 2: 112 bits of security, as in RSA of 2048 bits; refuses MD5 and SHA-1 signatures in the handshake.
const SECURITY_LEVEL: u32 = 2;
/// The same for the server's key, which OpenSSL measures only when it verifies the chain.
const KEY_SECURITY_BITS_MIN: u32 = 112;

/// A TLS connection of a server that holds the key of the first certificate it presented; who that is, is still open.
#[derive(Debug)]
pub struct TlsStream {
    inner: SslStream<Stream>,
    chain: Chain,
}

/// What we ask for in a handshake, and how we speak after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hello<'a> {
    /// The name asked for: a host name without final dot (RFC 6066 §3), or empty for none.
    pub server_name: &'a str,
    /// The type of key that the server is to present, if it has certificates for several.
    pub key: Option<KeyType>,
    /// With TLS 1.3 what we send is padded to a multiple of so many octets (RFC 8446 §5.4), at most 16384.
    pub padding: Option<u16>,
}

/// Why there is no TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    /// The kind, for decisions.
    pub kind: TlsErrorKind,
    /// One line for the operator.
    pub text: String,
}

/// The kinds of [`TlsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsErrorKind {
    /// The deadline was over.
    Timeout,
    /// The connection was closed or reset.
    Closed,
    /// The server speaks nothing newer than TLS 1.1.
    Version,
    /// The server knows no host of that name (alert unrecognized_name, RFC 6066 §3).
    ServerName,
    /// The server presented no certificate.
    NoCertificate,
    /// The server's key is too weak.
    WeakKey,
    /// Any other failure: an alert, no common cipher suite, no TLS at all.
    Handshake,
    /// Our own OpenSSL cannot work.
    Local,
}

/// The types of key that servers have two certificates for, to suit old clients and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// An RSA key.
    Rsa,
    /// An elliptic curve key.
    Ecdsa,
}

impl KeyType {
    /// The signature algorithms of such a key (RFC 8446 §4.2.3), in OpenSSL's spelling.
    const fn signature_algorithms(self) -> &'static str {
        match self {
            Self::Rsa => {
                "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
            }
            Self::Ecdsa => "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512",
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TlsError {
    fn new(kind: TlsErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// Something on our side; not to be expected once the context could be built.
    fn local(error: &ErrorStack) -> Self {
        Self::new(TlsErrorKind::Local, format!("OpenSSL failed: {error}"))
    }
}

impl TlsStream {
    /// Makes the handshake by the stream's deadline.
    ///
    /// # Errors
    /// [`TlsError`]; the connection is closed. A server without a key of the type asked for ends the handshake.
    pub fn connect(stream: Stream, hello: &Hello<'_>) -> Result<Self, TlsError> {
        let prepared = prepare(hello).map_err(|error| TlsError::local(&error))?;
        Self::shake_hands(prepared, stream)
    }

    /// As [`TlsStream::connect`], for servers that are visited again and again: takes up `earlier`, a session with the same server, if there is
    /// one and the server still knows it. The chain of a session taken up is the one presented at its beginning.
    ///
    /// # Errors
    /// [`TlsError`]; the connection is closed.
    pub fn connect_again(
        stream: Stream,
        server_name: &str,
        earlier: Option<&Session>,
    ) -> Result<Self, TlsError> {
        let prepared = prepare_again(server_name, earlier);
        Self::shake_hands(prepared.map_err(|error| TlsError::local(&error))?, stream)
    }

    fn shake_hands(prepared: Ssl, stream: Stream) -> Result<Self, TlsError> {
        let mut inner =
            SslStream::new(prepared, stream).map_err(|error| TlsError::local(&error))?;
        inner.connect().map_err(|error| explain(&error))?;
        check_key(inner.ssl())?;
        let chain = presented(inner.ssl()).map_err(|error| TlsError::local(&error))?;
        Ok(Self { inner, chain })
    }

    /// What a later [`TlsStream::connect_again`] takes up, if the server offered that.
    pub fn session(&self) -> Option<Session> {
        Session::of(self.inner.ssl())
    }

    /// Whether an earlier session was taken up.
    pub fn is_resumed(&self) -> bool {
        self.inner.ssl().session_reused()
    }

    /// The certificates the server presented; never none.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Of which other type the server may have a key as well: hosts with two certificates have RSA and ECDSA.
    pub fn other_key(&self) -> Option<KeyType> {
        let key = self.inner.ssl().peer_certificate()?.public_key().ok()?;
        match key.id() {
            Id::RSA => Some(KeyType::Ecdsa),
            Id::EC => Some(KeyType::Rsa),
            _ => None,
        }
    }

    /// The protocol version, for example `TLSv1.3`.
    pub fn version(&self) -> &'static str {
        self.inner.ssl().version_str()
    }

    /// The cipher suite, for example `TLS_AES_256_GCM_SHA384`.
    pub fn cipher(&self) -> &'static str {
        self.inner
            .ssl()
            .current_cipher()
            .map_or("unknown", |cipher| cipher.name())
    }

    /// Sets by when the following reads and writes must be over.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.inner.get_mut().set_deadline(deadline);
    }

    /// Whether something is waiting to be read, the end included; never blocks.
    ///
    /// # Errors
    /// As the system says.
    pub fn has_input(&self) -> io::Result<bool> {
        Ok(self.inner.ssl().pending() > 0 || self.inner.get_ref().has_input()?)
    }

    /// Reads what is there; `None` if that is nothing. Never waits, not even for the rest of something, and 0 is the end, as in [`Read`].
    ///
    /// # Errors
    /// As the system says, and when what came is not TLS.
    pub fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.inner.get_mut().set_waiting(false)?;
        let read = self.inner.read(buffer);
        self.inner.get_mut().set_waiting(true)?;
        match read {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Our side's address.
    ///
    /// # Errors
    /// As the system says.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().local()
    }

    /// Says goodbye in TLS and ends both directions.
    pub fn close(mut self) {
        // A peer that is gone already misses nothing.
        let _ = self.inner.shutdown();
        self.inner.get_ref().close();
    }
}

/// To wait for input without reading it; there may be more than the system knows of ([`TlsStream::has_input`]).
impl AsFd for TlsStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.get_ref().as_fd()
    }
}

impl Read for TlsStream {
    /// As [`Stream`] reads. The end of the TCP connection reads as the end even without the peer's goodbye in TLS, so an end must never
    /// be taken for the end of what was being said.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Write for TlsStream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.inner.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A connection object for one handshake.
fn prepare(hello: &Hello<'_>) -> Result<Ssl, ErrorStack> {
    let context = match hello.key {
        None => common_context(hello.padding)?,
        // It is rare, so its context lasts for one handshake.
        Some(key) => {
            let mut builder = builder_without_tickets(hello.padding)?;
            builder.set_sigalgs_list(key.signature_algorithms())?;
            builder.build()
        }
    };
    name(Ssl::new(&context)?, hello.server_name)
}

/// The context of nearly all handshakes; the padding changes with the configuration only.
fn common_context(padding: Option<u16>) -> Result<SslContext, ErrorStack> {
    static LAST: Mutex<Option<(Option<u16>, SslContext)>> = Mutex::new(None);
    // Nothing that is done under the lock panics.
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some((its, context)) if *its == padding => Ok(context.clone()),
        _ => {
            let context = builder_without_tickets(padding)?.build();
            *last = Some((padding, context.clone()));
            Ok(context)
        }
    }
}

fn builder_without_tickets(padding: Option<u16>) -> Result<SslContextBuilder, ErrorStack> {
    // A resumed session shows no certificate of its own, so there would be nothing to compare (rfc B7).
    let mut builder = build_context(SslOptions::NO_TICKET)?;
    if let Some(block) = padding {
        crypto::pad_records(&mut builder, block)?;
    }
    Ok(builder)
}

/// The same where sessions may be taken up.
fn prepare_again(server_name: &str, earlier: Option<&Session>) -> Result<Ssl, ErrorStack> {
    static CONTEXT: OnceLock<Result<SslContext, ErrorStack>> = OnceLock::new();
    let build = || Ok(build_context(SslOptions::empty())?.build());
    let context = CONTEXT.get_or_init(build).as_ref();
    let prepared = match earlier {
        Some(session) => session.resume()?,
        None => Ssl::new(context.map_err(Clone::clone)?)?,
    };
    name(prepared, server_name)
}

fn name(mut prepared: Ssl, server_name: &str) -> Result<Ssl, ErrorStack> {
    if !server_name.is_empty() {
        prepared.set_hostname(server_name)?;
    }
    Ok(prepared)
}

/// One context for all connections of a kind: building it is dear, and nothing in it belongs to a single server.
fn build_context(tickets: SslOptions) -> Result<SslContextBuilder, ErrorStack> {
    crypto::init();
    let mut builder = SslContextBuilder::new(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_security_level(SECURITY_LEVEL);
    builder.set_cipher_list(CIPHERS)?;
    builder.set_verify(SslVerifyMode::NONE);
    crypto::leave_chain_to_caller(&mut builder);
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_options(tickets | SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    builder.set_mode(SslMode::RELEASE_BUFFERS);
    Ok(builder)
}

/// The presented certificates, as the handshake has read them.
fn presented(connection: &SslRef) -> Result<Chain, ErrorStack> {
    let chain = connection.peer_cert_chain();
    let certificates = chain.into_iter().flatten();
    Chain::of(certificates.map(ToOwned::to_owned).collect())
}

/// Refuses keys that others could break (rfc C11).
fn check_key(connection: &SslRef) -> Result<(), TlsError> {
    let certificate = connection.peer_certificate().ok_or_else(|| {
        TlsError::new(
            TlsErrorKind::NoCertificate,
            "the server presented no certificate",
        )
    })?;
    let key = certificate.public_key().map_err(|error| {
        let text = format!("the server's key cannot be read: {error}");
        TlsError::new(TlsErrorKind::Handshake, text)
    })?;
    if key.security_bits() >= KEY_SECURITY_BITS_MIN {
        return Ok(());
    }
    let text = format!(
        "the server's key of {} bits is too weak: at least RSA of 2048 bits or a curve of 224 is needed",
        key.bits()
    );
    Err(TlsError::new(TlsErrorKind::WeakKey, text))
}

/// What OpenSSL's reason codes mean here (openssl/sslerr.h); alerts from the peer are 1000 and the alert's number.
const ALERTS: i32 = 1000;
const UNEXPECTED_EOF: i32 = 294;
const VERSION_REASONS: [i32; 4] = [254, 258, 266, ALERTS + 70];
const UNRECOGNIZED_NAME: i32 = ALERTS + 112;
const WEAK_KEY_REASONS: [i32; 2] = [394, 399];

/// Sorts a failed handshake.
fn explain(error: &ssl::Error) -> TlsError {
    if let Some(error) = error.io_error() {
        return match error.kind() {
            io::ErrorKind::TimedOut => {
                TlsError::new(TlsErrorKind::Timeout, "no end of the TLS handshake in time")
            }
            _ => TlsError::new(
                TlsErrorKind::Closed,
                format!("connection lost in the TLS handshake: {error}"),
            ),
        };
    }
    let first = error.ssl_error().and_then(|stack| stack.errors().first());
    match first.map(|error| {
        (
            error.reason_code(),
            error.reason().unwrap_or("unknown reason"),
        )
    }) {
        Some((code, reason)) if code != UNEXPECTED_EOF => sort(code, reason),
        None if error.code() != ErrorCode::SYSCALL => TlsError::new(
            TlsErrorKind::Handshake,
            format!("TLS handshake failed: {error}"),
        ),
        _ => TlsError::new(
            TlsErrorKind::Closed,
            "the server closed the connection in the TLS handshake",
        ),
    }
}

fn sort(code: i32, reason: &str) -> TlsError {
    let kind = match code {
        UNRECOGNIZED_NAME => TlsErrorKind::ServerName,
        code if VERSION_REASONS.contains(&code) => TlsErrorKind::Version,
        code if WEAK_KEY_REASONS.contains(&code) => TlsErrorKind::WeakKey,
        _ => TlsErrorKind::Handshake,
    };
    let text = match code.checked_sub(ALERTS) {
        Some(alert @ 0..=255) => {
            let name = reason.rsplit("alert ").next().unwrap_or(reason);
            let name = name.strip_prefix("tlsv1 ").unwrap_or(name);
            format!("the server ended the TLS handshake with alert {alert} ({name})")
        }
        _ => format!("TLS handshake failed: {reason}"),
    };
    TlsError::new(kind, text)
}
