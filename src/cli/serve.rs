//! `gateway serve`: runs the gateway in the foreground.

use super::exit;
use super::options::{Command, Failure, Invocation};
use crate::daemon::{self, StartError};

/// `gateway serve`.
pub const COMMAND: Command = Command {
    name: "serve",
    synopsis: "[OPTIONS]",
    summary: "run the gateway in the foreground until SIGTERM or SIGINT; SIGHUP rereads the configuration",
    details: "\
Logs to standard error: one line for each listener ('listening on ADDR:PORT'), one 'ready', then one for each message and
each attempt at a host. SIGTERM and SIGINT let what is under way finish for a few seconds; what is left stays in the queue.
A configuration that is bad when it is reread is logged and not taken; a new value of listen, spool, user and a few others
('gateway config --directives' marks them) takes a restart.

Exit 0 after a signal; 78 for a configuration that cannot run, 75 if the spool or an address is in use, 71 if the system refuses.",
    options: |_| {},
    looks_up: true,
    run,
};

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    invocation.expect_no_words()?;
    let served = daemon::serve(invocation.config.clone(), || invocation.reread());
    served.map_err(|error| {
        let code = match error {
            StartError::Configuration(_) => exit::CONFIG,
            StartError::System(_) => exit::SYSTEM,
            StartError::Busy(_) => exit::TEMPORARY,
        };
        Failure::new(code, error.to_string())
    })?;
    Ok(exit::OK)
}
