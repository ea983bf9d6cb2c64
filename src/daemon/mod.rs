//! Runs the gateway: start order, signals, reload and shutdown.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::Config;

/// Runs until SIGTERM or SIGINT; SIGHUP reads the configuration again with `reread`.
///
/// The exit code is of sysexits.h: 0 after a signal, 78 for a configuration that cannot run here, 75 or 71 when the system refuses.
pub fn serve(
    _config: Config,
    _reread: impl Fn() -> Result<Config, crate::config::ConfigError>,
) -> ExitCode {
    let _: Option<PathBuf> = None;
    todo!()
}
