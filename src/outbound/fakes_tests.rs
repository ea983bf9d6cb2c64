//! Stand-ins for the DNS and for servers, made of one line of text per answer.

use core::net::{IpAddr, SocketAddr};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::cause::Cause;
use super::connect::{Carrier, Connect, Purpose};
use super::policy::{Policies, Policy};
use super::session::{Failure, Link, Mail, Phase, Receipt, TlsFacts};
use super::{Demand, Level, Pattern, Proof, Reason, Settings};
use crate::bytes::hex;
use crate::dns::{EdeCode, Name, Rcode, Record, RecordType, zonefile};
use crate::dnssec::Security;
use crate::net::Network;
use crate::resolver::{Alias, Answer, Content, LookupError, LookupErrorKind, Resolve};
use crate::smtp::{Domain, Reply};
use crate::time::Deadline;
use crate::time::Timestamp;

/// What every fake server presents, unless it is told otherwise.
pub(super) const CERTIFICATE: &[u8] = b"certificate";

pub(super) fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Settings for `gateway.test`, with short limits.
pub(super) fn settings(level: Level) -> Settings {
    Settings {
        hostname: domain("gateway.test"),
        ehlo_name: None,
        tls_padding: None,
        socks5: None,
        own_addresses: vec!["192.0.2.99:25".parse().expect("an address")],
        smtp_port: 25,
        policies: Policies {
            lines: vec![Policy::new(Pattern::Any, level)],
            ..Policies::default()
        },
        no_dane_is_final: false,
        ca_file: None,
        roots: None,
        allow_addresses: vec!["10.1.0.0/16".parse::<Network>().expect("a network")],
        workers: 4,
        lookup_timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(20),
        command_timeout: Duration::from_secs(20),
    }
}

type Table = HashMap<(Name, RecordType), Result<Answer, LookupErrorKind>>;

/// Answers from a table; what is not in it is a secure NODATA.
///
/// A line is `NAME TYPE STATUS DATA, DATA…`. STATUS is `secure`, `insecure`, or an error; `ttl=N`, `ede=N` and `alias=NAME` may follow it.
/// DATA is zone-file text, `nodata` or `nxdomain`; for TLSA also a word of [`tlsa`].
#[derive(Default)]
pub(super) struct FakeDns {
    answers: Mutex<Table>,
    fresh: Mutex<Table>,
    pub(super) asked: Mutex<Vec<String>>,
}

impl FakeDns {
    pub(super) fn new(lines: &[&str]) -> Self {
        let dns = Self::default();
        for line in lines {
            match line.strip_prefix("fresh ") {
                Some(line) => dns.insert(&dns.fresh, line),
                None => dns.set(line),
            }
        }
        dns
    }

    pub(super) fn set(&self, line: &str) {
        self.insert(&self.answers, line);
    }

    fn insert(&self, table: &Mutex<Table>, line: &str) {
        let mut words = line.splitn(4, ' ');
        let owner = name(words.next().expect("a name"));
        let rtype: RecordType = words.next().expect("a type").parse().expect("a type");
        let status = words.next().expect("a status");
        let rest = words.next().unwrap_or("nodata");
        let result = parse_answer(&owner, rtype, status, rest);
        table.lock().expect("sound").insert((owner, rtype), result);
    }

    /// The questions so far, `MX d.test.`; of both address families, which are asked at the same time, the later one first.
    pub(super) fn questions(&self) -> Vec<String> {
        let mut asked = self.asked.lock().expect("sound").clone();
        for at in 1..asked.len() {
            if asked[at].strip_prefix("AAA") == Some(&asked[at - 1]) {
                asked.swap(at - 1, at);
            }
        }
        asked
    }

    fn answer(
        &self,
        table: &Table,
        name: &Name,
        rtype: RecordType,
    ) -> Option<Result<Answer, LookupError>> {
        let result = table.get(&(name.clone(), rtype))?.clone();
        Some(result.map_err(|kind| LookupError {
            kind,
            name: name.clone(),
            rtype,
            server: "fake".to_owned(),
            extended_errors: Vec::new(),
        }))
    }
}

impl Resolve for FakeDns {
    fn lookup(
        &self,
        name: &Name,
        rtype: RecordType,
        _deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        self.asked
            .lock()
            .expect("sound")
            .push(format!("{rtype} {name}"));
        let answers = self.answers.lock().expect("sound");
        self.answer(&answers, name, rtype)
            .unwrap_or_else(|| Ok(answer(name, Security::Secure, Content::NoData)))
    }

    fn lookup_fresh(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        let fresh = self.answer(&self.fresh.lock().expect("sound"), name, rtype);
        fresh.unwrap_or_else(|| self.lookup(name, rtype, deadline))
    }
}

fn answer(owner: &Name, security: Security, content: Content) -> Answer {
    let rcode = match content {
        Content::NxDomain => Rcode::NXDOMAIN,
        _ => Rcode::NOERROR,
    };
    Answer {
        security,
        aliases: Vec::new(),
        owner: owner.clone(),
        content,
        ttl: 3600,
        rcode,
        extended_errors: Vec::new(),
        server: "fake".to_owned(),
    }
}

fn parse_answer(
    owner: &Name,
    rtype: RecordType,
    status: &str,
    rest: &str,
) -> Result<Answer, LookupErrorKind> {
    let security = match status {
        "secure" => Security::Secure,
        "insecure" => Security::Insecure,
        "servfail" => return Err(LookupErrorKind::Rcode(Rcode::SERVFAIL)),
        "refused" => return Err(LookupErrorKind::Rcode(Rcode::REFUSED)),
        "notimp" => return Err(LookupErrorKind::Rcode(Rcode::NOTIMP)),
        "timeout" => return Err(LookupErrorKind::Timeout),
        "malformed" => return Err(LookupErrorKind::Malformed("half a record".to_owned())),
        "bogus" => return Err(LookupErrorKind::Bogus("signature expired".to_owned())),
        "indeterminate" => return Err(LookupErrorKind::Indeterminate("budget".to_owned())),
        "alias-limit" => return Err(LookupErrorKind::AliasLimit),
        "not-trusted" => return Err(LookupErrorKind::NotTrusted),
        other => panic!("{other} is no status"),
    };
    let mut answer = answer(owner, security, Content::NoData);
    let mut rest = rest;
    while let Some((word, after)) = rest.split_once(' ').filter(|(word, _)| word.contains('=')) {
        match word.split_once('=').expect("a value") {
            ("ttl", value) => answer.ttl = value.parse().expect("seconds"),
            ("ede", value) => {
                let code = EdeCode(value.parse().expect("a code"));
                answer.extended_errors.push((code, String::new()));
            }
            ("alias", target) => {
                answer.aliases.push(Alias {
                    owner: answer.owner,
                    target: name(target),
                    security,
                });
                answer.owner = name(target);
            }
            (other, _) => panic!("{other} is no option"),
        }
        rest = after;
    }
    answer.content = match rest {
        "nodata" => Content::NoData,
        "nxdomain" => Content::NxDomain,
        data => Content::Records(
            data.split(", ")
                .map(|one| record(&answer.owner, rtype, one))
                .collect(),
        ),
    };
    if answer.content == Content::NxDomain {
        answer.rcode = Rcode::NXDOMAIN;
    }
    Ok(answer)
}

fn record(owner: &Name, rtype: RecordType, data: &str) -> Record {
    let data = match rtype {
        RecordType::TLSA => tlsa(data),
        _ => data.to_owned(),
    };
    let line = format!("{owner} 3600 IN {rtype} {data}\n");
    let records = zonefile::parse(&line, &Name::root()).expect("a record");
    records.into_iter().next().expect("one record")
}

/// TLSA data by a word: whether it matches what fake servers present, or why it is unusable.
fn tlsa(word: &str) -> String {
    let digest = |text: &[u8]| hex::encode(&Sha256::digest(text));
    match word {
        "good" => format!("3 0 1 {}", digest(CERTIFICATE)),
        "bad" => format!("3 0 1 {}", digest(b"another")),
        "new" => format!("3 0 1 {}", digest(b"new certificate")),
        "pkix" => format!("1 0 1 {}", digest(CERTIFICATE)),
        "unknown" => format!("3 0 9 {}", digest(CERTIFICATE)),
        "short" => format!("3 0 1 {}", "00".repeat(31)),
        "garbage" => "3 0 0 DEADBEEF".to_owned(),
        other => {
            let number = other.strip_prefix("long").expect("a TLSA word");
            format!("3 0 0 {}{number:0>4}", "DE".repeat(1000))
        }
    }
}

/// How a fake server behaves. What it does to mail depends on the recipient: see [`FakeCarrier`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Server {
    /// Fails at once.
    Fails(Reason, Phase),
    /// Presents this and takes mail.
    Presents(&'static [u8]),
    /// Refuses MAIL for now.
    MailLater,
    /// The connection breaks in this phase of sending.
    Breaks(Phase),
    /// Takes one message on each connection; at MAIL of the next one the connection breaks.
    Once,
    /// A defect of the program.
    Panics,
}

/// Servers by address; one that is not listed presents [`CERTIFICATE`] and takes mail.
#[derive(Default)]
pub(super) struct FakeNet {
    pub(super) servers: Mutex<HashMap<IpAddr, Server>>,
    /// `ADDRESS:PORT NAME` for each connection tried.
    contacts: Mutex<Vec<String>>,
    /// What each of these connections had to prove.
    demands: Mutex<Vec<Demand>>,
    /// `ADDRESS RECIPIENT` for each message taken for a recipient.
    taken: std::sync::Arc<Mutex<Vec<String>>>,
    /// How often a connection was ended in good order.
    goodbyes: std::sync::Arc<AtomicUsize>,
}

impl FakeNet {
    pub(super) fn new(servers: &[(&str, Server)]) -> Self {
        let net = Self::default();
        for (address, server) in servers {
            net.set(address, *server);
        }
        net
    }

    pub(super) fn set(&self, address: &str, server: Server) {
        let address = address.parse().expect("an address");
        self.servers.lock().expect("sound").insert(address, server);
    }

    pub(super) fn contacts(&self) -> Vec<String> {
        self.contacts.lock().expect("sound").clone()
    }

    pub(super) fn demands(&self) -> Vec<Demand> {
        self.demands.lock().expect("sound").clone()
    }

    pub(super) fn goodbyes(&self) -> usize {
        self.goodbyes.load(Ordering::SeqCst)
    }

    pub(super) fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("sound").clone()
    }
}

impl Connect for std::sync::Arc<FakeNet> {
    fn connect(
        &self,
        purpose: Purpose<'_>,
        link: &Link<'_>,
        demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure> {
        FakeNet::connect(self, purpose, link, demand)
    }
}

impl Connect for FakeNet {
    fn connect(
        &self,
        _: Purpose<'_>,
        link: &Link<'_>,
        demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure> {
        let contact = format!("{} {}", link.address, link.server_name);
        self.contacts.lock().expect("sound").push(contact);
        self.demands.lock().expect("sound").push(demand.clone());
        let servers = self.servers.lock().expect("sound");
        let server = servers.get(&link.address.ip()).copied();
        drop(servers);
        let server = server.unwrap_or(Server::Presents(CERTIFICATE));
        let certificate = match server {
            Server::Fails(reason, phase) => return Err(failure(reason, phase, "as told")),
            Server::Panics => panic!("a defect, as told"),
            Server::Presents(certificate) => certificate,
            Server::MailLater | Server::Breaks(_) | Server::Once => CERTIFICATE,
        };
        let proof = match demand {
            Demand::Cleartext => Ok(Proof::Loopback),
            _ => demand.check(&vec![certificate.to_vec()].into(), Timestamp::now()),
        };
        let proof =
            proof.map_err(|refusal| failure(refusal.reason, Phase::Verdict, &refusal.text))?;
        Ok(Box::new(FakeCarrier {
            address: link.address,
            server,
            tls: (proof != Proof::Loopback).then_some(TlsFacts {
                version: "TLSv1.3",
                cipher: "TLS_AES_256_GCM_SHA384",
                is_other_key: false,
            }),
            proof,
            taken: std::sync::Arc::clone(&self.taken),
            goodbyes: std::sync::Arc::clone(&self.goodbyes),
            is_over: false,
            is_used: false,
        }))
    }
}

pub(super) fn failure(reason: Reason, phase: Phase, text: &str) -> Failure {
    Failure {
        reason,
        status: reason.status(),
        phase,
        reply: None,
        text: text.to_owned(),
    }
}

/// Refuses recipients whose local part begins with `no` (550) or `later` (451), takes the others.
struct FakeCarrier {
    address: SocketAddr,
    server: Server,
    tls: Option<TlsFacts>,
    proof: Proof,
    taken: std::sync::Arc<Mutex<Vec<String>>>,
    goodbyes: std::sync::Arc<AtomicUsize>,
    is_over: bool,
    is_used: bool,
}

impl Carrier for FakeCarrier {
    fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    fn proof(&self) -> &Proof {
        &self.proof
    }

    fn send(&mut self, mail: &Mail<'_>) -> Result<Vec<Receipt>, Failure> {
        assert!(!mail.recipients.is_empty());
        if let Server::Breaks(phase) = self.server {
            self.is_over = true;
            return Err(failure(Reason::ConnectionLost, phase, "connection lost"));
        }
        if let (Server::Once, true) = (self.server, self.is_used) {
            self.is_over = true;
            let text = "the server closed the connection";
            return Err(failure(Reason::ConnectionLost, Phase::Mail, text));
        }
        self.is_used = true;
        let recipients = mail.recipients.iter().map(|mailbox| {
            let local = mailbox.local.as_str();
            let refused = |reason: Reason, phase| Err(failure(reason, phase, "as told"));
            match self.server {
                Server::MailLater => refused(Reason::RemoteTransient, Phase::Mail),
                _ if local.starts_with("no") => refused(Reason::RemotePermanent, Phase::Recipient),
                _ if local.starts_with("later") => {
                    refused(Reason::RemoteTransient, Phase::Recipient)
                }
                _ => {
                    let taken = format!("{} {mailbox}", self.address.ip());
                    self.taken.lock().expect("sound").push(taken);
                    Ok(Reply::parse(&[b"250 2.0.0 taken"]).expect("a reply"))
                }
            }
        });
        Ok(recipients.collect())
    }

    fn is_idle(&self) -> bool {
        !self.is_over
    }

    fn say_quit(&mut self, _: Deadline) {
        if !self.is_over {
            self.goodbyes.fetch_add(1, Ordering::SeqCst);
        }
        self.is_over = true;
    }

    fn leave(self: Box<Self>, _: Deadline) {}

    fn quit(mut self: Box<Self>) {
        self.say_quit(Deadline::after(Duration::ZERO));
    }
}

/// `VERDICT STATUS REASON`.
pub(super) fn summary(cause: &Cause) -> String {
    format!(
        "{} {} {}",
        cause.verdict().name(),
        cause.status,
        cause.reason
    )
}
