//! What a server that was not proven to be the right one may hear: EHLO, STARTTLS, a handshake, QUIT, and nothing else.

use gateway_lab::mx::Capture;

/// Types of TLS records (RFC 8446 §5.1): change_cipher_spec, alert, handshake, and what is encrypted.
const RECORD_TYPES: [u8; 4] = [20, 21, 22, 23];
/// Octets before the content of a TLS record.
const RECORD_HEAD: usize = 5;
/// All that may be said inside TLS to a server that is not the right one.
const FAREWELL: &[u8] = b"QUIT\r\n";

/// What a client of this name has told a server in clear text that it must not.
///
/// # Errors
/// What it was.
pub(crate) fn look_at_clear_text(capture: &Capture, hostname: &str) -> Result<(), String> {
    let clear = capture.clear.unwrap_or(capture.raw.len());
    let (clear, after) = capture.raw.split_at(clear);
    let hello = format!("EHLO {hostname}");
    let mut allowed = [hello.as_str(), "STARTTLS", "QUIT"].into_iter();
    let text = String::from_utf8_lossy(clear);
    for line in text.split_terminator("\r\n") {
        // Each once, in this order; any may be left out.
        if !allowed.any(|one| one == line) {
            return Err(format!("in clear text: {line:?}"));
        }
    }
    if !text.is_empty() && !text.ends_with("\r\n") {
        return Err(format!("in clear text, without an end: {text:?}"));
    }
    match capture.clear {
        Some(_) => look_at_records(after),
        None => Ok(()),
    }
}

/// What it has told a server inside TLS that is not proven to be the right one.
///
/// # Errors
/// What it was.
pub(crate) fn look_inside(capture: &Capture) -> Result<(), String> {
    match capture.inside.as_slice() {
        b"" | FAREWELL => Ok(()),
        other => Err(format!("inside TLS: {:?}", String::from_utf8_lossy(other))),
    }
}

/// After the reply to STARTTLS there are TLS records and nothing else; the last may be cut off, where the capture ends.
fn look_at_records(mut octets: &[u8]) -> Result<(), String> {
    while let Some((head, rest)) = octets.split_first_chunk::<RECORD_HEAD>() {
        let [kind, major, _, high, low] = *head;
        if !RECORD_TYPES.contains(&kind) || major != 3 {
            let text = String::from_utf8_lossy(octets);
            return Err(format!("no TLS after the reply to STARTTLS: {text:?}"));
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        octets = rest.get(length..).unwrap_or_default();
    }
    match octets {
        [] => Ok(()),
        cut => Err(format!("{cut:02x?} after the reply to STARTTLS")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of them says in clear, whether TLS comes next, what is said then, and what of it is wrong.
    #[test]
    fn every_leak_is_seen() {
        let hello = [22, 3, 1, 0, 2, 1, 0];
        for (clear, after, inside, wrong) in [
            ("", None, "", None),
            ("EHLO g.test\r\n", None, "", None),
            ("EHLO g.test\r\nQUIT\r\n", None, "", None),
            ("EHLO g.test\r\nSTARTTLS\r\nQUIT\r\n", None, "", None),
            ("EHLO g.test\r\nSTARTTLS\r\n", Some(&hello[..]), "", None),
            (
                "EHLO g.test\r\nSTARTTLS\r\n",
                Some(&hello[..]),
                "QUIT\r\n",
                None,
            ),
            ("EHLO g.test\r\nMAIL FROM:<a@b>\r\n", None, "", Some("MAIL")),
            ("EHLO other.test\r\n", None, "", Some("other")),
            ("HELO g.test\r\n", None, "", Some("HELO")),
            ("EHLO g.test\r\nEHLO g.test\r\n", None, "", Some("EHLO")),
            ("EHLO g.test\r\nSTARTTLS\r\nRCPT", None, "", Some("RCPT")),
            ("EHLO g.test", None, "", Some("end")),
            (
                "STARTTLS\r\n",
                Some(&b"MAIL FROM:<a@b>\r\n"[..]),
                "",
                Some("no TLS"),
            ),
            ("STARTTLS\r\n", Some(&b"QUIT"[..]), "", Some("after")),
            (
                "STARTTLS\r\n",
                Some(&hello[..]),
                "EHLO g.test\r\n",
                Some("inside"),
            ),
            (
                "STARTTLS\r\n",
                Some(&hello[..]),
                "QUIT\r\nMAIL",
                Some("inside"),
            ),
        ] {
            let capture = Capture {
                raw: [clear.as_bytes(), after.unwrap_or_default()].concat(),
                clear: after.map(|_| clear.len()),
                inside: inside.as_bytes().to_vec(),
            };
            let found = look_at_clear_text(&capture, "g.test").and_then(|()| look_inside(&capture));
            let is_seen = match (&found, wrong) {
                (Ok(()), None) => true,
                (Err(text), Some(part)) => text.contains(part),
                _ => false,
            };
            assert!(is_seen, "{clear:?} {after:?} {inside:?}: {found:?}");
        }
    }
}
