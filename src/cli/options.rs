//! What every command gets: the configuration with the shared options laid over it, and its own words.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use getopts::{Fail, Matches, Options};

use super::exit;
use crate::config::{Config, ConfigError, Overrides, values};
use crate::log;
use crate::resolver::{DnssecMode, Endpoint};

/// A command's input, after its options were understood.
pub struct Invocation {
    /// The configuration, overridden by the shared options.
    pub config: Config,
    /// The command's own options and free words.
    pub matches: Matches,
    overrides: Overrides,
}

/// One command of the table in `mod.rs`.
pub struct Command {
    /// Its word on the command line.
    pub name: &'static str,
    /// The words after its name in the usage line.
    pub synopsis: &'static str,
    /// What it does, one line for the list of commands.
    pub summary: &'static str,
    /// Further help below the usage line and above the options; may be empty.
    pub details: &'static str,
    /// Adds the command's own options.
    pub options: fn(&mut Options),
    /// Whether it takes the shared look-up options (`-s`, `--dnssec`, `--trace`, `--pcap`, …).
    pub looks_up: bool,
    /// Runs it. The result is an exit code of [`super::exit`].
    pub run: fn(&Invocation) -> Result<u8, Failure>,
}

/// Why a command ended early: one line for standard error, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, where, and what to do; empty when nothing is left to be said.
    pub text: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A failure with an exit code of [`super::exit`].
    pub fn new(code: u8, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, code }
    }

    /// A command line that makes no sense; the text names the word.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(exit::USAGE, text)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(exit::CONFIG, error.0)
    }
}

impl Invocation {
    /// Reads the configuration and lays the shared options over it.
    ///
    /// # Errors
    /// [`Failure`] for an option's value or a configuration that cannot be used.
    pub fn new(command: &Command, matches: Matches) -> Result<Self, Failure> {
        let overrides = match command.looks_up {
            true => overrides(&matches)?,
            false => Overrides::default(),
        };
        let file = matches.opt_str("c").map(PathBuf::from);
        let config = Config::load_with(file.as_deref(), &overrides)?;
        warn_of_idle_options(command, &config, &matches);
        Ok(Self {
            config,
            matches,
            overrides,
        })
    }

    /// Reads the configuration again, with the same options over it.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be used any more.
    pub fn reread(&self) -> Result<Config, ConfigError> {
        let file = self.matches.opt_str("c");
        Config::load_with(file.as_deref().map(Path::new), &self.overrides)
    }

    /// For commands without free words.
    ///
    /// # Errors
    /// [`Failure`] naming the first word.
    pub fn expect_no_words(&self) -> Result<(), Failure> {
        match self.matches.free.first() {
            Some(word) => Err(Failure::usage(format!("unexpected word '{word}'"))),
            None => Ok(()),
        }
    }
}

/// Options that mean nothing where signatures are not checked here.
const SIGNATURE_OPTIONS: [&str; 3] = ["trust-anchor", "at", "sha1"];

/// The options that are listed in the help.
fn listed(command: &Command) -> Options {
    let mut options = Options::new();
    options.optopt("c", "", "use this configuration", "FILE");
    options.optflag("h", "help", "this text");
    (command.options)(&mut options);
    if command.looks_up {
        options.optmulti(
            "s",
            "server",
            "ask this resolver, in clear or over TLS (repeatable; replaces the configured ones)",
            "ADDR[:PORT] | tls://ADDR[:PORT]#NAME|#sha256/PIN|#dane/NAME",
        );
        options.optopt(
            "",
            "dnssec",
            "validate: check signatures here; ad: believe the AD bit of a resolver on loopback",
            "validate|ad",
        );
        options.optopt(
            "",
            "trust-anchor",
            "believe exactly these DS and DNSKEY records instead of the root's keys",
            "FILE",
        );
        options.optopt(
            "",
            "at",
            "signatures must be valid at this time instead of now, from the built-in keys down unless others are given",
            "UNIXTIME",
        );
        options.optflag(
            "",
            "sha1",
            "zones signed with the SHA-1 algorithms 5 and 7 count as secure",
        );
        options.optflag("", "trace", "each step on standard error");
        options.optopt("", "pcap", "write every DNS packet to FILE", "FILE");
    }
    options
}

/// Reads a command's words.
///
/// # Errors
/// [`Failure`] naming the word or option that is not understood.
pub fn parse(command: &Command, words: Vec<OsString>) -> Result<Matches, Failure> {
    listed(command)
        .parse(words)
        .map_err(|fail| refusal(command, &fail))
}

fn refusal(command: &Command, fail: &Fail) -> Failure {
    let dashed = |name: &str| match name.chars().count() {
        1 => format!("'-{name}'"),
        _ => format!("'--{name}'"),
    };
    let text = match fail {
        Fail::ArgumentMissing(name) => format!("option {} needs a value", dashed(name)),
        Fail::UnrecognizedOption(name) => format!("unknown option {}", dashed(name)),
        Fail::OptionMissing(name) => format!("option {} is needed", dashed(name)),
        Fail::OptionDuplicated(name) => format!("option {} is given twice", dashed(name)),
        Fail::UnexpectedArgument(name) => format!("option {} takes no value", dashed(name)),
    };
    Failure::usage(format!("{text}; see 'gateway {} -h'", command.name))
}

/// The text of `gateway COMMAND -h`.
pub fn help(command: &Command) -> String {
    let mut brief = format!(
        "usage: gateway [-c FILE] {} {}\n\n",
        command.name, command.synopsis
    );
    brief += command.summary;
    if !command.details.is_empty() {
        brief += "\n\n";
        brief += command.details.trim_end();
    }
    listed(command).usage(&brief)
}

fn overrides(matches: &Matches) -> Result<Overrides, Failure> {
    let servers = matches.opt_strs("s");
    let servers = servers.iter().map(|text| server(text));
    let dnssec = match matches.opt_str("dnssec").as_deref() {
        None => None,
        Some("validate") => Some(DnssecMode::Validate),
        Some("ad") => Some(DnssecMode::Ad),
        Some(other) => {
            let text = format!("option '--dnssec': expected 'validate' or 'ad', found '{other}'");
            return Err(Failure::usage(text));
        }
    };
    let at = matches.opt_str("at");
    let at = at.map(|text| values::unix_time(&text).map_err(wrong("at")));
    let trust_anchor = matches.opt_str("trust-anchor").map(|file| {
        let file = PathBuf::from(file);
        let anchors = values::trust_anchors(&file).map_err(wrong("trust-anchor"));
        anchors.map(|anchors| (file, anchors))
    });
    Ok(Overrides {
        trust_anchor: trust_anchor.transpose()?,
        at: at.transpose()?,
        sha1: matches.opt_present("sha1"),
        servers: servers.collect::<Result<_, _>>()?,
        dnssec,
        pcap: matches.opt_str("pcap").map(PathBuf::from),
        trace: matches.opt_present("trace"),
    })
}

/// Where a resolver's AD bit is believed, options about signatures change nothing, and the answer would not say so.
fn warn_of_idle_options(command: &Command, config: &Config, matches: &Matches) {
    if config.resolver.dnssec == DnssecMode::Validate {
        return;
    }
    // There it is also the time that certificates must be valid at.
    let has_other_use = |option: &str| (command.name, option) == ("tlsa", "at");
    let given = |option: &&&str| {
        matches.opt_defined(option) && matches.opt_present(option) && !has_other_use(option)
    };
    for option in SIGNATURE_OPTIONS.iter().filter(given) {
        log::warning(format_args!(
            "option '--{option}' changes nothing: it is about signatures, but with 'dnssec ad' they are not checked here; add '--dnssec validate'"
        ));
    }
}

/// Names the option in front of what is wrong with its value.
fn wrong(option: &str) -> impl Fn(String) -> Failure + '_ {
    move |reason| Failure::usage(format!("option '--{option}': {reason}"))
}

fn server(text: &str) -> Result<Endpoint, Failure> {
    Endpoint::parse(text).map_err(|reason| Failure::usage(format!("option '-s': {reason}")))
}
