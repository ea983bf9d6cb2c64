//! Runs the gateway's binary as users do: a configuration file, a process, its log.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use crate::journal::Journal;
use crate::smtp::{self, SmtpReply};
use crate::temp::TempDir;

/// Longest wait for the gateway to start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a child process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// The system's store of CAs, in the gateway's directory.
const STORE: &str = "store.pem";

/// What the gateway is started with.
#[derive(Debug)]
pub struct GatewayBuilder {
    binary: PathBuf,
    lines: Vec<String>,
    anchors: Option<String>,
    authorities: Option<String>,
    store: String,
}

impl GatewayBuilder {
    /// For the binary at this path; tests pass `env!("CARGO_BIN_EXE_gateway")`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let lines = ["hostname gateway.test", "listen 127.0.0.1:0", "dnssec ad"];
        Self {
            binary: binary.into(),
            lines: lines.map(str::to_owned).to_vec(),
            anchors: None,
            authorities: None,
            store: String::new(),
        }
    }

    /// Asks this resolver, usually `world.resolver()`.
    #[must_use]
    pub fn resolver(self, address: SocketAddr) -> Self {
        self.config(&format!("resolver {address}"))
    }

    /// Checks signatures itself, against these keys, usually `world.trust_anchor()`, instead of believing the resolver.
    #[must_use]
    pub fn validating(mut self, anchors: &str) -> Self {
        self.anchors = Some(anchors.to_owned());
        self.without("dnssec").config("dnssec validate")
    }

    /// Believes these CAs, in PEM, and no others (`ca-file`).
    #[must_use]
    pub fn authorities(mut self, authorities: &str) -> Self {
        self.authorities = Some(authorities.to_owned());
        self
    }

    /// With these CAs, in PEM, as the system's store of them: where OpenSSL looks, and nowhere else.
    #[must_use]
    pub fn store(mut self, authorities: &str) -> Self {
        self.store = authorities.to_owned();
        self
    }

    /// The port of MX hosts.
    #[must_use]
    pub fn smtp_port(self, port: u16) -> Self {
        self.config(&format!("smtp-port {port}"))
    }

    /// A further line of the configuration, or several.
    #[must_use]
    pub fn config(mut self, lines: &str) -> Self {
        self.lines.push(lines.to_owned());
        self
    }

    /// Without every line that begins with this directive, the built-in ones included.
    #[must_use]
    pub fn without(mut self, directive: &str) -> Self {
        self.lines
            .retain(|line| line.split(' ').next() != Some(directive));
        self
    }

    /// Writes the configuration into a new directory, beside an empty spool, and starts nothing yet.
    pub fn prepare(self) -> Gateway {
        let directory = TempDir::new("lab");
        let spool = directory.path().join("spool");
        let mut text = self.lines.join("\n");
        text.push_str(&format!("\nspool {}\n", spool.display()));
        fs::write(directory.path().join(STORE), self.store).expect("a writable directory");
        if let Some(anchors) = self.anchors {
            let file = directory.path().join("anchors");
            fs::write(&file, anchors).expect("a writable directory");
            text.push_str(&format!("trust-anchor {}\n", file.display()));
        }
        if let Some(authorities) = self.authorities {
            let file = directory.path().join("authorities.pem");
            fs::write(&file, authorities).expect("a writable directory");
            text.push_str(&format!("ca-file {}\n", file.display()));
        }
        fs::write(directory.path().join("gateway.conf"), text).expect("a writable directory");
        Gateway {
            binary: self.binary,
            directory,
            running: None,
        }
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When it does not; the message holds its log.
    pub fn start(self) -> Gateway {
        let mut gateway = self.prepare();
        gateway.serve();
        gateway
    }
}

/// A gateway with its configuration and spool; a process that still runs is killed on drop, and the directory is removed.
#[derive(Debug)]
pub struct Gateway {
    binary: PathBuf,
    directory: TempDir,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    log: Arc<Journal<String>>,
    address: SocketAddr,
}

/// Something did not appear in the log in time.
#[derive(Debug)]
pub struct NotLogged {
    pattern: String,
    log: Vec<String>,
}

impl fmt::Display for NotLogged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no line with '{}' in the gateway's log:\n{}",
            self.pattern,
            self.log.join("\n")
        )
    }
}

impl std::error::Error for NotLogged {}

impl Gateway {
    /// A builder for the binary at this path.
    pub fn builder(binary: impl Into<PathBuf>) -> GatewayBuilder {
        GatewayBuilder::new(binary)
    }

    /// Starts `gateway serve` on the configuration and spool as they are now, and waits until it listens.
    ///
    /// # Panics
    /// When it runs already, or does not come up; the message holds its log.
    pub fn serve(&mut self) {
        assert!(self.running.is_none(), "the gateway runs already");
        let mut child = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = Arc::new(Journal::default());
        let reader = Arc::clone(&log);
        thread::spawn(move || read_log(stderr, &reader));
        let Some(address) = wait_until_it_listens(&mut child, &log) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the gateway does not listen:\n{}", log.entries().join("\n"));
        };
        self.running = Some(Running {
            child,
            log,
            address,
        });
    }

    /// Where it listens for SMTP: the first of its listeners.
    ///
    /// # Panics
    /// When it does not run.
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// Its directory, with `gateway.conf` and `spool`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its configuration file.
    ///
    /// # Panics
    /// When the file has gone.
    pub fn configuration(&self) -> String {
        let file = self.directory.path().join("gateway.conf");
        fs::read_to_string(file).expect("the file was written at start")
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Hands it one message.
    ///
    /// # Errors
    /// When the connection breaks, or a reply does not come in time.
    pub fn submit(
        &self,
        sender: &str,
        recipients: &[&str],
        message: &str,
    ) -> io::Result<SmtpReply> {
        smtp::submit(self.address(), sender, recipients, message)
    }

    /// The log lines of the process that runs now.
    pub fn log(&self) -> Vec<String> {
        self.running().log.entries()
    }

    /// The first log line that holds `pattern`.
    ///
    /// # Errors
    /// [`NotLogged`] when there is none within `timeout`.
    pub fn wait_for_log(&self, pattern: &str, timeout: Duration) -> Result<String, NotLogged> {
        self.wait_for_line(pattern, timeout, |line| line.contains(pattern))
    }

    /// The first log line for which `is_it` holds.
    ///
    /// # Errors
    /// [`NotLogged`], with `what` for people, when there is none within `timeout`.
    pub fn wait_for_line(
        &self,
        what: &str,
        timeout: Duration,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<String, NotLogged> {
        let find = |lines: &[String]| lines.iter().find(|line| is_it(line)).cloned();
        self.running()
            .log
            .wait_for(timeout, find)
            .ok_or_else(|| NotLogged {
                pattern: what.to_owned(),
                log: self.log(),
            })
    }

    /// Runs another command of the same binary with the same configuration, to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()))
    }

    /// As [`Gateway::run`], with this on its standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let input = input.to_vec();
        // A thread of its own: a child that writes before it has read everything would block both.
        let writer = thread::spawn(move || stdin.write_all(&input));
        let output = child
            .wait_with_output()
            .expect("the child can be waited for");
        // A child that refuses its input closes the pipe; its exit code says why.
        let _ = writer.join();
        output
    }

    /// The queue as `gateway queue list --json` prints it.
    ///
    /// # Panics
    /// When the command fails.
    pub fn queue(&self) -> String {
        let output = self.run(&["queue", "list", "--json"]);
        assert!(
            output.status.success(),
            "gateway queue list: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("JSON is UTF-8")
    }

    /// SIGKILL: ends it at once, as a power cut would; spool and configuration stay.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }

    /// SIGTERM, then waits for its end; the exit code, or `None` when it has not ended in time and was killed.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        let mut running = self.running.take()?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Ok(Some(status)) = running.child.try_wait() {
                return status.code();
            }
            thread::sleep(POLL);
        }
        let _ = running.child.kill();
        let _ = running.child.wait();
        None
    }

    /// Sends it a signal by name: `HUP`, `TERM`.
    pub fn signal(&self, name: &str) {
        let Some(pid) = self.pid() else { return };
        // The shell's own kill: the program of that name is not in Debian's base.
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "cannot signal {pid}"
        );
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("-c")
            .arg(self.directory.path().join("gateway.conf"))
            .args(arguments)
            .env("SSL_CERT_FILE", self.directory.path().join(STORE))
            .env("SSL_CERT_DIR", self.directory.path())
            .env_remove("GATEWAY_CONF");
        command
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the gateway runs")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `None` when it has ended, or does not listen in time.
fn wait_until_it_listens(child: &mut Child, log: &Journal<String>) -> Option<SocketAddr> {
    let end = Instant::now() + PATIENCE;
    let find = |lines: &[String]| lines.iter().find_map(|line| listening(line));
    while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
        if let Some(address) = log.wait_for(POLL, find) {
            return Some(address);
        }
    }
    None
}

fn read_log(stderr: ChildStderr, log: &Journal<String>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { return };
        log.push(line);
    }
}

/// The address in a line that says `listening on ADDR:PORT`.
fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on ")?;
    rest.split(' ').next()?.parse().ok()
}
