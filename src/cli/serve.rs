//! `gateway serve`.

use super::options::{Command, Failure, Invocation};

/// `gateway serve`.
pub const COMMAND: Command = Command {
    name: "serve",
    synopsis: "[OPTIONS]",
    summary: "run the gateway in the foreground until SIGTERM or SIGINT; SIGHUP rereads the configuration",
    details: "",
    options: |_| {},
    looks_up: true,
    run,
};

fn run(_invocation: &Invocation) -> Result<u8, Failure> {
    todo!()
}
