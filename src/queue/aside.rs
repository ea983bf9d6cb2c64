//! Sets damaged records and unmanageable messages aside in `corrupt/`, octet for octet, for a person to look at.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::{Fault, SpoolError};
use super::limits::WINDOW;
use super::segment::{self, CORRUPT};

/// Segments of the same number in `corrupt/`; a number comes back only if the newest segment was set aside.
const ASIDE_TRIES: u32 = 100;

/// Copies the octets from `start` to `end` of a segment into a file of `corrupt/` named after segment and offset.
/// Returns its path, and whether it is new: an earlier run may have done the same.
pub(super) fn copy_range(
    disk: &dyn Disk,
    spool: &Path,
    (file, number): (&File, u64),
    (start, end): (u64, u64),
) -> Result<(PathBuf, bool), SpoolError> {
    let directory = spool.join(CORRUPT);
    let path = directory.join(format!("{number:010}-{start}"));
    if path.exists() {
        return Ok((path, false));
    }
    let half_made = path.with_extension("part");
    let copy = || -> io::Result<()> {
        let out = segment::private()
            .create(true)
            .truncate(true)
            .open(&half_made)?;
        copy_octets(file, &out, start, end)?;
        disk.sync(&out)?;
        fs::rename(&half_made, &path)
    };
    copy().map_err(SpoolError::system("set aside as", &path))?;
    segment::sync_directory(disk, &directory)?;
    Ok((path, true))
}

fn copy_octets(from: &File, to: &File, start: u64, end: u64) -> io::Result<()> {
    let mut window = vec![0; WINDOW];
    let mut at = start;
    while at < end {
        let piece = usize::try_from(end - at).unwrap_or(WINDOW).min(WINDOW);
        let Some(buffer) = window.get_mut(..piece) else {
            break;
        };
        let read = from.read_at(buffer, at)?;
        let Some(octets) = buffer.get(..read).filter(|octets| !octets.is_empty()) else {
            break;
        };
        to.write_all_at(octets, at - start)?;
        at += read as u64;
    }
    Ok(())
}

/// Moves a whole segment into `corrupt/`; returns its new path.
pub(super) fn move_segment(
    disk: &dyn Disk,
    spool: &Path,
    path: &Path,
    number: u64,
) -> Result<PathBuf, SpoolError> {
    let name = segment::name_of(number);
    let free = (0..ASIDE_TRIES)
        .map(|copy| spool.join(CORRUPT).join(format!("{name}.{copy}")))
        .find(|aside| !aside.exists());
    let aside = free.ok_or_else(|| {
        let reason = "corrupt/ already holds too many segments of this number";
        SpoolError::new(Fault::Full, "set aside", path, reason)
    })?;
    fs::rename(path, &aside).map_err(SpoolError::system("set aside", path))?;
    segment::sync_directory(disk, &spool.join(CORRUPT))?;
    segment::sync_directory(disk, &spool.join(segment::SEGMENTS))?;
    Ok(aside)
}
