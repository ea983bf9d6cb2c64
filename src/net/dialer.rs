//! Makes connections to other machines: straight, or through a SOCKS proxy and then never beside it.
//!
//! next: `src/net/socks.rs`

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sign::Signer;

use super::Stream;
use super::socks::{ANSWER_MAX, Client, Mark, SocksError};
use crate::time::Deadline;

/// How connections for one destination are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialer<'a> {
    /// The SOCKS proxy, if there is one.
    pub proxy: Option<SocketAddr>,
    /// For whom: the proxy is to keep connections for others apart from these, and learns no more than that. Any text.
    pub destination: &'a str,
}

impl Dialer<'_> {
    /// No proxy.
    pub const STRAIGHT: Self = Self {
        proxy: None,
        destination: "",
    };

    /// Connects by the deadline. Of a connection through a proxy, [`Stream::peer`] is the proxy.
    ///
    /// # Errors
    /// As [`Stream::connect`]; with a proxy, the text says whether the proxy or the destination is to blame.
    pub fn dial(&self, target: SocketAddr, deadline: Deadline) -> io::Result<Stream> {
        let Some(proxy) = self.proxy else {
            return Stream::connect(target, deadline);
        };
        let said = |what: &str, error: &io::Error| {
            let text = format!("the SOCKS proxy {proxy} {what}: {error}");
            io::Error::new(error.kind(), text)
        };
        let mark = mark(self.destination)?;
        let stream = Stream::connect(proxy, deadline);
        let mut stream = stream.map_err(|error| said("cannot be reached", &error))?;
        let (client, first) = Client::new(target, mark);
        match converse(&mut stream, client, &first) {
            Ok(()) => Ok(stream),
            Err(error) => Err(said(blame(&error), &error)),
        }
    }
}

/// The dialogue with the proxy; nothing that the destination says is read.
fn converse(stream: &mut Stream, mut client: Client, first: &[u8]) -> io::Result<()> {
    stream.write_all(first)?;
    let mut buffer = [0; ANSWER_MAX];
    while client.wants() > 0 {
        let wanted = buffer.get_mut(..client.wants());
        let wanted = wanted.ok_or_else(|| refusal(SocksError::Garbage))?;
        stream.read_exact(wanted)?;
        let next = client.hear(wanted).map_err(refusal)?;
        stream.write_all(&next)?;
    }
    Ok(())
}

fn refusal(error: SocksError) -> io::Error {
    let kind = match error {
        SocksError::Refused(3) => io::ErrorKind::NetworkUnreachable,
        SocksError::Refused(4) => io::ErrorKind::HostUnreachable,
        SocksError::Refused(5) => io::ErrorKind::ConnectionRefused,
        SocksError::Refused(6) => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// What is to be said of the proxy.
fn blame(error: &io::Error) -> &'static str {
    let socks = error.get_ref().and_then(|inner| inner.downcast_ref());
    match socks.copied().map(SocksError::is_of_destination) {
        Some(true) => "cannot reach the destination",
        Some(false) => "makes no connection",
        // Closed or silent: the proxy, or a destination for which it waits.
        None => "gives no answer",
    }
}

/// The mark of a destination: the same as long as this process runs, and nobody else can tell which destination it stands for.
fn mark(destination: &str) -> Result<Mark, ErrorStack> {
    static KEY: OnceLock<Mark> = OnceLock::new();
    let key = match KEY.get() {
        Some(key) => key,
        None => {
            let mut fresh = Mark::default();
            rand_bytes(&mut fresh)?;
            KEY.get_or_init(|| fresh)
        }
    };
    let key = PKey::hmac(key)?;
    let mut mark = Mark::default();
    let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
    signer.sign_oneshot(&mut mark, destination.as_bytes())?;
    Ok(mark)
}

#[cfg(test)]
#[path = "dialer_tests.rs"]
mod tests;
