//! Reads `/etc/resolv.conf` (resolv.conf(5)): which servers to ask, and how patiently.
//!
//! Search lists and sorting are not for us: every name asked for is absolute. Unknown lines and options are passed over, as every resolver does.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Retry;

/// Where it lies.
pub const PATH: &str = "/etc/resolv.conf";
/// Servers taken; the C library takes three, and asking more than a handful only delays the error.
const SERVERS_AT_MOST: usize = 8;
/// Longest `timeout:N` in seconds, as the C library caps it.
const TIMEOUT_AT_MOST: u32 = 30;
/// Most `attempts:N`, as the C library caps it.
const ATTEMPTS_AT_MOST: u32 = 5;
/// Octets read; a real file has a few hundred.
const SIZE_AT_MOST: u64 = 64 * 1024;
/// Port of a server that names none (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// What the file says, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// At least one server, in the order of the file.
    pub servers: Vec<SocketAddr>,
    /// `options timeout:N attempts:N`.
    pub retry: Retry,
}

/// Why the file cannot be used.
#[derive(Debug)]
pub enum ResolvConfError {
    /// It is there but cannot be read.
    Read(PathBuf, io::Error),
    /// A `nameserver` line names no usable address: line number and the address.
    Server(usize, String),
}

impl fmt::Display for ResolvConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Server(line, address) if address.contains('%') => write!(
                f,
                "resolv.conf line {line}: {address}: addresses with a scope are not supported; \
                 name a resolver on loopback with the directive `resolver`"
            ),
            Self::Server(line, address) => write!(
                f,
                "resolv.conf line {line}: nameserver '{address}': expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"
            ),
        }
    }
}

impl std::error::Error for ResolvConfError {}

/// Reads the file; a missing one means a server on this machine, as resolv.conf(5) says.
///
/// # Errors
/// [`ResolvConfError`]: one line that says what to mend.
pub fn read(path: &Path) -> Result<ResolvConf, ResolvConfError> {
    let mut octets = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SIZE_AT_MOST).read_to_end(&mut octets));
    match read {
        Ok(_) => parse(&String::from_utf8_lossy(&octets)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => parse(""),
        Err(error) => Err(ResolvConfError::Read(path.to_owned(), error)),
    }
}

/// Parses the file's text.
///
/// # Errors
/// [`ResolvConfError::Server`] for an address that cannot be used.
pub fn parse(text: &str) -> Result<ResolvConf, ResolvConfError> {
    let mut servers = Vec::new();
    let mut retry = Retry::default();
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), servers.len() < SERVERS_AT_MOST) {
            (Some("nameserver"), true) => {
                let word = words.next().unwrap_or_default();
                let server = parse_server(word)
                    .ok_or_else(|| ResolvConfError::Server(index + 1, word.to_owned()))?;
                servers.push(server);
            }
            (Some("options"), _) => words.for_each(|word| apply_option(word, &mut retry)),
            _ => {}
        }
    }
    if servers.is_empty() {
        servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, DNS_PORT)));
    }
    Ok(ResolvConf { servers, retry })
}

/// `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5353`; no scope, no port 0.
pub fn parse_server(word: &str) -> Option<SocketAddr> {
    parse_server_at(word, DNS_PORT)
}

/// The same with another port where none is said.
pub(super) fn parse_server_at(word: &str, port: u16) -> Option<SocketAddr> {
    let with_port = || word.parse().ok().filter(|_| !word.contains('%'));
    let bare = word
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(word);
    match bare.parse::<IpAddr>() {
        Ok(address) => Some(SocketAddr::new(address, port)),
        Err(_) => with_port(),
    }
    .filter(|server| server.port() != 0)
}

fn apply_option(word: &str, retry: &mut Retry) {
    let Some((name, Ok(value))) = word
        .split_once(':')
        .map(|(name, digits)| (name, digits.parse::<u32>()))
    else {
        return;
    };
    match name {
        "timeout" => {
            retry.timeout = Duration::from_secs(value.clamp(1, TIMEOUT_AT_MOST).into());
        }
        "attempts" => retry.attempts = value.clamp(1, ATTEMPTS_AT_MOST),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: &str) -> Vec<String> {
        let parsed = parse(text).expect(text);
        parsed.servers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn servers_are_read_in_every_form() {
        for (text, expected) in [
            ("", "127.0.0.1:53"),
            (
                "# nameserver 192.0.2.9\nsearch example.org\n",
                "127.0.0.1:53",
            ),
            ("nameserver 192.0.2.1", "192.0.2.1:53"),
            ("nameserver\t192.0.2.1:5353 trailing", "192.0.2.1:5353"),
            ("nameserver ::1", "[::1]:53"),
            ("nameserver [::1]", "[::1]:53"),
            ("  nameserver [2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ] {
            assert_eq!(servers(text), [expected], "{text}");
        }
        let many = "nameserver 192.0.2.1\n".repeat(SERVERS_AT_MOST + 3);
        assert_eq!(servers(&many).len(), SERVERS_AT_MOST);
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused() {
        for (text, line, part) in [
            ("\nnameserver fe80::1%eth0", 2, "scope"),
            ("nameserver [fe80::1%2]:53", 1, "scope"),
            ("nameserver", 1, "expected"),
            ("nameserver ns.example.org", 1, "expected"),
            ("nameserver 192.0.2.1:0", 1, "expected"),
            ("nameserver 192.0.2.1:65536", 1, "expected"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(&format!("line {line}:")), "{error}");
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn options_are_read_and_capped() {
        for (text, seconds, attempts) in [
            ("options rotate ndots:3 timeout", 2, 2),
            ("options timeout:1 attempts:4", 1, 4),
            ("options timeout:0\noptions attempts:0", 1, 1),
            ("options timeout:9999 attempts:9999", 30, 5),
            ("options timeout:-1 attempts:99999999999", 2, 2),
        ] {
            let retry = parse(text).expect(text).retry;
            assert_eq!(retry.timeout, Duration::from_secs(seconds), "{text}");
            assert_eq!(retry.attempts, attempts, "{text}");
        }
    }

    #[test]
    fn a_missing_file_means_this_machine() {
        let conf = read(Path::new("/nonexistent/resolv.conf")).expect("default");
        assert_eq!(conf, parse("").expect("default"));
        assert!(read(Path::new("/")).is_err());
    }
}
