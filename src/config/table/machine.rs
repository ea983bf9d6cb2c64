//! The part of the table of directives about what belongs to this machine: the queue, its pace, the user, the log.

use std::time::Duration;

use crate::config::directive::{BLANK, Directive, Fallback};
use crate::config::values;
use crate::config::words::{one, set, single};
use crate::log::Level as LogLevel;
use crate::time::format_duration;

/// Bounds of the waits between attempts; the shortest keeps a broken destination from being hammered.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30 * 86_400));

/// These directives, in the order of `gateway config`.
pub(in crate::config) static DIRECTIVES: &[Directive] = &[
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

fn log_level(text: &str) -> Result<LogLevel, String> {
    LogLevel::parse(text).ok_or_else(|| {
        let names = LogLevel::ALL.map(LogLevel::name).join(", ");
        format!("expected one of {names}, found '{text}'")
    })
}
