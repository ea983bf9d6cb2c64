//! A header section as fields that can be found, added, replaced and removed; what is not touched keeps its octets.
//!
//! The section ends at the first empty line, or, where that is missing, before the first line that is neither a field nor the continuation of one
//! (as mail servers commonly read it; RFC 5322 §2.1 has no rule for it). Writing such a message puts the empty line in, so that
//! every further reader sees the same border.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::encoded_word;
use super::limits::{Excess, FIELD_NAME_MAX, FIELDS_MAX, HEADER_MAX, LINE_PREFERRED};
use super::line::{Kind, Lines, Section, trim_blanks, without_line_end};

/// A message split into its header section and its body.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// A `From ` line of a mail folder, which stays in front.
    envelope: &'a [u8],
    fields: Vec<Field<'a>>,
    separator: &'a [u8],
    body: &'a [u8],
}

/// One field with its line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    octets: Cow<'a, [u8]>,
    /// Octets of the name.
    name: usize,
    /// Octets before the value: the name, perhaps blanks, and the colon.
    value: usize,
}

/// A name that a field may have: printable ASCII without colon (RFC 5322 §2.2), at most 77 octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName(Cow<'static, str>);

/// The text is not a field name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFieldName;

impl FieldName {
    /// Checks a name; its case is kept.
    ///
    /// # Errors
    /// [`NotAFieldName`]
    pub fn parse(text: &str) -> Result<Self, NotAFieldName> {
        let is_legal = (1..=FIELD_NAME_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|octet| octet.is_ascii_graphic() && octet != b':');
        match is_legal {
            true => Ok(Self(Cow::Owned(text.to_owned()))),
            false => Err(NotAFieldName),
        }
    }

    /// A name that this program writes; it is not checked.
    pub const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> Field<'a> {
    /// A new field of unstructured text (RFC 5322 §2.2.1) in ASCII octets: text outside ASCII becomes encoded-words, long lines are folded, control
    /// characters become blanks.
    pub fn text(name: &FieldName, text: &str) -> Self {
        let plain = text.replace(char::is_control, " ");
        Self::of_words(name, &encoded_word::encode(&plain))
    }

    /// A new field of structured ASCII text (addresses, dates, media types): folded at blanks; other characters become question marks.
    pub fn structured(name: &FieldName, text: &str) -> Self {
        let is_plain = |c: char| c.is_ascii_graphic() || c == ' ';
        let plain = text.replace(|c| !is_plain(c), "?");
        let words: Vec<String> = plain.split(' ').map(str::to_owned).collect();
        Self::of_words(name, &words)
    }

    fn of_words(name: &FieldName, words: &[String]) -> Self {
        let mut octets = format!("{name}:");
        fold_words(&mut octets, words);
        octets.push_str("\r\n");
        Self {
            octets: Cow::Owned(octets.into_bytes()),
            name: name.0.len(),
            value: name.0.len() + 1,
        }
    }

    /// The field as it is written, with its line ends.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The name as written.
    pub fn name(&self) -> &[u8] {
        self.octets.get(..self.name).unwrap_or_default()
    }

    /// Whether this is the field's name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// Everything behind the colon, as written, without the last line end.
    pub fn raw_value(&self) -> &[u8] {
        without_line_end(self.octets.get(self.value..).unwrap_or_default())
    }

    /// The value on one line: line ends within it removed, blanks at its ends too (RFC 5322 §2.2.3).
    pub fn value(&self) -> Vec<u8> {
        let lines = Lines::new(self.raw_value());
        let unfolded = lines.flat_map(|(_, line)| without_line_end(line));
        let unfolded: Vec<u8> = unfolded.copied().collect();
        trim_blanks(&unfolded).to_vec()
    }

    /// The same name with another raw value (which begins with its blank and has no line end at its end).
    #[must_use]
    pub fn with_raw_value(&self, value: &[u8]) -> Field<'static> {
        let mut octets = self.name().to_vec();
        octets.push(b':');
        octets.extend_from_slice(value);
        octets.extend_from_slice(b"\r\n");
        Field {
            octets: Cow::Owned(octets),
            name: self.name,
            value: self.name + 1,
        }
    }

    fn in_message(message: &'a [u8], at: &Range<usize>, name: usize, value: usize) -> Self {
        Self {
            octets: Cow::Borrowed(message.get(at.clone()).unwrap_or_default()),
            name,
            value,
        }
    }
}

/// Appends the words, each after a blank; a line end goes before the blank where the line would grow beyond what is preferred.
pub fn fold_words(line: &mut String, words: &[String]) {
    let mut column = line.len();
    for word in words {
        if column + 1 + word.len() > LINE_PREFERRED && column > 1 {
            line.push_str("\r\n");
            column = 0;
        }
        line.push(' ');
        line.push_str(word);
        column += 1 + word.len();
    }
}

impl<'a> Header<'a> {
    /// Splits a message.
    ///
    /// # Errors
    /// [`Excess`] if the section is longer or has more fields than the limits allow.
    pub fn parse(message: &'a [u8]) -> Result<Self, Excess> {
        let mut found: Vec<(Range<usize>, usize, usize)> = Vec::new();
        let (mut envelope, mut separator) = (0, 0);
        let mut end = 0;
        let mut section = Section::default();
        for (start, line) in Lines::new(message) {
            match section.classify(line) {
                Kind::Separator => separator = line.len(),
                Kind::Envelope => envelope = line.len(),
                Kind::Field { name, value } => {
                    found.push((start..start + line.len(), name, start + value));
                }
                Kind::Continuation => {
                    if let Some((field, ..)) = found.last_mut() {
                        field.end += line.len();
                    }
                }
                Kind::Text => break,
            }
            end = start + line.len();
            if end > HEADER_MAX {
                return Err(Excess::HeaderOctets);
            }
            if found.len() > FIELDS_MAX {
                return Err(Excess::Fields);
            }
            if separator > 0 {
                break;
            }
        }
        let fields = found.iter().map(|(at, name, value)| {
            Field::in_message(message, at, *name, value.saturating_sub(at.start))
        });
        Ok(Self {
            envelope: message.get(..envelope).unwrap_or_default(),
            fields: fields.collect(),
            separator: message.get(end - separator..end).unwrap_or_default(),
            body: message.get(end..).unwrap_or_default(),
        })
    }

    /// The fields from the top.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The fields of that name (in any case) from the top.
    pub fn find(&self, name: &str) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// What follows the section and its empty line.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Another body.
    pub const fn set_body(&mut self, body: &'a [u8]) {
        self.body = body;
    }

    /// Puts a field above all others, where who adds something on the way leaves it (RFC 5321 §4.4 has it so for trace fields).
    pub fn prepend(&mut self, field: Field<'a>) {
        self.fields.insert(0, field);
    }

    /// Puts a field below all others.
    pub fn append(&mut self, field: Field<'a>) {
        self.fields.push(field);
    }

    /// Changes fields one by one: each is replaced by what `change` returns, or removed for `None`.
    pub fn change(&mut self, change: impl FnMut(Field<'a>) -> Option<Field<'a>>) {
        self.fields = std::mem::take(&mut self.fields)
            .into_iter()
            .filter_map(change)
            .collect();
    }

    /// The message; a missing empty line before a body, and a missing line end of the last field, are put in.
    pub fn to_message(&self) -> Vec<u8> {
        let fields: usize = self.fields.iter().map(|field| field.octets.len() + 2).sum();
        let mut out = Vec::with_capacity(self.envelope.len() + fields + 2 + self.body.len());
        out.extend_from_slice(self.envelope);
        for field in &self.fields {
            out.extend_from_slice(&field.octets);
            if !field.octets.ends_with(b"\r\n") {
                out.extend_from_slice(b"\r\n");
            }
        }
        let is_needed = self.separator.is_empty() && !self.body.is_empty();
        out.extend_from_slice(if is_needed { b"\r\n" } else { self.separator });
        out.extend_from_slice(self.body);
        out
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
