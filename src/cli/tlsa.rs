//! `gateway tlsa`: the TLSA record to publish for a certificate, and whether a chain matches a record set.

mod input;
mod live;
mod pem;
mod rollover;
mod subject;
mod verify;

use std::io::{self, Write};
use std::str::FromStr;

use super::exit;
use super::options::{Command, Failure, Invocation};
use crate::dane::tlsa_owner;
use crate::dns::{Name, Tlsa};
use crate::log;
use crate::resolver::Resolver;
use crate::smtp::Domain;
use crate::time::Timestamp;

use input::Input;
use subject::{Form, Subject};

/// `gateway tlsa`.
pub const COMMAND: Command = Command {
    name: "tlsa",
    synopsis: "CERT.pem… --name HOST | --from HOST:PORT | --rollover CURRENT.pem NEXT.pem --name HOST
       | --verify 'U S M HEX'… --chain CHAIN.pem --name HOST",
    summary: "make the TLSA record for a certificate, plan a change of keys, or check a chain against records",
    details: "\
CERT.pem: prints the record to publish for each file, as a line of a zone file, by default 3 1 1: the SHA-256 digest of the public
key, which stays as long as the key does. A file holds certificates or a key, public or private, in PEM or DER; '-' is standard
input. Usage 3 is for the first certificate of a file, the server's own; usage 2 for the last CA's certificate in it. Standard error
says what will not work in practice.
--from: the same for the certificates that a server presents now, with STARTTLS, or in TLS from the start on port 465. Nothing
proves that it is the right server: compare the record with one made from the certificate's file.
--rollover: what to publish when, if the server changes from one key or certificate to another, and, by what is published now, at
which step that is.
--verify: whether a chain (the server's own certificate first) matches the records, by the same verdict as a delivery. Asks nobody;
        dates are compared with --at, or else with the clock.
        --json prints {\"match\":true|false,\"depth\":N|null,\"record\":\"U S M HEX\"|null,\"error\":\"why there is no match\"}

Exit 0; 1 if --verify finds no match; 64 for words that make no sense, 66 for a file that cannot be used, 75 if the server or the
DNS gives no answer now.",
    options: |options| {
        options.optopt("", "usage", "certificate usage, 0 to 3; 3: the server's own certificate or key, 2: a CA", "U");
        options.optopt("", "selector", "1: the public key, 0: the whole certificate", "S");
        options.optopt("", "matching", "1: SHA-256, 2: SHA-512, 0: no digest", "M");
        options.optmulti("", "name", "name of the MX host; with --verify each name that the certificate may be for", "HOST");
        options.optopt("", "port", "port of the server, by default 25", "P");
        options.optopt("", "from", "look at the certificates that this server presents", "HOST[:PORT]");
        options.optflag("", "smtps", "with --from: in TLS from the start, on whatever port");
        options.optflag("", "rollover", "plan the change from one key or certificate to the next");
        options.optopt("", "ttl", "with --rollover: time to live of the records in seconds", "SECONDS");
        options.optflag("", "offline", "with --rollover: do not look at what is published");
        options.optmulti("", "verify", "check a chain against these records (repeatable; further words are records, too)", "'U S M HEX'");
        options.optopt("", "chain", "with --verify: the chain, the server's own certificate first", "CHAIN.pem");
        options.optflag("", "no-name-check", "with --verify: usage 2 matches whomever the certificate is for");
        options.optflag("", "json", "with --verify: for programs, one object on one line");
    },
    looks_up: true,
    run,
};

/// Options that only one way of running it understands; first the option that chooses the way.
const WAYS: [&[&str]; 3] = [
    &["verify", "chain", "no-name-check", "json"],
    &["rollover", "ttl", "offline"],
    &["from", "smtps"],
];
/// The port of mail servers.
const PORT: u16 = 25;

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    let task = Task { invocation };
    match task.way()? {
        Some("verify") => verify::run(&task),
        Some("rollover") => rollover::run(&task),
        Some(_) => live::run(&task),
        None => publish(&task),
    }
}

/// The words of the command, understood one by one.
struct Task<'a> {
    invocation: &'a Invocation,
}

impl Task<'_> {
    /// The option that chooses the way of running, if there is one; one of another way makes no sense then.
    fn way(&self) -> Result<Option<&'static str>, Failure> {
        let is_given = |option: &str| self.invocation.matches.opt_present(option);
        let mut chosen = None;
        for options in WAYS {
            let (way, own) = options.split_first().unwrap_or((&"", &[]));
            match (chosen, is_given(way)) {
                (None, true) => chosen = Some(*way),
                (Some(other), true) => {
                    let text = format!("options '--{other}' and '--{way}' exclude each other");
                    return Err(Failure::usage(text));
                }
                (_, false) => {
                    if let Some(stray) = own.iter().find(|option| is_given(option)) {
                        let text = format!("option '--{stray}' makes no sense without '--{way}'");
                        return Err(Failure::usage(text));
                    }
                }
            }
        }
        Ok(chosen)
    }

    fn words(&self) -> &[String] {
        &self.invocation.matches.free
    }

    fn is_given(&self, option: &str) -> bool {
        self.invocation.matches.opt_present(option)
    }

    /// A number, and what it must be.
    fn number<T: FromStr>(
        &self,
        option: &str,
        expected: &str,
        is_right: fn(&T) -> bool,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.invocation.matches.opt_str(option) else {
            return Ok(None);
        };
        let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
        let number = text
            .parse()
            .ok()
            .filter(|number| is_digits && is_right(number));
        number.map(Some).ok_or_else(|| {
            Failure::usage(format!(
                "option '--{option}': expected {expected}, found '{text}'"
            ))
        })
    }

    fn form(&self) -> Result<Form, Failure> {
        Ok(Form {
            usage: self
                .number("usage", "0, 1, 2 or 3", |usage| *usage <= 3)?
                .unwrap_or(3),
            selector: self
                .number("selector", "0 or 1", |selector| *selector <= 1)?
                .unwrap_or(1),
            matching: self
                .number("matching", "0, 1 or 2", |matching| *matching <= 2)?
                .unwrap_or(1),
        })
    }

    fn port(&self) -> Result<Option<u16>, Failure> {
        self.number("port", "a port from 1 to 65535", |port| *port > 0)
    }

    fn names(&self) -> Result<Vec<Domain>, Failure> {
        let names = self.invocation.matches.opt_strs("name");
        let parse = |text: &String| {
            Domain::parse(text)
                .map_err(|error| Failure::usage(format!("option '--name': '{text}': {error}")))
        };
        names.iter().map(parse).collect()
    }

    /// The owners of the records: one for each name.
    fn owners(&self, names: &[Domain], port: u16) -> Result<Vec<Name>, Failure> {
        if names.is_empty() {
            let text = "option '--name' is needed: the name of the MX host, for example --name mx.example.org";
            return Err(Failure::usage(text));
        }
        names.iter().map(|name| self.owner(name, port)).collect()
    }

    fn owner(&self, name: &Domain, port: u16) -> Result<Name, Failure> {
        let owner = Name::parse(name.as_str()).and_then(|host| tlsa_owner(&host, port));
        owner.map_err(|error| Failure::usage(format!("option '--name': '{name}': {error}")))
    }

    /// The time that dates are compared with.
    fn now(&self) -> Timestamp {
        let at = self.invocation.config.resolver.validation.at;
        at.unwrap_or_else(Timestamp::now)
    }

    fn resolver(&self) -> Result<Resolver, Failure> {
        Resolver::new(&self.invocation.config.resolver)
            .map_err(|error| Failure::new(exit::CONFIG, error.to_string()))
    }

    /// The record of a file in the form that is wanted; what speaks against it goes to standard error.
    fn record(&self, input: &Input) -> Result<(Tlsa, String), Failure> {
        let form = self.form()?;
        let subject = Subject::of(input, form).ok_or_else(|| {
            Failure::new(
                exit::NO_INPUT,
                format!("{}: expected a certificate or a key", input.name),
            )
        })?;
        let record = subject.record(form)?;
        for warning in subject.warnings(form, self.now()) {
            warn(&format!("{}: {warning}", input.name));
        }
        let note = match subject.is_one_of_several() {
            true => format!("; {}\n", log::one_line(&subject.describe())),
            false => String::new(),
        };
        Ok((record, note))
    }
}

/// Prints the record of each file, for each name.
fn publish(task: &Task<'_>) -> Result<u8, Failure> {
    if task.words().is_empty() {
        let text = "expected a file with a certificate or a key: 'gateway tlsa CERT.pem --name mx.example.org'";
        return Err(Failure::usage(text));
    }
    let owners = task.owners(&task.names()?, task.port()?.unwrap_or(PORT))?;
    let mut text = String::new();
    for word in task.words() {
        let (record, note) = task.record(&input::read(word)?)?;
        text += &note;
        for owner in &owners {
            text += &line(owner, &record);
        }
    }
    super::print(text)?;
    Ok(exit::OK)
}

/// A record as a line of a zone file.
fn line(owner: &Name, record: &Tlsa) -> String {
    format!("{owner} IN TLSA {record}\n")
}

/// Says on standard error what will not work.
fn warn(text: &str) {
    // Without standard error there is nobody to warn; the record is right all the same.
    let _ = writeln!(io::stderr(), "gateway tlsa: {}", log::one_line(text));
}
