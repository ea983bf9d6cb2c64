//! Segment files: their names, their making in advance, and the handles whose number says whether a segment is still needed.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::disk::Disk;
use super::error::{Fault, SpoolError};
use super::frame::{
    Check, FRAME_HEADER, FrameHeader, HEADER_COPIES, HeaderFault, Marker, Position, SEGMENT_HEADER,
    SegmentHeader,
};
use super::lock;

/// Where the segments are, below the spool directory.
pub(super) const SEGMENTS: &str = "segments";
/// Where damaged records are set aside, below the spool directory.
pub(super) const CORRUPT: &str = "corrupt";
/// The zero-written file that becomes the next segment.
const PREPARED: &str = "prepared";
const SUFFIX: &str = ".segment";
/// Zeros are written in pieces of this size.
const ZEROS: usize = 1 << 20;

/// One segment file. The handle is shared by everything that needs the file: the writer, each message whose accept record lies in it, each
/// recipient whose latest change lies in it, and each older segment that a gone record in it speaks about. Nothing else keeps a file alive.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) marker: Marker,
    pub(super) path: PathBuf,
    /// Newer segments that must outlive this one, because they hold the gone records of its messages.
    gone_records: Mutex<BTreeMap<u64, Arc<Segment>>>,
}

impl Segment {
    pub(super) fn new(number: u64, marker: Marker, path: PathBuf) -> Self {
        Self {
            number,
            marker,
            path,
            gone_records: Mutex::new(BTreeMap::new()),
        }
    }

    /// Keeps `newer` for as long as this segment exists; a segment needs no such promise from itself.
    pub(super) fn outlived_by(&self, newer: &Arc<Self>) {
        if newer.number > self.number {
            let mut kept = lock(&self.gone_records);
            kept.entry(newer.number)
                .or_insert_with(|| Arc::clone(newer));
        }
    }
}

/// A record's place.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) segment: Arc<Segment>,
    pub(super) offset: u64,
    pub(super) content_length: u64,
    /// Octets of the whole frame.
    pub(super) extent: u64,
}

impl Place {
    pub(super) fn new(segment: &Arc<Segment>, offset: u64, header: &FrameHeader) -> Self {
        Self {
            segment: Arc::clone(segment),
            offset,
            content_length: header.content_length,
            extent: header.extent(),
        }
    }

    /// Whether the record here was written after the one at `other`.
    pub(super) fn is_after(&self, other: &Self) -> bool {
        (self.segment.number, self.offset) > (other.segment.number, other.offset)
    }
}

/// The number in a segment's file name.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_ours = digits.len() >= 10 && digits.bytes().all(|octet| octet.is_ascii_digit());
    is_ours.then(|| digits.parse().ok())?
}

/// The file name of a segment.
pub(super) fn name_of(number: u64) -> String {
    format!("{number:010}{SUFFIX}")
}

/// The segments of a spool, oldest first; names that are not ours are left alone. A directory that no owner has used yet has none.
pub(super) fn list(spool: &Path) -> Result<Vec<(u64, PathBuf)>, SpoolError> {
    let directory = spool.join(SEGMENTS);
    let failed = |error| SpoolError::system("list", &directory)(error);
    let mut found = Vec::new();
    let items = match fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && spool.is_dir() => {
            return Ok(found);
        }
        items => items.map_err(failed)?,
    };
    for item in items {
        let item = item.map_err(failed)?;
        if let Some(number) = item.file_name().to_str().and_then(number_of) {
            found.push((number, item.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Creates a directory that only its owner may enter, with its parents, unless it is there; what was created is durable.
pub(super) fn create_directory(disk: &dyn Disk, path: &Path) -> Result<(), SpoolError> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    let mut builder = DirBuilder::new();
    let created = builder.recursive(true).mode(0o700).create(path);
    created.map_err(SpoolError::system("create the directory", path))?;
    for new in missing {
        let parent = new.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_directory(disk, parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Options for a file that only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Makes the durable creation, renaming and removal of files in a directory.
pub(super) fn sync_directory(disk: &dyn Disk, path: &Path) -> Result<(), SpoolError> {
    let synced = File::open(path).and_then(|directory| disk.sync_directory(&directory));
    synced.map_err(SpoolError::system("sync the directory", path))
}

/// Writes zeros over the whole length of a new file, so that later writes find their blocks allocated and a sync needs no journal commit.
pub(super) fn prepare(disk: &dyn Disk, spool: &Path, size: u64) -> Result<File, SpoolError> {
    let path = spool.join(SEGMENTS).join(PREPARED);
    let make = || -> io::Result<File> {
        let mut file = private().create(true).truncate(true).open(&path)?;
        let zeros = vec![0; ZEROS];
        let mut left = size;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(ZEROS).min(ZEROS);
            file.write_all(zeros.get(..piece).unwrap_or(&zeros))?;
            left -= piece as u64;
        }
        disk.sync(&file)?;
        Ok(file)
    };
    make().map_err(|error| {
        // A disk that is full of half a segment of zeros helps nobody.
        let _ = fs::remove_file(&path);
        SpoolError::system("prepare the segment", &path)(error)
    })
}

/// Removes what an earlier run left half made.
pub(super) fn remove_prepared(spool: &Path) -> Result<(), SpoolError> {
    let path = spool.join(SEGMENTS).join(PREPARED);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SpoolError::system("remove", &path)(error))
        }
        _ => Ok(()),
    }
}

/// Turns the prepared file into a segment: header first, then its name, both durable before the first record is written.
pub(super) fn install(
    disk: &dyn Disk,
    spool: &Path,
    file: &File,
    header: &SegmentHeader,
) -> Result<PathBuf, SpoolError> {
    let directory = spool.join(SEGMENTS);
    let path = directory.join(name_of(header.number));
    let octets = header.encode();
    let write = || -> io::Result<()> {
        for offset in HEADER_COPIES {
            file.write_all_at(&octets, offset)?;
        }
        disk.sync(file)?;
        fs::rename(directory.join(PREPARED), &path)
    };
    write().map_err(SpoolError::system("begin the segment", &path))?;
    sync_directory(disk, &directory)?;
    Ok(path)
}

/// Reads the header of a segment from whichever copy is sound.
pub(super) fn read_header(
    file: &File,
    path: &Path,
    number: u64,
) -> Result<SegmentHeader, SpoolError> {
    let mut fault = HeaderFault::Damaged;
    for offset in HEADER_COPIES {
        let mut octets = [0; SEGMENT_HEADER];
        match file.read_exact_at(&mut octets, offset) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(SpoolError::system("read the segment", path)(error));
            }
            _ => {}
        }
        match SegmentHeader::decode(&octets) {
            Ok(header) if header.number == number => return Ok(header),
            Ok(_) => {}
            Err(found) => fault = found,
        }
    }
    Err(header_error(path, fault))
}

fn header_error(path: &Path, fault: HeaderFault) -> SpoolError {
    let (fault, reason) = match fault {
        HeaderFault::Damaged => (Fault::Damaged, "its header is damaged".to_owned()),
        HeaderFault::Version(version) => (
            Fault::Refused,
            format!(
                "it has layout version {version}; it was written by another version of gateway"
            ),
        ),
    };
    SpoolError::new(fault, "read the segment", path, reason)
}

/// The header of the frame at a place.
fn read_frame_header(file: &File, place: &Place) -> Result<FrameHeader, SpoolError> {
    let segment = &place.segment;
    let mut octets = [0; FRAME_HEADER];
    let read = file.read_exact_at(&mut octets, place.offset);
    read.map_err(SpoolError::system("read the segment", &segment.path))?;
    let at = Position {
        marker: segment.marker,
        number: segment.number,
        offset: place.offset,
    };
    FrameHeader::open(&octets, &at).ok_or_else(|| damaged(place, "a record's header"))
}

/// The content of the message whose accept record is at a place.
pub(super) fn read_content(place: &Place) -> Result<Vec<u8>, SpoolError> {
    let path = &place.segment.path;
    let file = File::open(path).map_err(SpoolError::system("read the segment", path))?;
    let header = read_frame_header(&file, place)?;
    let length = usize::try_from(header.content_length);
    let mut content = vec![0; length.map_err(|_| damaged(place, "a content's length"))?];
    let start = place.offset.saturating_add(header.content_start());
    let read = file.read_exact_at(&mut content, start);
    read.map_err(SpoolError::system("read the segment", path))?;
    if Check::of(&content) != header.content_check {
        return Err(damaged(place, "a message's content"));
    }
    Ok(content)
}

fn damaged(place: &Place, what: &str) -> SpoolError {
    let reason = format!("{what} is damaged at octet {}", place.offset);
    SpoolError::new(
        Fault::Damaged,
        "read the segment",
        &place.segment.path,
        reason,
    )
}
