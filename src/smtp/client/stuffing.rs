//! The message as it goes over the wire: CRLF line ends, a further dot before each dot that opens a line, and the final dot
//! (RFC 5321 §4.5.2).

/// About how many octets a block has: one TLS record.
const BLOCK: usize = 16 * 1024;
const LINE_END: &[u8] = b"\r\n";

/// Octets of a message as SIZE counts them: line ends included, stuffing and final dot not (RFC 1870 §3).
pub(super) fn size(content: &[u8]) -> u64 {
    let missing_end = if is_ended(content) { 0 } else { LINE_END.len() };
    u64::try_from(content.len() + missing_end).unwrap_or(u64::MAX)
}

fn is_ended(content: &[u8]) -> bool {
    content.is_empty() || content.ends_with(LINE_END)
}

/// The octets to send for a message, in blocks of about 16 KiB; the last one ends with the final dot.
///
/// A CR or LF that stands alone, which no message of ours should have, is sent as a whole line end: no server can then be made to see the
/// end of the message in the middle of it.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
    at_line_start: bool,
    is_over: bool,
}

impl<'a> Blocks<'a> {
    /// The blocks of this message.
    pub const fn new(content: &'a [u8]) -> Self {
        Self {
            rest: content,
            at_line_start: true,
            is_over: false,
        }
    }

    /// Appends the next piece of the message, at most a line with its end.
    fn append_piece(&mut self, block: &mut Vec<u8>) {
        let (limited, _) = self
            .rest
            .split_at_checked(BLOCK)
            .unwrap_or((self.rest, &[]));
        let end = limited
            .iter()
            .position(|octet| matches!(octet, b'\r' | b'\n'));
        let text_length = end.unwrap_or(limited.len());
        let (text, rest) = self
            .rest
            .split_at_checked(text_length)
            .unwrap_or((self.rest, &[]));
        if self.at_line_start && text.starts_with(b".") {
            block.push(b'.');
        }
        block.extend_from_slice(text);
        self.at_line_start = end.is_some();
        self.rest = rest;
        if self.at_line_start {
            block.extend_from_slice(LINE_END);
            self.rest = after_line_end(rest);
        }
    }
}

/// What follows a CRLF, a CR or an LF.
fn after_line_end(octets: &[u8]) -> &[u8] {
    octets
        .strip_prefix(LINE_END)
        .or_else(|| octets.split_first().map(|(_, rest)| rest))
        .unwrap_or(octets)
}

impl Iterator for Blocks<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        let mut block = Vec::with_capacity(BLOCK + 1024);
        while block.len() < BLOCK && !self.rest.is_empty() {
            self.append_piece(&mut block);
        }
        if self.rest.is_empty() {
            self.is_over = true;
            if !self.at_line_start {
                block.extend_from_slice(LINE_END);
            }
            block.extend_from_slice(b".\r\n");
        }
        Some(block)
    }
}
