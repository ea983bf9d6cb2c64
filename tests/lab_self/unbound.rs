//! The lab's signatures and proofs of denial, judged by Unbound: it forwards to the lab's resolver, and validates what comes back.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use gateway::dns::{Message, Rcode, RecordType};
use gateway_lab::World;
use gateway_lab::temp::TempDir;

use crate::dns::{Ask, PATIENCE, over_udp, query, send, world};

/// A running Unbound; killed on drop.
struct Unbound {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Unbound {
    fn validating(world: &World) -> Self {
        let directory = TempDir::new("unbound");
        let path = directory.path();
        let anchor = path.join("root.key");
        fs::write(&anchor, world.trust_anchor()).expect("a writable directory");
        // Taken and given back: Unbound cannot take over sockets.
        let address = {
            let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
            tcp.local_addr().expect("an address")
        };
        let (port, upstream) = (address.port(), world.resolver().port());
        let settings = format!(
            "server:\n interface: 127.0.0.1\n port: {port}\n username: \"\"\n chroot: \"\"\n pidfile: \"\"\n directory: \"{}\"\n \
             use-syslog: no\n do-daemonize: no\n do-not-query-localhost: no\n module-config: \"validator iterator\"\n \
             trust-anchor-file: \"{}\"\n val-log-level: 2\n cache-max-negative-ttl: 0\n infra-host-ttl: 0\n local-zone: test nodefault\n\
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

    fn wait_until_it_answers(&self) {
        let end = Instant::now() + PATIENCE;
        let asked = query(Ask::default(), ".", RecordType::SOA);
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

fn outcome(reply: &Message) -> (Rcode, bool, Vec<String>) {
    let mut answers: Vec<_> = reply
        .answers
        .iter()
        .filter(|record| record.rtype() != RecordType::RRSIG)
        .map(|record| format!("{} {}", record.name.to_lowercase(), record.data))
        .collect();
    answers.sort();
    (reply.rcode(), reply.header.authentic_data, answers)
}

#[test]
fn unbound_agrees_with_the_lab_about_every_kind_of_answer() {
    let world = world();
    let unbound = Unbound::validating(&world);
    let (a, mx, txt) = (RecordType::A, RecordType::MX, RecordType::TXT);
    for (owner, rtype) in [
        (".", RecordType::DNSKEY),
        ("d.test", RecordType::DNSKEY),
        ("d.test", RecordType::DS),
        ("u.test", RecordType::DS),
        ("d.test", mx),
        ("d.test", txt),
        ("_25._tcp.mx.d.test", RecordType::TLSA),
        ("_26._tcp.mx.d.test", RecordType::TLSA),
        ("alias.d.test", a),
        ("alias.d.test", RecordType::AAAA),
        ("mx.old.d.test", a),
        ("none.old.d.test", a),
        ("a.w.d.test", txt),
        ("a.b.w.d.test", txt),
        ("a.b.w.d.test", mx),
        ("none.d.test", a),
        ("a.none.d.test", a),
        ("mx.d.test", RecordType::AAAA),
        ("empty.d.test", a),
        ("below.empty.d.test", a),
        ("zzz.d.test", a),
        ("none.test", mx),
        ("none", a),
        ("h.u.test", a),
        ("none.u.test", a),
        ("away.d.test", a),
        ("island.test", mx),
        ("broken.test", mx),
        ("none.broken.test", a),
        ("wrong-ds.test", mx),
        ("loop.d.test", a),
    ] {
        let asked = query(Ask::default(), owner, rtype);
        let (ours, theirs) = (over_udp(&world, &asked), send(unbound.address, &asked));
        assert_eq!(outcome(&ours), outcome(&theirs), "{owner} {rtype}");
    }
}
