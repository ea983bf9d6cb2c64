//! Turns the configuration file into the settings of each room, and prints them back with every default filled in.
#![forbid(unsafe_code)]

pub mod lexer;
pub mod values;

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::{inbound, log, outbound, queue, resolver};

pub use lexer::ConfigError;

/// The whole configuration with every default filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// For the listeners and sessions.
    pub inbound: inbound::Settings,
    /// For deliveries.
    pub outbound: outbound::Settings,
    /// For lookups.
    pub resolver: resolver::Settings,
    /// For the queue.
    pub queue: queue::Settings,
    /// The words of each `filter` directive, without the word `filter`.
    pub filters: Vec<Vec<String>>,
    /// `user NAME`.
    pub user: Option<String>,
    /// `log LEVEL`.
    pub log: log::Level,
}

impl Config {
    /// Reads `-c FILE`, else `$GATEWAY_CONF`, else `/etc/gateway.conf` if there is one, else the defaults.
    ///
    /// # Errors
    /// [`ConfigError`]: one line that names file, line and what was expected.
    pub fn load(_file: Option<&Path>) -> Result<Self, ConfigError> {
        todo!()
    }

    /// As [`Config::load`], with what the command line says laid over it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(_file: Option<&Path>, _overrides: &Overrides) -> Result<Self, ConfigError> {
        todo!()
    }
}

/// What the command line says instead of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-s`: the resolvers, if any is named.
    pub servers: Vec<SocketAddr>,
    /// `--dnssec`.
    pub dnssec: Option<resolver::DnssecMode>,
    /// `--pcap`.
    pub pcap: Option<PathBuf>,
    /// `--trace`.
    pub trace: bool,
}

/// The configuration as a file that means the same, every default filled in.
impl std::fmt::Display for Config {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
