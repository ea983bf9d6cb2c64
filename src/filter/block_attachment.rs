//! `block-attachment GLOB…`: replaces every part whose file name matches a pattern by a text that says what was removed and why.
//!
//! A part is judged by every name some reader may show it under ([`crate::message::file_name`]), without path, trailing dots and blanks. Parts are found
//! in nested multiparts and in messages within messages, also encoded ones; a match in an encoded one removes that message as a whole.
//! A part whose name cannot be told is removed too. If the message itself is the attachment, its body is replaced. Fields of the header
//! section that do not describe the content, all other parts, and what stands between them keep their octets; a signature over the changed part
//! or the whole message breaks, as it must.
//!
//! A message of which readers may see other parts than this filter ([`Doubt`]), and one that exceeds a limit, is refused with 5.6.0.
//!
//! Limitations: only names count, not contents: archives, TNEF (`winmail.dat`) and uuencoded text are not looked into; they can be blocked by name.

use std::ops::Range;

use super::glob::{Glob, folded};
use super::{Filter, Verdict};
use crate::message::file_name::FileNames;
use crate::message::mime::{Doubt, Part, Tree};
use crate::message::transfer::{self, Encoding};
use crate::message::{Excess, Field, FieldName, Header, with_crlf};
use crate::smtp::{EnhancedStatus, Envelope};

/// Patterns of one filter; a list of all dangerous extensions has about 100.
const PATTERNS_MAX: usize = 1000;

struct BlockAttachment {
    globs: Vec<Glob>,
}

/// Builds the filter from the words after its name.
pub(super) fn build(words: &[String]) -> Result<Box<dyn Filter>, String> {
    if words.is_empty() || words.len() > PATTERNS_MAX {
        return Err(format!(
            "expected 1 to {PATTERNS_MAX} file name patterns such as *.exe"
        ));
    }
    let parse = |word: &String| {
        Glob::parse(word).ok_or_else(|| {
            format!("{word:?} is no file name pattern; expected something like *.exe, without path")
        })
    };
    let globs = words.iter().map(parse).collect::<Result<_, _>>()?;
    Ok(Box::new(BlockAttachment { globs }))
}

/// How often messages within that are encoded may hold each other: each level is decoded and examined anew. RFC 2046 §5.2.1 forbids even the first.
const ENCODED_DEPTH_MAX: usize = 5;

/// A part that has to go.
struct Removal {
    part: usize,
    /// The name by which people know it.
    name: String,
    /// Why, as the end of a sentence.
    why: String,
}

/// Why a message is not looked into.
enum Obstacle {
    Excess(Excess),
    Doubt(Doubt),
}

impl Filter for BlockAttachment {
    fn apply(&self, _: &Envelope, message: &[u8]) -> Result<Verdict, Excess> {
        let (tree, removals) = match self.examine(message, ENCODED_DEPTH_MAX) {
            Ok(found) => found,
            Err(Obstacle::Excess(excess)) => return Err(excess),
            Err(Obstacle::Doubt(doubt)) => return Ok(refuse(doubt)),
        };
        if removals.is_empty() {
            return Ok(Verdict::Pass);
        }
        Ok(Verdict::Changed {
            message: rewrite(message, &tree, &removals)?,
            what: summary(&removals),
        })
    }
}

fn refuse(doubt: Doubt) -> Verdict {
    Verdict::Refuse {
        status: EnhancedStatus::new(5, 6, 0),
        text: format!("attachments cannot be told apart with certainty: {doubt}"),
    }
}

impl BlockAttachment {
    /// The parts of a message, and which of them have to go; parts of such parts are not listed again.
    fn examine(&self, message: &[u8], depth: usize) -> Result<(Tree, Vec<Removal>), Obstacle> {
        let tree = Tree::parse(message).map_err(Obstacle::Excess)?;
        if let Some(doubt) = tree.doubt {
            return Err(Obstacle::Doubt(doubt));
        }
        let mut removals = Vec::new();
        let mut is_gone: Vec<bool> = Vec::with_capacity(tree.parts.len());
        for (place, part) in tree.parts.iter().enumerate() {
            let parent_is_gone = part.parent.and_then(|parent| is_gone.get(parent)) == Some(&true);
            let verdict = match parent_is_gone {
                true => None,
                false => self.judge(message, part, depth)?,
            };
            is_gone.push(parent_is_gone || verdict.is_some());
            removals.extend(verdict.map(|(name, why)| Removal {
                part: place,
                name,
                why,
            }));
        }
        Ok((tree, removals))
    }

    /// Name and reason if the part has to go.
    fn judge(
        &self,
        message: &[u8],
        part: &Part,
        depth: usize,
    ) -> Result<Option<(String, String)>, Obstacle> {
        if let Some((name, glob)) = self.find(&part.names) {
            let why = format!("its name matches the pattern {glob}");
            return Ok(Some((presentable(name), why)));
        }
        if part.names.is_unclear {
            let name = part.names.readings.first().map_or("", String::as_str);
            let why = "its name cannot be read with certainty".to_owned();
            return Ok(Some((presentable(name), why)));
        }
        if part.is_message() && part.encoding != Encoding::Identity {
            return self.judge_encoded_message(message, part, depth);
        }
        Ok(None)
    }

    /// A message within that is encoded goes as a whole if something in it has to go.
    fn judge_encoded_message(
        &self,
        message: &[u8],
        part: &Part,
        depth: usize,
    ) -> Result<Option<(String, String)>, Obstacle> {
        let body = message.get(part.body_range()).unwrap_or_default();
        let (Some(depth), Some(decoded)) = (depth.checked_sub(1), part.encoding.decode(body))
        else {
            return Err(Obstacle::Doubt(Doubt::Encoded));
        };
        // Decoded content may have LF as line ends; it is only looked at.
        let (_, removals) = self.examine(&with_crlf(&decoded), depth)?;
        let found = removals.first().map(|removal| {
            let own = part.names.readings.first().map_or("", String::as_str);
            let why = format!("it holds {}", removal.line());
            (presentable(own), why)
        });
        Ok(found)
    }

    /// The first name that matches, and the pattern.
    fn find<'n>(&self, names: &'n FileNames) -> Option<(&'n str, &Glob)> {
        names.readings.iter().find_map(|name| {
            let forms = saved_as(name).map(|form| folded(&form));
            let mut globs = self.globs.iter();
            let glob = globs.find(|glob| forms.iter().any(|form| glob.matches(form)))?;
            Some((name.as_str(), glob))
        })
    }
}

/// The names of the file a reader may make of a name: as it is, without path, and without what follows a colon (an NTFS stream). Characters that are
/// not seen are left out, dots and blanks at the end as well: Windows drops them.
fn saved_as(name: &str) -> [String; 3] {
    let visible: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    let base = visible.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = base.split(':').next().unwrap_or_default();
    [&*visible, base, stem].map(|form| form.trim().trim_end_matches(['.', ' ', '\t']).to_owned())
}

/// Controls, and characters that have no width or turn the direction of writing.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Characters of a name in a text for people.
const NAME_SHOWN_MAX: usize = 100;

/// A name as it can be shown on a line without doing harm.
fn presentable(name: &str) -> String {
    let visible: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    let visible = visible.trim();
    if visible.is_empty() {
        return "(no name)".to_owned();
    }
    let cut: String = visible.chars().take(NAME_SHOWN_MAX).collect();
    match visible.len() > cut.len() {
        true => format!("{cut}..."),
        false => cut,
    }
}

impl Removal {
    /// For the log.
    fn line(&self) -> String {
        format!("{:?} ({})", self.name, self.why)
    }
}

/// Removals that are listed for the log; the others are counted.
const LISTED_MAX: usize = 5;

fn summary(removals: &[Removal]) -> String {
    let listed: Vec<String> = removals
        .iter()
        .take(LISTED_MAX)
        .map(Removal::line)
        .collect();
    match removals.len().saturating_sub(LISTED_MAX) {
        0 => format!("removed {}", listed.join(", ")),
        more => format!("removed {} and {more} more", listed.join(", ")),
    }
}

/// The message with the parts replaced.
fn rewrite(message: &[u8], tree: &Tree, removals: &[Removal]) -> Result<Vec<u8>, Excess> {
    let mut out = Vec::with_capacity(message.len());
    let mut copied_to = 0;
    for removal in removals {
        let Some(part) = tree.parts.get(removal.part) else {
            continue;
        };
        let Range { start, end } = part.range;
        out.extend_from_slice(message.get(copied_to..start).unwrap_or_default());
        let is_whole = part
            .parent
            .and_then(|p| tree.parts.get(p))
            .is_none_or(Part::is_message);
        let octets = message.get(start..end).unwrap_or_default();
        let replaced = replace(octets, part, removal, is_whole)?;
        // The line end before a delimiter is there already.
        let is_followed = end < message.len();
        out.extend_from_slice(match replaced.strip_suffix(b"\r\n") {
            Some(cut) if is_followed => cut,
            _ => &replaced,
        });
        copied_to = end;
    }
    out.extend_from_slice(message.get(copied_to..).unwrap_or_default());
    Ok(out)
}

/// The part with another content; `is_whole` if it is a message, which needs MIME-Version (RFC 2045 §4).
fn replace(
    octets: &[u8],
    part: &Part,
    removal: &Removal,
    is_whole: bool,
) -> Result<Vec<u8>, Excess> {
    let body = octets
        .get(part.body - part.range.start..)
        .unwrap_or_default();
    let text = notice(part, removal, body);
    let (encoding, text) = match transfer::is_seven_bit(text.as_bytes()) {
        true => ("7bit", text.into_bytes()),
        false => (
            "quoted-printable",
            transfer::encode_quoted_printable(text.as_bytes()),
        ),
    };
    let mut header = Header::parse(octets)?;
    header.change(|field| (!describes_content(&field)).then_some(field));
    let needs_version = is_whole && header.find("MIME-Version").next().is_none();
    let mut append = |name, value| header.append(Field::structured(&FieldName::known(name), value));
    if needs_version {
        append("MIME-Version", "1.0");
    }
    append("Content-Type", "text/plain; charset=utf-8");
    append("Content-Transfer-Encoding", encoding);
    append("Content-Disposition", "inline");
    header.set_body(&text);
    Ok(header.to_message())
}

/// RFC 2045 §9: all `Content-…` fields do, known or not.
fn describes_content(field: &Field<'_>) -> bool {
    const START: &[u8] = b"content-";
    let start = field.name().get(..START.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(START))
}

/// The text in the place of the part.
fn notice(part: &Part, removal: &Removal, body: &[u8]) -> String {
    let size = part
        .encoding
        .decode(body)
        .map_or(body.len(), |content| content.len());
    format!(
        "An attachment was removed from this message on its way, by the filter\r\n\
         block-attachment of a mail gateway.\r\n\
         \r\n\
         File name: {}\r\n\
         Type: {}\r\n\
         Size: {size} octets\r\n\
         Reason: {}\r\n",
        removal.name,
        presentable(&part.media_type),
        removal.why
    )
}

#[cfg(test)]
#[path = "block_attachment_tests.rs"]
mod tests;
