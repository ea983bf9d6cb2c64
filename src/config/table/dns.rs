//! The part of the table of directives about who is asked, and what is believed.

use std::time::Duration;

use crate::config::directive::{BLANK, Directive, Fallback};
use crate::config::values;
use crate::config::words::{each, one, set, single};
use crate::resolver::Endpoint;
use crate::time::format_duration;

/// Bounds of the wait for the reply to one DNS packet.
const QUERY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(60));
/// DNS packets of one lookup to one server; more would be a burden to it.
const QUERIES_MOST: u32 = 10;

/// These directives, in the order of `gateway config`.
pub(in crate::config) static DIRECTIVES: &[Directive] = &[
    Directive {
        name: "resolver",
        synopsis: "ADDR[:PORT] | tls://ADDR[:PORT]#NAME|#sha256/PIN|#dane/NAME",
        fallback: Fallback::FoundOut("those of /etc/resolv.conf"),
        meaning: "a DNS resolver to ask; the first is preferred. tls:// asks over TLS and never in clear: the resolver must prove to be NAME, by a certificate of a CA (see ca-file); or to have the key of which PIN is the SHA-256 digest in base 64; or the one that a DNSSEC-signed TLSA record at _PORT._tcp.NAME designates, which it is asked for first, and nothing else",
        is_repeatable: true,
        read: |config, words| {
            let server = Endpoint::parse(one(words)?)?;
            config.resolver.servers.push(server);
            Ok(())
        },
        print: |config| each(&config.resolver.servers),
        ..BLANK
    },
    Directive {
        name: "resolver-timeout",
        synopsis: "DURATION",
        fallback: Fallback::FoundOut(
            "2s, or the option 'timeout' of /etc/resolv.conf if its resolvers are used",
        ),
        meaning: "wait for the reply to one packet; then the next try or resolver",
        read: |config, words| {
            set(
                &mut config.resolver.retry.timeout,
                values::duration(one(words)?, QUERY),
            )
        },
        print: |config| single(&format_duration(config.resolver.retry.timeout)),
        ..BLANK
    },
    Directive {
        name: "resolver-attempts",
        synopsis: "N",
        fallback: Fallback::FoundOut(
            "2, or the option 'attempts' of /etc/resolv.conf if its resolvers are used",
        ),
        meaning: "packets to each resolver before the last try over TCP",
        read: |config, words| {
            set(
                &mut config.resolver.retry.attempts,
                values::number(one(words)?, QUERIES_MOST),
            )
        },
        print: |config| single(&config.resolver.retry.attempts),
        ..BLANK
    },
    Directive {
        name: "lookup-timeout",
        synopsis: "DURATION",
        fallback: Fallback::Words("30s"),
        meaning: "longest wait for the DNS answers of one step: MX, addresses or TLSA of a host",
        read: |config, words| {
            set(
                &mut config.outbound.lookup_timeout,
                values::duration(one(words)?, values::TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.outbound.lookup_timeout)),
        ..BLANK
    },
    Directive {
        name: "dnssec",
        synopsis: "validate|ad [ad-trusted]",
        fallback: Fallback::Words("validate"),
        meaning: "validate: check signatures here. ad: believe the AD bit of resolvers on loopback; with ad-trusted that of every resolver named",
        read: |config, words| set(&mut config.resolver.dnssec, values::dnssec(words)),
        print: |config| vec![values::dnssec_words(config.resolver.dnssec)],
        ..BLANK
    },
    Directive {
        name: "trust-anchor",
        synopsis: "FILE",
        fallback: Fallback::FoundOut(
            "the root's keys: at first those built in, then as they change (RFC 5011), kept in the spool's file 'anchors'",
        ),
        meaning: "DS and DNSKEY records in zone-file form that are believed without further proof, of the root or of any other zone; only they count then",
        read: |config, words| {
            let file = values::absolute_path(one(words)?)?;
            config.resolver.validation.anchors = values::trust_anchors(&file)?;
            config.resolver.validation.anchor_file = Some(file);
            Ok(())
        },
        print: |config| {
            let file = config.resolver.validation.anchor_file.iter();
            each(&file.map(|file| file.display()).collect::<Vec<_>>())
        },
        ..BLANK
    },
    Directive {
        name: "dnssec-sha1",
        synopsis: "yes|no",
        fallback: Fallback::Words("no"),
        meaning: "whether zones signed with the SHA-1 algorithms 5 and 7 count as secure; RFC 9905 says that they must not",
        read: |config, words| {
            let sha1 = one(words).and_then(values::yes_or_no);
            set(&mut config.resolver.validation.sha1, sha1)
        },
        print: |config| single(&values::yes_no(config.resolver.validation.sha1)),
        ..BLANK
    },
];
