//! SOCKS 5 as a client speaks it, without I/O: what is said to a proxy, and what its answers mean (RFC 1928, RFC 1929).
//!
//! A connection is asked for by address, never by name: a proxy would look a name up on its own, where nothing is proven. Each answer is
//! read to its last octet and no further, since the next octet is the destination's.
//!
//! Limitations: CONNECT only; no GSS-API (RFC 1928 §3), and user name and password say which connections belong together, not who we are.

use core::net::{IpAddr, SocketAddr};
use std::fmt;

use crate::bytes::hex;

const VERSION: u8 = 5;
/// Version of the sub-negotiation (RFC 1929 §2).
const LOGIN_VERSION: u8 = 1;

/// Methods (RFC 1928 §3).
const NO_AUTHENTICATION: u8 = 0;
const USER_NAME: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

const CONNECT: u8 = 1;
const RESERVED: u8 = 0;
/// Types of addresses (RFC 1928 §5), and the octets of each.
const IPV4: (u8, usize) = (1, 4);
const IPV6: (u8, usize) = (4, 16);
const NAME: u8 = 3;
const PORT_LENGTH: usize = 2;

/// Octets of the longest answer: four, and a name of 255 with its length and the port.
pub const ANSWER_MAX: usize = 4 + 1 + 255 + PORT_LENGTH;

/// What connections that belong together have in common, as user name and password in hexadecimal digits: a proxy like Tor keeps connections
/// with different ones apart (`IsolateSOCKSAuth`), and that is all it learns from them.
pub type Mark = [u8; 32];

/// One dialogue with a proxy. What it wants to hear is read and handed to it until it wants nothing more.
pub struct Client {
    target: SocketAddr,
    mark: Mark,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Method,
    Login,
    Head,
    NameLength,
    /// The rest of the answer: an address that nobody needs, and a port.
    Bound(usize),
    Connected,
}

impl Client {
    /// Begins a dialogue that is to end in a connection to `target`; also what is to be said first.
    pub const fn new(target: SocketAddr, mark: Mark) -> (Self, [u8; 4]) {
        let client = Self {
            target,
            mark,
            state: State::Method,
        };
        (client, [VERSION, 2, USER_NAME, NO_AUTHENTICATION])
    }

    /// How many octets of the answer are to be read next, at most [`ANSWER_MAX`]; 0 when the connection stands.
    pub const fn wants(&self) -> usize {
        match self.state {
            State::Method | State::Login => 2,
            State::Head => 4,
            State::NameLength => 1,
            State::Bound(length) => length,
            State::Connected => 0,
        }
    }

    /// Takes as many octets as were wanted; what is to be said then, perhaps nothing.
    ///
    /// # Errors
    /// [`SocksError`]: there will be no connection.
    pub fn hear(&mut self, octets: &[u8]) -> Result<Vec<u8>, SocksError> {
        match (self.state, octets) {
            (State::Method, &[VERSION, method]) => self.choose(method),
            (State::Login, &[LOGIN_VERSION, 0]) => Ok(self.request()),
            (State::Login, &[LOGIN_VERSION, status]) => Err(SocksError::Login(status)),
            (State::Head, &[VERSION, 0, _, kind]) => {
                self.state = match kind {
                    kind if kind == IPV4.0 => State::Bound(IPV4.1 + PORT_LENGTH),
                    kind if kind == IPV6.0 => State::Bound(IPV6.1 + PORT_LENGTH),
                    NAME => State::NameLength,
                    _ => return Err(SocksError::Garbage),
                };
                Ok(Vec::new())
            }
            (State::Head, &[VERSION, code, ..]) => Err(SocksError::Refused(code)),
            (State::NameLength, &[length]) => {
                self.state = State::Bound(usize::from(length) + PORT_LENGTH);
                Ok(Vec::new())
            }
            (State::Bound(length), octets) if octets.len() == length => {
                self.state = State::Connected;
                Ok(Vec::new())
            }
            _ => Err(SocksError::Garbage),
        }
    }

    fn choose(&mut self, method: u8) -> Result<Vec<u8>, SocksError> {
        match method {
            USER_NAME => {
                self.state = State::Login;
                Ok(self.login())
            }
            // Then nothing keeps our connections apart but their addresses.
            NO_AUTHENTICATION => Ok(self.request()),
            NONE_ACCEPTABLE => Err(SocksError::NoMethod),
            _ => Err(SocksError::Garbage),
        }
    }

    /// RFC 1929 §2.
    fn login(&self) -> Vec<u8> {
        let (user, password) = self.mark.split_at(self.mark.len() / 2);
        let mut octets = vec![LOGIN_VERSION];
        for word in [user, password].map(hex::encode) {
            // 32: at most 255 would do.
            octets.extend(u8::try_from(word.len()));
            octets.extend(word.into_bytes());
        }
        octets
    }

    /// RFC 1928 §4.
    fn request(&mut self) -> Vec<u8> {
        self.state = State::Head;
        let mut octets = vec![VERSION, CONNECT, RESERVED];
        match self.target.ip() {
            IpAddr::V4(address) => {
                octets.push(IPV4.0);
                octets.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                octets.push(IPV6.0);
                octets.extend_from_slice(&address.octets());
            }
        }
        octets.extend_from_slice(&self.target.port().to_be_bytes());
        octets
    }
}

/// Why a proxy makes no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksError {
    /// What it says is not SOCKS 5, or not an answer.
    Garbage,
    /// It wants to know more about us than we say.
    NoMethod,
    /// It does not take a user name that it was never told; the status (RFC 1929 §2).
    Login(u8),
    /// It answers with this code, which is not 0 (RFC 1928 §6).
    Refused(u8),
}

impl SocksError {
    /// Whether it is about the destination: the proxy itself did what it could.
    pub const fn is_of_destination(self) -> bool {
        matches!(self, Self::Refused(3..=6))
    }
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Garbage => "what it answers is not SOCKS 5: check address and port of the directive 'socks5'",
            Self::NoMethod => {
                "it takes neither clients without a name nor those with any name: let it take this machine without a password"
            }
            Self::Login(status) => {
                return write!(
                    f,
                    "it refuses the random user name that keeps destinations apart (status {status}): let it take any name, or none"
                );
            }
            Self::Refused(code) => match code {
                1 => "it says 'general failure'; its own log may say more",
                2 => "its rules do not allow this connection; many proxies and most exits of Tor close port 25",
                3 => "the network is unreachable from there",
                4 => "the host is unreachable from there",
                5 => "the host refuses the connection",
                6 => "the time to live of the packets ended, or the host does not answer",
                7 => "it does not know the command CONNECT",
                8 => "it knows no addresses of this family",
                _ => return write!(f, "it answers with the code {code}, which nobody has defined"),
            },
        })
    }
}

impl std::error::Error for SocksError {}

#[cfg(test)]
#[path = "socks_tests.rs"]
mod tests;
