//! The operations of the operating system that tests must be able to fail or to watch.

use std::fs::File;
use std::io;

use crate::sys::storage;

/// What makes writes durable, and what says how much room is left.
pub trait Disk: Send + Sync {
    /// Returns when everything written to the file is on stable storage.
    ///
    /// # Errors
    /// What was written since the last success may be lost, and a second try may succeed without having written it.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Returns when the creation, renaming and removal of files in the directory is on stable storage.
    ///
    /// # Errors
    /// As for [`Disk::sync`].
    fn sync_directory(&self, directory: &File) -> io::Result<()>;

    /// How many octets may still be written to the file system of this directory.
    ///
    /// # Errors
    /// The system's refusal.
    fn free_space(&self, directory: &File) -> io::Result<u64>;
}

/// The system itself.
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }

    fn free_space(&self, directory: &File) -> io::Result<u64> {
        storage::free_space(directory)
    }
}
