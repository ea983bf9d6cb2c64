//! How octets become verifiable records in a segment: the segment's header and the frame around each record.
//!
//! ```text
//! segment  0     header copy: magic 8, version 4, zero 4, number 8, marker 8, id floor 8, check 8
//!          2048  the same again, so that one bad sector does not cost a segment
//!          4096  frames, each starting at a multiple of 16
//! frame    marker 8, kind 1, zero 3, metadata length 4, content length 8,
//!          metadata check 8, content check 8, check of this header 8,
//!          metadata, content, marker 8, zeros up to the next multiple of 16
//! ```
//!
//! Numbers are big-endian. The marker is random for each segment and has no zero octet. It makes a frame findable after damage, and nobody who
//! can send mail can forge one inside a message, because the marker never leaves the spool. The marker at the end is there for torn writes only:
//! a frame whose last octets are zero was never written whole.
//!
//! A check is the first 8 octets of SHA-256. CRC32C would be faster on processors without SHA instructions, but both are fast beside a disk
//! flush; SHA-256 is already a dependency, needs no table of ours, and content chosen by a stranger cannot be made to collide with it.
//! A frame's header check also covers the segment's number and the frame's offset, so a frame that a disk wrote to the wrong place is damage too.

use sha2::{Digest, Sha256};

use super::limits::{CONTENT_MAX, METADATA_MAX};
use crate::bytes::Reader;

/// Frames start at multiples of this, so that a search after damage has few places to look at.
pub(super) const ALIGNMENT: u64 = 16;
/// Octets of a frame before its metadata.
pub(super) const FRAME_HEADER: usize = 48;
/// Octets of the closing marker.
const TRAILER: u64 = 8;
/// Where the first frame of a segment lies.
pub(super) const FIRST_FRAME: u64 = 4096;
/// Where the copies of a segment's header lie.
pub(super) const HEADER_COPIES: [u64; 2] = [0, 2048];
/// Octets of one copy of a segment's header.
pub(super) const SEGMENT_HEADER: usize = 48;

const MAGIC: [u8; 8] = *b"GWQUEUE\n";
/// The layout described above.
const VERSION: u32 = 1;

/// The random octets that begin every frame of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker([u8; 8]);

impl Marker {
    /// From 8 random octets; each gets two bits set, so that neither zeros nor one flipped bit can pass for it.
    pub(super) fn from_random(random: [u8; 8]) -> Self {
        Self(random.map(|octet| octet | 0x11))
    }

    pub(super) const fn octets(&self) -> &[u8; 8] {
        &self.0
    }
}

/// Where a frame lies; part of what its check covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) marker: Marker,
    pub(super) number: u64,
    pub(super) offset: u64,
}

/// A running check.
#[derive(Clone, Default)]
pub(super) struct Check(Sha256);

impl Check {
    pub(super) fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    pub(super) fn finish(self) -> u64 {
        let digest: [u8; 32] = self.0.finalize().into();
        digest
            .into_iter()
            .take(8)
            .fold(0, |value, octet| value << 8 | u64::from(octet))
    }

    pub(super) fn of(octets: &[u8]) -> u64 {
        let mut check = Self::default();
        check.update(octets);
        check.finish()
    }
}

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: u8,
    pub(super) metadata_length: u32,
    pub(super) content_length: u64,
    pub(super) metadata_check: u64,
    pub(super) content_check: u64,
}

impl FrameHeader {
    /// The header of a frame around these octets; `None` if they are too many.
    pub(super) fn of(kind: u8, metadata: &[u8], content: &[u8]) -> Option<Self> {
        let header = Self {
            kind,
            metadata_length: u32::try_from(metadata.len()).ok()?,
            content_length: u64::try_from(content.len()).ok()?,
            metadata_check: Check::of(metadata),
            content_check: Check::of(content),
        };
        header.is_within_limits().then_some(header)
    }

    const fn is_within_limits(&self) -> bool {
        self.metadata_length <= METADATA_MAX && self.content_length <= CONTENT_MAX
    }

    /// From the start of the frame to the start of its content.
    pub(super) fn content_start(&self) -> u64 {
        FRAME_HEADER as u64 + u64::from(self.metadata_length)
    }

    /// From the start of the frame to the end of its closing marker.
    pub(super) fn extent(&self) -> u64 {
        self.content_start() + self.content_length + TRAILER
    }

    /// From the start of the frame to the start of the next one.
    pub(super) fn stride(&self) -> u64 {
        self.extent().next_multiple_of(ALIGNMENT)
    }

    /// The header's octets for a frame at that position.
    pub(super) fn seal(&self, at: &Position) -> [u8; FRAME_HEADER] {
        let mut sealed = [0; FRAME_HEADER];
        let (start, check) = sealed.split_at_mut(FRAME_HEADER - 8);
        let fields = self.fields(at);
        start.copy_from_slice(&fields);
        check.copy_from_slice(&header_check(&fields, at).to_be_bytes());
        sealed
    }

    fn fields(&self, at: &Position) -> [u8; FRAME_HEADER - 8] {
        let mut fields = [0; FRAME_HEADER - 8];
        let kind = [self.kind, 0, 0, 0];
        let parts: [&[u8]; 6] = [
            at.marker.octets(),
            &kind,
            &self.metadata_length.to_be_bytes(),
            &self.content_length.to_be_bytes(),
            &self.metadata_check.to_be_bytes(),
            &self.content_check.to_be_bytes(),
        ];
        for (field, octet) in fields.iter_mut().zip(parts.into_iter().flatten()) {
            *field = *octet;
        }
        fields
    }

    /// What closes the frame: the marker and zeros up to the next frame.
    pub(super) fn closing(&self, marker: &Marker) -> Vec<u8> {
        let mut closing = marker.octets().to_vec();
        let padding = self.stride() - self.extent();
        closing.resize(closing.len() + padding as usize, 0);
        closing
    }

    /// Reads a header; `None` unless every octet is as [`FrameHeader::seal`] wrote it for that very position.
    pub(super) fn open(octets: &[u8], at: &Position) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let marker: [u8; 8] = reader.array()?;
        let [kind, zeros @ ..]: [u8; 4] = reader.array()?;
        let header = Self {
            kind,
            metadata_length: reader.u32()?,
            content_length: reader.u64()?,
            metadata_check: reader.u64()?,
            content_check: reader.u64()?,
        };
        let check = reader.u64()?;
        let sound = marker == at.marker.0
            && zeros == [0; 3]
            && header.is_within_limits()
            && check == header_check(&header.fields(at), at);
        sound.then_some(header)
    }
}

fn header_check(fields: &[u8], at: &Position) -> u64 {
    let mut check = Check::default();
    check.update(&at.number.to_be_bytes());
    check.update(&at.offset.to_be_bytes());
    check.update(fields);
    check.finish()
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) number: u64,
    pub(super) marker: Marker,
    /// No id up to this one is ever given again, even when no record of it is left.
    pub(super) id_floor: u64,
}

/// Why there is no segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// Not what this program writes.
    Damaged,
    /// Sound, but of another version of the layout.
    Version(u32),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(self.marker.octets());
        out.extend_from_slice(&self.id_floor.to_be_bytes());
        let check = Check::of(&out);
        out.extend_from_slice(&check.to_be_bytes());
        out
    }

    pub(super) fn decode(octets: &[u8]) -> Result<Self, HeaderFault> {
        let (covered, _) = octets
            .split_at_checked(SEGMENT_HEADER - 8)
            .ok_or(HeaderFault::Damaged)?;
        let (version, check, header) = Self::fields(octets).ok_or(HeaderFault::Damaged)?;
        if check != Check::of(covered) {
            return Err(HeaderFault::Damaged);
        }
        match version {
            VERSION => Ok(header),
            other => Err(HeaderFault::Version(other)),
        }
    }

    fn fields(octets: &[u8]) -> Option<(u32, u64, Self)> {
        let mut reader = Reader::new(octets);
        if reader.array()? != MAGIC {
            return None;
        }
        let version = reader.u32()?;
        reader.u32()?;
        let header = Self {
            number: reader.u64()?,
            marker: Marker(reader.array()?),
            id_floor: reader.u64()?,
        };
        Some((version, reader.u64()?, header))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position {
        marker: Marker(*b"\x11marker\x7f"),
        number: 7,
        offset: 4096,
    };

    #[test]
    fn frame_headers_round_trip_and_notice_every_bit() {
        let header = FrameHeader::of(1, b"metadata", b"content").expect("small");
        let sealed = header.seal(&AT);
        assert_eq!(FrameHeader::open(&sealed, &AT), Some(header));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FrameHeader::open(&flipped, &AT), None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(FrameHeader::open(&sealed[..length], &AT), None);
        }
    }

    #[test]
    fn a_frame_is_bound_to_its_place() {
        let header = FrameHeader::of(1, b"", b"").expect("small");
        let sealed = header.seal(&AT);
        let elsewhere = [
            Position { offset: 4112, ..AT },
            Position { number: 8, ..AT },
            Position {
                marker: Marker(*b"\x11another"),
                ..AT
            },
        ];
        for at in elsewhere {
            assert_eq!(FrameHeader::open(&sealed, &at), None);
        }
    }

    #[test]
    fn frames_end_at_the_alignment() {
        for length in 0..40 {
            let metadata = vec![b'm'; length];
            let header = FrameHeader::of(2, &metadata, b"c").expect("small");
            let closing = header.closing(&AT.marker);
            let written = header.content_start() + 1 + closing.len() as u64;
            assert_eq!(written, header.stride());
            assert_eq!(header.stride() % ALIGNMENT, 0);
            assert!(closing.starts_with(AT.marker.octets()));
        }
    }

    #[test]
    fn segment_headers_round_trip_and_notice_every_bit() {
        let header = SegmentHeader {
            number: 3,
            marker: Marker::from_random([0; 8]),
            id_floor: 99,
        };
        let octets = header.encode();
        assert_eq!(octets.len(), SEGMENT_HEADER);
        assert_eq!(SegmentHeader::decode(&octets), Ok(header));
        for bit in 0..octets.len() * 8 {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), Err(HeaderFault::Damaged));
        }
    }

    #[test]
    fn another_version_is_not_damage() {
        let header = SegmentHeader {
            number: 3,
            marker: AT.marker,
            id_floor: 0,
        };
        let mut octets = header.encode();
        octets[11] = 2;
        let check = Check::of(&octets[..40]).to_be_bytes();
        octets[40..].copy_from_slice(&check);
        assert_eq!(SegmentHeader::decode(&octets), Err(HeaderFault::Version(2)));
    }
}
