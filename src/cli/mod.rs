//! The command line: finds the command, reads its options, runs it, and turns what happened into one line and an exit code.
#![forbid(unsafe_code)]

mod chain;
pub mod check;
pub mod config;
pub mod exit;
pub mod filter;
pub mod options;
pub mod query;
pub mod queue;
pub mod serve;
pub mod tlsa;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::iter::Peekable;
use std::path::Path;
use std::process::ExitCode;

use getopts::Options;

use crate::config::{Config, nearest};
use crate::dnssec::anchor;
use crate::log;
use crate::resolver::anchors;
use crate::smtp::{Host, Mailbox};
use crate::sys::crypto;
use options::{Command, Failure, Invocation};

/// The commands, in the order of the help.
const COMMANDS: [&Command; 7] = [
    &serve::COMMAND,
    &check::COMMAND,
    &query::COMMAND,
    &tlsa::COMMAND,
    &queue::COMMAND,
    &filter::COMMAND,
    &config::COMMAND,
];

/// What the words before a command's own ones ask for.
enum Request {
    /// `-h`.
    Help,
    /// `-V`, with the words before it.
    Version(Vec<OsString>),
    /// A command with all the words that belong to it, `-c FILE` among them wherever it stood.
    Run(&'static Command, Vec<OsString>),
}

/// Runs the command named by the arguments (program name first).
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let words = arguments.into_iter().skip(1).peekable();
    let (prefix, outcome) = match request(words) {
        Ok(Request::Help) => ("gateway".to_owned(), print(help()).map(|()| exit::OK)),
        Ok(Request::Version(words)) => (
            "gateway".to_owned(),
            print(version(&words)).map(|()| exit::OK),
        ),
        Ok(Request::Run(command, words)) => (
            format!("gateway {}", command.name),
            run_command(command, words),
        ),
        Err(failure) => ("gateway".to_owned(), Err(failure)),
    };
    ExitCode::from(outcome.unwrap_or_else(|failure| {
        if !failure.text.is_empty() {
            // Without standard error the exit code has to do.
            let _ = writeln!(io::stderr(), "{prefix}: {}", log::one_line(&failure.text));
        }
        failure.code
    }))
}

/// Reads the words up to the command; no command means `serve`.
fn request(mut words: Peekable<impl Iterator<Item = OsString>>) -> Result<Request, Failure> {
    let mut own = Vec::new();
    while let Some(word) = words.next_if(|word| word.as_encoded_bytes().starts_with(b"-c")) {
        let value_follows = word == "-c";
        own.push(word);
        own.extend(words.by_ref().take(usize::from(value_follows)));
    }
    let command = match words.peek().and_then(|word| word.to_str()) {
        Some("-h" | "--help") => return Ok(Request::Help),
        Some("-V" | "--version") => {
            own.extend(words.skip(1));
            return Ok(Request::Version(own));
        }
        _ => match words.next_if(|word| !word.as_encoded_bytes().starts_with(b"-")) {
            None => &serve::COMMAND,
            Some(word) => find(&word)?,
        },
    };
    own.extend(words);
    Ok(Request::Run(command, own))
}

fn find(word: &OsStr) -> Result<&'static Command, Failure> {
    let named = COMMANDS.into_iter().find(|command| word == command.name);
    named.ok_or_else(|| {
        let word = word.to_string_lossy();
        let hint = match nearest(&word, COMMANDS.map(|command| command.name)) {
            Some(meant) => format!("did you mean '{meant}'?"),
            None => "see 'gateway -h'".to_owned(),
        };
        Failure::usage(format!("unknown command '{word}'; {hint}"))
    })
}

fn run_command(command: &Command, words: Vec<OsString>) -> Result<u8, Failure> {
    let matches = options::parse(command, words)?;
    if matches.opt_present("h") {
        return print(options::help(command)).map(|()| exit::OK);
    }
    // First of all, so that nothing can make OpenSSL read the system's openssl.cnf.
    if !crypto::init() {
        let text =
            "OpenSSL cannot be initialised; is its library of the version that was built against?";
        return Err(Failure::new(exit::SYSTEM, text));
    }
    let invocation = Invocation::new(command, matches)?;
    log::set_level(invocation.config.log);
    log::set_addresses(invocation.config.log_addresses);
    (command.run)(&invocation)
}

/// Writes to standard output.
///
/// # Errors
/// [`Failure`] with [`exit::INPUT_OUTPUT`]; without a text when the reader has closed its end, as `head` does once it has enough.
pub fn print(octets: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(octets.as_ref()).and_then(|()| out.flush());
    written.map_err(|error| {
        let text = match error.kind() {
            io::ErrorKind::BrokenPipe => String::new(),
            _ => format!("cannot write to standard output: {error}"),
        };
        Failure::new(exit::INPUT_OUTPUT, text)
    })
}

fn help() -> String {
    let mut text = String::from(
        "usage: gateway [-c FILE] [COMMAND] [OPTIONS] [ARGS]\n\n\
         Filters mail and forwards it only over TLS to servers proven by DNSSEC and DANE.\n\n\
         Commands ('gateway COMMAND -h' tells more; without a command, 'serve' runs):\n",
    );
    for command in COMMANDS {
        text += &format!("    {:<8} {}\n", command.name, command.summary);
    }
    text += "\nOptions:\n    \
             -c FILE  the configuration; else $GATEWAY_CONF, else /etc/gateway.conf if there is one\n    \
             -h       this text\n    \
             -V       the version, OpenSSL's version, the built-in trust anchors, and what has become of them since\n";
    text
}

/// The words around `-V` may name a configuration; one that cannot be used only means that nothing more is known.
fn version(words: &[OsString]) -> String {
    let tags: Vec<&str> = anchor::root_key_tags().collect();
    let mut text = format!(
        "gateway {}\n{}\ntrust anchors of the root: {}\n",
        env!("CARGO_PKG_VERSION"),
        openssl::version::version(),
        tags.join(", ")
    );
    let matches = Options::new().optopt("c", "", "", "").parse(words);
    let file = matches.ok().and_then(|matches| matches.opt_str("c"));
    let config = Config::load(file.as_deref().map(Path::new)).ok();
    if let Some(state) = config.and_then(|config| config.resolver.validation.state) {
        text += &followed(&state);
    }
    text
}

/// The trust anchors as they have followed the root's keys, if they have.
fn followed(file: &Path) -> String {
    match anchors::read(file) {
        Ok(None) => String::new(),
        Ok(Some(tracking)) => {
            let keys = tracking.keys().iter();
            let lines = keys.map(|key| format!("    key {}: {key}\n", key.point.key_tag()));
            let lines: String = lines.collect();
            format!("trust anchors now, from {}:\n{lines}", file.display())
        }
        Err(fault) => format!("{}\n", log::one_line(&fault.to_string())),
    }
}

/// A mailbox, whose domain is meant, or a domain, or an address literal.
fn destination(word: &str) -> Result<Host, Failure> {
    let host = match word.contains('@') {
        true => Mailbox::parse(word).map(|mailbox| mailbox.host),
        false => Host::parse(word),
    };
    host.map_err(|error| {
        Failure::usage(format!(
            "'{word}' is neither an address nor a domain: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<(&'static str, Vec<String>), Failure> {
        let words = words.split_whitespace().map(OsString::from);
        let (name, own) = match request(words.peekable())? {
            Request::Help => ("help", vec![]),
            Request::Version(own) => ("version", own),
            Request::Run(command, own) => (command.name, own),
        };
        let own = own.iter().map(|word| word.to_string_lossy().into_owned());
        Ok((name, own.collect()))
    }

    #[test]
    fn the_command_stands_behind_the_configuration() {
        for (words, command, own) in [
            ("", "serve", ""),
            ("-c a", "serve", "-c a"),
            ("-ca --trace", "serve", "-ca --trace"),
            ("--trace", "serve", "--trace"),
            ("-c a queue list", "queue", "-c a list"),
            ("-c queue config -c b", "config", "-c queue -c b"),
            ("queue -h", "queue", "-h"),
            ("-c", "serve", "-c"),
            ("-h", "help", ""),
            ("-c a --help queue", "help", ""),
            ("-V", "version", ""),
            ("-c a -V", "version", "-c a"),
            ("-V -c a", "version", "-c a"),
        ] {
            let own = own.split_whitespace().map(String::from).collect();
            assert_eq!(read(words), Ok((command, own)), "{words}");
        }
        assert_eq!(
            read("quue").map_err(|failure| failure.text),
            Err("unknown command 'quue'; did you mean 'queue'?".to_owned())
        );
    }

    #[test]
    fn every_command_has_a_help_with_its_options() {
        for command in COMMANDS {
            let help = options::help(command);
            assert!(help.starts_with(&format!("usage: gateway [-c FILE] {} ", command.name)));
            assert_eq!(help.contains("--trust-anchor"), command.looks_up, "{help}");
        }
    }
}
