//! One process owns a spool: the lock file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::{Fault, SpoolError};
use super::segment;
use crate::sys::storage;

/// Digits of a process id, and then some.
const PID_TEXT_MAX: u64 = 32;

/// Makes this process the owner for as long as the file is open; the system lets go of the lock however the process ends.
///
/// # Errors
/// [`Fault::Locked`] naming the owner's process id.
pub(super) fn take(spool: &Path) -> Result<File, SpoolError> {
    let path = spool.join("lock");
    let opened = segment::private().create(true).truncate(false).open(&path);
    let mut file = opened.map_err(SpoolError::system("open", &path))?;
    let is_free = storage::lock_exclusive(&file).map_err(SpoolError::system("lock", &path))?;
    if !is_free {
        let mut pid = String::new();
        // Without a number the line says less, but says it.
        let _ = file.take(PID_TEXT_MAX).read_to_string(&mut pid);
        let reason = format!(
            "process {} is using this spool; stop it, or give this one another `spool` directory",
            pid.trim()
        );
        return Err(SpoolError::new(Fault::Locked, "lock", &path, reason));
    }
    let pid = format!("{}\n", std::process::id());
    let mut write_pid = || {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(pid.as_bytes())?;
        file.set_len(pid.len() as u64)
    };
    write_pid().map_err(SpoolError::system("write", &path))?;
    Ok(file)
}
