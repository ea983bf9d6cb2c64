//! The part of the table of directives about what clients may do, and what becomes of what they bring.

use core::net::SocketAddr;

use crate::config::directive::{BLANK, Directive, Fallback, NOT_YET};
use crate::config::values;
use crate::config::words::{all, each, one, set, single};
use crate::filter::Chain;
use crate::time::format_duration;

/// Octets of one message at least (RFC 5321 §4.5.3.1.7), and at most: a message is held in memory while it is filtered.
const MESSAGE_SIZE: (u64, u64) = (64 << 10, 512 << 20);
/// Recipients of one message at most: what one record of the queue can hold. RFC 5321 §4.5.3.1.8 asks for 100 or more.
const RECIPIENTS_MOST: usize = 20_000;
/// Sessions at most: each has a thread.
const SESSIONS_MOST: usize = 10_000;

/// These directives, in the order of `gateway config`.
pub(in crate::config) static DIRECTIVES: &[Directive] = &[
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
        name: "command-timeout",
        synopsis: "DURATION",
        fallback: Fallback::Words("5m"),
        meaning: "how long a client may be silent between commands (RFC 5321 asks for 5m or more)",
        read: |config, words| {
            set(
                &mut config.inbound.command_timeout,
                values::duration(one(words)?, values::TIMEOUT),
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
                values::duration(one(words)?, values::TIMEOUT),
            )
        },
        print: |config| single(&format_duration(config.inbound.data_timeout)),
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
];

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
