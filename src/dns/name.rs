//! Domain names: their text form, comparison and canonical order.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Longest name in wire form, in octets (RFC 1035 §2.3.4).
pub const NAME_LIMIT: usize = 255;
/// Longest label, in octets (RFC 1035 §2.3.4).
pub const LABEL_LIMIT: usize = 63;

/// An absolute domain name in uncompressed wire form (1 to 255 octets, case kept); comparison, order (canonical, RFC 4034 §6.1) and hash ignore ASCII case.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

/// Why text or octets are not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The text is empty; the root is written ".".
    Empty,
    /// Two dots in a row, or a dot at the start.
    EmptyLabel,
    /// A label is longer than 63 octets.
    LabelTooLong,
    /// The name is longer than 255 octets in wire form.
    NameTooLong,
    /// A backslash that is not followed by a character or by three digits up to 255.
    BadEscape,
    /// White space, a control character or one outside ASCII that is not written as `\DDD`.
    BadCharacter,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::EmptyLabel => "the name has an empty label",
            Self::LabelTooLong => "a label is longer than 63 octets",
            Self::NameTooLong => "the name is longer than 255 octets",
            Self::BadEscape => "a backslash needs a character or three digits up to 255 after it",
            Self::BadCharacter => {
                "the name has a character that must be written as \\DDD (international names as xn--...)"
            }
        })
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// Parses zone-file text (`\.` and `\DDD` escapes, RFC 1035 §5.1); a missing final dot is added.
    ///
    /// # Errors
    /// [`NameError`] names the rule broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::parse_relative(text, None)
    }

    /// Parses zone-file text; `origin` is appended where the final dot is missing.
    ///
    /// # Errors
    /// As [`Name::parse`].
    pub fn parse_relative(text: &str, origin: Option<&Self>) -> Result<Self, NameError> {
        match text {
            "" => return Err(NameError::Empty),
            "." => return Ok(Self::root()),
            _ => {}
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        let mut rest = text.as_bytes();
        let absolute = loop {
            let (label, ended) = parse_label(&mut rest)?;
            push_label(&mut wire, &label)?;
            match ended {
                LabelEnd::Text => break false,
                LabelEnd::Dot if rest.is_empty() => break true,
                LabelEnd::Dot => {}
            }
        };
        match origin {
            Some(origin) if !absolute => wire.extend_from_slice(&origin.0),
            _ => wire.push(0),
        }
        if wire.len() > NAME_LIMIT {
            return Err(NameError::NameTooLong);
        }
        Ok(Self(wire.into_boxed_slice()))
    }

    /// From wire form that is known to be well formed: the decoder's way in.
    pub(super) fn from_checked_wire(wire: &[u8]) -> Self {
        Self(wire.into())
    }

    /// The uncompressed wire form.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// The labels from the left, without the root.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        Labels(&self.0)
    }

    /// How many labels, without the root.
    pub fn label_count(&self) -> usize {
        Labels(&self.0).count()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether the left-most label is `*` (RFC 4592 §2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.labels().next() == Some(b"*")
    }

    /// The name without its left-most label; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let mut labels = Labels(&self.0);
        labels.next()?;
        Some(Self(labels.0.into()))
    }

    /// The name made of the right-most `count` labels; `None` if there are fewer.
    pub fn suffix(&self, count: usize) -> Option<Self> {
        let excess = self.label_count().checked_sub(count)?;
        let mut labels = Labels(&self.0);
        labels.by_ref().take(excess).for_each(drop);
        Some(Self(labels.0.into()))
    }

    /// This name with one more label at the left.
    ///
    /// # Errors
    /// [`NameError`] when the label is empty or too long, or the name becomes too long.
    pub fn prepend(&self, label: &[u8]) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(label.len() + 1 + self.0.len());
        push_label(&mut wire, label)?;
        wire.extend_from_slice(&self.0);
        if wire.len() > NAME_LIMIT {
            return Err(NameError::NameTooLong);
        }
        Ok(Self(wire.into_boxed_slice()))
    }

    /// Whether this name equals `ancestor` or lies below it, label by label.
    pub fn is_at_or_below(&self, ancestor: &Self) -> bool {
        let mut labels = Labels(&self.0);
        while labels.0.len() > ancestor.0.len() && labels.next().is_some() {}
        labels.0.eq_ignore_ascii_case(&ancestor.0)
    }

    /// Equality that minds the case of letters (0x20).
    pub fn eq_case(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// The name with the case of its letters set by `bits` (0x20); one bit per letter, lowest first, cycled. A set bit means upper case.
    #[must_use]
    pub fn with_case_bits(&self, bits: &[u8]) -> Self {
        let mut wire = self.to_lowercase().0;
        let single_bits = bits
            .iter()
            .flat_map(|octet| (0..8).map(move |n| octet >> n & 1));
        // Length octets are at most 63 and thus never letters.
        let letters = wire.iter_mut().filter(|octet| octet.is_ascii_lowercase());
        for (letter, bit) in letters.zip(single_bits.cycle()) {
            if bit == 1 {
                letter.make_ascii_uppercase();
            }
        }
        Self(wire)
    }

    /// The name with all letters in lower case (canonical form, RFC 4034 §6.2).
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        // Length octets are at most 63 and thus never letters.
        Self(self.0.to_ascii_lowercase().into_boxed_slice())
    }

    /// Text without the final dot, as log lines, SNI and certificates use it ("." for the root).
    pub fn to_host(&self) -> String {
        let mut text = self.to_string();
        if text.len() > 1 {
            text.pop();
        }
        text
    }
}

/// Zone-file form with final dot.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        if self.is_root() {
            return f.write_char('.');
        }
        for label in self.labels() {
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(octet))?;
                    }
                    b'!'..=b'~' => f.write_char(char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_char('.')?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in &self.0 {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

/// Canonical order: label by label from the right, as lower-case octets (RFC 4034 §6.1).
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut ours, mut theirs) = (self.labels().rev(), other.labels().rev());
        loop {
            let (our, their) = match (ours.next(), theirs.next()) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (Some(our), Some(their)) => (our, their),
            };
            let order = lowercase(our).cmp(lowercase(their));
            if order.is_ne() {
                return order;
            }
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn lowercase(label: &[u8]) -> impl Iterator<Item = u8> + '_ {
    label.iter().map(u8::to_ascii_lowercase)
}

/// Walks the labels of a wire form that ends with the root label.
struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        if length == 0 {
            return None;
        }
        let (label, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some(label)
    }
}

/// Finding the last label means walking from the left; names have few labels, so this is cheaper than keeping offsets.
impl DoubleEndedIterator for Labels<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let mut ahead = Labels(self.0);
        let mut last = None;
        for label in ahead.by_ref() {
            last = Some(label);
        }
        let label = last?;
        let kept = self.0.len() - ahead.0.len() - label.len() - 1;
        self.0 = self.0.get(..kept)?;
        Some(label)
    }
}

enum LabelEnd {
    Dot,
    Text,
}

/// Takes one label and the dot after it from the front of `text`.
fn parse_label(text: &mut &[u8]) -> Result<(Vec<u8>, LabelEnd), NameError> {
    let mut label = Vec::with_capacity(text.len().min(LABEL_LIMIT));
    while let Some((&octet, rest)) = text.split_first() {
        *text = rest;
        match octet {
            b'.' => return Ok((label, LabelEnd::Dot)),
            b'\\' => label.push(parse_escape(text)?),
            b'!'..=b'~' => label.push(octet),
            _ => return Err(NameError::BadCharacter),
        }
    }
    Ok((label, LabelEnd::Text))
}

/// Takes what follows a backslash: three digits or one printable character (RFC 1035 §5.1).
fn parse_escape(text: &mut &[u8]) -> Result<u8, NameError> {
    let (&first, rest) = text.split_first().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        *text = rest;
        return match first {
            b' '..=b'~' => Ok(first),
            _ => Err(NameError::BadEscape),
        };
    }
    let (digits, rest) = text.split_first_chunk::<3>().ok_or(NameError::BadEscape)?;
    *text = rest;
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or(NameError::BadEscape)
}

fn push_label(wire: &mut Vec<u8>, label: &[u8]) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel);
    }
    if label.len() > LABEL_LIMIT {
        return Err(NameError::LabelTooLong);
    }
    wire.push(u8::try_from(label.len()).map_err(|_| NameError::LabelTooLong)?);
    wire.extend_from_slice(label);
    if wire.len() >= NAME_LIMIT {
        return Err(NameError::NameTooLong);
    }
    Ok(())
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
