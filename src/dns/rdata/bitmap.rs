//! The type bitmaps of NSEC and NSEC3 records (RFC 4034 §4.1.2).

use crate::dns::decode::Decoder;
use crate::dns::encode::Encoder;
use crate::dns::{DecodeError, Fault, RecordType};

/// A window covers 256 types, one bit each.
const WINDOW_OCTETS: usize = 32;

/// A set of record types in wire form: windows in order, none empty, without final zero octets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TypeBitmap(Vec<u8>);

impl TypeBitmap {
    /// The set of these types; order and repetition do not matter.
    pub fn from_types(types: impl IntoIterator<Item = RecordType>) -> Self {
        let mut numbers: Vec<[u8; 2]> = types.into_iter().map(|t| t.0.to_be_bytes()).collect();
        numbers.sort_unstable();
        let mut wire = Vec::new();
        for window in numbers.chunk_by(|[a, _], [b, _]| a == b) {
            let mut bits = [0u8; WINDOW_OCTETS];
            let mut used = 0;
            for &[_, low] in window {
                let place = usize::from(low / 8);
                if let Some(octet) = bits.get_mut(place) {
                    *octet |= 0x80 >> (low % 8);
                }
                used = place + 1;
            }
            wire.extend(window.first().map(|&[high, _]| high));
            wire.extend(u8::try_from(used));
            wire.extend(bits.iter().take(used));
        }
        Self(wire)
    }

    /// Whether the set holds this type.
    pub fn contains(&self, rtype: RecordType) -> bool {
        let [high, low] = rtype.0.to_be_bytes();
        self.windows()
            .find(|&(window, _)| window == high)
            .and_then(|(_, bits)| bits.get(usize::from(low / 8)))
            .is_some_and(|octet| octet & (0x80 >> (low % 8)) != 0)
    }

    /// The types in ascending order.
    pub fn types(&self) -> impl Iterator<Item = RecordType> {
        self.windows().flat_map(|(window, bits)| {
            (0u8..=255)
                .zip(
                    bits.iter()
                        .flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0)),
                )
                .filter(|&(_, is_set)| is_set)
                .map(move |(low, _)| RecordType(u16::from_be_bytes([window, low])))
        })
    }

    fn windows(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (&[window, length], after) = rest.split_first_chunk()?;
            let (bits, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            Some((window, bits))
        })
    }

    /// The set in these octets; `None` unless they are exactly one well-formed bitmap.
    pub(in crate::dns) fn decode(octets: &[u8]) -> Option<Self> {
        Self::read(&mut Decoder::alone(octets)).ok()
    }

    /// Reads up to the bound. What RFC 4034 says must not be sent is an error: two forms of one set would sort and hash differently.
    pub(super) fn read(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let wire = {
            let mut whole = *from;
            whole.rest()
        };
        let mut last_window = None;
        while from.remaining() > 0 {
            let error = from.fault(Fault::TypeBitmap);
            let window = from.u8()?;
            let length = usize::from(from.u8()?);
            let bits = from.octets(length)?;
            let ascends = last_window.is_none_or(|last| window > last);
            if !ascends || length > WINDOW_OCTETS || bits.last().is_none_or(|&octet| octet == 0) {
                return Err(error);
            }
            last_window = Some(window);
        }
        Ok(Self(wire.to_vec()))
    }

    pub(super) fn write(&self, out: &mut Encoder) {
        out.octets(&self.0);
    }
}
