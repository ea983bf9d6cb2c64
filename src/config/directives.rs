//! The table of directives: name, words, default, meaning, how its words are read and how they are printed again.
//!
//! Reading, printing, `gateway config --directives` and the list of what a reload cannot change all walk through this one table.

use core::net::SocketAddr;
use std::fs::File;
use std::time::Duration;

use super::words::{all, each, one, set, single};
use super::{Config, destination, quiet, values};
use crate::filter::Chain;
use crate::log::Level as LogLevel;
use crate::resolver::Endpoint;
use crate::time::format_duration;

/// One kind of directive.
pub(super) struct Directive {
    pub(super) name: &'static str,
    /// The words behind the name.
    pub(super) synopsis: &'static str,
    pub(super) fallback: Fallback,
    /// One line for `gateway config --directives`.
    pub(super) meaning: &'static str,
    /// Whether several lines add up; else a second one is an error.
    pub(super) is_repeatable: bool,
    /// Whether a new value takes a restart.
    pub(super) is_fixed: bool,
    /// Reads the words behind the name; an error says what was expected.
    pub(super) read: fn(&mut Config, &[String]) -> Result<(), String>,
    /// The words behind the name of each line that means the same.
    pub(super) print: fn(&Config) -> Vec<Vec<String>>,
}

/// What counts when the directive is not given.
pub(super) enum Fallback {
    /// These words, read like those of a file.
    Words(&'static str),
    /// What `defaults.rs` finds out; the text describes it.
    FoundOut(&'static str),
    /// Nothing.
    Nothing,
}

/// Octets of one message at least (RFC 5321 §4.5.3.1.7), and at most: a message is held in memory while it is filtered.
const MESSAGE_SIZE: (u64, u64) = (64 << 10, 512 << 20);
/// Recipients of one message at most: what one record of the queue can hold. RFC 5321 §4.5.3.1.8 asks for 100 or more.
const RECIPIENTS_MOST: usize = 20_000;
/// Sessions at most: each has a thread.
const SESSIONS_MOST: usize = 10_000;
/// Delivery workers at most: each has a thread.
const WORKERS_MOST: usize = 1000;
/// Bounds of the waits between attempts; the shortest keeps a broken destination from being hammered.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30 * 86_400));
/// Bounds of the wait for the reply to one DNS packet.
const QUERY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(60));
/// DNS packets of one lookup to one server; more would be a burden to it.
const QUERIES_MOST: u32 = 10;
/// Bounds of the waits for another host.
const TIMEOUT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(86_400));

/// What most directives have in common.
pub(super) const BLANK: Directive = Directive {
    name: "",
    synopsis: "",
    fallback: Fallback::Nothing,
    meaning: "",
    is_repeatable: false,
    is_fixed: false,
    read: |_, _| Ok(()),
    print: |_| Vec::new(),
};

/// All directives that are built, in the order of `gateway config`.
pub(super) fn directives() -> impl Iterator<Item = &'static Directive> {
    DIRECTIVES.iter().chain(quiet::DIRECTIVES)
}

static DIRECTIVES: &[Directive] = &[
    Directive {
        name: "hostname",
        synopsis: "NAME",
        fallback: Fallback::FoundOut("the system's"),
        meaning: "our name in the banner, in EHLO and in Received",
        read: |config, words| {
            config.set_hostname(&values::domain(one(words)?)?);
            Ok(())
        },
        print: |config| single(&config.inbound.hostname),
        ..BLANK
    },
    Directive {
        name: "listen",
        synopsis: "ADDR:PORT [tls=no] [auth=no]",
        fallback: Fallback::Words("127.0.0.1:2525"),
        meaning: "where clients connect; port 0 lets the system choose",
        is_repeatable: true,
        is_fixed: true,
        read: |config, words| {
            config.inbound.listen.push(listener(words)?);
            Ok(())
        },
        print: |config| each(&config.inbound.listen),
    },
    Directive {
        name: "relay-from",
        synopsis: "NET…",
        fallback: Fallback::Words("127.0.0.0/8 ::1/128"),
        meaning: "clients that may relay",
        is_repeatable: true,
        read: |config, words| {
            let networks = all(words, values::network)?;
            config.inbound.relay_from.extend(networks);
            Ok(())
        },
        print: |config| each(&config.inbound.relay_from),
        ..BLANK
    },
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
        name: "refuse-at-rcpt",
        synopsis: "yes|no",
        fallback: Fallback::Words("no"),
        meaning: "whether a recipient whose domain provably cannot be reached under its policy is refused at RCPT TO with the reason, instead of a bounce later; what cannot be found out within 5s is taken",
        read: |config, words| {
            let refuses = one(words).and_then(values::yes_or_no);
            set(&mut config.refuse_at_rcpt, refuses)
        },
        print: |config| single(&values::yes_no(config.refuse_at_rcpt)),
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
        name: "filter",
        synopsis: "NAME ARGS…",
        fallback: Fallback::Nothing,
        meaning: "a content filter; applied in the order written ('gateway filter -h' lists them)",
        is_repeatable: true,
        read: |config, words| {
            Chain::new(&[words.to_vec()]).map_err(|error| error.0)?;
            config.filters.push(words.to_vec());
            Ok(())
        },
        print: |config| config.filters.clone(),
        ..BLANK
    },
    Directive {
        name: "spool",
        synopsis: "DIR",
        fallback: Fallback::FoundOut(
            "/var/spool/gateway as root, else $XDG_STATE_HOME/gateway, else ~/.local/state/gateway",
        ),
        meaning: "where messages are kept until nothing is left to do for them",
        is_fixed: true,
        read: |config, words| {
            set(
                &mut config.queue.directory,
                values::absolute_path(one(words)?),
            )
        },
        print: |config| single(&config.queue.directory.display()),
        ..BLANK
    },
    Directive {
        name: "retry-for",
        synopsis: "DURATION",
        fallback: Fallback::Words("5d"),
        meaning: "how long a recipient is tried before the message bounces",
        is_fixed: true,
        read: |config, words| {
            set(
                &mut config.queue.retry_for,
                values::duration(one(words)?, RETRY),
            )
        },
        print: |config| single(&format_duration(config.queue.retry_for)),
        ..BLANK
    },
    Directive {
        name: "retry-first",
        synopsis: "DURATION",
        fallback: Fallback::Words("1m"),
        meaning: "the first wait after a deferred attempt; each further one doubles it",
        is_fixed: true,
        read: |config, words| {
            set(
                &mut config.queue.retry_first,
                values::duration(one(words)?, RETRY),
            )
        },
        print: |config| single(&format_duration(config.queue.retry_first)),
        ..BLANK
    },
    Directive {
        name: "retry-max",
        synopsis: "DURATION",
        fallback: Fallback::Words("4h"),
        meaning: "the longest wait between attempts",
        is_fixed: true,
        read: |config, words| {
            set(
                &mut config.queue.retry_max,
                values::duration(one(words)?, RETRY),
            )
        },
        print: |config| single(&format_duration(config.queue.retry_max)),
        ..BLANK
    },
    Directive {
        name: "message-size-limit",
        synopsis: "SIZE",
        fallback: Fallback::Words("50M"),
        meaning: "the largest message taken, in octets or with a suffix K, M or G",
        read: |config, words| {
            set(
                &mut config.inbound.message_size_limit,
                values::size(one(words)?, MESSAGE_SIZE),
            )
        },
        print: |config| single(&values::format_size(config.inbound.message_size_limit)),
        ..BLANK
    },
    Directive {
        name: "recipient-limit",
        synopsis: "N",
        fallback: Fallback::Words("1000"),
        meaning: "recipients of one message",
        read: |config, words| {
            set(
                &mut config.inbound.recipient_limit,
                values::number(one(words)?, RECIPIENTS_MOST),
            )
        },
        print: |config| single(&config.inbound.recipient_limit),
        ..BLANK
    },
    Directive {
        name: "session-limit",
        synopsis: "N",
        fallback: Fallback::Words("1000"),
        meaning: "clients served at the same time",
        read: |config, words| {
            set(
                &mut config.inbound.session_limit,
                values::number(one(words)?, SESSIONS_MOST),
            )
        },
        print: |config| single(&config.inbound.session_limit),
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
    Directive {
        name: "command-timeout",
        synopsis: "DURATION",
        fallback: Fallback::Words("5m"),
        meaning: "how long a client may be silent between commands (RFC 5321 asks for 5m or more)",
        read: |config, words| {
            set(
                &mut config.inbound.command_timeout,
                values::duration(one(words)?, TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.inbound.command_timeout)),
        ..BLANK
    },
    Directive {
        name: "data-timeout",
        synopsis: "DURATION",
        fallback: Fallback::Words("30m"),
        meaning: "how long a client may take for one whole message",
        read: |config, words| {
            set(
                &mut config.inbound.data_timeout,
                values::duration(one(words)?, TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.inbound.data_timeout)),
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
                values::duration(one(words)?, TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.outbound.lookup_timeout)),
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
                values::duration(one(words)?, TIMEOUT),
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
                values::duration(one(words)?, TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.outbound.command_timeout)),
        ..BLANK
    },
    Directive {
        name: "user",
        synopsis: "NAME",
        meaning: "become this user once the listeners are bound; needs root",
        is_fixed: true,
        read: |config, words| {
            set(
                &mut config.user,
                one(words).map(|name| Some(name.to_owned())),
            )
        },
        print: |config| config.user.iter().flat_map(single).collect(),
        ..BLANK
    },
    Directive {
        name: "log",
        synopsis: "LEVEL",
        fallback: Fallback::Words("info"),
        meaning: "the most talkative level written: error, warning, info, debug or trace",
        read: |config, words| set(&mut config.log, log_level(one(words)?)),
        print: |config| single(&config.log.name()),
        ..BLANK
    },
];

/// Directives of the interface that later versions will have: refused by name, so that nobody believes they count.
pub(super) const NOT_BUILT: [&str; 5] = ["certificate", "users", "chroot", "sandbox", "metrics"];

/// What is said of anything that is not built.
pub(super) const NOT_YET: &str = "this version cannot do this yet";

fn listener(words: &[String]) -> Result<SocketAddr, String> {
    let Some((address, options)) = words.split_first() else {
        return Err("expected ADDR:PORT".to_owned());
    };
    for option in options {
        match option.as_str() {
            "tls=no" | "auth=no" => {}
            "smtps" | "tls=yes" | "tls=required" | "auth=yes" | "auth=required" | "proxy=yes" => {
                return Err(format!("'{option}': {NOT_YET}; leave it out"));
            }
            _ => return Err(format!("unknown word '{option}' behind the address")),
        }
    }
    values::listener(address)
}

fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::parse(text).ok_or_else(|| {
        let names = LogLevel::ALL.map(LogLevel::name).join(", ");
        format!("expected one of {names}, found '{text}'")
    })
}
