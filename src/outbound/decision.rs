//! The one decision record: what was found about one host, and what comes of it, as log line, `queue show`, bounce and `check` print it (rfc G8).
//!
//! It says what was looked at, how far the attempt came and what has to be mended where.

use core::net::{IpAddr, SocketAddr};
use std::fmt;

use super::base::{self, RECORDS_PRINTED_MAX, shortened};
use super::cause::{Cause, Verdict};
use super::facts::Asked;
use super::route::MxHost;
use super::session::{Phase, TlsFacts};
use super::{Level, Proof, Reason};
use crate::bytes::json::Json;
use crate::dane::Match;
use crate::dns::{Name, Rcode, RecordType, Tlsa};
use crate::log;
use crate::resolver::status::extended_errors_json;
use crate::resolver::{LookupErrorKind, Status};
use crate::smtp::{Domain, Host};

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The policy.
    Policy,
    /// The MX lookup.
    Mx,
    /// The address lookup.
    Address,
    /// The TLSA lookup.
    Tlsa,
    /// The session with the server.
    Session(Phase),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => f.write_str("policy"),
            Self::Mx => f.write_str("mx"),
            Self::Address => f.write_str("address"),
            Self::Tlsa => f.write_str("tlsa"),
            // One word of a line.
            Self::Session(phase) => f.write_str(&phase.to_string().replace(' ', "-")),
        }
    }
}

/// What was found about one address of one host, or about as much of it as the attempt got to see.
#[derive(Clone, Debug)]
pub struct Record {
    /// The recipients' domain or address literal.
    pub domain: Host,
    /// What had to be proven.
    pub level: Level,
    /// How far the attempt came.
    pub step: Step,
    /// The MX host; `None` when the attempt ended before there was one.
    pub mx: Option<MxHost>,
    /// The port of the host.
    pub port: u16,
    /// The address connected to.
    pub address: Option<IpAddr>,
    /// The SOCKS proxy that was asked for the connection.
    pub proxy: Option<SocketAddr>,
    /// Status of the MX answer.
    pub mx_status: Option<Status>,
    /// Status of the address answer.
    pub address_status: Option<Status>,
    /// Status of the last TLSA answer.
    pub tlsa_status: Option<Status>,
    /// The TLSA base domain (RFC 7672 §2.2.3).
    pub base: Option<Name>,
    /// The TLSA records found there.
    pub tlsa: Vec<Tlsa>,
    /// What the handshake settled.
    pub tls: Option<TlsFacts>,
    /// What the connection proved; `None` without one.
    pub proof: Option<Proof>,
    /// The last lookup's extended errors.
    pub extended_errors: String,
    /// The resolver that answered last.
    pub resolver: String,
    /// What was remarkable on the way.
    pub remarks: Vec<Reason>,
    /// Whether a delivery would have left it for another run (rfc M18): it was only looked at, and decides nothing.
    pub is_beyond: bool,
    /// How it ended.
    pub cause: Cause,
}

impl Record {
    /// A record of which nothing is known yet.
    pub fn new(domain: &Host, level: Level, port: u16) -> Self {
        Self {
            domain: domain.clone(),
            level,
            step: Step::Policy,
            mx: None,
            port,
            address: None,
            proxy: None,
            mx_status: None,
            address_status: None,
            tlsa_status: None,
            base: None,
            tlsa: Vec::new(),
            tls: None,
            proof: None,
            extended_errors: String::new(),
            resolver: String::new(),
            remarks: Vec::new(),
            is_beyond: false,
            cause: Cause::new(Reason::Internal, "nothing was tried"),
        }
    }

    /// Notes what a lookup found.
    pub fn note(&mut self, asked: &Asked) {
        let status = Some(asked.status());
        (self.step, *self.status_of(asked.rtype)) = match asked.rtype {
            RecordType::MX => (Step::Mx, status),
            RecordType::TLSA => (Step::Tlsa, status),
            _ => (Step::Address, status),
        };
        self.resolver = asked.server().to_owned();
        self.extended_errors = asked.extended_error_text();
    }

    /// Notes what the lookups of both address families found; the status is that of the worse one.
    pub fn note_families(&mut self, families: &[Asked; 2]) {
        for asked in families {
            self.note(asked);
        }
        self.address_status = families.iter().map(Asked::status).min();
    }

    /// Notes the TLSA base domain and its records.
    pub fn note_base(&mut self, host: &Name, asked: &Asked) {
        self.base = Some(host.clone());
        self.tlsa = base::records(asked);
    }

    const fn status_of(&mut self, rtype: RecordType) -> &mut Option<Status> {
        match rtype {
            RecordType::MX => &mut self.mx_status,
            RecordType::TLSA => &mut self.tlsa_status,
            _ => &mut self.address_status,
        }
    }

    /// The same record, ended so.
    #[must_use]
    pub fn ended(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The name of the host that was tried, or nothing.
    pub fn host(&self) -> &str {
        self.mx.as_ref().map_or("", |mx| mx.exchange.as_str())
    }

    /// The TLSA record that the certificate matched.
    pub fn matched(&self) -> Option<&Match> {
        self.proof.as_ref().and_then(Proof::matched)
    }

    /// Whether this is proven to be a server that the recipients' domain designated: a match at a host of an insecure MX record proves only
    /// that it is the host the record names (rfc M2).
    pub fn is_verified(&self) -> bool {
        self.is_designated() && self.matched().is_some()
    }

    /// Whether secure MX records, their secure absence or the configuration say that this is a server of the recipients' domain.
    pub const fn is_designated(&self) -> bool {
        matches!(self.mx_status, None | Some(Status::Secure))
    }

    /// What the connection proved, as one word: `verified` only where nothing is left open.
    pub fn proof_word(&self) -> Option<&'static str> {
        Some(match self.proof.as_ref()? {
            Proof::Dane(_) if self.is_designated() => "verified",
            Proof::Dane(_) => "trusted",
            Proof::Pkix(_) => "pkix",
            Proof::Pin(_) => "pin",
            Proof::Encryption => "encrypted",
            Proof::Loopback => "loopback",
        })
    }

    /// The members of one entry of `hosts` in `check --json`.
    pub fn json(&self) -> Json {
        let status = |status: Option<Status>| {
            Json::optional(status.map(|status| status.to_string()).as_deref())
        };
        let tls = self.tls.as_ref();
        let tls = tls.map(|tls| format!("{} {}", tls.version, tls.cipher));
        let base = self.base.as_ref().map(Name::to_host);
        let address = self.address.map(|address| address.to_string());
        let proxy = self.proxy.map(|proxy| proxy.to_string());
        let records = self.tlsa.iter();
        let remarks = self.remarks.iter();
        let preference = self.mx.as_ref().map(|mx| mx.preference);
        Json::object([
            ("name", Json::string(self.host())),
            ("preference", preference.map_or(Json::null(), Json::number)),
            ("port", Json::number(self.port)),
            ("address", Json::optional(address.as_deref())),
            ("proxy", Json::optional(proxy.as_deref())),
            ("mx_status", status(self.mx_status)),
            ("address_status", status(self.address_status)),
            ("tlsa_base", Json::optional(base.as_deref())),
            ("tlsa_status", status(self.tlsa_status)),
            (
                "tlsa",
                Json::array(records.map(|record| Json::string(&record.to_string()))),
            ),
            ("verdict", Json::string(self.cause.verdict().name())),
            ("code", Json::string(&self.cause.status.to_string())),
            ("reason", Json::string(self.cause.reason.token())),
            ("text", Json::string(&self.cause.text)),
            ("step", Json::string(&self.step.to_string())),
            (
                "remarks",
                Json::array(remarks.map(|remark| Json::string(remark.token()))),
            ),
            ("proof", Json::optional(self.proof_word())),
            ("verified", Json::boolean(self.is_verified())),
            ("matched", self.matched().map_or(Json::null(), match_json)),
            ("tls", Json::optional(tls.as_deref())),
            ("only_looked_at", Json::boolean(self.is_beyond)),
        ])
    }
}

fn match_json(matched: &Match) -> Json {
    let record = matched.record();
    let depth = u64::try_from(matched.depth()).unwrap_or(u64::MAX);
    Json::object([
        ("usage", Json::number(record.usage)),
        ("selector", Json::number(record.selector)),
        ("matching", Json::number(record.matching)),
        ("depth", Json::number(depth)),
        (
            "reference",
            Json::optional(matched.reference().map(Domain::as_str)),
        ),
    ])
}

/// For the log where it names no domains: what came of it, without whom it is about.
struct Anonymous<'a>(&'a Record);

impl fmt::Display for Anonymous<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (record, cause) = (self.0, &self.0.cause);
        let (level, verdict) = (record.level, cause.verdict().name());
        write!(f, "{level} {verdict} {} {}", cause.status, cause.reason)?;
        write!(f, " step={}", record.step)?;
        record.write_statuses(f)?;
        record.write_handshake(f)?;
        record.write_remarks(f)
    }
}

/// The line: level, verdict, status and reason, then what was found as `name=value`, then the text.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = &self.cause;
        let (level, verdict) = (self.level, cause.verdict().name());
        write!(f, "{level} {verdict} {} {}", cause.status, cause.reason)?;
        write!(f, " domain={}", bare(&self.domain))?;
        self.write_host(f)?;
        self.write_dns(f)?;
        self.write_tls(f)?;
        self.write_remarks(f)?;
        write!(f, " reason={}", value(&cause.text))
    }
}

impl Record {
    /// The line for the log, without names where the log names no domains.
    pub fn log_line(&self) -> String {
        match log::shows_domains() {
            true => self.to_string(),
            false => Anonymous(self).to_string(),
        }
    }

    fn write_remarks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.remarks.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = self.remarks.iter().map(|remark| remark.token()).collect();
        write!(f, " remarks={}", words.join(","))
    }

    fn write_host(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mx) = &self.mx {
            write!(
                f,
                " mx={} preference={}",
                mx.exchange.as_str(),
                mx.preference
            )?;
        }
        match self.address {
            Some(address) => write!(f, " addr={}", SocketAddr::new(address, self.port))?,
            None if self.mx.is_some() => write!(f, " port={}", self.port)?,
            None => {}
        }
        match self.proxy {
            Some(proxy) => write!(f, " proxy={proxy}"),
            None => Ok(()),
        }
    }

    fn write_dns(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(base) = &self.base {
            write!(f, " base={}", base.to_host())?;
        }
        write!(f, " step={}", self.step)?;
        self.write_statuses(f)?;
        if !self.extended_errors.is_empty() {
            write!(f, " ede={}", value(&self.extended_errors))?;
        }
        if !self.resolver.is_empty() {
            write!(f, " resolver={}", self.resolver)?;
        }
        Ok(())
    }

    fn write_statuses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = [
            ("mx", self.mx_status),
            ("addr", self.address_status),
            ("tlsa", self.tlsa_status),
        ];
        let known = statuses
            .iter()
            .filter_map(|(name, status)| status.map(|status| format!("{name}:{status}")));
        let known: Vec<String> = known.collect();
        match known.is_empty() {
            true => Ok(()),
            false => write!(f, " status={}", known.join(",")),
        }
    }

    fn write_handshake(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tls) = &self.tls {
            write!(f, " tls={} cipher={}", tls.version, tls.cipher)?;
        }
        match self.proof_word() {
            Some(word) => write!(f, " proof={word}"),
            None => Ok(()),
        }
    }

    fn write_tls(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_handshake(f)?;
        if let Some(name) = self.proof.as_ref().and_then(Proof::reference) {
            write!(f, " refid={name}")?;
        }
        match self.matched() {
            Some(matched) => {
                let (record, depth) = (matched.record(), matched.depth());
                write!(f, " match={} depth={depth}", value(&shortened(record)))
            }
            None if self.tlsa.is_empty() => Ok(()),
            None => {
                let records = self.tlsa.iter().take(RECORDS_PRINTED_MAX).map(shortened);
                let records: Vec<String> = records.collect();
                write!(f, " tlsa={}", value(&records.join(", ")))
            }
        }
    }
}

/// A value of the line, in quotes where it needs them. It quotes servers and resolvers, whose own quotes become single ones, so that a
/// program can split the line at spaces outside of quotes.
fn value(text: &str) -> String {
    let text = log::one_line(text).replace('"', "'");
    match text.is_empty() || text.contains([' ', '=']) {
        true => format!("\"{text}\""),
        false => text,
    }
}

/// A domain, or an address without brackets.
pub fn bare(host: &Host) -> String {
    match host {
        Host::Domain(domain) => domain.to_string(),
        Host::Literal(address) => address.to_string(),
    }
}

/// What was found about a destination, and what comes of it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The MX question; `None` when it was not asked.
    pub mx: Option<Asked>,
    /// One record per host attempt, in order.
    pub hosts: Vec<Record>,
    /// The record that decides: a success, or what ended the attempt.
    pub deciding: Record,
}

impl Decision {
    /// What comes of the destination.
    pub const fn verdict(&self) -> Verdict {
        self.deciding.cause.verdict()
    }

    /// The record for recipients about whom no host has said anything: never a success, whatever came of the others.
    pub fn for_unanswered(&self) -> Record {
        if self.verdict() != Verdict::Deliver {
            return self.deciding.clone();
        }
        let mut hosts = self.hosts.iter().rev();
        let refusal = hosts.find(|record| record.cause.verdict() != Verdict::Deliver);
        refusal.cloned().unwrap_or_else(|| {
            let text = "no host has answered for this recipient";
            let cause = Cause::new(Reason::Internal, text);
            self.deciding.clone().ended(cause)
        })
    }

    /// The object of `check --json` for one argument.
    pub fn json(&self) -> Json {
        let (record, cause) = (&self.deciding, &self.deciding.cause);
        Json::object([
            ("domain", Json::string(&bare(&record.domain))),
            ("level", Json::string(record.level.name())),
            ("verdict", Json::string(cause.verdict().name())),
            ("code", Json::string(&cause.status.to_string())),
            ("reason", Json::string(cause.reason.token())),
            ("text", Json::string(&cause.text)),
            ("mx", self.mx.as_ref().map_or(Json::null(), mx_json)),
            ("hosts", Json::array(self.hosts.iter().map(Record::json))),
        ])
    }
}

/// The line of the record that decides.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.deciding)
    }
}

fn mx_json(asked: &Asked) -> Json {
    let rcode = match &asked.result {
        Ok(answer) => Some(answer.rcode),
        Err(error) => match error.kind {
            LookupErrorKind::Rcode(rcode) => Some(rcode),
            _ => None,
        },
    };
    let rcode = rcode.map(|rcode: Rcode| rcode.to_string());
    let error = asked.result.as_ref().err().map(ToString::to_string);
    let expanded = asked.expanded().map(Name::to_host);
    let records = asked.data().map(|data| Json::string(&data.to_string()));
    Json::object([
        ("status", Json::string(&asked.status().to_string())),
        ("rcode", Json::optional(rcode.as_deref())),
        ("ede", extended_errors_json(asked.extended_errors())),
        ("expanded", Json::optional(expanded.as_deref())),
        ("records", Json::array(records)),
        ("resolver", Json::string(asked.server())),
        ("error", Json::optional(error.as_deref())),
    ])
}

#[cfg(test)]
mod tests {
    use gateway_lab::CertificateSpec;

    use super::*;
    use crate::dane;
    use crate::time::Timestamp;

    #[test]
    fn values_can_be_split_by_a_program() {
        for (text, expected) in [
            ("final-dot", "final-dot"),
            ("", "\"\""),
            ("3 0 1 AB", "\"3 0 1 AB\""),
            ("a=b", "\"a=b\""),
            ("said \"no\"\n", "\"said 'no'\\n\""),
            ("\"no\"", "'no'"),
        ] {
            assert_eq!(value(text), expected);
        }
    }

    /// G8: `refid` is the name that the certificate was for, at whatever level names count.
    #[test]
    fn the_line_says_which_name_counted() {
        let name = |text| Domain::parse(text).expect("a domain");
        let root = CertificateSpec::authority("Root").build();
        let leaf = CertificateSpec::new("d.test").build_below(&root);
        let plan = dane::plan(&[Tlsa {
            usage: 2,
            selector: 0,
            matching: 0,
            data: root.der(),
        }]);
        let references = [name("mx.d.test"), name("d.test")];
        let matched = dane::verify(&plan, &leaf.chain().into(), &references, Timestamp::now());
        for (proof, expected, member) in [
            (
                Proof::Dane(matched.expect("matches")),
                " refid=d.test match=",
                r#""matched":{"usage":2,"selector":0,"matching":0,"depth":1,"reference":"d.test"}"#,
            ),
            (
                Proof::Pkix(name("mx.d.test")),
                " refid=mx.d.test",
                r#""matched":null"#,
            ),
        ] {
            let mut record = Record::new(&Host::Domain(name("d.test")), Level::DaneOnly, 25);
            record.proof = Some(proof);
            assert!(record.to_string().contains(expected), "{record}");
            let json = record.json().to_string();
            assert!(json.contains(member), "{json}");
        }
    }
}
