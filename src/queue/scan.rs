//! Walks through one segment and says of every octet what it is: a record, damage, or the end.
//!
//! Damage and a torn tail look alike at first. The rule:
//! - if a sound frame follows, what lies before it is damage, but zeros alone are a hole that an unfinished batch left;
//! - if none follows, and its end or one of its sectors still has the zeros that the file was laid out with, it is a torn tail: it was never
//!   synced, so never acknowledged;
//! - if none follows and every sector was written, it is damage to an acknowledged record.
//!
//! Limitation: a damaged last record that itself contains a sector of zeros counts as torn. Mail does not contain NUL.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::entry::Record;
use super::frame::{ALIGNMENT, Check, FIRST_FRAME, FRAME_HEADER, FrameHeader, Marker, Position};
use super::limits::WINDOW;

/// The unit that a disk writes as a whole or not at all.
const SECTOR: u64 = 512;

/// What a segment is made of before anything is written.
static BLANK: [u8; WINDOW] = [0; WINDOW];

/// What lies at a place.
#[derive(Debug)]
pub(super) enum Found {
    /// A sound record.
    Record {
        /// Where its frame begins.
        offset: u64,
        /// The frame's header.
        header: FrameHeader,
        /// The record.
        record: Record,
    },
    /// Octets that were a record once.
    Damage(Damage),
    /// Zeros between two records: what a batch that was never finished left out, so it was never acknowledged.
    Hole {
        /// Where the frame that is missing would have begun.
        start: u64,
        /// Where the next frame begins.
        end: u64,
    },
    /// Nothing but zeros or a torn batch from this offset on.
    End {
        /// Where the next frame would have begun.
        offset: u64,
        /// How many octets up to the last one that is not zero.
        torn: u64,
    },
}

/// A stretch of damaged octets.
#[derive(Debug)]
pub(super) struct Damage {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) what: &'static str,
    /// The record's metadata, where they are sound.
    pub(super) record: Option<Record>,
}

/// How much of each record is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Metadata and content.
    Content,
    /// Metadata only.
    Metadata,
}

/// Reads a segment through a window, so that memory stays bounded whatever its records' sizes.
pub(super) struct Scanner<'a> {
    file: &'a File,
    length: u64,
    marker: Marker,
    number: u64,
    depth: Depth,
    offset: u64,
    window: Vec<u8>,
    window_start: u64,
}

/// What one frame turned out to be.
enum Frame {
    Sound(FrameHeader, Record),
    Broken(Broken),
}

/// Why a frame does not count, and what of it is known all the same.
struct Broken {
    /// The end of its closing marker, if its header is sound.
    end: Option<u64>,
    what: &'static str,
    record: Option<Record>,
}

impl<'a> Scanner<'a> {
    /// A scanner at the first frame of a segment.
    pub(super) fn new(
        file: &'a File,
        number: u64,
        marker: Marker,
        depth: Depth,
    ) -> io::Result<Self> {
        Ok(Self {
            file,
            length: file.metadata()?.len(),
            marker,
            number,
            depth,
            offset: FIRST_FRAME,
            window: Vec::new(),
            window_start: 0,
        })
    }

    /// The next find; after [`Found::End`] there is none.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        let start = self.offset;
        let broken = match self.frame(start)? {
            Frame::Sound(header, record) => {
                self.offset = start.saturating_add(header.stride());
                return Ok(Found::Record {
                    offset: start,
                    header,
                    record,
                });
            }
            Frame::Broken(broken) => broken,
        };
        let search_from = broken.end.unwrap_or(start + 1).next_multiple_of(ALIGNMENT);
        let following = self.find_frame(search_from)?;
        let written = self.last_written(start, following.unwrap_or(self.length))?;
        match (following, written) {
            (Some(next), None) => {
                self.offset = next;
                Ok(Found::Hole { start, end: next })
            }
            (None, None) => Ok(Found::End {
                offset: start,
                torn: 0,
            }),
            (None, Some(last)) if self.is_torn(start, last, broken.end)? => Ok(Found::End {
                offset: start,
                torn: last - start,
            }),
            (following, Some(last)) => {
                let end = following.unwrap_or(last);
                self.offset = end.next_multiple_of(ALIGNMENT);
                Ok(Found::Damage(Damage {
                    start,
                    end,
                    what: broken.what,
                    record: broken.record,
                }))
            }
        }
    }

    fn position(&self, offset: u64) -> Position {
        Position {
            marker: self.marker,
            number: self.number,
            offset,
        }
    }

    fn header(&mut self, offset: u64) -> io::Result<Option<FrameHeader>> {
        let at = self.position(offset);
        let octets = self.octets(offset, FRAME_HEADER)?;
        Ok(FrameHeader::open(octets, &at))
    }

    fn frame(&mut self, offset: u64) -> io::Result<Frame> {
        let broken = |end, what, record| Ok(Frame::Broken(Broken { end, what, record }));
        let Some(header) = self.header(offset)? else {
            return broken(None, "a record's header is damaged", None);
        };
        let end = Some(offset.saturating_add(header.extent()));
        let length = header.metadata_length as usize;
        let metadata = self.octets(offset.saturating_add(FRAME_HEADER as u64), length)?;
        if metadata.len() < length || Check::of(metadata) != header.metadata_check {
            return broken(end, "a record's metadata are damaged", None);
        }
        let Ok(record) = Record::decode(header.kind, metadata) else {
            return broken(end, "a record makes no sense", None);
        };
        if self.depth == Depth::Content && !self.is_content_sound(offset, &header)? {
            return broken(end, "a message's content is damaged", Some(record));
        }
        Ok(Frame::Sound(header, record))
    }

    fn is_content_sound(&mut self, offset: u64, header: &FrameHeader) -> io::Result<bool> {
        let mut check = Check::default();
        let mut at = offset.saturating_add(header.content_start());
        let end = at.saturating_add(header.content_length);
        while at < end {
            let piece = self.octets(at, piece_length(end - at))?;
            if piece.is_empty() {
                return Ok(false);
            }
            check.update(piece);
            at += piece.len() as u64;
        }
        Ok(check.finish() == header.content_check)
    }

    /// The first sound frame header at or after `from`, whose metadata are not looked at yet.
    fn find_frame(&mut self, from: u64) -> io::Result<Option<u64>> {
        let marker = *self.marker.octets();
        let mut at = from.next_multiple_of(ALIGNMENT);
        while at < self.length {
            let piece = self.octets(at, piece_length(self.length - at))?;
            let is_candidate = |chunk: &[u8]| chunk.starts_with(&marker);
            let found = piece.chunks(ALIGNMENT as usize).position(is_candidate);
            let Some(index) = found else {
                at += (piece.len() as u64).max(ALIGNMENT);
                continue;
            };
            at += index as u64 * ALIGNMENT;
            if self.header(at)?.is_some() {
                return Ok(Some(at));
            }
            at += ALIGNMENT;
        }
        Ok(None)
    }

    /// The end of the last octet that is not zero between `start` and `end`.
    fn last_written(&mut self, start: u64, end: u64) -> io::Result<Option<u64>> {
        let mut at = start;
        let mut last = None;
        while at < end {
            let piece = self.octets(at, piece_length(end - at))?;
            if piece.is_empty() {
                break;
            }
            // Almost all pieces are blank, and comparing is faster than searching.
            if !BLANK.starts_with(piece) {
                let index = piece.iter().rposition(|octet| *octet != 0);
                last = index.map(|index| at + index as u64 + 1).or(last);
            }
            at += piece.len() as u64;
        }
        Ok(last)
    }

    /// Whether the frame at `start`, after which nothing follows, was never written whole.
    /// `last` is the end of its last octet that is not zero, `end` where its header, if sound, says it ends.
    fn is_torn(&mut self, start: u64, last: u64, end: Option<u64>) -> io::Result<bool> {
        let is_cut_short = match end {
            // The closing marker ends in an octet that is not zero.
            Some(end) => last < end,
            None => last - start <= FRAME_HEADER as u64,
        };
        if is_cut_short {
            return Ok(true);
        }
        let mut at = start;
        while at < last {
            let sector_end = (at + 1).next_multiple_of(SECTOR).min(last);
            let piece = self.octets(at, (sector_end - at) as usize)?;
            if piece.iter().all(|octet| *octet == 0) {
                return Ok(true);
            }
            at = sector_end;
        }
        Ok(false)
    }

    /// The octets from `offset` on: `count` of them, or fewer where the file ends.
    fn octets(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let held = offset
            .checked_sub(self.window_start)
            .and_then(|skip| usize::try_from(skip).ok())
            .filter(|skip| skip.saturating_add(count) <= self.window.len());
        let skip = match held {
            Some(skip) => skip,
            None => {
                self.fill(offset, count.max(WINDOW))?;
                0
            }
        };
        let end = skip.saturating_add(count).min(self.window.len());
        Ok(self.window.get(skip..end).unwrap_or_default())
    }

    fn fill(&mut self, offset: u64, count: usize) -> io::Result<()> {
        let left = self.length.saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(count);
        self.window.resize(count, 0);
        self.window_start = offset;
        let mut filled = 0;
        while let Some(rest) = self
            .window
            .get_mut(filled..)
            .filter(|rest| !rest.is_empty())
        {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

fn piece_length(left: u64) -> usize {
    usize::try_from(left).unwrap_or(WINDOW).min(WINDOW)
}
