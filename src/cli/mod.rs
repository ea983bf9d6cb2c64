//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command named by the arguments (program name first).
pub fn run(_arguments: Vec<OsString>) -> ExitCode {
    todo!()
}
