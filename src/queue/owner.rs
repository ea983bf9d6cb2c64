//! One process owns a spool: the lock file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::error::{Fault, SpoolError};
use super::segment;
use crate::sys::storage;

/// Digits of a process id, and then some.
const PID_TEXT_MAX: u64 = 32;

/// How often the lock is tried, and the wait after each: an owner that is just ending, or a child of it that has not become another program
/// yet, lets go at once.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// Makes this process the owner for as long as the file is open; the system lets go of the lock however the process ends.
///
/// # Errors
/// [`Fault::Locked`] naming the owner's process id.
pub(super) fn take(spool: &Path) -> Result<File, SpoolError> {
    let path = spool.join("lock");
    let opened = segment::private().create(true).truncate(false).open(&path);
    let mut file = opened.map_err(SpoolError::system("open", &path))?;
    let is_ours = lock(&file).map_err(SpoolError::system("lock", &path))?;
    if !is_ours {
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

fn lock(file: &File) -> io::Result<bool> {
    for _ in 0..TRIES {
        if storage::lock_exclusive(file)? {
            return Ok(true);
        }
        thread::sleep(PAUSE);
    }
    Ok(false)
}
