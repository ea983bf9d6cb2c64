//! The tree of a message's parts as ranges of octets (RFC 2045, RFC 2046).
//!
//! One pass over the lines finds all parts: a delimiter line ends whatever is open below its multipart, as RFC 2046 §5.1.2 wants it. Messages within
//! messages are looked into, unless they are encoded (then [`Part::encoding`] says so and the part is a leaf).
//!
//! Where readers are known to disagree about the tree, the first such place is kept as the [`Doubt`] of the tree: what one reader takes for text may
//! be an attachment for another. Who must not miss an attachment refuses a doubtful message; who only wants to show something need not care.
//!
//! Limitations: parts hidden in text (uuencode, yEnc), in archives or in TNEF are not parts here. The absence of MIME-Version changes nothing.

use std::fmt;
use std::ops::Range;

use super::file_name::FileNames;
use super::header::{Field, Header};
use super::limits::{BOUNDARY_MAX, DEPTH_MAX, Excess, HEADER_MAX, PARTS_MAX};
use super::line::{Kind, Lines, Section, trim_blanks_end, without_line_end};
use super::parameter::{Parameter, Structured};
use super::transfer::Encoding;

/// One part: the message itself, a part of a multipart, or a message within a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The place of the part it lies in; `None` for the message itself.
    pub parent: Option<usize>,
    /// The header section with the empty line, then the body. The CRLF before a delimiter belongs to the delimiter.
    pub range: Range<usize>,
    /// Where the body begins.
    pub body: usize,
    /// Type and subtype in lower case; `text/plain` where nothing is said (`message/rfc822` within `multipart/digest`).
    pub media_type: String,
    /// The content transfer encoding.
    pub encoding: Encoding,
    /// Every name by which a reader may know it.
    pub names: FileNames,
}

impl Part {
    /// The octets of the body in the message.
    pub const fn body_range(&self) -> Range<usize> {
        self.body..self.range.end
    }

    /// Whether it is a message with a header section of its own.
    pub fn is_message(&self) -> bool {
        is_message(&self.media_type)
    }
}

/// All of `message/…`: readers show even unknown ones as messages (RFC 2046 §5.2.4 would have them opaque).
fn is_message(media_type: &str) -> bool {
    media_type.starts_with("message/")
}

/// All of `multipart/…`, and `multipart` alone, which is a mistake that some readers forgive.
fn is_multipart(media_type: &str) -> bool {
    media_type.starts_with("multipart")
}

/// Why readers may see other parts than [`Tree::parse`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Several Content-Type or Content-Transfer-Encoding fields where parts follow.
    Repeated,
    /// A multipart without boundary, or with one that can be read in several ways.
    Boundary,
    /// A multipart, or a message within, in an encoding it cannot have (RFC 2045 §6.4).
    Encoded,
    /// One piece of a message that is split over several mails (RFC 2046 §5.2.2).
    Partial,
    /// A line that begins like a delimiter and goes on.
    LongDelimiter,
    /// A line that is a delimiter of two open multiparts.
    SharedDelimiter,
    /// A delimiter after the last one.
    AfterEnd,
    /// A line that is no field in the header section of a multipart or of a part that is a message, or before a field about the content.
    BrokenHeader,
    /// A CR or LF alone, which ends a line for some readers. SMTP lets none in; encoded messages within may have them.
    LineEnd,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "a Content-Type or Content-Transfer-Encoding is repeated",
            Self::Boundary => "a multipart has no clear boundary",
            Self::Encoded => "a multipart or message is in an encoding it may not have",
            Self::Partial => "it is one piece of a message/partial",
            Self::LongDelimiter => "a line begins like a multipart delimiter but goes on",
            Self::SharedDelimiter => "two nested multiparts have the same boundary",
            Self::AfterEnd => "a multipart goes on after its last delimiter",
            Self::BrokenHeader => "a line that is no header field stands where it may hide a part",
            Self::LineEnd => "a line holds a CR or LF alone",
        })
    }
}

/// All parts of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The message itself, then every part in the order of their first octets: a part comes after the one it lies in.
    pub parts: Vec<Part>,
    /// The first place where readers may see something else.
    pub doubt: Option<Doubt>,
}

impl Tree {
    /// Finds the parts of a message.
    ///
    /// # Errors
    /// [`Excess`] if there are more or deeper parts, or a longer header section, than the limits allow.
    pub fn parse(message: &[u8]) -> Result<Self, Excess> {
        let mut scan = Scan {
            message,
            parts: Vec::new(),
            open: Vec::new(),
            state: State::Header,
            section: Section::default(),
            doubt: None,
        };
        scan.begin(0)?;
        for (offset, line) in Lines::new(message) {
            scan.line(offset, line)?;
            if scan.is_leaf_only() {
                break;
            }
        }
        scan.finish()
    }
}

/// Where in its part a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// In the body, where a reader that skips broken lines would still be in the header section.
    BrokenHeader,
    Body,
}

/// A part that has not ended, and what ends the parts in it.
struct Open {
    part: usize,
    boundary: Option<Vec<u8>>,
    has_ended: bool,
}

struct Scan<'a> {
    message: &'a [u8],
    parts: Vec<Part>,
    open: Vec<Open>,
    state: State,
    /// The header section that is being read.
    section: Section,
    doubt: Option<Doubt>,
}

/// How a line matches a boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    Begin,
    End,
    Like,
}

impl Scan<'_> {
    fn doubt(&mut self, doubt: Doubt) {
        self.doubt.get_or_insert(doubt);
    }

    /// Whether the message is one part whose body has begun: then nothing can follow.
    fn is_leaf_only(&self) -> bool {
        self.state == State::Body && self.open.iter().all(|open| open.boundary.is_none())
    }

    fn line(&mut self, offset: usize, line: &[u8]) -> Result<(), Excess> {
        let is_bare = |octet: &u8| matches!(octet, b'\r' | b'\n');
        if without_line_end(line).iter().any(is_bare) {
            self.doubt(Doubt::LineEnd);
        }
        if line.starts_with(b"--") {
            if let Some((level, delimiter)) = self.find_delimiter(line) {
                return self.delimit(level, delimiter, offset, offset + line.len());
            }
        }
        match self.state {
            State::Header => self.header_line(offset, line)?,
            State::BrokenHeader => self.broken_header_line(line),
            State::Body => {}
        }
        Ok(())
    }

    /// The open multipart that the line delimits, the outermost one if there are several.
    fn find_delimiter(&mut self, line: &[u8]) -> Option<(usize, Delimiter)> {
        let mut exact = None;
        let (mut like, mut is_shared) = (false, false);
        for (level, open) in self.open.iter().enumerate() {
            let found = open.boundary.as_ref().and_then(|b| match_boundary(line, b));
            match found {
                Some(Delimiter::Like) => like = true,
                Some(delimiter) if exact.is_none() => exact = Some((level, delimiter)),
                Some(_) => is_shared = true,
                None => {}
            }
        }
        if is_shared {
            self.doubt(Doubt::SharedDelimiter);
        } else if like && exact.is_none() {
            self.doubt(Doubt::LongDelimiter);
        }
        exact
    }

    fn delimit(
        &mut self,
        level: usize,
        delimiter: Delimiter,
        from: usize,
        to: usize,
    ) -> Result<(), Excess> {
        self.end_header(from, State::Body)?;
        self.close(level + 1, from.saturating_sub(2));
        self.state = State::Body;
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        let had_ended = std::mem::replace(&mut open.has_ended, delimiter == Delimiter::End);
        if had_ended {
            self.doubt(Doubt::AfterEnd);
        }
        if delimiter == Delimiter::Begin {
            self.begin(to)?;
        }
        Ok(())
    }

    /// Ends every part from that level of nesting on.
    fn close(&mut self, level: usize, end: usize) {
        let mut closing = self.open.drain(level.min(self.open.len())..).peekable();
        let outermost = closing.peek().and_then(|open| self.parts.get(open.part));
        // The line end of a delimiter can belong to the next one as well: then the part between them is empty.
        let end = outermost.map_or(end, |part| end.max(part.range.start));
        for open in closing {
            if let Some(part) = self.parts.get_mut(open.part) {
                part.range = part.range.start.min(end)..end;
                part.body = part.body.min(end);
            }
        }
    }

    /// Opens a part in the innermost open one.
    fn begin(&mut self, offset: usize) -> Result<(), Excess> {
        if self.parts.len() == PARTS_MAX {
            return Err(Excess::Parts);
        }
        if self.open.len() == DEPTH_MAX {
            return Err(Excess::Depth);
        }
        let parent = self.open.last().map(|open| open.part);
        self.open.push(Open {
            part: self.parts.len(),
            boundary: None,
            has_ended: false,
        });
        self.parts.push(Part {
            parent,
            range: offset..self.message.len(),
            body: self.message.len(),
            media_type: String::new(),
            encoding: Encoding::Identity,
            names: FileNames::default(),
        });
        self.state = State::Header;
        self.section = Section::default();
        Ok(())
    }

    fn header_line(&mut self, offset: usize, line: &[u8]) -> Result<(), Excess> {
        let start = self.parts.last().map_or(0, |part| part.range.start);
        match self.section.classify(line) {
            Kind::Separator => self.end_section(offset + line.len(), State::Body),
            Kind::Text => self.end_header(offset, State::BrokenHeader),
            _ if offset + line.len() - start > HEADER_MAX => Err(Excess::HeaderOctets),
            _ => Ok(()),
        }
    }

    fn broken_header_line(&mut self, line: &[u8]) {
        if line == b"\r\n" {
            self.state = State::Body;
        } else if is_content_field(line) {
            self.doubt(Doubt::BrokenHeader);
        }
    }

    /// No header section goes on beyond this place: neither the innermost part's nor, if that is a message within, the one that begins with it.
    fn end_header(&mut self, at: usize, next: State) -> Result<(), Excess> {
        while self.state == State::Header {
            self.end_section(at, next)?;
        }
        Ok(())
    }

    /// The innermost part's header section is complete; says what the part is and where to go on.
    fn end_section(&mut self, body: usize, next: State) -> Result<(), Excess> {
        self.state = next;
        let default_type = self.default_type();
        let Some(part) = self.parts.last_mut() else {
            return Ok(());
        };
        part.body = body;
        let octets = self.message.get(part.range.start..body).unwrap_or_default();
        let content = Content::read(&Header::parse(octets)?, default_type);
        part.media_type = content.media_type;
        part.encoding = content.encoding;
        part.names = content.names;
        let is_message = part.is_message();
        if !is_message && !is_multipart(&part.media_type) {
            return Ok(());
        }
        if content.is_repeated {
            self.doubt(Doubt::Repeated);
        }
        if next == State::BrokenHeader {
            self.doubt(Doubt::BrokenHeader);
        }
        if is_message {
            return self.open_message(body, content.encoding);
        }
        if content.encoding != Encoding::Identity {
            self.doubt(Doubt::Encoded);
        }
        match (content.boundary, self.open.last_mut()) {
            (Some(boundary), Some(open)) => open.boundary = Some(boundary),
            _ => self.doubt(Doubt::Boundary),
        }
        Ok(())
    }

    /// The innermost part holds a message: goes on with its header section, if it can be seen.
    fn open_message(&mut self, body: usize, encoding: Encoding) -> Result<(), Excess> {
        let is_partial = |part: &Part| part.media_type == "message/partial";
        if self.parts.last().is_some_and(is_partial) {
            self.doubt(Doubt::Partial);
        }
        match encoding {
            Encoding::Identity => self.begin(body),
            Encoding::Unknown => {
                self.doubt(Doubt::Encoded);
                Ok(())
            }
            Encoding::Base64 | Encoding::QuotedPrintable => Ok(()),
        }
    }

    /// RFC 2046 §5.1.5.
    fn default_type(&self) -> &'static str {
        let parent = self.parts.last().and_then(|part| part.parent);
        let is_digest = |part: &Part| part.media_type == "multipart/digest";
        match parent.and_then(|parent| self.parts.get(parent)) {
            Some(parent) if is_digest(parent) => "message/rfc822",
            _ => "text/plain",
        }
    }

    fn finish(mut self) -> Result<Tree, Excess> {
        self.end_header(self.message.len(), State::Body)?;
        self.close(0, self.message.len());
        Ok(Tree {
            parts: self.parts,
            doubt: self.doubt,
        })
    }
}

/// How a line that begins with two hyphens matches a boundary (RFC 2046 §5.1.1); blanks may follow.
fn match_boundary(line: &[u8], boundary: &[u8]) -> Option<Delimiter> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let rest = trim_blanks_end(without_line_end(rest));
    Some(match rest {
        b"" => Delimiter::Begin,
        b"--" => Delimiter::End,
        _ => Delimiter::Like,
    })
}

/// Whether the line begins a field that says something about the content, perhaps behind blanks.
fn is_content_field(line: &[u8]) -> bool {
    const START: &[u8] = b"content-";
    let name = line.iter().position(u8::is_ascii_graphic);
    let name = line.get(name.unwrap_or_default()..).unwrap_or_default();
    let start = name.get(..START.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(START))
}

/// What a header section says about the content.
struct Content {
    media_type: String,
    boundary: Option<Vec<u8>>,
    encoding: Encoding,
    names: FileNames,
    is_repeated: bool,
}

impl Content {
    fn read(header: &Header<'_>, default_type: &str) -> Self {
        let values = |name| header.find(name).map(Field::value);
        let mut names = FileNames::default();
        for value in values("Content-Disposition").chain(values("Content-Type")) {
            names.collect(&value);
        }
        let parse = |name| values(name).map(|value| Structured::parse(&value));
        let types: Vec<Structured> = parse("Content-Type").collect();
        let encodings: Vec<Structured> = parse("Content-Transfer-Encoding").collect();
        let is_composite =
            |value: &&Structured| is_multipart(&value.token) || is_message(&value.token);
        // Of several types, one that has parts is the one to look into.
        let value = types.iter().find(is_composite).or(types.first());
        let media_type = value.map_or(default_type, |value| &value.token);
        Self {
            media_type: media_type.to_owned(),
            boundary: value.and_then(boundary),
            encoding: Encoding::parse(encodings.first().map_or("", |value| &value.token)),
            names,
            is_repeated: types.len() > 1 || encodings.len() > 1,
        }
    }
}

/// The boundary, if every reader finds the same one.
fn boundary(value: &Structured) -> Option<Vec<u8>> {
    let is_about = |found: &&Parameter| {
        let rest = found.name.strip_prefix("boundary");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('*'))
    };
    let mut found = value.parameters.iter().filter(is_about);
    let (Some(parameter), None, false) = (found.next(), found.next(), value.is_unclear) else {
        return None;
    };
    let boundary = trim_blanks_end(&parameter.strict);
    let is_printable = |octet: &u8| octet.is_ascii_graphic() || *octet == b' ';
    let is_clear = parameter.name == "boundary"
        && boundary == trim_blanks_end(&parameter.loose)
        && (1..=BOUNDARY_MAX).contains(&boundary.len())
        && boundary.iter().all(is_printable);
    is_clear.then(|| boundary.to_vec())
}

#[cfg(test)]
#[path = "mime_tests.rs"]
mod tests;
