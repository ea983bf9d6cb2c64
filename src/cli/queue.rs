//! `gateway queue`.

use super::options::{Command, Failure, Invocation};

/// `gateway queue`.
pub const COMMAND: Command = Command {
    name: "queue",
    synopsis: "[OPTIONS]",
    summary: "look into and steer the queue",
    details: "",
    options: |_| {},
    looks_up: true,
    run,
};

fn run(_invocation: &Invocation) -> Result<u8, Failure> {
    todo!()
}
