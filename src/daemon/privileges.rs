//! The step from root to the configured user, and the spool that this user will own.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::Path;

use super::StartError;
use crate::config::Config;
use crate::log;
use crate::sys::privileges::{self, PrivilegeError};

/// Becomes the configured user for good; without one, warns root.
pub(super) fn give_up(config: &Config) -> Result<(), StartError> {
    let Some(user) = &config.user else {
        if privileges::is_root() {
            log::warning("running as root: set the directive 'user' to give that up");
        }
        return Ok(());
    };
    let failed = |error: PrivilegeError| {
        let text = format!("cannot become user '{user}': {error}");
        match error {
            PrivilegeError::NoSuchUser | PrivilegeError::NotRoot => StartError::Configuration(text),
            PrivilegeError::Step(..) | PrivilegeError::NotFinal => StartError::System(text),
        }
    };
    if privileges::is_root() {
        let owner = privileges::ids_of(user).map_err(failed)?;
        let spool = &config.queue.directory;
        make_spool(spool, owner).map_err(|error| {
            StartError::System(format!(
                "cannot make the spool {}: {error}",
                spool.display()
            ))
        })?;
    }
    privileges::drop_to(user).map_err(failed)
}

/// Makes a spool that is not there yet and gives it to its owner; one that is there is left as it is.
fn make_spool(spool: &Path, (user, group): (u32, u32)) -> io::Result<()> {
    if spool.try_exists()? {
        return Ok(());
    }
    let parent = spool
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    DirBuilder::new().mode(0o700).create(spool)?;
    chown(spool, Some(user), Some(group))?;
    File::open(parent)?.sync_all()
}
