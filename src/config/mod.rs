//! Turns the configuration file into the settings of each room, and prints them back with every default filled in.
//!
//! `lexer.rs` splits the file into directives, `table` is what they mean, `values.rs` reads their words, and
//! `defaults.rs` finds out what depends on the machine. A configuration is used as a whole or not at all.
#![forbid(unsafe_code)]

mod defaults;
mod destination;
mod directive;
mod explain;
pub mod lexer;
mod nearest;
mod table;
pub mod values;
mod words;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::dnssec::TrustAnchors;
use crate::outbound::{Level, Pattern, Policy};
use crate::resolver::{DnssecMode, Endpoint, Proof};
use crate::smtp::Domain;
use crate::time::Timestamp;
use crate::{inbound, log, outbound, queue, resolver};
use directive::{Directive, Fallback, NOT_BUILT, NOT_YET};
use lexer::Place;
use table::directives;

pub use defaults::roots;
pub use explain::explain;
pub use lexer::ConfigError;
pub use nearest::nearest;

/// The file read when neither `-c` nor the environment names one.
const SYSTEM_FILE: &str = "/etc/gateway.conf";
/// The environment variable that names the file.
const VARIABLE: &str = "GATEWAY_CONF";

/// The whole configuration with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// For the listeners and sessions.
    pub inbound: inbound::Settings,
    /// For deliveries.
    pub outbound: outbound::Settings,
    /// For lookups.
    pub resolver: resolver::Settings,
    /// For the queue.
    pub queue: queue::Settings,
    /// `refuse-at-rcpt`: whether recipients that provably cannot be reached are refused at once.
    pub refuse_at_rcpt: bool,
    /// The words of each `filter` directive, without the word `filter`.
    pub filters: Vec<Vec<String>>,
    /// `user NAME`.
    pub user: Option<String>,
    /// `log LEVEL`.
    pub log: log::Level,
    /// `log-addresses full|domain|none`.
    pub log_addresses: log::Addresses,
}

/// What the command line says instead of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-s`: the resolvers, if any is named.
    pub servers: Vec<Endpoint>,
    /// `--dnssec`.
    pub dnssec: Option<resolver::DnssecMode>,
    /// `--trust-anchor`.
    pub trust_anchor: Option<(PathBuf, TrustAnchors)>,
    /// `--at`.
    pub at: Option<Timestamp>,
    /// `--sha1`.
    pub sha1: bool,
    /// `--pcap`.
    pub pcap: Option<PathBuf>,
    /// `--trace`.
    pub trace: bool,
}

impl Config {
    /// Reads `-c FILE`, else `$GATEWAY_CONF`, else `/etc/gateway.conf` if there is one, else the defaults.
    ///
    /// # Errors
    /// [`ConfigError`]: one line that names file, line and what was expected.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(file, &Overrides::default())
    }

    /// As [`Config::load`], with what the command line says laid over it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let lines = match source(file) {
            Some(file) => lexer::read(&file)?,
            None => Vec::new(),
        };
        Self::build(&lines, overrides)
    }

    fn build(lines: &[lexer::Directive], overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut config = Self::blank(&hostname(lines)?);
        let given = config.read(lines)?;
        let is_given = |name: &str| given.contains_key(name);
        config.fall_back(is_given)?;
        config.lay_over(overrides);
        config.find_out(is_given)?;
        Ok(config)
    }

    /// Empty lists and zeros, to be filled by [`Config::read`] and the defaults.
    fn blank(hostname: &Domain) -> Self {
        Self {
            inbound: inbound::Settings {
                hostname: hostname.clone(),
                listen: Vec::new(),
                relay_from: Vec::new(),
                message_size_limit: 0,
                recipient_limit: 0,
                session_limit: 0,
                command_timeout: Duration::ZERO,
                data_timeout: Duration::ZERO,
            },
            outbound: outbound::Settings {
                hostname: hostname.clone(),
                ehlo_name: None,
                tls_padding: None,
                socks5: None,
                own_addresses: Vec::new(),
                smtp_port: 0,
                policies: outbound::Policies::default(),
                no_dane_is_final: false,
                ca_file: None,
                roots: None,
                allow_addresses: Vec::new(),
                workers: 0,
                lookup_timeout: Duration::ZERO,
                connect_timeout: Duration::ZERO,
                command_timeout: Duration::ZERO,
            },
            resolver: resolver::Settings::default(),
            queue: queue::Settings {
                directory: PathBuf::new(),
                retry_for: Duration::ZERO,
                retry_first: Duration::ZERO,
                retry_max: Duration::ZERO,
            },
            refuse_at_rcpt: false,
            filters: Vec::new(),
            user: None,
            log: log::Level::Info,
            log_addresses: log::Addresses::Domain,
        }
    }

    /// Reads what the file gives; returns where each directive was given first.
    fn read<'a>(
        &mut self,
        lines: &'a [lexer::Directive],
    ) -> Result<BTreeMap<&'static str, &'a Place>, ConfigError> {
        let mut given = BTreeMap::new();
        for line in lines {
            let directive = find(line)?;
            match given.get(directive.name) {
                Some(first) if !directive.is_repeatable => {
                    let text = format!("{} is given twice; first at {first}", directive.name);
                    return Err(ConfigError::at(&line.place, text));
                }
                Some(_) => {}
                None => {
                    given.insert(directive.name, &line.place);
                }
            }
            let read = (directive.read)(self, arguments(line));
            read.map_err(|text| {
                let form = format!("{} {}", directive.name, directive.synopsis);
                ConfigError::at(&line.place, format!("{form}: {text}"))
            })?;
            self.outbound.policies.note_origin(&line.place);
        }
        Ok(given)
    }

    /// Fills in the defaults that are words of the table.
    fn fall_back(&mut self, is_given: impl Fn(&str) -> bool) -> Result<(), ConfigError> {
        for directive in directives() {
            let Fallback::Words(text) = directive.fallback else {
                continue;
            };
            if !is_given(directive.name) {
                let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
                let read = (directive.read)(self, &words);
                read.map_err(|text| ConfigError(format!("{}: {text}", directive.name)))?;
            }
        }
        Ok(())
    }

    fn lay_over(&mut self, overrides: &Overrides) {
        if !overrides.servers.is_empty() {
            self.resolver.servers.clone_from(&overrides.servers);
        }
        self.resolver.dnssec = overrides.dnssec.unwrap_or(self.resolver.dnssec);
        self.resolver.pcap.clone_from(&overrides.pcap);
        let validation = &mut self.resolver.validation;
        if let Some((file, anchors)) = &overrides.trust_anchor {
            validation.anchor_file = Some(file.clone());
            validation.anchors = anchors.clone();
        }
        validation.at = overrides.at;
        validation.sha1 |= overrides.sha1;
        if overrides.trace {
            self.log = log::Level::Trace;
            // Each step names what it is about.
            self.log_addresses = self.log_addresses.max(log::Addresses::Domain);
        }
    }

    /// Fills in what depends on the machine or on other directives.
    fn find_out(&mut self, is_given: impl Fn(&str) -> bool) -> Result<(), ConfigError> {
        if self.resolver.servers.is_empty() {
            let system = defaults::resolvers()?;
            self.resolver.servers = system.servers.into_iter().map(Endpoint::from).collect();
            let (own, found) = (&mut self.resolver.retry, system.retry);
            if !is_given("resolver-timeout") {
                own.timeout = found.timeout;
            }
            if !is_given("resolver-attempts") {
                own.attempts = found.attempts;
            }
        }
        if !is_given("spool") {
            self.queue.directory = defaults::spool()?;
        }
        let validation = &mut self.resolver.validation;
        if validation.anchor_file.is_none() && validation.at.is_none() {
            let state = self.queue.directory.join(resolver::anchors::FILE);
            validation.state = Some(state);
        }
        if !is_given("allow-address") {
            let allowed = defaults::allowed_addresses(&self.resolver.servers);
            self.outbound.allow_addresses = allowed;
        }
        let policies = &mut self.outbound.policies.lines;
        if !policies.iter().any(|policy| policy.pattern == Pattern::Any) {
            // What a file that says nothing about `*` means by it.
            policies.insert(0, Policy::new(Pattern::Any, Level::DaneOnly));
        }
        if self.outbound.no_dane_is_final && self.resolver.dnssec != DnssecMode::Validate {
            let text = "no-dane-action bounce: needs `dnssec validate`, since an AD bit that is absent proves nothing";
            return Err(ConfigError(text.to_owned()));
        }
        let mut proofs = self
            .resolver
            .servers
            .iter()
            .map(|server| server.proof.as_deref());
        let is_named = proofs.any(|proof| matches!(proof, Some(Proof::Name(_))));
        if is_named || self.outbound.policies.need_roots() {
            let roots = defaults::roots(self.outbound.ca_file.as_deref())?;
            self.resolver.roots = Some(Arc::clone(&roots));
            self.outbound.roots = Some(roots);
        }
        self.outbound.own_addresses.clone_from(&self.inbound.listen);
        Ok(())
    }

    fn set_hostname(&mut self, hostname: &Domain) {
        self.inbound.hostname = hostname.clone();
        self.outbound.hostname = hostname.clone();
    }

    /// Stays with the spool of another configuration, which is in use.
    pub fn keep_spool(&mut self, other: &Self) {
        self.queue.directory.clone_from(&other.queue.directory);
        if let Some(state) = &mut self.resolver.validation.state {
            *state = other.queue.directory.join(resolver::anchors::FILE);
        }
    }

    /// What should be mended though the configuration can be used.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let exceptions = self.outbound.policies.exceptions.iter();
        let over = exceptions.filter(|exception| exception.is_over(now));
        let over = over.map(|exception| {
            format!(
                "{}: the exception for {} ended on {}: remove the line",
                exception.origin,
                exception.domain,
                values::format_date(exception.until)
            )
        });
        over.chain(table::beside_proxy(self)).collect()
    }

    /// The directives in which another configuration differs and that only count from the next start.
    pub fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        let differs = |directive: &&Directive| {
            directive.is_fixed && (directive.print)(self) != (directive.print)(other)
        };
        let names = directives().filter(differs);
        names.map(|directive| directive.name).collect()
    }
}

/// The file to read, if there is one.
fn source(file: Option<&Path>) -> Option<PathBuf> {
    let variable = || env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let named = file.map(Path::to_owned);
    named.or_else(|| variable().map(PathBuf::from)).or_else(|| {
        let file = PathBuf::from(SYSTEM_FILE);
        // One that is there and cannot be looked at must not be passed over.
        let is_absent = matches!(file.try_exists(), Ok(false));
        (!is_absent).then_some(file)
    })
}

/// The name in the file, else the system's: without any, nothing else can be built.
fn hostname(lines: &[lexer::Directive]) -> Result<Domain, ConfigError> {
    let Some(line) = lines.iter().find(|line| name(line) == "hostname") else {
        return defaults::hostname();
    };
    let named = words::one(arguments(line)).and_then(values::domain);
    named.map_err(|text| ConfigError::at(&line.place, format!("hostname NAME: {text}")))
}

fn name(line: &lexer::Directive) -> &str {
    line.words.first().map_or("", String::as_str)
}

fn arguments(line: &lexer::Directive) -> &[String] {
    line.words.get(1..).unwrap_or_default()
}

fn find(line: &lexer::Directive) -> Result<&'static Directive, ConfigError> {
    let name = name(line);
    let found = directives().find(|directive| directive.name == name);
    found.ok_or_else(|| {
        if NOT_BUILT.contains(&name) {
            let text = format!("'{name}': {NOT_YET}; remove the line");
            return ConfigError::at(&line.place, text);
        }
        let meant = nearest(name, directives().map(|directive| directive.name));
        let hint = match meant {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => "'gateway config --directives' lists all".to_owned(),
        };
        ConfigError::at(&line.place, format!("unknown directive '{name}'; {hint}"))
    })
}

/// The configuration as a file that means the same, every default filled in; what is not set stands in a comment.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for directive in directives() {
            let lines = (directive.print)(self);
            if lines.is_empty() {
                writeln!(f, "# {} {}", directive.name, directive.synopsis)?;
            }
            for words in lines {
                f.write_str(directive.name)?;
                for word in words {
                    write!(f, " {}", lexer::quote(&word))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// Every directive with its default and its meaning, for a person.
pub fn describe_directives() -> String {
    let mut text = String::new();
    for directive in directives() {
        let fallback = match directive.fallback {
            Fallback::Words(text) | Fallback::FoundOut(text) => text,
            Fallback::Nothing => "none",
        };
        text += &format!("{} {}\n", directive.name, directive.synopsis);
        text += &format!("    {}\n    default: {fallback}", directive.meaning);
        if directive.is_repeatable {
            text += "; repeatable";
        }
        if directive.is_fixed {
            text += "; a change takes a restart";
        }
        text += "\n";
    }
    text
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
