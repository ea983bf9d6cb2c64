//! Real servers from the distribution, each on loopback, in a directory of its own, stopped when dropped.

#![allow(unreachable_pub)]

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gateway_lab::seats::address_for_a_program;

const STARTUP: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
/// Unprivileged ids that own nothing.
const NOBODY: u32 = 65534;

/// A directory that goes away with the value.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("gateway-interop-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A started server; its whole process group ends with the value.
pub struct Server(Child);

impl Server {
    fn start(command: &mut Command, what: &str, is_ready: impl Fn() -> bool) -> Self {
        let command = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{what} is not installed? {error}"));
        let mut server = Self(child);
        let end = Instant::now() + STARTUP;
        while !is_ready() {
            let ended = server.0.try_wait().unwrap();
            assert!(ended.is_none(), "{what} ended at start: {ended:?}");
            assert!(Instant::now() < end, "{what} did not start in {STARTUP:?}");
            sleep(PAUSE);
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM lets the server end its own children; SIGKILL is for one that does not listen. The shell's own kill: the program
        // of that name is not in Debian's base.
        let _ = Command::new("sh")
            .args(["-c", "kill \"$0\"", &self.0.id().to_string()])
            .status();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(PAUSE);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free for UDP and TCP on 127.0.0.1.
pub fn free_port() -> u16 {
    address_for_a_program().port()
}

fn accepts(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Runs a command to its end and returns what it printed.
pub fn output(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{command:?}: {}\n{text}{}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    );
    text
}

/// A zone signed by ldns-signzone with new keys: its file and its DS record.
pub struct SignedZone {
    pub name: String,
    pub file: PathBuf,
    pub ds: String,
}

pub fn sign(directory: &Directory, name: &str, records: &str) -> SignedZone {
    let origin = name.trim_end_matches('.');
    let text = format!(
        "$ORIGIN {origin}.\n$TTL 60\n@ IN SOA ns admin 1 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n{records}"
    );
    let file = directory.write(&format!("{name}.zone"), &text);
    let key = |extra: &[&str]| {
        let mut command = Command::new("ldns-keygen");
        command
            .args(["-a", "ECDSAP256SHA256"])
            .args(extra)
            .arg(name)
            .current_dir(directory.path());
        output(&mut command).trim().to_owned()
    };
    let (ksk, zsk) = (key(&["-k"]), key(&[]));
    let mut command = Command::new("ldns-signzone");
    output(
        command
            .arg("-n")
            .arg(&file)
            .args([&ksk, &zsk])
            .current_dir(directory.path()),
    );
    SignedZone {
        name: name.to_owned(),
        file: directory.path().join(format!("{name}.zone.signed")),
        ds: fs::read_to_string(directory.path().join(format!("{ksk}.ds"))).unwrap(),
    }
}

/// NSD serving the zones.
pub fn nsd(directory: &Directory, zones: &[SignedZone]) -> (Server, u16) {
    let (port, here) = (free_port(), directory.path().display());
    let mut text = format!(
        "server:\n ip-address: 127.0.0.1@{port}\n username: \"\"\n zonesdir: \"{here}\"\n pidfile: \"{here}/nsd.pid\"\n \
         xfrdfile: \"\"\n xfrdir: \"{here}\"\n zonelistfile: \"{here}/nsd.zones\"\n database: \"\"\n logfile: \"{here}/nsd.log\"\n server-count: 1\n\
         remote-control:\n control-enable: no\n"
    );
    for zone in zones {
        let _ = write!(
            text,
            "zone:\n name: {}\n zonefile: \"{}\"\n",
            zone.name,
            zone.file.display()
        );
    }
    let file = directory.write("nsd.conf", &text);
    let mut command = Command::new("/usr/sbin/nsd");
    let server = Server::start(command.arg("-d").arg("-c").arg(file), "nsd", || {
        accepts(port)
    });
    (server, port)
}

/// Unbound, validating the zones from their DS records, asking the server at `upstream`.
pub fn unbound(directory: &Directory, zones: &[SignedZone], upstream: u16) -> (Server, u16) {
    let (port, here) = (free_port(), directory.path().display());
    let anchors: String = zones.iter().map(|zone| zone.ds.as_str()).collect();
    let anchors = directory.write("anchors", &anchors);
    let mut text = format!(
        "server:\n interface: 127.0.0.1@{port}\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n directory: \"{here}\"\n \
         pidfile: \"{here}/unbound.pid\"\n use-syslog: no\n logfile: \"{here}/unbound.log\"\n do-not-query-localhost: no\n \
         module-config: \"validator iterator\"\n trust-anchor-file: \"{}\"\n local-zone: \"test.\" nodefault\n ede: yes\n\
         remote-control:\n control-enable: no\n",
        anchors.display()
    );
    for zone in zones {
        let _ = write!(
            text,
            "stub-zone:\n name: {}\n stub-addr: 127.0.0.1@{upstream}\n",
            zone.name
        );
    }
    let file = directory.write("unbound.conf", &text);
    let mut command = Command::new("/usr/sbin/unbound");
    let server = Server::start(command.arg("-d").arg("-c").arg(file), "unbound", || {
        accepts(port)
    });
    (server, port)
}

/// Postfix as a receiving host for one domain, with STARTTLS and a mail directory.
pub struct Postfix {
    _server: Server,
    directory: Directory,
    pub port: u16,
}

const MASTER: &str = "\
127.0.0.1:PORT inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual
smtp unix - - n - - smtp
error unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
";

impl Postfix {
    /// Starts it for `domain` as host `name`, with the certificate and key in PEM; more settings as `main.cf` lines.
    pub fn start(domain: &str, name: &str, (certificate, key): (&Path, &Path), more: &str) -> Self {
        let directory = Directory::new();
        let (port, here) = (free_port(), directory.path().display().to_string());
        for below in ["etc", "queue", "data", "mail"] {
            fs::create_dir(directory.path().join(below)).unwrap();
        }
        let owner = output(Command::new("id").args(["-u", "postfix"]))
            .trim()
            .parse()
            .unwrap();
        std::os::unix::fs::chown(directory.path().join("data"), Some(owner), None).unwrap();
        std::os::unix::fs::chown(directory.path().join("mail"), Some(NOBODY), Some(NOBODY))
            .unwrap();
        let main = format!(
            "compatibility_level = 3.6\nconfig_directory = {here}/etc\nqueue_directory = {here}/queue\ndata_directory = {here}/data\n\
             myhostname = {name}\nmydestination =\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             alias_maps =\nalias_database =\nlocal_recipient_maps =\nvirtual_mailbox_domains = {domain}\nvirtual_mailbox_base = {here}/mail\n\
             virtual_mailbox_maps = static:inbox/\nvirtual_uid_maps = static:{NOBODY}\nvirtual_gid_maps = static:{NOBODY}\n\
             smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\nsmtpd_tls_security_level = may\nsmtpd_tls_received_header = yes\n\
             maillog_file = {here}/mail.log\nmaillog_file_prefixes = {here}\nimport_environment = MAIL_CONFIG\n{more}\n",
            certificate.display(),
            key.display()
        );
        directory.write("etc/main.cf", &main);
        directory.write("etc/master.cf", &MASTER.replace("PORT", &port.to_string()));
        let etc = directory.path().join("etc");
        output(
            Command::new("/usr/sbin/postfix")
                .arg("-c")
                .arg(&etc)
                .arg("check"),
        );
        let mut command = Command::new("/usr/lib/postfix/sbin/master");
        let command = command
            .arg("-d")
            .arg("-c")
            .arg(&etc)
            .env("MAIL_CONFIG", &etc);
        let server = Server::start(command, "postfix", || accepts(port));
        Self {
            _server: server,
            directory,
            port,
        }
    }

    /// The messages in its mail directory, as stored; waits until there are `count` or the time is up.
    pub fn messages(&self, count: usize, wait: Duration) -> Vec<String> {
        let end = Instant::now() + wait;
        loop {
            let found = self.stored();
            if found.len() >= count || Instant::now() >= end {
                return found;
            }
            sleep(PAUSE);
        }
    }

    fn stored(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.directory.path().join("mail/inbox/new")) else {
            return Vec::new();
        };
        files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("mail.log")).unwrap_or_default()
    }
}
