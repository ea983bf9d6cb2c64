//! `gateway tlsa --from`: the record for what a server presents now.

use core::net::{IpAddr, SocketAddr};

use super::input::Input;
use super::{PORT, Task, line};
use crate::cli::options::Failure;
use crate::cli::{exit, print};
use crate::dns::Rdata;
use crate::log::one_line;
use crate::net::tls::Hello;
use crate::net::{Dialer, TlsStream};
use crate::outbound::facts::{Asked, Questions};
use crate::outbound::session::{Channel, Event, Link, Timeouts, Transcript};
use crate::outbound::{Demand, Reason, Settings};
use crate::smtp::Domain;
use crate::time::Deadline;

/// The port on which TLS begins at once.
const SMTPS: u16 = 465;
/// Addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;

/// Runs it.
pub(super) fn run(task: &Task<'_>) -> Result<u8, Failure> {
    if let Some(word) = task.words().first() {
        return Err(Failure::usage(format!(
            "unexpected word '{word}': '--from' takes no files"
        )));
    }
    let target = Target::parse(&task.invocation.matches.opt_str("from").unwrap_or_default())?;
    let mut names = task.names()?;
    if let (true, Host::Name(name)) = (names.is_empty(), &target.host) {
        names.push(name.clone());
    }
    let owners = task.owners(&names, task.port()?.unwrap_or(target.port))?;
    let server_name = names.first().map_or("", Domain::as_str);
    let (mut text, addresses) = target.addresses(task)?;
    let (address, certificates) = look(task, &target, &addresses, server_name)?;
    let input = Input {
        name: format!("what {address} presents"),
        certificates,
        keys: Vec::new(),
    };
    let (record, note) = task.record(&input)?;
    text += &format!(
        "; Seen at {address} just now. Nothing proves that this is the right server: somebody in between could have presented this.\n\
         ; Compare the record with one made from the certificate's file on the server before you publish it.\n"
    );
    text += &note;
    for owner in &owners {
        text += &line(owner, &record);
    }
    print(text)?;
    Ok(exit::OK)
}

/// The server.
struct Target {
    host: Host,
    port: u16,
}

enum Host {
    Name(Domain),
    Address(IpAddr),
}

impl Target {
    /// `HOST[:PORT]`, `ADDRESS[:PORT]` or `[IPv6]:PORT`.
    fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::usage(format!("option '--from': '{text}': {why}"));
        let address = text.parse::<SocketAddr>().ok();
        if let Some(address) = address.filter(|address| address.port() > 0) {
            let (host, port) = (Host::Address(address.ip()), address.port());
            return Ok(Self { host, port });
        }
        if let Ok(address) = text.parse() {
            return Ok(Self {
                host: Host::Address(address),
                port: PORT,
            });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok().filter(|port| *port > 0)),
            None => (text, Some(PORT)),
        };
        let port = port.ok_or_else(|| wrong("expected HOST:PORT with a port from 1 to 65535"))?;
        let name = Domain::parse(name).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            host: Host::Name(name),
            port,
        })
    }

    /// Where to connect, and what is proven about it.
    fn addresses(&self, task: &Task<'_>) -> Result<(String, Vec<SocketAddr>), Failure> {
        let name = match &self.host {
            Host::Address(ip) => return Ok((String::new(), vec![SocketAddr::new(*ip, self.port)])),
            Host::Name(name) => name,
        };
        let resolver = task.resolver()?;
        let questions = Questions {
            resolver: &resolver,
            timeout: task.invocation.config.outbound.lookup_timeout,
        };
        let asked = questions
            .addresses(name, false)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let found = asked.iter().map(|asked| one_line(&asked.to_string()));
        let found: Vec<String> = found.collect();
        let addresses = asked
            .iter()
            .flat_map(Asked::data)
            .filter_map(|data| match data {
                Rdata::A(ip) => Some(IpAddr::V4(*ip)),
                Rdata::Aaaa(ip) => Some(IpAddr::V6(*ip)),
                _ => None,
            });
        let addresses: Vec<_> = addresses
            .take(ADDRESSES_MAX)
            .map(|ip| SocketAddr::new(ip, self.port))
            .collect();
        match addresses.is_empty() {
            true => Err(Failure::new(
                exit::TEMPORARY,
                format!("no address of {name}: {}", found.join("; ")),
            )),
            false => Ok((
                found.iter().map(|line| format!("; {line}\n")).collect(),
                addresses,
            )),
        }
    }
}

/// The certificates of the first address that shows any.
fn look(
    task: &Task<'_>,
    target: &Target,
    addresses: &[SocketAddr],
    server_name: &str,
) -> Result<(SocketAddr, Vec<Vec<u8>>), Failure> {
    let settings = &task.invocation.config.outbound;
    let is_smtps = target.port == SMTPS || task.is_given("smtps");
    let mut failures = Vec::new();
    for address in addresses {
        let chain = match is_smtps {
            true => smtps(settings, *address, server_name),
            false => start_tls(settings, *address, server_name),
        };
        match chain {
            Ok(chain) => return Ok((*address, chain)),
            Err(why) => failures.push(format!("{address}: {why}")),
        }
    }
    Err(Failure::new(exit::TEMPORARY, failures.join("; ")))
}

/// Through the proxy, where there is one.
const fn dialer<'a>(settings: &Settings, server_name: &'a str) -> Dialer<'a> {
    Dialer {
        proxy: settings.socks5,
        destination: server_name,
    }
}

/// TLS from the start.
fn smtps(
    settings: &Settings,
    address: SocketAddr,
    server_name: &str,
) -> Result<Vec<Vec<u8>>, String> {
    let dialer = dialer(settings, server_name);
    let stream = dialer.dial(address, Deadline::after(settings.connect_timeout));
    let mut stream = stream.map_err(|error| format!("no connection: {error}"))?;
    stream.set_deadline(Deadline::after(settings.command_timeout));
    let hello = Hello {
        server_name,
        ..Hello::default()
    };
    let stream = TlsStream::connect(stream, &hello).map_err(|error| error.to_string())?;
    let chain = stream.chain().octets().to_vec();
    stream.close();
    Ok(chain)
}

/// By STARTTLS. A server on this machine may have this machine's name, which a mail session takes for a loop: then it is greeted with another.
fn start_tls(
    settings: &Settings,
    address: SocketAddr,
    server_name: &str,
) -> Result<Vec<Vec<u8>>, String> {
    let localhost = Domain::parse("localhost").map_err(|error| error.to_string())?;
    let mut last = String::new();
    for hostname in [&settings.hostname, &localhost] {
        let transcript = Transcript::default();
        let link = Link {
            address,
            server_name,
            dialer: dialer(settings, server_name),
            hostname,
            ehlo_name: settings.ehlo_name.as_ref().unwrap_or(hostname),
            tls_padding: settings.tls_padding,
            timeouts: Timeouts::from(settings),
            breaker: None,
            transcript: Some(&transcript),
        };
        let failure = Channel::open(&link, &Demand::Encryption)
            .map(Channel::quit)
            .err();
        let shown = transcript
            .events()
            .into_iter()
            .find_map(|event| match event {
                Event::Encrypted { chain, .. } => Some(chain),
                _ => None,
            });
        if let Some(chain) = shown {
            return Ok(chain);
        }
        let failure = failure.as_ref();
        last = failure.map_or_else(|| "no certificate".to_owned(), ToString::to_string);
        if failure.is_none_or(|failure| failure.reason != Reason::LoopBanner) {
            break;
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (text, expected) in [
            ("MX.d.test", Some("mx.d.test 25")),
            ("mx.d.test.:465", Some("mx.d.test 465")),
            ("192.0.2.1", Some("192.0.2.1 25")),
            ("192.0.2.1:10587", Some("192.0.2.1 10587")),
            ("192.0.2.1:0", None),
            ("[2001:db8::1]:0", None),
            ("2001:db8::1", Some("2001:db8::1 25")),
            ("[2001:db8::1]:465", Some("2001:db8::1 465")),
            ("[2001:db8::1]", None),
            ("mx.d.test:", None),
            ("mx.d.test:0", None),
            ("mx.d.test:65536", None),
            ("mx_1.d.test", None),
            (":25", None),
            ("", None),
        ] {
            let found = Target::parse(text).ok().map(|target| match target.host {
                Host::Name(name) => format!("{name} {}", target.port),
                Host::Address(ip) => format!("{ip} {}", target.port),
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
