//! The part of the table about who learns whom mail is for: `socks5`, `ehlo-name`, `tls-padding`, `log-addresses`.

use crate::config::directive::{BLANK, Directive, Fallback};
use crate::config::words::{each, one, single};
use crate::config::{Config, values};
use crate::log::Addresses;

/// Octets in a TLS record at most (RFC 8446 §5.1).
const RECORD_MOST: u16 = 1 << 14;

/// These directives, in the order of `gateway config`.
pub(in crate::config) static DIRECTIVES: &[Directive] = &[
    Directive {
        name: "socks5",
        synopsis: "ADDR:PORT",
        meaning: "a SOCKS 5 proxy, such as Tor's, that makes every connection to a mail server and to a resolver over TLS, by address; none is made beside it but to loopback at level none. Each destination has a user name of its own, which says nothing about it (needs a proxy that takes any name, or none)",
        read: |config, words| {
            let proxy = values::proxy(one(words)?)?;
            config.outbound.socks5 = Some(proxy);
            config.resolver.socks5 = Some(proxy);
            Ok(())
        },
        print: |config| each(config.outbound.socks5.as_slice()),
        ..BLANK
    },
    Directive {
        name: "ehlo-name",
        synopsis: "NAME",
        fallback: Fallback::FoundOut("that of 'hostname'"),
        meaning: "our name in EHLO before TLS, where everybody in between hears it; inside TLS it is that of 'hostname'",
        read: |config, words| {
            config.outbound.ehlo_name = Some(values::domain(one(words)?)?);
            Ok(())
        },
        print: |config| each(config.outbound.ehlo_name.as_slice()),
        ..BLANK
    },
    Directive {
        name: "tls-padding",
        synopsis: "N",
        meaning: "pads what is sent to mail servers inside TLS 1.3 to multiples of N octets, so that the wire does not show exact lengths, for example 512; TLS 1.2 has no padding",
        read: |config, words| {
            config.outbound.tls_padding = Some(values::number(one(words)?, RECORD_MOST)?);
            Ok(())
        },
        print: |config| each(config.outbound.tls_padding.as_slice()),
        ..BLANK
    },
    Directive {
        name: "log-addresses",
        synopsis: "full|domain|none",
        fallback: Fallback::Words("domain"),
        meaning: "what the log shows of mail addresses: all; all but what stands before the @; or nothing, and no domain or host that mail is for, no server's words, and no lines at debug and trace. Clients and queue IDs always stay",
        read: |config, words| {
            config.log_addresses = addresses(one(words)?)?;
            Ok(())
        },
        print: |config| single(&config.log_addresses.name()),
        ..BLANK
    },
];

fn addresses(text: &str) -> Result<Addresses, String> {
    let mut all = Addresses::ALL.into_iter();
    all.find(|one| one.name() == text)
        .ok_or_else(|| format!("expected full, domain or none, found '{text}'"))
}

/// A warning where DNS questions show what a proxy is to hide.
pub(in crate::config) fn beside_proxy(config: &Config) -> Option<String> {
    let proxy = config.outbound.socks5?;
    let mut servers = config.resolver.servers.iter();
    let open = servers.find(|server| server.proof.is_none() && !server.is_loopback())?;
    Some(format!(
        "socks5 {proxy}: the questions to the resolver {open} go beside the proxy in clear text and name every domain that mail is for; \
        use a resolver over TLS (tls://ADDR#NAME), or one on this machine whose own questions are hidden"
    ))
}
