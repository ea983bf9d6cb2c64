//! The part of the table of directives about which hosts mail goes to, and what they must prove.

use std::fs::File;

use crate::config::directive::{BLANK, Directive, Fallback};
use crate::config::words::{all, each, one, set, single};
use crate::config::{destination, values};
use crate::time::format_duration;

/// Delivery workers at most: each has a thread.
const WORKERS_MOST: usize = 1000;

/// These directives, in the order of `gateway config`.
pub(in crate::config) static DIRECTIVES: &[Directive] = &[
    Directive {
        name: "policy",
        synopsis: "DOMAIN LEVEL [port=P] [mx=HOST]… [addresses=rfc7672] [pin=sha256:HEX]…",
        fallback: Fallback::Words("* dane-only"),
        meaning: "what the servers for a recipient domain must prove: dane-only, dane (DANE where a host has it, else encryption), secure (a certificate of a CA, with the right name), fingerprint (pin= names key or certificate), encrypt, or none (loopback destinations only); '.example.org' is what lies below it, '*' every domain; the most specific line wins. mx= names its MX hosts, the preferred first, and nobody is asked for others",
        is_repeatable: true,
        read: |config, words| {
            let policy = destination::policy(words)?;
            config.outbound.policies.lines.push(policy);
            Ok(())
        },
        print: |config| {
            config
                .outbound
                .policies
                .lines
                .iter()
                .map(destination::policy_words)
                .collect()
        },
        ..BLANK
    },
    Directive {
        name: "route",
        synopsis: "DOMAIN HOST[:PORT]",
        meaning: "a smarthost that takes the mail for DOMAIN, a pattern as for 'policy'; it must prove of itself what the policy of DOMAIN demands of an MX host",
        is_repeatable: true,
        read: |config, words| {
            let smarthost = destination::smarthost(words)?;
            config.outbound.policies.smarthosts.push(smarthost);
            Ok(())
        },
        print: |config| {
            let smarthosts = config.outbound.policies.smarthosts.iter();
            smarthosts.map(destination::smarthost_words).collect()
        },
        ..BLANK
    },
    Directive {
        name: "exception",
        synopsis: "DOMAIN pkix|pin=sha256:HEX… until=YYYY-MM-DD reason=\"TEXT\"",
        meaning: "until that day begins (UTC), a domain that DANE does not verify gets mail if a CA vouches for its server (pkix), or if key or certificate have the digest; DANE is tried first, and each use is logged",
        is_repeatable: true,
        read: |config, words| {
            let exception = destination::exception(words)?;
            config.outbound.policies.exceptions.push(exception);
            Ok(())
        },
        print: |config| {
            let exceptions = config.outbound.policies.exceptions.iter();
            exceptions.map(destination::exception_words).collect()
        },
        ..BLANK
    },
    Directive {
        name: "no-dane-action",
        synopsis: "defer|bounce",
        fallback: Fallback::Words("defer"),
        meaning: "what becomes of mail at level dane-only where the signatures prove that the domain has no DANE: it waits, or it is refused at once (needs 'dnssec validate')",
        read: |config, words| {
            config.outbound.no_dane_is_final = match one(words)? {
                "defer" => false,
                "bounce" => true,
                other => return Err(format!("expected 'defer' or 'bounce', found '{other}'")),
            };
            Ok(())
        },
        print: |config| {
            let is_final = config.outbound.no_dane_is_final;
            single(&if is_final { "bounce" } else { "defer" })
        },
        ..BLANK
    },
    Directive {
        name: "ca-file",
        synopsis: "FILE",
        fallback: Fallback::FoundOut("the system's bundle"),
        meaning: "certificates of the CAs that count at level secure, in pkix exceptions and for resolvers over TLS, in PEM; read only where they are needed",
        read: |config, words| {
            let file = values::absolute_path(one(words)?)?;
            File::open(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            config.outbound.ca_file = Some(file);
            Ok(())
        },
        print: |config| {
            let file = config.outbound.ca_file.iter();
            each(&file.map(|file| file.display()).collect::<Vec<_>>())
        },
        ..BLANK
    },
    Directive {
        name: "smtp-port",
        synopsis: "PORT",
        fallback: Fallback::Words("25"),
        meaning: "port of MX hosts",
        read: |config, words| set(&mut config.outbound.smtp_port, values::port(one(words)?)),
        print: |config| single(&config.outbound.smtp_port),
        ..BLANK
    },
    Directive {
        name: "allow-address",
        synopsis: "NET…|none",
        fallback: Fallback::FoundOut("loopback if every resolver is on loopback, else none"),
        meaning: "reserved addresses (loopback, private, link-local …) that MX hosts may have; without it, DNS data cannot send mail into our own network",
        is_repeatable: true,
        read: |config, words| {
            if words != ["none"] {
                let networks = all(words, values::network)?;
                config.outbound.allow_addresses.extend(networks);
            }
            Ok(())
        },
        print: |config| match config.outbound.allow_addresses.is_empty() {
            true => single(&"none"),
            false => each(&config.outbound.allow_addresses),
        },
        ..BLANK
    },
    Directive {
        name: "connect-timeout",
        synopsis: "DURATION",
        fallback: Fallback::Words("30s"),
        meaning: "longest wait for a connection to an MX host",
        read: |config, words| {
            set(
                &mut config.outbound.connect_timeout,
                values::duration(one(words)?, values::TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.outbound.connect_timeout)),
        ..BLANK
    },
    Directive {
        name: "reply-timeout",
        synopsis: "DURATION",
        fallback: Fallback::Words("5m"),
        meaning: "longest wait for one reply of an MX host (RFC 5321 asks for 5m or more)",
        read: |config, words| {
            set(
                &mut config.outbound.command_timeout,
                values::duration(one(words)?, values::TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.outbound.command_timeout)),
        ..BLANK
    },
    Directive {
        name: "workers",
        synopsis: "N",
        fallback: Fallback::Words("100"),
        meaning: "deliveries attempted at the same time",
        is_fixed: true,
        read: |config, words| {
            set(
                &mut config.outbound.workers,
                values::number(one(words)?, WORKERS_MOST),
            )
        },
        print: |config| single(&config.outbound.workers),
        ..BLANK
    },
];
