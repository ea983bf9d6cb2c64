//! What every command gets: the configuration with the shared options laid over it, and its own words.

use getopts::{Matches, Options};

use crate::config::Config;

/// A command's input, after its options were understood.
pub struct Invocation {
    /// The configuration, overridden by the shared options.
    pub config: Config,
    /// The command's own options and free words.
    pub matches: Matches,
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
    /// What went wrong, where, and what to do.
    pub text: String,
    /// The exit code.
    pub code: u8,
}
