//! dnsdist from the distribution as a server of DNS over TLS in front of a world's resolver.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::seats::address_for_a_program;
use crate::temp::TempDir;
use crate::{Certificate, World};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running dnsdist; killed on drop.
#[derive(Debug)]
pub struct Dnsdist {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Dnsdist {
    /// Starts one that presents this certificate.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn over_tls(world: &World, certificate: &Certificate) -> Self {
        let directory = TempDir::new("dnsdist");
        let [pem, key, file] = ["pem", "key", "conf"].map(|name| directory.path().join(name));
        fs::write(&pem, certificate.chain_pem()).expect("a writable directory");
        fs::write(&key, certificate.key_pem()).expect("a writable directory");
        let [clear, address] = [0; 2].map(|_| address_for_a_program());
        let settings = format!(
            "setLocal(\"{clear}\")\naddTLSLocal(\"{address}\", \"{}\", \"{}\")\n\
             newServer({{address=\"{}\", healthCheckMode=\"up\"}})\nsetSecurityPollSuffix(\"\")\n",
            pem.display(),
            key.display(),
            world.resolver(),
        );
        fs::write(&file, settings).expect("a writable directory");
        let log = fs::File::create(directory.path().join("log")).expect("a writable directory");
        let child = Command::new("dnsdist")
            .args(["--supervised", "--disable-syslog", "-C"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("dnsdist is installed (scripts/setup test)");
        let dnsdist = Self {
            child,
            address,
            _directory: directory,
        };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "dnsdist does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        dnsdist
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Dnsdist {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
