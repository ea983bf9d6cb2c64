//! What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1).

use crate::smtp::Reply;

/// The extensions of a server that this client uses; none before EHLO and after HELO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// STARTTLS (RFC 3207).
    pub start_tls: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034); codes are understood even when it is not offered.
    pub enhanced_status_codes: bool,
    /// SIZE (RFC 1870) with the largest message in octets; 0 means that no limit was told.
    pub size: Option<u64>,
}

impl Extensions {
    /// Reads the lines after the first, which is the server's name. Unknown extensions are passed over.
    pub fn parse(reply: &Reply) -> Self {
        let mut extensions = Self::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or("").to_ascii_uppercase();
            match keyword.as_str() {
                "STARTTLS" => extensions.start_tls = true,
                "PIPELINING" => extensions.pipelining = true,
                "8BITMIME" => extensions.eight_bit_mime = true,
                "ENHANCEDSTATUSCODES" => extensions.enhanced_status_codes = true,
                "SIZE" => extensions.size = Some(size_limit(words.next())),
                _ => {}
            }
        }
        extensions
    }
}

/// A limit that cannot be read is none: the server will say so itself when a message is too large.
fn size_limit(word: Option<&str>) -> u64 {
    word.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
