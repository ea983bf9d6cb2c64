//! Domain names.

use std::fmt;

/// An absolute domain name in uncompressed wire form (1 to 255 octets, case kept); comparison, order (canonical, RFC 4034 §6.1) and hash ignore ASCII case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// Why text or octets are not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// A label is longer than 63 octets.
    LabelTooLong,
}

impl Name {
    /// The root.
    pub fn root() -> Self {
        todo!()
    }
    /// Parses zone-file text (`\.` and `\DDD` escapes); a missing final dot is added.
    pub fn parse(_text: &str) -> Result<Self, NameError> {
        todo!()
    }
    /// The uncompressed wire form.
    pub fn as_wire(&self) -> &[u8] {
        todo!()
    }
    /// The labels from the left, without the root.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        std::iter::empty()
    }
    /// How many labels, without the root.
    pub fn label_count(&self) -> usize {
        todo!()
    }
    /// The name without its left-most label; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        todo!()
    }
    /// This name with one more label at the left.
    pub fn prepend(&self, _label: &[u8]) -> Result<Self, NameError> {
        todo!()
    }
    /// Whether this name equals `ancestor` or lies below it, label by label.
    pub fn is_at_or_below(&self, _ancestor: &Self) -> bool {
        todo!()
    }
    /// Equality that minds the case of letters (0x20).
    pub fn eq_case(&self, _other: &Self) -> bool {
        todo!()
    }
    /// The name with the case of its letters set by `bits` (0x20); one bit per letter, cycled.
    #[must_use]
    pub fn with_case_bits(&self, _bits: &[u8]) -> Self {
        todo!()
    }
    /// The name with all letters in lower case (canonical form).
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        todo!()
    }
    /// Text without the final dot, as log lines, SNI and certificates use it ("." for the root).
    pub fn to_host(&self) -> String {
        todo!()
    }
}

/// Zone-file form with final dot.
impl fmt::Display for Name {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
