//! Defaults that depend on the machine: its name, its resolvers, and where its user keeps state.

use std::env;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{ConfigError, values};
use crate::certificate::Roots;
use crate::net::Network;
use crate::resolver::resolv_conf;
use crate::resolver::{Endpoint, ResolvConf};
use crate::smtp::Domain;
use crate::sys::{privileges, process};

/// Spool of a gateway that root starts.
const SYSTEM_SPOOL: &str = "/var/spool/gateway";

fn missing(directive: &str, reason: impl std::fmt::Display) -> ConfigError {
    ConfigError(format!(
        "{directive}: {reason}; set the directive '{directive}'"
    ))
}

/// The system's name.
pub(super) fn hostname() -> Result<Domain, ConfigError> {
    let name = process::hostname();
    let name = name.map_err(|error| {
        missing(
            "hostname",
            format!("cannot find out this system's name: {error}"),
        )
    })?;
    Domain::parse(&name).map_err(|_| {
        missing(
            "hostname",
            format!("this system's name '{name}' is not a domain name"),
        )
    })
}

/// Root's spool, or the one in the user's directory for state (XDG Base Directory Specification).
pub(super) fn spool() -> Result<PathBuf, ConfigError> {
    if privileges::is_root() {
        return Ok(PathBuf::from(SYSTEM_SPOOL));
    }
    let absolute = |name: &str| {
        let value = env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| {
        missing(
            "spool",
            "neither XDG_STATE_HOME nor HOME is set to an absolute path",
        )
    })?;
    Ok(state.join("gateway"))
}

/// The reserved addresses that MX hosts may have: with all resolvers on loopback, loopback too, since such a resolver serves this machine
/// alone and its local zones may point back to it. A resolver elsewhere must not be able to send mail into this machine.
pub(super) fn allowed_addresses(resolvers: &[Endpoint]) -> Vec<Network> {
    match resolvers.iter().all(Endpoint::is_loopback) {
        true => Network::LOOPBACK.to_vec(),
        false => Vec::new(),
    }
}

/// Where systems keep the bundle of CAs they believe: Debian and others, Red Hat and others, SUSE, Alpine and BSD.
const CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Octets of a bundle of CAs at most; systems have a quarter of a megabyte.
const CA_FILE_MOST: u64 = 16 << 20;

/// The CAs of a file, or of the system.
///
/// # Errors
/// [`ConfigError`]: there are none.
pub fn roots(file: Option<&Path>) -> Result<Arc<Roots>, ConfigError> {
    let mut usual = CA_FILES.iter().map(Path::new);
    let Some(file) = file.or_else(|| usual.find(|file| file.exists())) else {
        return Err(missing("ca-file", "this system has no bundle of CAs"));
    };
    let wrong = |why: &dyn Display| ConfigError(format!("ca-file {}: {why}", file.display()));
    let text = values::read_at_most(file, CA_FILE_MOST).map_err(|error| wrong(&error))?;
    let roots = Roots::from_pem(text.as_bytes()).map_err(|error| wrong(&error))?;
    Ok(Arc::new(roots))
}

/// The resolvers of this machine, and how patient to be with them.
pub(super) fn resolvers() -> Result<ResolvConf, ConfigError> {
    let read = resolv_conf::read(Path::new(resolv_conf::PATH));
    read.map_err(|error| missing("resolver", error))
}
