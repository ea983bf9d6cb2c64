//! `gateway config`.

use super::options::{Command, Failure, Invocation};

/// `gateway config`.
pub const COMMAND: Command = Command {
    name: "config",
    synopsis: "[OPTIONS]",
    summary: "check the configuration and print it with every default filled in",
    details: "",
    options: |_| {},
    looks_up: true,
    run,
};

fn run(_invocation: &Invocation) -> Result<u8, Failure> {
    todo!()
}
