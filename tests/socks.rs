//! Mail through SOCKS proxies: a real one, and scripted ones that refuse and listen; nothing goes beside them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use gateway::certificate::Pin;
use gateway_lab::dot::TlsServer;
use gateway_lab::mx::{Event, What};
use gateway_lab::seats::address_for_a_program;
use gateway_lab::{Behaviour, Certificate, Gateway, MxHost, Seats, World, Zone};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the real proxy's connections come from; the gateway's own would come from 127.0.0.1.
const EXIT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);
const DOMAINS: [&str; 2] = ["a.test", "b.test"];

/// A host for each domain, and a gateway with these lines.
struct House {
    hosts: Vec<MxHost>,
    _world: World,
    gateway: Gateway,
}

impl House {
    fn new(config: &[String]) -> Self {
        Self::with(config, |world| format!("resolver {}", world.resolver()))
    }

    /// The resolver is what the function says.
    fn with(config: &[String], resolver: impl FnOnce(&World) -> String) -> Self {
        let mut seats = Seats::reserve(2);
        let mut world = World::builder();
        let mut hosts = Vec::new();
        for domain in DOMAINS {
            let name = format!("mx.{domain}");
            let host = MxHost::start_on(seats.take(), Certificate::new(&name), &name);
            let zone = Zone::signed(domain).mx(10, &name).address(&name, host.ip());
            world = world.zone(zone.tlsa(&name, host.port(), host.tlsa(1, 1)));
            hosts.push(host);
        }
        let world = world.start();
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .config(&resolver(&world))
            .smtp_port(seats.port());
        let gateway = config.iter().fold(gateway, |one, line| one.config(line));
        Self {
            hosts,
            _world: world,
            gateway: gateway.start(),
        }
    }

    fn submit(&self, domain: &str) {
        let to = format!("r@{domain}");
        let reply = self
            .gateway
            .submit("s@client.test", &[&to], "X: y\r\n\r\nz\r\n");
        assert_eq!(reply.expect("answers").code, 250);
    }

    /// The first decision about a domain.
    fn decision(&self, domain: &str) -> String {
        let part = format!(" domain={domain} ");
        let found = self.gateway.wait_for_log(&part, PATIENCE);
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Where the clients of all hosts came from.
    fn clients(&self) -> BTreeSet<std::net::IpAddr> {
        let events = self.hosts.iter().flat_map(MxHost::transcript);
        let peers = events.filter_map(|event| match event.what {
            What::Connected(peer) => Some(peer.ip()),
            _ => None,
        });
        peers.collect()
    }
}

/// microsocks; killed on drop.
struct Microsocks {
    child: Child,
    address: SocketAddr,
}

impl Microsocks {
    fn start() -> Self {
        let address = address_for_a_program();
        let port = address.port().to_string();
        let child = Command::new("microsocks")
            .args(["-i", "127.0.0.1", "-p", &port, "-b", &EXIT.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("microsocks is installed (scripts/setup test)");
        let proxy = Self { child, address };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "microsocks does not start");
            thread::sleep(Duration::from_millis(10));
        }
        proxy
    }
}

impl Drop for Microsocks {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A proxy that answers every request with this code; it keeps user names with passwords, and requests.
struct Refusing {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<(Vec<u8>, Vec<u8>)>>>,
}

impl Refusing {
    fn start(code: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let keeps = Arc::clone(&heard);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if let Ok(said) = refuse(socket, code) {
                    keeps.lock().expect("no panic").push(said);
                }
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.heard.lock().expect("no panic").clone()
    }
}

fn refuse(mut socket: TcpStream, code: u8) -> io::Result<(Vec<u8>, Vec<u8>)> {
    socket.read_exact(&mut [0; 4])?;
    socket.write_all(&[5, 2])?;
    let (mut login, mut request) = (vec![0; 67], vec![0; 10]);
    socket.read_exact(&mut login)?;
    socket.write_all(&[1, 0])?;
    socket.read_exact(&mut request)?;
    socket.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok((login, request))
}

/// The other ends of a process's sockets, those of its clients aside.
fn other_ends(pid: u32, own: SocketAddr) -> BTreeSet<SocketAddr> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let links = links.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let sockets: BTreeSet<String> = links.map(|link| link.display().to_string()).collect();
    let mut ends = BTreeSet::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let is_its = sockets.contains(&format!("socket:[{}]", columns[9]));
            let [local, remote] = [columns[1], columns[2]];
            if is_its && !local.ends_with(&format!(":{:04X}", own.port())) {
                ends.extend(end(remote));
            }
        }
    }
    ends
}

/// `0100007F:1F90`, the octets in the machine's order; nothing for what is not connected. IPv6 has no place in this test.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':').expect("ADDRESS:PORT");
    assert_eq!(address.len(), 8, "IPv6: {text}");
    let address = u32::from_str_radix(address, 16).expect("an address");
    let port = u16::from_str_radix(port, 16).expect("a port");
    let address = Ipv4Addr::from(address.to_ne_bytes());
    (port > 0).then(|| SocketAddrV4::new(address, port).into())
}

/// Hosts and resolver see connections of the proxy only, and while one of them keeps the gateway waiting, all its sockets lead to the proxy.
#[test]
fn every_octet_goes_through_a_real_proxy() {
    let proxy = Microsocks::start();
    let lines = [
        format!("socks5 {}", proxy.address),
        "reply-timeout 2s".to_owned(),
        "retry-first 100ms".to_owned(),
    ];
    let certificate = Certificate::new("dns.test");
    let pin = Pin::all_of(&certificate.der())[0].to_base64();
    let mut server = None;
    let house = House::with(&lines, |world| {
        let started = server.insert(TlsServer::before(&certificate, world.resolver()));
        format!("resolver tls://{}#sha256/{pin}", started.address())
    });
    let [slow, _] = &house.hosts[..] else {
        panic!("two hosts")
    };
    slow.behave(Behaviour::new().silent_at("EHLO"));
    DOMAINS.iter().for_each(|domain| house.submit(domain));
    let is_asked =
        |event: &Event| matches!(&event.what, What::Command(line) if line.starts_with("EHLO"));
    assert!(slow.wait_for_event(PATIENCE, is_asked));
    let ends = other_ends(
        house.gateway.pid().expect("it runs"),
        house.gateway.address(),
    );
    slow.behave(Behaviour::new());
    assert_eq!(ends, BTreeSet::from([proxy.address]));
    for host in &house.hosts {
        assert_eq!(host.wait_for_messages(1, PATIENCE).len(), 1);
    }
    assert_eq!(house.clients(), BTreeSet::from([EXIT.into()]));
    let line = house.decision("b.test");
    let part = format!(" proxy={} ", proxy.address);
    assert!(
        line.contains(&part) && line.contains(" proof=verified "),
        "{line}"
    );
    let checked = house.gateway.run(&["check", "a.test", "b.test"]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let part = format!(" through the SOCKS proxy {}", proxy.address);
    assert!(said.matches(&part).count() >= 2, "{said}");
    assert_eq!(house.clients(), BTreeSet::from([EXIT.into()]));
}

#[test]
fn whom_a_proxy_refuses_nobody_else_serves() {
    for (code, part) in [
        (2, "makes no connection: its rules do not allow"),
        (5, "cannot reach the destination: the host refuses"),
    ] {
        let proxy = Refusing::start(code);
        let house = House::new(&[format!("socks5 {}", proxy.address)]);
        house.submit("a.test");
        let line = house.decision("a.test");
        assert!(line.contains(" defer 4.4.1 connect "), "{line}");
        let part = format!("the SOCKS proxy {} {part}", proxy.address);
        assert!(line.contains(&part), "{line}");
        assert!(house.clients().is_empty(), "{line}");
    }
    let nobody = address_for_a_program();
    let house = House::new(&[format!("socks5 {nobody}")]);
    house.submit("a.test");
    let line = house.decision("a.test");
    assert!(line.contains(" defer 4.4.1 connect "), "{line}");
    assert!(line.contains(" cannot be reached: "), "{line}");
    assert!(house.clients().is_empty(), "{line}");
}

/// The proxy can keep destinations apart, by names that tell it nothing, and is told addresses only.
#[test]
fn destinations_are_kept_apart() {
    let proxy = Refusing::start(4);
    let lines = [
        format!("socks5 {}", proxy.address),
        "retry-first 100ms".to_owned(),
    ];
    let house = House::new(&lines);
    DOMAINS.iter().for_each(|domain| house.submit(domain));
    let end = Instant::now() + PATIENCE;
    let mut logins = vec![BTreeSet::new(); DOMAINS.len()];
    let mut count = 0;
    // Each destination at least twice.
    while count < 6 || logins.iter().any(BTreeSet::is_empty) {
        assert!(Instant::now() < end, "no further attempts");
        thread::sleep(Duration::from_millis(20));
        let heard = proxy.heard();
        count = heard.len();
        for (login, request) in heard {
            let places = house.hosts.iter().map(MxHost::address);
            let place = places
                .into_iter()
                .position(|address| request == asked(address));
            logins[place.expect("one of the hosts")].insert(login);
        }
    }
    let [a, b] = &logins[..] else {
        panic!("two domains")
    };
    assert_eq!((a.len(), b.len()), (1, 1));
    assert_ne!(a, b);
    for login in a.iter().chain(b) {
        let text = String::from_utf8_lossy(login);
        assert!(!text.contains("test"), "{text}");
    }
}

/// The request for a connection to an IPv4 address.
fn asked(address: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(address) = address else {
        panic!("IPv4 only")
    };
    let (ip, port) = (address.ip().octets(), address.port().to_be_bytes());
    [&[5, 1, 0, 1], &ip[..], &port].concat()
}

/// rfc G6: where cleartext arrives must be known, so it goes straight to loopback.
#[test]
fn clear_text_stays_on_this_machine() {
    let proxy = Refusing::start(1);
    let lines = [
        format!("socks5 {}", proxy.address),
        "policy * none".to_owned(),
    ];
    let house = House::new(&lines);
    house.submit("a.test");
    let line = house.decision("a.test");
    assert!(
        line.contains(" deliver 2.0.0 ok ") && !line.contains(" proxy="),
        "{line}"
    );
    assert_eq!(proxy.heard(), []);
    assert!(!house.clients().contains(&EXIT.into()));
}

/// Before TLS nothing but EHLO with the neutral name and STARTTLS is said; our own name comes inside.
#[test]
fn the_name_before_tls_can_be_a_neutral_one() {
    let house = House::new(&["ehlo-name relay.invalid".to_owned()]);
    house.submit("a.test");
    let host = &house.hosts[0];
    assert_eq!(host.wait_for_messages(1, PATIENCE).len(), 1);
    let captures = host.captures();
    for capture in &captures {
        let clear = capture.clear.expect("TLS");
        let text = String::from_utf8_lossy(&capture.raw[..clear]);
        assert_eq!(text, "EHLO relay.invalid\r\nSTARTTLS\r\n");
        let inside = String::from_utf8_lossy(&capture.inside);
        assert!(
            inside.starts_with("EHLO gateway.test\r\nMAIL FROM:"),
            "{inside}"
        );
    }
    assert_eq!(captures.len(), 1);
}

/// A resolver elsewhere that is asked in clear text undoes what the proxy is for.
#[test]
fn questions_beside_the_proxy_are_warned_of() {
    let prepare = |resolver: &str| {
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .without("dnssec")
            .config(&format!("resolver {resolver}"))
            .config("socks5 127.0.0.1:9050");
        let printed = gateway.prepare().run(&["config"]);
        assert_eq!(printed.status.code(), Some(0));
        let text = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(text.contains("\nsocks5 127.0.0.1:9050\n"), "{text}");
        text
    };
    let warning =
        "# socks5 127.0.0.1:9050: the questions to the resolver 192.0.2.53:53 go beside the proxy";
    assert!(prepare("192.0.2.53").contains(warning));
    assert!(!prepare("127.0.0.1").contains("beside the proxy"));
}
