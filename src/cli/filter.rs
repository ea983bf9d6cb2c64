//! `gateway filter`: runs the configured filters over one message, offline.

use std::io::{self, Read, Write};

use super::exit;
use super::options::{Command, Failure, Invocation};
use crate::filter::Chain;
use crate::log;
use crate::message::with_crlf;
use crate::smtp::{Envelope, Mailbox, ReversePath};

/// `gateway filter`.
pub const COMMAND: Command = Command {
    name: "filter",
    synopsis: "[-f SENDER] [-r RCPT]… < in.eml > out.eml",
    summary: "run the configured filters over one message, offline",
    details: "\
Reads a message with LF or CRLF line ends and writes what the filters make of it with the same line ends.
Each change is a line on standard error. A message that is refused: no output, one line on standard error, exit 69.

The filters, as the directive 'filter' names them:
    block-attachment GLOB…                     replace attachments with such file names by a note
    header add|set NAME VALUE…                 add a header field, or leave exactly this one of its name
    header remove NAME                         remove the header fields of that name
    subject-tag TEXT                           put a text in front of the subject

Exit 64 for an address that is none, 65 for a message that no client could send (mixed line ends, too large).",
    options: |options| {
        options.optopt("f", "", "the reverse-path (by default the null one)", "SENDER");
        options.optmulti("r", "", "a recipient (repeatable)", "RCPT");
    },
    looks_up: false,
    run,
};

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    invocation.expect_no_words()?;
    let config = &invocation.config;
    let chain = Chain::new(&config.filters).map_err(|error| Failure::new(exit::CONFIG, error.0))?;
    let mut envelope = Envelope {
        sender: sender(invocation.matches.opt_str("f").as_deref())?,
        recipients: recipients(&invocation.matches.opt_strs("r"))?,
        eight_bit: false,
    };
    let input = read(io::stdin().lock(), config.inbound.message_size_limit)?;
    let ends = line_ends(&input).map_err(|text| Failure::new(exit::DATA, text))?;
    envelope.eight_bit = !input.is_ascii();
    let filtered = chain
        .run(&envelope, ends.to_crlf(input))
        .map_err(|refusal| Failure::new(exit::UNAVAILABLE, format!("refused by {refusal}")))?;
    for change in &filtered.changes {
        // Without standard error there is nobody to tell; the message still has to come out.
        let _ = writeln!(io::stderr(), "gateway filter: {}", log::one_line(change));
    }
    super::print(ends.restore(filtered.message))?;
    Ok(exit::OK)
}

fn sender(text: Option<&str>) -> Result<ReversePath, Failure> {
    match text {
        None | Some("" | "<>") => Ok(ReversePath::Null),
        Some(text) => mailbox("-f", text).map(ReversePath::Mailbox),
    }
}

fn recipients(texts: &[String]) -> Result<Vec<Mailbox>, Failure> {
    texts.iter().map(|text| mailbox("-r", text)).collect()
}

fn mailbox(option: &str, text: &str) -> Result<Mailbox, Failure> {
    Mailbox::parse(text)
        .map_err(|error| Failure::usage(format!("option '{option}': '{text}': {error}")))
}

/// Reads a message of at most `limit` octets.
fn read(input: impl Read, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    input
        .take(limit.saturating_add(1))
        .read_to_end(&mut octets)
        .map_err(|error| {
            Failure::new(
                exit::INPUT_OUTPUT,
                format!("cannot read standard input: {error}"),
            )
        })?;
    let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    match length > limit {
        true => Err(Failure::new(
            exit::DATA,
            format!("the message is larger than {limit} octets (message-size-limit)"),
        )),
        false => Ok(octets),
    }
}

/// How the lines of a message end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnds {
    Lf,
    Crlf,
}

/// How all lines end; the error says which line ends otherwise.
fn line_ends(octets: &[u8]) -> Result<LineEnds, String> {
    let mut found = None;
    let lines = octets.split_inclusive(|octet| *octet == b'\n');
    for (line, number) in lines.zip(1u64..) {
        let (text, ends) = match line {
            [text @ .., b'\r', b'\n'] => (text, Some(LineEnds::Crlf)),
            [text @ .., b'\n'] => (text, Some(LineEnds::Lf)),
            text => (text, None),
        };
        if text.contains(&b'\r') {
            return Err(format!(
                "line {number} holds a CR without LF, which SMTP cannot carry"
            ));
        }
        found = found.or(ends);
        if ends.is_some() && ends != found {
            return Err(format!(
                "line {number} ends otherwise than those before it; expected LF or CRLF throughout"
            ));
        }
    }
    Ok(found.unwrap_or(LineEnds::Lf))
}

impl LineEnds {
    fn to_crlf(self, octets: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Crlf => octets,
            Self::Lf => with_crlf(&octets),
        }
    }

    fn restore(self, mut octets: Vec<u8>) -> Vec<u8> {
        if self == Self::Lf {
            // No CR but those of line ends: the input had none, and filters add none.
            octets.retain(|octet| *octet != b'\r');
        }
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_kept() {
        for (octets, ends, crlf) in [
            ("", LineEnds::Lf, ""),
            ("a", LineEnds::Lf, "a"),
            ("a\n\nb", LineEnds::Lf, "a\r\n\r\nb"),
            ("a\r\n\r\nb", LineEnds::Crlf, "a\r\n\r\nb"),
        ] {
            assert_eq!(line_ends(octets.as_bytes()), Ok(ends));
            let inside = ends.to_crlf(octets.as_bytes().to_vec());
            assert_eq!(inside, crlf.as_bytes());
            assert_eq!(ends.restore(inside), octets.as_bytes());
        }
    }

    #[test]
    fn mixed_line_ends_are_refused_with_the_line() {
        for (octets, number) in [
            ("a\nb\r\n", 2),
            ("a\r\nb\n", 2),
            ("a\rb\n", 1),
            ("a\nb\r", 2),
        ] {
            let text = line_ends(octets.as_bytes()).expect_err("refused");
            assert!(text.starts_with(&format!("line {number} ")), "{text}");
        }
    }

    #[test]
    fn messages_beyond_the_limit_are_refused() {
        assert_eq!(read(&b"abc"[..], 3), Ok(b"abc".to_vec()));
        assert_eq!(
            read(&b"abcd"[..], 3).map_err(|failure| failure.code),
            Err(exit::DATA)
        );
    }

    #[test]
    fn the_help_names_every_filter() {
        let Err(error) = Chain::new(&[vec!["frob".to_owned()]]) else {
            panic!("there is no such filter");
        };
        let (_, names) = error.0.split_once("one of ").expect("the names");
        for name in names.split(", ") {
            assert!(
                COMMAND.details.contains(&format!("\n    {name} ")),
                "{name}"
            );
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(sender(None), Ok(ReversePath::Null));
        assert_eq!(sender(Some("<>")), Ok(ReversePath::Null));
        assert!(sender(Some("a@example.org")).is_ok_and(|sender| sender != ReversePath::Null));
        let failure = recipients(&["a".to_owned()]).expect_err("no address");
        assert_eq!(failure.code, exit::USAGE);
        assert!(
            failure.text.starts_with("option '-r': 'a': "),
            "{}",
            failure.text
        );
    }
}
