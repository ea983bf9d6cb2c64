//! Unbound from the distribution as a validating resolver that forwards to a world's: a second opinion about the world's zones.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gateway::dns::{Class, Message, Name, Question, RecordType};

use crate::seats::address_for_a_program;
use crate::temp::TempDir;
use crate::{Certificate, World};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Unbound; killed on drop.
#[derive(Debug)]
pub struct Unbound {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Unbound {
    /// Starts one with the world's trust anchor.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn validating(world: &World) -> Self {
        Self::start(world, "")
    }

    /// The same over TLS with this certificate, on the port that is returned.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn validating_over_tls(world: &World, certificate: &Certificate) -> (Self, SocketAddr) {
        let directory = TempDir::new("unbound-tls");
        let [pem, key] = ["pem", "key"].map(|name| directory.path().join(name));
        fs::write(&pem, certificate.chain_pem()).expect("a writable directory");
        fs::write(&key, certificate.key_pem()).expect("a writable directory");
        let address = address_for_a_program();
        let port = address.port();
        let lines = format!(
            " interface: 127.0.0.1@{port}\n tls-port: {port}\n tls-service-pem: \"{}\"\n tls-service-key: \"{}\"\n edns-tcp-keepalive: yes\n",
            pem.display(),
            key.display(),
        );
        (Self::start(world, &lines), address)
    }

    fn start(world: &World, lines: &str) -> Self {
        let directory = TempDir::new("unbound");
        let path = directory.path();
        let anchor = path.join("root.key");
        fs::write(&anchor, world.trust_anchor()).expect("a writable directory");
        let address = address_for_a_program();
        let (port, upstream) = (address.port(), world.resolver().port());
        let settings = format!(
            "server:\n interface: 127.0.0.1\n port: {port}\n username: \"\"\n chroot: \"\"\n pidfile: \"\"\n directory: \"{}\"\n \
             use-syslog: no\n do-daemonize: no\n do-not-query-localhost: no\n module-config: \"validator iterator\"\n \
             trust-anchor-file: \"{}\"\n val-log-level: 2\n ede: yes\n cache-max-negative-ttl: 0\n infra-host-ttl: 0\n local-zone: test nodefault\n{lines}\
             remote-control:\n control-enable: no\n\
             forward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@{upstream}\n",
            path.display(),
            anchor.display(),
        );
        let file = path.join("unbound.conf");
        fs::write(&file, settings).expect("a writable directory");
        let child = Command::new("unbound")
            .arg("-d")
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::from(
                fs::File::create(path.join("log")).expect("a writable directory"),
            ))
            .spawn()
            .expect("unbound is installed (scripts/setup test)");
        let unbound = Self {
            child,
            address,
            _directory: directory,
        };
        unbound.wait_until_it_answers();
        unbound
    }

    /// Where it listens, UDP and TCP.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait_until_it_answers(&self) {
        let end = Instant::now() + PATIENCE;
        let question = Question {
            name: Name::root(),
            rtype: RecordType::SOA,
            class: Class::IN,
        };
        let asked = Message::query(7, question, None);
        while Instant::now() < end {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket.connect(self.address).expect("an address");
            socket
                .set_read_timeout(Some(Duration::from_millis(200)))
                .expect("a timeout");
            // Until it listens, its port refuses.
            if socket.send(&asked.encode()).is_ok() && socket.recv(&mut [0; 4096]).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("unbound does not answer");
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
