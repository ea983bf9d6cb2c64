//! `gateway query`: one DNS question, answered with its DNSSEC status.

use std::io::{self, Write};
use std::sync::Arc;

use getopts::Matches;

use super::options::{Command, Failure, Invocation};
use super::{chain, exit};
use crate::bytes::json::Json;
use crate::dns::annotate::annotate;
use crate::dns::{Class, EdeCode, Name, Rcode, Rdata, Record, RecordType};
use crate::log;
use crate::resolver::status::extended_errors_json;
use crate::resolver::{
    Answer, Content, Explanation, LookupError, LookupErrorKind, Observer, Packet, Resolver, Status,
};
use crate::time::Deadline;

/// `gateway query`.
pub const COMMAND: Command = Command {
    name: "query",
    synopsis: "[--json] [-x] NAME [TYPE]",
    summary: "ask one DNS question and print the answer with its DNSSEC status",
    details: "\
TYPE is a mnemonic (MX, TLSA, …) or TYPE and a number; by default A. NAME is always taken from the root.
The status: 'secure' is proven by DNSSEC, 'insecure' is not, 'bogus' is forged or broken, 'indeterminate' could not be proven
either way, and 'error' means that no answer could be had. Where signatures are checked here, the chain of trust is shown from
the trust anchor down: 'XX' marks the link that broke, '--' where unsigned data begin.

Exit 0 for secure and insecure, 1 for bogus and indeterminate, 75 where no answer could be had.",
    options: |options| {
        options.optflag("", "json", "one JSON object on one line");
        options.optflag(
            "x",
            "",
            "print each packet as an annotated hex dump (with --json on standard error)",
        );
    },
    looks_up: true,
    run,
};

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    let (name, rtype) = question(&invocation.matches)?;
    let json = invocation.matches.opt_present("json");
    let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
    if invocation.matches.opt_present("x") {
        observers.push(Arc::new(Dump { to_stderr: json }));
    }
    let config = &invocation.config;
    let resolver = Resolver::with_observers(&config.resolver, observers)
        .map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    let deadline = Deadline::after(config.outbound.lookup_timeout);
    let (outcome, explanation) = resolver.explain(&name, rtype, deadline);
    let report = Report::new(&name, rtype, outcome, explanation);
    let text = match json {
        true => format!("{}\n", report.to_json()),
        false => report.to_text(),
    };
    super::print(text)?;
    Ok(exit_code(report.status))
}

fn question(matches: &Matches) -> Result<(Name, RecordType), Failure> {
    let (name, rtype) = match matches.free.as_slice() {
        [] => return Err(Failure::usage("NAME is missing; see 'gateway query -h'")),
        [name] => (name, "A"),
        [name, rtype] => (name, rtype.as_str()),
        [_, _, word, ..] => return Err(Failure::usage(format!("unexpected word '{word}'"))),
    };
    let parsed = Name::parse(name)
        .map_err(|error| Failure::usage(format!("'{name}' is not a domain name: {error}")))?;
    let rtype = rtype.parse().map_err(|_| {
        let text = format!(
            "unknown type '{rtype}': expected a mnemonic, or TYPE and a number up to 65535"
        );
        Failure::usage(text)
    })?;
    Ok((parsed, rtype))
}

/// Prints packets as they go.
struct Dump {
    to_stderr: bool,
}

impl Observer for Dump {
    fn packet(&self, packet: &Packet<'_>) {
        let text = format!(
            "{} {} over {}, {} octets\n{}\n\n",
            packet.direction,
            packet.server,
            packet.transport,
            packet.octets.len(),
            annotate(packet.octets).trim_end()
        );
        // The answer that follows meets the same closed end, and says so.
        let _ = match self.to_stderr {
            true => io::stderr().lock().write_all(text.as_bytes()),
            false => io::stdout().lock().write_all(text.as_bytes()),
        };
    }
}

const fn exit_code(status: Status) -> u8 {
    match status {
        Status::Secure | Status::Insecure => exit::OK,
        Status::Bogus | Status::Indeterminate => exit::NO,
        Status::Error => exit::TEMPORARY,
    }
}

/// What is printed about one question.
struct Report {
    name: String,
    rtype: String,
    status: Status,
    reason: String,
    /// How the status was found out, if it was found out here.
    explanation: Option<Explanation>,
    rcode: Option<Rcode>,
    extended_errors: Vec<(EdeCode, String)>,
    /// The aliases and the records they lead to.
    records: Vec<Record>,
    /// Why there are no records at the end of the aliases.
    absence: Option<&'static str>,
    /// Seconds for which it may be used.
    ttl: Option<u32>,
    server: String,
}

impl Report {
    fn new(
        name: &Name,
        rtype: RecordType,
        outcome: Result<Answer, LookupError>,
        explanation: Option<Explanation>,
    ) -> Self {
        let (name, rtype) = (name.to_string(), rtype.to_string());
        let mut report = match outcome {
            Ok(answer) => Self::of_answer(name, rtype, answer, explanation.as_ref()),
            Err(error) => Self::of_error(name, rtype, error),
        };
        report.explanation = explanation;
        report
    }

    fn of_answer(
        name: String,
        rtype: String,
        answer: Answer,
        explanation: Option<&Explanation>,
    ) -> Self {
        let status = match answer.security.is_secure() {
            true => Status::Secure,
            false => Status::Insecure,
        };
        let mut records: Vec<Record> = answer
            .aliases
            .into_iter()
            .map(|alias| Record {
                name: alias.owner,
                class: Class::IN,
                ttl: answer.ttl,
                data: Rdata::Cname(alias.target),
            })
            .collect();
        let absence = match answer.content {
            Content::Records(found) => {
                records.extend(found);
                None
            }
            Content::NoData => Some("none: the name exists, but not with this type"),
            Content::NxDomain => Some("none: the name does not exist"),
        };
        Self {
            name,
            rtype,
            status,
            reason: reason_of(status, explanation),
            explanation: None,
            rcode: Some(answer.rcode),
            extended_errors: answer.extended_errors,
            records,
            absence,
            ttl: Some(answer.ttl),
            server: answer.server,
        }
    }

    fn of_error(name: String, rtype: String, error: LookupError) -> Self {
        Self {
            name,
            rtype,
            status: Status::of_error(&error),
            reason: error.kind.to_string(),
            explanation: None,
            rcode: match error.kind {
                LookupErrorKind::Rcode(rcode) => Some(rcode),
                _ => None,
            },
            extended_errors: error.extended_errors,
            records: Vec::new(),
            absence: None,
            ttl: None,
            server: error.server,
        }
    }

    /// One object with the keys of the interface; `chain` is empty where a resolver's AD bit is believed.
    fn to_json(&self) -> Json {
        let rcode = self.rcode.map(|rcode| rcode.to_string());
        let chain = self.explanation.as_ref().map_or(&[][..], |all| &all.chain);
        let record = |record: &Record| Json::string(&record.to_string());
        Json::object([
            ("name", Json::string(&self.name)),
            ("type", Json::string(&self.rtype)),
            ("status", Json::string(self.status.word())),
            ("rcode", Json::optional(rcode.as_deref())),
            ("reason", Json::string(&self.reason)),
            ("ede", extended_errors_json(&self.extended_errors)),
            ("answer", Json::array(self.records.iter().map(record))),
            ("chain", chain::json(chain)),
        ])
    }

    fn to_text(&self) -> String {
        let mut text = format!("{} {}: {}\n", self.name, self.rtype, self.status.word());
        let mut line = |label: &str, value: &str| {
            // The resolver's words must not move the cursor.
            text += &format!("  {label:<7} {}\n", log::one_line(value));
        };
        line("why", &self.reason);
        for (code, why) in &self.extended_errors {
            line("EDE", format!("{} ({code}) {why}", code.0).trim_end());
        }
        if let Some(rcode) = self.rcode {
            line("rcode", &rcode.to_string());
        }
        if !self.server.is_empty() {
            line("server", &self.server);
        }
        if let Some(ttl) = self.ttl {
            line("ttl", &format!("{ttl} s"));
        }
        let records = self.records.iter().map(ToString::to_string);
        let answers = records.chain(self.absence.map(str::to_owned));
        for (index, answer) in answers.enumerate() {
            line(if index == 0 { "answer" } else { "" }, &answer);
        }
        let chain = self.explanation.iter().flat_map(chain::picture);
        for (index, link) in chain.enumerate() {
            line(if index == 0 { "chain" } else { "" }, &link);
        }
        text
    }
}

/// Why an answer has its status.
fn reason_of(status: Status, explanation: Option<&Explanation>) -> String {
    let why = explanation.map(|explanation| explanation.why.as_ref());
    let reason = match (status, why) {
        (_, Some(Some(why))) => return why.to_string(),
        (_, Some(None)) => "every signature is valid, from the trust anchor to the answer",
        (Status::Secure, None) => {
            "the resolver has set the AD bit: it has validated the signatures"
        }
        (_, None) => {
            "the resolver has not set the AD bit: the data is unsigned, or the resolver does not validate"
        }
    };
    reason.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::Security;
    use crate::resolver::Alias;

    fn name(text: &str) -> Name {
        Name::parse(text).expect(text)
    }

    fn answer() -> Answer {
        Answer {
            security: Security::Secure,
            aliases: vec![Alias {
                owner: name("www.example.org"),
                target: name("host.example.org"),
                security: Security::Secure,
            }],
            owner: name("host.example.org"),
            content: Content::Records(vec![Record {
                name: name("host.example.org"),
                class: Class::IN,
                ttl: 300,
                data: Rdata::A([192, 0, 2, 1].into()),
            }]),
            ttl: 60,
            rcode: Rcode::NOERROR,
            extended_errors: Vec::new(),
            server: "127.0.0.1:53".to_owned(),
        }
    }

    fn failure(kind: LookupErrorKind, codes: &[u16]) -> LookupError {
        LookupError {
            kind,
            name: name("example.org"),
            rtype: RecordType::A,
            server: String::new(),
            extended_errors: codes
                .iter()
                .map(|code| (EdeCode(*code), "why\u{7}".to_owned()))
                .collect(),
        }
    }

    #[test]
    fn json_has_the_keys_of_the_interface() {
        let report = Report::new(&name("www.example.org"), RecordType::A, Ok(answer()), None);
        assert_eq!(
            report.to_json().to_string(),
            r#"{"name":"www.example.org.","type":"A","status":"secure","rcode":"NOERROR","#
                .to_owned()
                + r#""reason":"the resolver has set the AD bit: it has validated the signatures","ede":[],"#
                + r#""answer":["www.example.org. 60 IN CNAME host.example.org.","host.example.org. 300 IN A 192.0.2.1"],"chain":[]}"#
        );
        let error = failure(LookupErrorKind::Rcode(Rcode::SERVFAIL), &[6]);
        let json = Report::new(&name("."), RecordType(65280), Err(error), None).to_json();
        let json = json.to_string();
        for part in [
            r#""name":".","type":"TYPE65280","status":"bogus","rcode":"SERVFAIL""#,
            r#""ede":[{"code":6,"name":"DNSSEC Bogus","text":"why\u0007"}],"answer":[],"chain":[]"#,
        ] {
            assert!(json.contains(part), "{json}");
        }
    }

    #[test]
    fn text_says_the_same() {
        let report = Report::new(&name("www.example.org"), RecordType::A, Ok(answer()), None);
        let text = report.to_text();
        assert!(
            text.starts_with("www.example.org. A: secure\n  why     the resolver"),
            "{text}"
        );
        assert!(
            text.contains("  ttl     60 s\n  answer  www.example.org. 60 IN CNAME"),
            "{text}"
        );
        let absent = Answer {
            security: Security::Insecure,
            aliases: Vec::new(),
            content: Content::NxDomain,
            ..answer()
        };
        let text = Report::new(&name("a"), RecordType::MX, Ok(absent), None).to_text();
        assert!(text.starts_with("a. MX: insecure\n"), "{text}");
        assert!(
            text.ends_with("  answer  none: the name does not exist\n"),
            "{text}"
        );
        let error = failure(LookupErrorKind::Timeout, &[22]);
        let text = Report::new(&name("a"), RecordType::MX, Err(error), None).to_text();
        let expected = "a. MX: error\n  why     no reply in time\n  EDE     22 (No Reachable Authority) why\\u{7}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn errors_have_their_status_and_exit_code() {
        for (kind, codes, status, code) in [
            (
                LookupErrorKind::Rcode(Rcode::SERVFAIL),
                &[22, 7][..],
                Status::Bogus,
                1,
            ),
            (
                LookupErrorKind::Rcode(Rcode::SERVFAIL),
                &[22, 3],
                Status::Error,
                75,
            ),
            (
                LookupErrorKind::Rcode(Rcode::REFUSED),
                &[6],
                Status::Error,
                75,
            ),
            (LookupErrorKind::NotTrusted, &[], Status::Indeterminate, 1),
            (LookupErrorKind::Bogus(String::new()), &[], Status::Bogus, 1),
            (LookupErrorKind::NoServers, &[], Status::Error, 75),
        ] {
            let found = Status::of_error(&failure(kind, codes));
            assert_eq!((found, exit_code(found)), (status, code));
        }
    }
}
