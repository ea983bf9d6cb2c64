//! File locks and free disk space.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

/// Takes the exclusive lock of a file without waiting; it lasts until the file is closed or the process ends, however it ends.
///
/// Returns whether the lock was free.
///
/// # Errors
/// The system's refusal, for example a file system without locks.
pub fn lock_exclusive(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open for as long as `file` is borrowed; the flags are plain numbers.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock => Ok(false),
        _ => Err(error),
    }
}

/// How many octets an unprivileged process may still write to the file system that holds `file`.
///
/// # Errors
/// The system's refusal.
pub fn free_space(file: &File) -> io::Result<u64> {
    let status = file_system(file)?;
    Ok(status.f_bavail.saturating_mul(status.f_frsize))
}

/// How many octets the file system that holds `file` has in all; zero for one that does not know.
///
/// # Errors
/// The system's refusal.
pub fn whole_space(file: &File) -> io::Result<u64> {
    let status = file_system(file)?;
    Ok(status.f_blocks.saturating_mul(status.f_frsize))
}

fn file_system(file: &File) -> io::Result<libc::statvfs> {
    let mut status = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the descriptor is open, and the pointer is valid for one statvfs.
    if unsafe { libc::fstatvfs(file.as_raw_fd(), status.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fstatvfs succeeded, so it filled the structure.
    Ok(unsafe { status.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_a_second_opening_of_the_file() {
        let path = std::env::temp_dir().join(format!("gateway-lock-{}", std::process::id()));
        let open = || File::create(&path).expect("a writable directory for temporary files");
        let (first, second) = (open(), open());
        assert!(lock_exclusive(&first).expect("locks"));
        assert!(!lock_exclusive(&second).expect("locks"));
        drop(first);
        assert!(lock_exclusive(&second).expect("locks"));
        std::fs::remove_file(&path).expect("removable");
    }

    #[test]
    fn free_space_is_part_of_the_whole() {
        let root = File::open("/").expect("everywhere");
        assert!(free_space(&root).expect("told") <= whole_space(&root).expect("told"));
    }
}
