//! Entry point: hands the arguments to [`gateway::cli::run`] and exits with what it returns.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::run(std::env::args_os().collect())
}
