//! Makes records durable: group commit into preallocated segments, and the removal of segments nobody needs.
//!
//! Commit, step by step: each caller hands in its frame. The first one leads: it takes all that has come in, writes it in one go, syncs once,
//! and wakes the others; what came in meanwhile is the next leader's batch. A commit returns only after the sync that covers it.
//! The blocks of a segment are written with zeros beforehand, so a sync needs no journal commit of the file system.
//!
//! A failed write or sync fails its batch and retires the file for good: the kernel may have dropped the unwritten pages and would let a
//! second sync succeed without them. What of the batch did reach the disk may be found by a later recovery; the callers were told that it
//! is not ours, so such a message may be delivered twice, as after any crash.
//!
//! next: src/outbound/runner.rs

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::disk::Disk;
use super::error::{Fault, SpoolError};
use super::frame::{FIRST_FRAME, FRAME_HEADER, FrameHeader, Marker, Position, SegmentHeader};
use super::limits::BATCH_OCTETS;
use super::segment::{self, Place, Segment};
use super::{QueueId, lock};
use crate::log;
use crate::time::Timestamp;

/// One record on its way to the disk.
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    pub(super) metadata: Vec<u8>,
    pub(super) content: Vec<u8>,
}

/// The segments that recovery found.
#[derive(Default)]
pub(super) struct Segments {
    pub(super) table: BTreeMap<u64, Arc<Segment>>,
    /// The greatest number of a segment ever seen.
    pub(super) last_number: u64,
    /// The greatest id ever seen.
    pub(super) last_id: u64,
}

/// Ids of one millisecond before they run ahead of the clock.
const IDS_PER_MILLISECOND: u64 = 256;

/// The segments of one spool, open for appending.
pub(super) struct Spool {
    directory: PathBuf,
    segment_size: u64,
    disk: Arc<dyn Disk>,
    last_id: AtomicU64,
    group: Mutex<Group>,
    turn: Condvar,
    writer: Mutex<Writer>,
    /// Every segment there is; the newest stays, because its header keeps the floor of the ids.
    table: Mutex<BTreeMap<u64, Arc<Segment>>>,
}

/// Commits that wait for a leader, and results that wait for their caller.
#[derive(Default)]
struct Group {
    waiting: Vec<(u64, Frame)>,
    results: HashMap<u64, Result<Place, SpoolError>>,
    is_led: bool,
    next_ticket: u64,
}

/// What only the leader touches.
struct Writer {
    active: Option<Active>,
    preparing: Option<JoinHandle<Result<File, SpoolError>>>,
    last_number: u64,
}

struct Active {
    segment: Arc<Segment>,
    file: File,
    end: u64,
    size: u64,
}

impl Spool {
    /// A spool that appends after the segments in `table`, always to new files: what a crash left behind is never written to again.
    pub(super) fn new(
        directory: &Path,
        segment_size: u64,
        disk: Arc<dyn Disk>,
        recovered: Segments,
    ) -> Self {
        let writer = Writer {
            active: None,
            preparing: None,
            last_number: recovered.last_number,
        };
        Self {
            directory: directory.to_owned(),
            segment_size,
            disk,
            last_id: AtomicU64::new(recovered.last_id),
            group: Mutex::default(),
            turn: Condvar::new(),
            writer: Mutex::new(writer),
            table: Mutex::new(recovered.table),
        }
    }

    /// A new id, greater than every earlier one: the milliseconds since 1970 times [`IDS_PER_MILLISECOND`], or one more than the last if that is greater.
    /// The last one survives in the header of every newer segment, so a clock that was set back after a crash does no harm.
    pub(super) fn next_id(&self, now: Timestamp) -> QueueId {
        let by_clock = now.millis().saturating_mul(IDS_PER_MILLISECOND);
        let next = |last: u64| last.saturating_add(1).max(by_clock);
        let last = self
            .last_id
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)));
        QueueId(next(last.unwrap_or_else(|last| last)))
    }

    /// Returns when the record is on stable storage.
    pub(super) fn commit(&self, frame: Frame) -> Result<Place, SpoolError> {
        let mut group = lock(&self.group);
        let ticket = group.next_ticket;
        group.next_ticket += 1;
        group.waiting.push((ticket, frame));
        loop {
            if let Some(result) = group.results.remove(&ticket) {
                return result;
            }
            if group.is_led {
                let woken = self.turn.wait(group);
                group = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            group.is_led = true;
            let batch = group.take_batch();
            drop(group);
            let results = self.write(batch);
            group = lock(&self.group);
            group.is_led = false;
            group.results.extend(results);
            self.turn.notify_all();
        }
    }

    /// Writes a batch, run by run: a run is what fits into one segment.
    fn write(&self, batch: Vec<(u64, Frame)>) -> Vec<(u64, Result<Place, SpoolError>)> {
        let mut writer = lock(&self.writer);
        let mut results = Vec::with_capacity(batch.len());
        let mut rest = batch.into_iter().peekable();
        let mut failure = None;
        while let Some((_, first)) = rest.peek() {
            let needed = first.header.stride();
            let room = match &failure {
                None => self.make_room(&mut writer, needed),
                Some(error) => Err(SpoolError::clone(error)),
            };
            let mut left = *room.as_ref().unwrap_or(&0);
            let mut run = Vec::new();
            while let Some(item) =
                rest.next_if(|(_, frame)| frame.header.stride() <= left || room.is_err())
            {
                left = left.saturating_sub(item.1.header.stride());
                run.push(item);
            }
            let written = room.and_then(|_| self.write_run(&mut writer, &run));
            failure = written.as_ref().err().cloned();
            results.extend(outcome_of(run, written));
        }
        self.prepare_ahead(&mut writer);
        results
    }

    /// Makes sure that a frame of `needed` octets fits, and says how much does.
    fn make_room(&self, writer: &mut Writer, needed: u64) -> Result<u64, SpoolError> {
        if let Some(active) = &writer.active {
            let left = active.size.saturating_sub(active.end);
            if needed <= left {
                return Ok(left);
            }
        }
        self.close_active(writer);
        let size = self.segment_size.max(FIRST_FRAME.saturating_add(needed));
        let file = self.prepared(writer, size)?;
        let number = writer.last_number.saturating_add(1);
        // Even if this fails the number is used up: a file of that name may exist.
        writer.last_number = number;
        let header = SegmentHeader {
            number,
            marker: Marker::from_random(random()?),
            id_floor: self.last_id.load(Ordering::SeqCst),
        };
        let path = segment::install(&*self.disk, &self.directory, &file, &header)?;
        let segment = Arc::new(Segment::new(number, header.marker, path));
        lock(&self.table).insert(number, Arc::clone(&segment));
        writer.active = Some(Active {
            segment,
            file,
            end: FIRST_FRAME,
            size,
        });
        Ok(size - FIRST_FRAME)
    }

    /// Gives back what the segment has not used; it is not written to again.
    fn close_active(&self, writer: &mut Writer) {
        if let Some(active) = writer.active.take() {
            // Only space is at stake: the zeros beyond the end mean nothing.
            let _ = active.file.set_len(active.end);
        }
    }

    /// A zero-written file of at least `size` octets: the one prepared in advance, or a new one.
    fn prepared(&self, writer: &mut Writer, size: u64) -> Result<File, SpoolError> {
        if let Some(file) = writer.take_prepared() {
            let is_large = |metadata: fs::Metadata| metadata.len() >= size;
            if file.metadata().is_ok_and(is_large) {
                return Ok(file);
            }
        }
        segment::prepare(&*self.disk, &self.directory, size)
    }

    /// Starts the preparation of the next segment in the background once half of the present one is used.
    fn prepare_ahead(&self, writer: &mut Writer) {
        let is_half_full = |active: &Active| active.end > active.size / 2;
        if writer.preparing.is_some() || !writer.active.as_ref().is_some_and(is_half_full) {
            return;
        }
        let (disk, directory, size) = (
            Arc::clone(&self.disk),
            self.directory.clone(),
            self.segment_size,
        );
        let prepare = move || segment::prepare(&*disk, &directory, size);
        let thread = thread::Builder::new().name("queue-prepare".to_owned());
        // Without a thread the segment is made when it is needed.
        writer.preparing = thread.spawn(prepare).ok();
    }

    fn write_run(
        &self,
        writer: &mut Writer,
        run: &[(u64, Frame)],
    ) -> Result<Vec<Place>, SpoolError> {
        let Some(active) = &mut writer.active else {
            let reason = "no segment is open";
            let error = SpoolError::new(Fault::System, "write to", &self.directory, reason);
            return Err(error);
        };
        let written = active.append(run, &*self.disk);
        let path = &active.segment.path;
        let written = written.map_err(SpoolError::system("write to", path));
        if let Err(error) = &written {
            log::error(format_args!("queue: {error}; this file is not used again"));
            writer.active = None;
        }
        written
    }

    /// Removes the segments that only the table holds, oldest first. The removal of one is durable before the next round, because it may have been
    /// what kept a newer one.
    ///
    /// Rule: a segment goes only if no message whose accept record lies in it is in the queue, no recipient's latest change lies in it, and every
    /// message that a gone record in it speaks of has its accept record in this segment or in one whose removal is durable. So a removed gone
    /// record never lets a message come back. The newest segment stays.
    pub(super) fn remove_unneeded(&self) {
        if let Err(error) = self.try_remove_unneeded() {
            log::warning(format_args!("queue: {error}; tried again later"));
        }
    }

    fn try_remove_unneeded(&self) -> Result<(), SpoolError> {
        let mut table = lock(&self.table);
        loop {
            let newest = table.keys().next_back().copied();
            let is_unneeded = |(number, segment): (&u64, &Arc<Segment>)| {
                (Some(*number) != newest && Arc::strong_count(segment) == 1).then_some(*number)
            };
            let numbers: Vec<u64> = table.iter().filter_map(is_unneeded).collect();
            if numbers.is_empty() {
                return Ok(());
            }
            for number in &numbers {
                if let Some(segment) = table.get(number) {
                    remove_file(&segment.path)?;
                }
            }
            let directory = self.directory.join(segment::SEGMENTS);
            segment::sync_directory(&*self.disk, &directory)?;
            table.retain(|number, _| !numbers.contains(number));
        }
    }
}

/// Waits for the preparing thread, so that nothing of the spool is touched after it was closed.
impl Drop for Spool {
    fn drop(&mut self) {
        let mut writer = lock(&self.writer);
        self.close_active(&mut writer);
        if writer.take_prepared().is_some() {
            // Left over, it would only be removed at the next start.
            let _ = segment::remove_prepared(&self.directory);
        }
    }
}

fn remove_file(path: &Path) -> Result<(), SpoolError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SpoolError::system("remove the segment", path)(error))
        }
        _ => Ok(()),
    }
}

fn random() -> Result<[u8; 8], SpoolError> {
    let mut octets = [0; 8];
    match openssl::rand::rand_bytes(&mut octets) {
        Ok(()) => Ok(octets),
        Err(error) => {
            let path = Path::new("random octets");
            Err(SpoolError::new(
                Fault::System,
                "draw",
                path,
                error.to_string(),
            ))
        }
    }
}

/// Each ticket's share of a run's outcome.
fn outcome_of(
    run: Vec<(u64, Frame)>,
    written: Result<Vec<Place>, SpoolError>,
) -> Vec<(u64, Result<Place, SpoolError>)> {
    let tickets = run.into_iter().map(|(ticket, _)| ticket);
    match written {
        Ok(places) => tickets.zip(places.into_iter().map(Ok)).collect(),
        Err(error) => tickets.map(|ticket| (ticket, Err(error.clone()))).collect(),
    }
}

impl Group {
    /// What the leader writes at once: all that waits, up to [`BATCH_OCTETS`].
    fn take_batch(&mut self) -> Vec<(u64, Frame)> {
        let mut octets = 0;
        let mut fits = |(_, frame): &(u64, Frame)| {
            let first = octets == 0;
            octets += frame.header.stride();
            first || octets <= BATCH_OCTETS
        };
        let count = self.waiting.iter().take_while(|item| fits(item)).count();
        let rest = self.waiting.split_off(count);
        std::mem::replace(&mut self.waiting, rest)
    }
}

impl Writer {
    /// The file that was prepared in advance, if it was and that went well.
    fn take_prepared(&mut self) -> Option<File> {
        self.preparing.take()?.join().ok()?.ok()
    }
}

impl Active {
    /// Writes a run of frames behind each other and syncs once.
    fn append(&mut self, run: &[(u64, Frame)], disk: &dyn Disk) -> io::Result<Vec<Place>> {
        let mut ends: Vec<([u8; FRAME_HEADER], Vec<u8>)> = Vec::with_capacity(run.len());
        let mut places = Vec::with_capacity(run.len());
        let mut offset = self.end;
        for (_, frame) in run {
            let marker = self.segment.marker;
            let at = Position {
                marker,
                number: self.segment.number,
                offset,
            };
            ends.push((frame.header.seal(&at), frame.header.closing(&marker)));
            places.push(Place::new(&self.segment, offset, &frame.header));
            offset += frame.header.stride();
        }
        let pieces = run
            .iter()
            .zip(&ends)
            .flat_map(|((_, frame), (start, end))| {
                [&start[..], &frame.metadata, &frame.content, end].map(IoSlice::new)
            });
        (&self.file).seek(SeekFrom::Start(self.end))?;
        write_all(&self.file, &mut pieces.collect::<Vec<_>>())?;
        disk.sync(&self.file)?;
        self.end = offset;
        Ok(places)
    }
}

/// Writes all the pieces, in as few calls as the system allows.
fn write_all(mut file: &File, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !pieces.is_empty() {
        match file.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
