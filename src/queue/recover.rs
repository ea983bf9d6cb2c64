//! Rebuilds the index from the segments: at start by the owner, who also tidies up, and at any time by a reader, who changes nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::aside;
use super::disk::Disk;
use super::entry::Record;
use super::error::{Fault, SpoolError};
use super::index::Index;
use super::limits::READ_TRIES;
use super::scan::{Damage, Depth, Found, Scanner};
use super::segment::{self, Place, Segment};
use super::spool::Segments;
use crate::log;

/// Rebuilds the index for the owner: damage is set aside with one line each, torn tails are cut.
///
/// # Errors
/// [`SpoolError`] when something cannot be read, or damage cannot be set aside; nothing is lost then.
pub(super) fn recover(disk: &dyn Disk, spool: &Path) -> Result<(Index, Segments), SpoolError> {
    segment::remove_prepared(spool)?;
    let mut index = Index::default();
    let mut segments = Segments::default();
    for (number, path) in segment::list(spool)? {
        segments.last_number = number;
        let file = open(OpenOptions::new().read(true).write(true), &path)?;
        let header = match segment::read_header(&file, &path, number) {
            Ok(header) => header,
            Err(error) if error.fault == Fault::Damaged => {
                let aside = aside::move_segment(disk, spool, &path, number)?;
                log::error(format_args!(
                    "queue: {error}; the whole segment is set aside as {}",
                    aside.display()
                ));
                continue;
            }
            Err(error) => return Err(error),
        };
        segments.last_id = segments.last_id.max(header.id_floor);
        let segment = Arc::new(Segment::new(number, header.marker, path));
        let owner = Owner { disk, spool };
        owner.play(&file, &segment, &mut index, &mut segments.last_id)?;
        segments.table.insert(number, segment);
    }
    Ok((index, segments))
}

fn open(options: &OpenOptions, path: &Path) -> Result<File, SpoolError> {
    let opened = options.open(path);
    opened.map_err(SpoolError::system("open the segment", path))
}

struct Owner<'a> {
    disk: &'a dyn Disk,
    spool: &'a Path,
}

impl Owner<'_> {
    /// Plays one segment's records and tidies up after damage and torn writes.
    fn play(
        &self,
        file: &File,
        segment: &Arc<Segment>,
        index: &mut Index,
        last_id: &mut u64,
    ) -> Result<(), SpoolError> {
        let failed = |error| SpoolError::system("read the segment", &segment.path)(error);
        let scanner = Scanner::new(file, segment.number, segment.marker, Depth::Content);
        let mut scanner = scanner.map_err(failed)?;
        loop {
            match scanner.next().map_err(failed)? {
                Found::Record {
                    offset,
                    header,
                    record,
                } => {
                    *last_id = record.id().0.max(*last_id);
                    let place = Place::new(segment, offset, &header);
                    index.play(record, &place);
                }
                Found::Damage(damage) => self.set_aside(file, segment, &damage)?,
                Found::Hole { start, end } => log::warning(format_args!(
                    "queue: {} has nothing at octets {start} to {end}; no record there was ever finished",
                    segment.path.display()
                )),
                Found::End { offset, torn } => {
                    cut(file, segment, offset, torn);
                    return Ok(());
                }
            }
        }
    }

    fn set_aside(&self, file: &File, segment: &Segment, damage: &Damage) -> Result<(), SpoolError> {
        let range = (damage.start, damage.end);
        let source = (file, segment.number);
        let (aside, is_new) = aside::copy_range(self.disk, self.spool, source, range)?;
        if !is_new {
            return Ok(());
        }
        log::error(format_args!(
            "queue: {} in {} at octets {} to {}{}; set aside as {}, nothing else is affected",
            damage.what,
            segment.path.display(),
            damage.start,
            damage.end,
            description(damage.record.as_ref()),
            aside.display()
        ));
        Ok(())
    }
}

/// Whose record it is, as far as that is known.
fn description(record: Option<&Record>) -> String {
    match record {
        Some(Record::Accept(accept)) => format!(
            " (message {} from {} to {} recipients)",
            accept.id,
            accept.envelope.sender,
            accept.envelope.recipients.len()
        ),
        Some(record) => format!(" (about message {})", record.id()),
        None => String::new(),
    }
}

/// Cuts what was never acknowledged, and the zeros that will never be used.
fn cut(file: &File, segment: &Segment, offset: u64, torn: u64) {
    if torn > 0 {
        log::warning(format_args!(
            "queue: {}: cut {torn} octets at {offset} that were being written when the last run ended; nobody was told that they were safe",
            segment.path.display()
        ));
    }
    if file
        .metadata()
        .is_ok_and(|metadata| metadata.len() > offset)
    {
        // If this fails, the next start finds and cuts the same.
        let _ = file.set_len(offset);
    }
}

/// Rebuilds the index for a reader, while the owner may be writing: what is unfinished is not there yet. Content is not verified except in the newest segment.
///
/// # Errors
/// [`SpoolError`] when something cannot be read, or segments vanish faster than they are read.
pub(super) fn read(spool: &Path) -> Result<Index, SpoolError> {
    for _ in 0..READ_TRIES {
        if let Some(index) = try_read(spool)? {
            return Ok(index);
        }
    }
    let reason = "it changes faster than it can be read; try again";
    Err(SpoolError::new(Fault::System, "read", spool, reason))
}

/// `None` if a segment vanished: a gone record may have vanished with it whose message was already read.
fn try_read(spool: &Path) -> Result<Option<Index>, SpoolError> {
    let mut index = Index::default();
    let listed = segment::list(spool)?;
    let newest = listed.last().map(|(number, _)| *number);
    for (number, path) in listed {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SpoolError::system("open the segment", &path)(error)),
        };
        let header = match segment::read_header(&file, &path, number) {
            Ok(header) => header,
            // The owner will say so, and set it aside.
            Err(error) if error.fault == Fault::Damaged => continue,
            Err(error) => return Err(error),
        };
        let depth = match newest == Some(number) {
            true => Depth::Content,
            false => Depth::Metadata,
        };
        let segment = Arc::new(Segment::new(number, header.marker, path));
        let played = play(&file, &segment, &mut index, depth);
        played.map_err(SpoolError::system("read the segment", &segment.path))?;
    }
    Ok(Some(index))
}

/// Plays one segment's sound records and steps over everything else.
fn play(file: &File, segment: &Arc<Segment>, index: &mut Index, depth: Depth) -> io::Result<()> {
    let mut scanner = Scanner::new(file, segment.number, segment.marker, depth)?;
    loop {
        match scanner.next()? {
            Found::Record {
                offset,
                header,
                record,
            } => {
                let place = Place::new(segment, offset, &header);
                index.play(record, &place);
            }
            Found::Damage(_) | Found::Hole { .. } => {}
            Found::End { .. } => return Ok(()),
        }
    }
}
