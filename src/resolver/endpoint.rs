//! A resolver as it is configured: where it is, and how it must prove itself where it is asked over TLS.

use std::fmt;
use std::sync::Arc;

use core::net::{IpAddr, SocketAddr};

use super::resolv_conf::{parse_server, parse_server_at};
use crate::certificate::Pin;
use crate::smtp::Domain;

/// Port of DNS over TLS (RFC 7858 §3.1).
const DNS_OVER_TLS_PORT: u16 = 853;
/// What stands before a resolver that is asked over TLS.
const SCHEME: &str = "tls://";
/// What stands before a pin.
const PIN: &str = "sha256/";
/// What stands before the name whose TLSA record counts.
const DANE: &str = "dane/";

/// One resolver, in text `ADDR[:PORT]`, or `tls://ADDR[:PORT]#` and `NAME`, `sha256/BASE64` or `dane/NAME`, with an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address and port.
    pub address: SocketAddr,
    /// How it must prove itself, over TLS; `None` for one that is asked in clear.
    pub proof: Option<Arc<Proof>>,
}

/// What a resolver must prove before it is asked what we want to know (RFC 8310 §5: the strict profile, and no other).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A certificate for this name, from a CA that is believed.
    Name(Domain),
    /// This key, whatever the certificate around it says (RFC 7858 §4.2).
    Pin(Pin),
    /// What a DNSSEC-secure TLSA record of this name designates, at `_PORT._tcp.NAME` (RFC 8310 §8.2).
    Dane(Domain),
}

impl Endpoint {
    /// Reads the text form.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return clear(text);
        };
        let (address, proof) = rest.split_once('#').ok_or_else(|| {
            format!("expected tls://ADDR[:PORT]#NAME, #sha256/PIN or #dane/NAME, found '{text}' without '#': over TLS a resolver must prove who it is")
        })?;
        Ok(Self {
            address: address_over_tls(address).ok_or_else(|| {
                format!("expected ADDR[:PORT] between 'tls://' and '#', for example 192.0.2.53, 192.0.2.53:853 or [2001:db8::53], found '{address}'")
            })?,
            proof: Some(Arc::new(Proof::parse(proof)?)),
        })
    }

    /// Whether nobody but this machine can be at the other end.
    pub const fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

fn clear(text: &str) -> Result<Endpoint, String> {
    let address = parse_server(text).ok_or_else(|| {
        format!("expected ADDR[:PORT] or tls://ADDR[:PORT]#NAME, for example 127.0.0.1 or [::1]:53, found '{text}'")
    })?;
    Ok(address.into())
}

/// As for a resolver in clear, but IPv6 only in brackets, and another port unless it is said.
fn address_over_tls(text: &str) -> Option<SocketAddr> {
    let is_bare = text.parse::<core::net::Ipv6Addr>().is_ok();
    parse_server_at(text, DNS_OVER_TLS_PORT).filter(|_| !is_bare)
}

impl Proof {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(digest) = text.strip_prefix(PIN) {
            let pin = Pin::parse_base64(digest).ok_or_else(|| {
                format!("expected base 64 of the 32 octets of a SHA-256 digest after '#sha256/', found '{digest}'")
            })?;
            return Ok(Self::Pin(pin));
        }
        if text == "dane" {
            return Err(format!(
                "expected '#{DANE}NAME', found '#dane' without the resolver's name, under which its TLSA record stands (_PORT._tcp.NAME)"
            ));
        }
        if let Some(name) = text.strip_prefix(DANE) {
            return host_name(name).map(Self::Dane).ok_or_else(|| {
                format!("expected the resolver's host name, under which its TLSA record stands, after '#{DANE}', found '{name}'")
            });
        }
        host_name(text).map(Self::Name).ok_or_else(|| {
            format!("expected the host name in the resolver's certificate, sha256/PIN or dane/NAME after '#', found '{text}'")
        })
    }
}

fn host_name(text: &str) -> Option<Domain> {
    let is_address = text.parse::<IpAddr>().is_ok();
    Domain::parse(text).ok().filter(|_| !is_address)
}

/// A resolver that is asked in clear.
impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            proof: None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.proof.as_deref() {
            None => write!(f, "{address}"),
            Some(Proof::Name(name)) => write!(f, "{SCHEME}{address}#{name}"),
            Some(Proof::Dane(name)) => write!(f, "{SCHEME}{address}#{DANE}{name}"),
            Some(Proof::Pin(pin)) => write!(f, "{SCHEME}{address}#{PIN}{}", pin.to_base64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn what_is_read_is_printed() {
        let pinned = format!("tls://127.0.0.1#sha256/{DIGEST}");
        let pinned_in_full = format!("tls://127.0.0.1:853#sha256/{DIGEST}");
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("::1", "[::1]:53"),
            (
                "tls://192.0.2.1#dns.example",
                "tls://192.0.2.1:853#dns.example",
            ),
            (
                "tls://192.0.2.1:8853#dns.example",
                "tls://192.0.2.1:8853#dns.example",
            ),
            (
                "tls://[2001:db8::1]#dns.example",
                "tls://[2001:db8::1]:853#dns.example",
            ),
            ("tls://[2001:db8::1]:53#a.b", "tls://[2001:db8::1]:53#a.b"),
            (&pinned, &pinned_in_full),
            (
                "tls://192.0.2.1#dane/dns.example",
                "tls://192.0.2.1:853#dane/dns.example",
            ),
        ] {
            let endpoint = Endpoint::parse(text).expect(text);
            assert_eq!(endpoint.to_string(), expected);
            assert_eq!(Endpoint::parse(expected), Ok(endpoint));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("", "ADDR[:PORT]"),
            ("localhost", "found 'localhost'"),
            ("127.0.0.1#dns.example", "tls://ADDR[:PORT]#NAME"),
            ("https://127.0.0.1#dns.example", "tls://ADDR[:PORT]#NAME"),
            ("tls://127.0.0.1", "without '#'"),
            ("tls://#dns.example", "found ''"),
            ("tls://dns.example#dns.example", "found 'dns.example'"),
            ("tls://127.0.0.1:0#dns.example", "found '127.0.0.1:0'"),
            ("tls://127.0.0.1:#dns.example", "found '127.0.0.1:'"),
            ("tls://2001:db8::1#dns.example", "for example 192.0.2.53"),
            ("tls://[::1%1]:853#dns.example", "found '[::1%1]:853'"),
            (
                "tls://127.0.0.1#",
                "host name in the resolver's certificate",
            ),
            (
                "tls://127.0.0.1#127.0.0.1",
                "host name in the resolver's certificate",
            ),
            ("tls://127.0.0.1#a..b", "found 'a..b'"),
            ("tls://127.0.0.1#sha256/", "32 octets"),
            ("tls://127.0.0.1#sha256/AAEC", "32 octets"),
            (
                "tls://127.0.0.1#sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                "32 octets",
            ),
            ("tls://127.0.0.1#dane", "found '#dane' without"),
            ("tls://127.0.0.1#dane/", "after '#dane/', found ''"),
            (
                "tls://127.0.0.1#dane/127.0.0.1",
                "after '#dane/', found '127.0.0.1'",
            ),
            ("tls://127.0.0.1#dane/a..b", "after '#dane/', found 'a..b'"),
        ] {
            let error = Endpoint::parse(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
