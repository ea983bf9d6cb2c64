//! The queue as other rooms see it: what may be asked of it, and in which order disk and memory change.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::aside;
use super::disk::{Disk, SystemDisk};
use super::entry::{Accept, Record};
use super::error::{Fault, SpoolError};
use super::frame::FrameHeader;
use super::index::{Index, Played};
use super::limits::{
    CHANGES_PER_RECORD, FREE_SEGMENTS, MESSAGES_MAX, SEGMENT_SIZE, SEGMENT_SIZE_LEAST,
    SEGMENTS_PER_DISK,
};
use super::segment::{self, CORRUPT, Place, SEGMENTS};
use super::spool::{Frame, Spool};
use super::{Change, Entry, QueueId, Recipient, Settings, lock, owner, recover};
use crate::log;
use crate::smtp::Envelope;
use crate::sys::storage;
use crate::time::Timestamp;

/// What tests and benchmarks set otherwise than `serve`.
#[derive(Clone)]
pub struct Tuning {
    /// Size of a segment in octets; a larger message gets a larger segment.
    pub segment_size: u64,
    /// Free space in octets below which no message is taken.
    pub minimum_free: u64,
    /// Messages beyond which no further one is taken.
    pub messages_max: usize,
    /// The system's storage, or something that fails on demand.
    pub disk: Arc<dyn Disk>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            segment_size: SEGMENT_SIZE,
            minimum_free: FREE_SEGMENTS * SEGMENT_SIZE,
            messages_max: MESSAGES_MAX,
            disk: Arc::new(SystemDisk),
        }
    }
}

impl Tuning {
    /// What suits a disk of so many octets; zero if that is not known.
    pub fn for_disk(whole: u64) -> Self {
        let segment_size = match whole {
            0 => SEGMENT_SIZE,
            _ => (whole / SEGMENTS_PER_DISK).clamp(SEGMENT_SIZE_LEAST, SEGMENT_SIZE),
        };
        Self {
            segment_size,
            minimum_free: FREE_SEGMENTS * segment_size,
            ..Self::default()
        }
    }
}

/// The queue of one spool directory; shared by all threads.
pub struct Queue {
    settings: Settings,
    tuning: Tuning,
    index: Mutex<Index>,
    listener: OnceLock<Listener>,
    /// Absent when opened with [`Queue::read`].
    spool: Option<Spool>,
    /// The spool directory, to ask for free space.
    directory: File,
    /// Held until everything above is closed.
    _owner: Option<File>,
}

type Listener = Box<dyn Fn(QueueId) + Send + Sync>;

impl Queue {
    /// Opens the spool for writing, recovers its index; one process at a time.
    ///
    /// # Errors
    /// [`SpoolError`] when it is locked or unreadable. Damage is set aside and logged, it is no error.
    pub fn open(settings: Settings) -> Result<Self, SpoolError> {
        let path = &settings.directory;
        segment::create_directory(&SystemDisk, path)?;
        let whole = storage::whole_space(&open_directory(path)?);
        let whole = whole.map_err(SpoolError::system("ask for the size of the disk of", path))?;
        Self::open_with(settings, Tuning::for_disk(whole))
    }

    /// As [`Queue::open`], with other limits or another disk.
    ///
    /// # Errors
    /// As [`Queue::open`].
    pub fn open_with(settings: Settings, tuning: Tuning) -> Result<Self, SpoolError> {
        let directory = settings.directory.clone();
        let disk = &tuning.disk;
        for path in [
            &directory,
            &directory.join(SEGMENTS),
            &directory.join(CORRUPT),
        ] {
            segment::create_directory(&**disk, path)?;
        }
        let owner = owner::take(&directory)?;
        // Once more: a run that ended here before may have made them and not come to the sync.
        segment::sync_directory(&**disk, &directory)?;
        let (index, segments) = recover::recover(&**disk, &directory)?;
        let size = tuning.segment_size;
        let spool = Spool::new(&directory, size, Arc::clone(disk), segments);
        let queue = Self {
            directory: open_directory(&directory)?,
            settings,
            tuning,
            index: Mutex::new(index),
            listener: OnceLock::new(),
            spool: Some(spool),
            _owner: Some(owner),
        };
        queue.tidy()?;
        Ok(queue)
    }

    /// Reads the index without the lock and without changing anything; for `queue list` and `show` while `serve` runs. It shows one moment; content can be read as long as the owner keeps it.
    ///
    /// # Errors
    /// [`SpoolError`] when the directory cannot be read.
    pub fn read(directory: &Path) -> Result<Self, SpoolError> {
        let index = recover::read(directory)?;
        Ok(Self {
            directory: open_directory(directory)?,
            settings: Settings {
                directory: directory.to_owned(),
                retry_for: Duration::MAX,
                retry_first: Duration::MAX,
                retry_max: Duration::MAX,
            },
            tuning: Tuning::default(),
            index: Mutex::new(index),
            listener: OnceLock::new(),
            spool: None,
            _owner: None,
        })
    }

    /// What a crash kept from being done: gone records of messages that are finished, and the removal of files.
    fn tidy(&self) -> Result<(), SpoolError> {
        let finished = lock(&self.index).finished();
        for id in finished {
            self.play(Record::Gone(id), &[])?;
        }
        self.spool()?.remove_unneeded();
        Ok(())
    }

    /// Takes a message; when this returns it is safe on disk (group commit with concurrent callers).
    ///
    /// # Errors
    /// [`SpoolError`]: the message is not ours. With [`Fault::Full`] there is no room for it now.
    pub fn accept(
        &self,
        envelope: &Envelope,
        message: &[u8],
        now: Timestamp,
    ) -> Result<QueueId, SpoolError> {
        self.admit(envelope, message)?;
        let id = self.spool()?.next_id(now);
        let accept = Accept {
            id,
            arrived: now,
            envelope: envelope.clone(),
        };
        self.play(Record::Accept(accept), message)?;
        if let Some(listener) = self.listener.get() {
            listener(id);
        }
        Ok(id)
    }

    /// Whether the message may be taken: the limits.
    fn admit(&self, envelope: &Envelope, message: &[u8]) -> Result<(), SpoolError> {
        let refuse = |fault, reason: String| {
            let path = &self.settings.directory;
            Err(SpoolError::new(fault, "take a message into", path, reason))
        };
        if envelope.recipients.is_empty() {
            return refuse(Fault::Refused, "it has no recipient".to_owned());
        }
        let most = self.tuning.messages_max;
        if lock(&self.index).len() >= most {
            let reason = format!("it holds {most} messages already, its limit");
            return refuse(Fault::Full, reason);
        }
        let free = self.tuning.disk.free_space(&self.directory);
        let path = &self.settings.directory;
        let free = free.map_err(SpoolError::system("ask for free space in", path))?;
        let needed = self
            .tuning
            .minimum_free
            .saturating_add(message.len() as u64);
        if free < needed {
            let (free, needed) = (free >> 20, needed >> 20);
            let reason =
                format!("{free} MiB are free, {needed} MiB needed; make room on this disk");
            return refuse(Fault::Full, reason);
        }
        Ok(())
    }

    /// Records changes of recipients (index in the envelope) durably; removes the message when none is pending.
    /// A bounce that tells of failed recipients must have been accepted before, else a crash loses it.
    ///
    /// Recipients that are not pending any more stay as they are.
    ///
    /// # Errors
    /// [`SpoolError`]: the old state stands; of more than 500 changes some may count.
    pub fn apply(&self, id: QueueId, changes: &[(usize, Change)]) -> Result<(), SpoolError> {
        for part in changes.chunks(CHANGES_PER_RECORD) {
            let record = lock(&self.index).record_of(id, part);
            let record = record.ok_or_else(|| self.unknown(id))?;
            self.play(record, &[])?;
        }
        self.spool()?.remove_unneeded();
        Ok(())
    }

    /// Makes a record durable, then lets it count. When two changes together leave nothing pending, the one that counts last adds the gone record.
    fn play(&self, record: Record, content: &[u8]) -> Result<(), SpoolError> {
        let id = record.id();
        let place = self.commit(&record, content)?;
        let played = lock(&self.index).play(record, &place);
        if played == Played::Finished {
            let gone = Record::Gone(id);
            let place = self.commit(&gone, &[])?;
            lock(&self.index).play(gone, &place);
        }
        Ok(())
    }

    fn commit(&self, record: &Record, content: &[u8]) -> Result<Place, SpoolError> {
        let frame = record.encode().and_then(|metadata| {
            Some(Frame {
                header: FrameHeader::of(record.kind(), &metadata, content)?,
                metadata,
                content: content.to_vec(),
            })
        });
        let frame = frame.ok_or_else(|| {
            let path = &self.settings.directory;
            let reason = "its envelope or content is larger than the spool's format allows";
            SpoolError::new(Fault::Refused, "take a message into", path, reason)
        })?;
        self.spool()?.commit(frame)
    }

    /// The content of a message.
    ///
    /// # Errors
    /// [`SpoolError`] when it cannot be read or its checksum is wrong; then [`Queue::set_aside`] is what remains to do.
    pub fn content(&self, id: QueueId) -> Result<Vec<u8>, SpoolError> {
        let place = self.place(id)?;
        segment::read_content(&place)
    }

    /// The entry of a message still in the queue.
    pub fn entry(&self, id: QueueId) -> Option<Entry> {
        lock(&self.index).entry(id).cloned()
    }

    /// All entries still in the queue, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.index).entries().cloned().collect()
    }

    /// How many messages are in the queue.
    pub fn len(&self) -> usize {
        lock(&self.index).len()
    }

    /// Whether no message is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `listener` after each accepted message, on the accepting thread; the scheduler's wake-up. Only the first one set counts.
    pub fn on_accept(&self, listener: Box<dyn Fn(QueueId) + Send + Sync>) {
        // A second listener is ignored, as documented.
        let _ = self.listener.set(listener);
    }

    /// Stops (`true`) or continues the delivery of a message, durably.
    ///
    /// # Errors
    /// [`SpoolError`]: the old state stands.
    pub fn hold(&self, id: QueueId, held: bool) -> Result<(), SpoolError> {
        self.place(id)?;
        self.play(Record::Hold(id, held), &[])
    }

    /// Makes the pending recipients that are meant due at `now`, durably; that counts as no attempt. None of them may be under way at an attempt.
    ///
    /// # Errors
    /// [`SpoolError`]: the old state stands.
    pub fn retry(
        &self,
        id: QueueId,
        now: Timestamp,
        is_meant: impl Fn(&Recipient) -> bool,
    ) -> Result<(), SpoolError> {
        self.place(id)?;
        let record = lock(&self.index).record_of_retry(id, now, is_meant);
        record.map_or(Ok(()), |record| self.play(record, &[]))
    }

    /// Removes a message without telling anybody.
    ///
    /// # Errors
    /// [`SpoolError`]: it is still there.
    pub fn remove(&self, id: QueueId) -> Result<(), SpoolError> {
        self.place(id)?;
        self.play(Record::Gone(id), &[])?;
        self.spool()?.remove_unneeded();
        Ok(())
    }

    /// Moves a message that cannot be handled into `corrupt/`, for a person to look at, with one log line saying `why`.
    ///
    /// # Errors
    /// [`SpoolError`]: it is still in the queue.
    pub fn set_aside(&self, id: QueueId, why: &str) -> Result<(), SpoolError> {
        let place = self.place(id)?;
        let copy = self.copy_aside(&place)?;
        log::error(format_args!(
            "queue: message {id} is set aside as {}: {why}",
            copy.display()
        ));
        drop(place);
        self.remove(id)
    }

    fn copy_aside(&self, place: &Place) -> Result<PathBuf, SpoolError> {
        let segment = &place.segment;
        let opened = File::open(&segment.path);
        let file = opened.map_err(SpoolError::system("open the segment", &segment.path))?;
        let range = (place.offset, place.offset.saturating_add(place.extent));
        let disk = &*self.tuning.disk;
        let directory = &self.settings.directory;
        let source = (&file, segment.number);
        let (path, _) = aside::copy_range(disk, directory, source, range)?;
        Ok(path)
    }

    /// What the queue was opened with; of one opened with [`Queue::read`] only the directory means anything.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn place(&self, id: QueueId) -> Result<Place, SpoolError> {
        let place = lock(&self.index).place(id);
        place.ok_or_else(|| self.unknown(id))
    }

    fn spool(&self) -> Result<&Spool, SpoolError> {
        self.spool.as_ref().ok_or_else(|| {
            let path = &self.settings.directory;
            let reason = "it was opened for reading only";
            SpoolError::new(Fault::Refused, "write to", path, reason)
        })
    }

    fn unknown(&self, id: QueueId) -> SpoolError {
        let path = &self.settings.directory;
        let reason = format!("there is no message {id}, or no such recipient of it");
        SpoolError::new(Fault::NoSuchMessage, "look into", path, reason)
    }
}

fn open_directory(path: &Path) -> Result<File, SpoolError> {
    File::open(path).map_err(SpoolError::system("open", path))
}
