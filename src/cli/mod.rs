//! The command line: finds the command, reads its options, and prints what it found.
#![forbid(unsafe_code)]

pub mod exit;
pub mod options;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command named by the arguments (program name first).
pub fn run(_arguments: Vec<OsString>) -> ExitCode {
    todo!()
}
