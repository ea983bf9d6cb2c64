//! The command line as scripts and operators meet it: words, exit codes, one line on standard error, and the life of `serve`.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use gateway::queue::{Change, Diagnosis, Queue, QueueId, Settings};
use gateway::smtp::{Domain, EnhancedStatus, Envelope, Host, Mailbox, ReversePath};
use gateway::time::Timestamp;
use gateway_lab::Gateway;
use gateway_lab::process::GatewayBuilder;

const BINARY: &str = env!("CARGO_BIN_EXE_gateway");
const COMMANDS: [&str; 7] = [
    "serve", "check", "query", "tlsa", "queue", "filter", "config",
];
/// Longest wait for a log line on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn builder() -> GatewayBuilder {
    // Nobody answers there; nothing here needs an answer.
    Gateway::builder(BINARY).config("resolver 127.0.0.1:9")
}

fn gateway(words: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command
        .args(words)
        .env_remove("GATEWAY_CONF")
        .stdin(Stdio::null());
    command.output().expect("starts")
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

/// Asserts that a command failed with this code, silent but for one line that begins and contains as told.
fn assert_refused(output: &Output, exit: i32, begins: &str, contains: &str) {
    let line = text(&output.stderr);
    assert_eq!(code(output), exit, "{line}");
    assert_eq!(text(&output.stdout), "", "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(
        line.starts_with(begins) && line.contains(contains),
        "{line}"
    );
}

#[test]
fn help_and_version_go_to_standard_output() {
    let help = gateway(&["-h"]);
    assert_eq!((code(&help), text(&help.stderr)), (0, ""));
    for command in COMMANDS {
        let line = format!("\n    {command} ");
        assert!(text(&help.stdout).contains(&line), "{command}");
        for option in ["-h", "--help"] {
            let own = gateway(&[command, option]);
            assert_eq!((code(&own), text(&own.stderr)), (0, ""), "{command}");
            let usage = format!("usage: gateway [-c FILE] {command} ");
            assert!(text(&own.stdout).starts_with(&usage), "{command}");
        }
    }
    assert_eq!(gateway(&["--help"]).stdout, help.stdout);
    let version = gateway(&["-V"]);
    assert_eq!((code(&version), text(&version.stderr)), (0, ""));
    for part in [env!("CARGO_PKG_VERSION"), "OpenSSL 3", "20326", "38696"] {
        assert!(text(&version.stdout).contains(part), "{part}");
    }
}

#[test]
fn what_is_not_understood_is_named() {
    for (words, begins, named) in [
        (&["quue"][..], "gateway: ", "'quue'"),
        (&["-c", "x", "frob"], "gateway: ", "'frob'"),
        (&["-x"], "gateway serve: ", "'-x'"),
        (&["--frob"], "gateway serve: ", "'--frob'"),
        (&["-c"], "gateway serve: ", "'-c'"),
        (
            &["config", "-c", "a", "-c", "b"],
            "gateway config: ",
            "'-c'",
        ),
        (&["config", "--trace"], "gateway config: ", "'--trace'"),
        (
            &["config", "--directives=1"],
            "gateway config: ",
            "'--directives'",
        ),
        (
            &["query", "--frob", "example.org"],
            "gateway query: ",
            "'--frob'",
        ),
        (
            &["query", "-s", "localhost", "example.org"],
            "gateway query: ",
            "'localhost'",
        ),
        (
            &["query", "-s", "tls://127.0.0.1", "example.org"],
            "gateway query: ",
            "tls://127.0.0.1",
        ),
        (
            &["query", "--dnssec", "maybe", "example.org"],
            "gateway query: ",
            "'maybe'",
        ),
        (
            &["query", "--at", "noon", "example.org"],
            "gateway query: ",
            "option '--at': expected seconds since 1970",
        ),
        (
            &["check", "--sha1=no", "example.org"],
            "gateway check: ",
            "'--sha1'",
        ),
        (
            &["serve", "--trust-anchor", "/nonexistent/anchors"],
            "gateway serve: ",
            "option '--trust-anchor': /nonexistent/anchors: ",
        ),
    ] {
        assert_refused(&gateway(words), 64, begins, named);
    }
}

#[test]
fn a_word_too_many_or_too_few_is_named() {
    let gateway = builder().prepare();
    for (words, begins, named) in [
        (&["serve", "now"][..], "gateway serve: ", "'now'"),
        (&["config", "now"], "gateway config: ", "'now'"),
        (&["queue", "frob"], "gateway queue: ", "'frob'"),
        (&["queue", "list", "all"], "gateway queue: ", "'all'"),
        (&["queue", "show"], "gateway queue: ", "show ID"),
        (&["queue", "show", "a/b"], "gateway queue: ", "'a/b'"),
    ] {
        assert_refused(&gateway.run(words), 64, begins, named);
    }
}

#[test]
fn a_file_may_stand_on_either_side_of_the_command() {
    let gateway = builder().prepare();
    let file = gateway.directory().join("gateway.conf");
    let file = file.to_str().expect("text");
    let run = |words: &[&str]| crate::gateway(words);
    let printed = run(&["-c", file, "config"]);
    assert_eq!(code(&printed), 0, "{}", text(&printed.stderr));
    assert_eq!(run(&["config", "-c", file]).stdout, printed.stdout);
    assert_eq!(
        run(&[&format!("-c{file}"), "config"]).stdout,
        printed.stdout
    );
}

#[test]
fn a_closed_or_full_output_is_no_panic() {
    let gateway = builder().prepare();
    let file = gateway.directory().join("gateway.conf");
    let run = |out: Stdio| {
        let mut command = Command::new(BINARY);
        command.arg("-c").arg(&file).arg("config").stdout(out);
        command.output().expect("starts")
    };
    let (ours, theirs) = UnixStream::pair().expect("sockets");
    drop(ours);
    let closed = run(Stdio::from(OwnedFd::from(theirs)));
    assert_eq!((code(&closed), text(&closed.stderr)), (74, ""));
    let full = run(Stdio::from(
        fs::File::create("/dev/full").expect("Linux has it"),
    ));
    assert_refused(
        &full,
        74,
        "gateway config: ",
        "cannot write to standard output",
    );
}

fn settings(gateway: &Gateway) -> Settings {
    Settings {
        directory: gateway.directory().join("spool"),
        retry_for: Duration::from_secs(86_400),
        retry_first: Duration::from_secs(60),
        retry_max: Duration::from_secs(3600),
    }
}

fn mailbox(domain: &str) -> Mailbox {
    Mailbox {
        local: "user".to_owned(),
        host: Host::Domain(Domain::parse(domain).expect("a domain")),
    }
}

/// Puts one message for two domains into the spool, one of them deferred by an hour.
fn fill(gateway: &Gateway) -> QueueId {
    let queue = Queue::open(settings(gateway)).expect("opens");
    let envelope = Envelope {
        sender: ReversePath::Mailbox(mailbox("sender.example")),
        recipients: vec![mailbox("a.example"), mailbox("b.example")],
        eight_bit: true,
    };
    let now = Timestamp::now();
    let id = queue
        .accept(&envelope, b"Subject: x\r\n\r\n", now)
        .expect("accepts");
    let why = Diagnosis {
        status: EnhancedStatus::new(4, 7, 5),
        token: "tlsa-mismatch".to_owned(),
        host: "mx.b.example".to_owned(),
        text: "no record matches\u{1b}[31m".to_owned(),
    };
    let due = now.after(Duration::from_secs(3600));
    queue
        .apply(id, &[(1, Change::Deferred { due, why })])
        .expect("applies");
    id
}

#[test]
fn the_queue_can_be_looked_into() {
    let gateway = builder().prepare();
    assert_refused(
        &gateway.run(&["queue"]),
        66,
        "gateway queue: ",
        "there is no spool",
    );
    let id = fill(&gateway).to_string();
    let list = gateway.run(&["queue"]);
    let lines: Vec<&str> = text(&list.stdout).lines().collect();
    assert_eq!((code(&list), lines.len()), (0, 2), "{lines:?}");
    for part in [&id, "sender.example", "2/2", "due", "4.7.5 tlsa-mismatch"] {
        assert!(lines[1].contains(part), "{part} in {}", lines[1]);
    }
    let json = gateway.run(&["queue", "list", "--json"]);
    let line = text(&json.stdout);
    assert!(
        line.starts_with(&format!("{{\"id\":\"{id}\",\"arrived\":\"20")),
        "{line}"
    );
    for part in [
        "\"size\":14,\"sender\":\"user@sender.example\",\"held\":false,\"pending\":2,\"recipients\":2,\"next\":\"20",
        "\"last\":\"no record matches\\u001b[31m\"}\n",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let show = gateway.run(&["queue", "show", &id]);
    for part in [
        "from <user@sender.example>\n",
        "to <user@a.example>: pending, 0 attempts\n",
        "to <user@b.example>: pending, 1 attempt\n",
        r"    no record matches\u{1b}[31m",
    ] {
        assert!(
            text(&show.stdout).contains(part),
            "{part} in {}",
            text(&show.stdout)
        );
    }
    let json = gateway.run(&["queue", "show", &id, "--json"]);
    for part in [
        "\"eight_bit\":true,\"held\":false,\"recipients\":[{\"address\":\"user@a.example\",\"state\":\"pending\",\"attempts\":0,\"due\":\"20",
        "\"status\":null,\"token\":null,\"host\":null,\"text\":null},{\"address\":\"user@b.example\"",
        "\"status\":\"4.7.5\",\"token\":\"tlsa-mismatch\",\"host\":\"mx.b.example\",\"text\":\"no record",
    ] {
        assert!(
            text(&json.stdout).contains(part),
            "{part} in {}",
            text(&json.stdout)
        );
    }
    let none = gateway.run(&["queue", "show", "0000000000"]);
    assert_refused(&none, 66, "gateway queue: ", "0000000000");
}

#[test]
fn the_queue_can_be_steered_while_nobody_owns_it() {
    let gateway = builder().prepare();
    let id = fill(&gateway).to_string();
    let steer = |words: &[&str]| {
        let output = gateway.run(&[&["queue"], words].concat());
        assert_eq!(
            (code(&output), text(&output.stdout)),
            (0, ""),
            "{}",
            text(&output.stderr)
        );
    };
    let list = || gateway.queue();
    steer(&["hold", &id]);
    assert!(list().contains("\"held\":true") && list().contains("\"next\":null"));
    steer(&["release", &id]);
    assert!(list().contains("\"held\":false"));
    let waits = || {
        let entry = Queue::read(&settings(&gateway).directory)
            .expect("reads")
            .entries();
        entry[0].recipients[1].due > Timestamp::now()
    };
    steer(&["retry", "a.example"]);
    assert!(waits());
    steer(&["retry", "b.example"]);
    assert!(!waits());
    let mistyped = gateway.run(&["queue", "retry", "c.example"]);
    assert_refused(&mistyped, 66, "gateway queue: ", "'c.example'");
    steer(&["retry", &id]);
    steer(&["retry"]);
    steer(&["remove", &id]);
    assert_eq!(list(), "");
    for verb in ["hold", "release", "remove", "retry"] {
        let output = gateway.run(&["queue", verb, &id]);
        assert_refused(&output, 66, "gateway queue: ", &id);
    }
}

#[test]
fn serve_begins_obeys_signals_and_ends() {
    let mut gateway = builder().config("log debug").start();
    gateway.wait_for_log(" ready;", PATIENCE).expect("ready");

    let list = gateway.run(&["queue", "list"]);
    assert_eq!(
        (code(&list), text(&list.stdout)),
        (0, ""),
        "{}",
        text(&list.stderr)
    );
    let steered = gateway.run(&["queue", "retry"]);
    assert_refused(
        &steered,
        75,
        "gateway queue: ",
        "steering a running gateway is not built yet",
    );
    // The same listeners and spool again: the spool's owner is named.
    let again = gateway.run(&["serve"]);
    let pid = format!("process {}", gateway.pid().expect("runs"));
    assert_eq!(code(&again), 75);
    assert!(
        text(&again.stderr).contains(&pid),
        "{}",
        text(&again.stderr)
    );

    let file = gateway.directory().join("gateway.conf");
    let sound = gateway.configuration();
    fs::write(&file, format!("{sound}\nlog loud\n")).expect("writable");
    gateway.signal("HUP");
    let line = gateway
        .wait_for_log("the old one stays in force", PATIENCE)
        .expect("told");
    assert!(
        line.contains("gateway.conf:") && line.contains("log is given twice"),
        "{line}"
    );

    let changed = sound.replace("hostname gateway.test", "hostname other.test");
    fs::write(&file, format!("{changed}\nretry-for 1h\n")).expect("writable");
    gateway.signal("HUP");
    gateway
        .wait_for_log("a new value of 'retry-for' takes a restart", PATIENCE)
        .expect("told");
    gateway
        .wait_for_log("the configuration was read again", PATIENCE)
        .expect("told");
    let reply = gateway.submit("a@b.example", &["c@d.example"], "Subject: x\r\n\r\n");
    assert!(reply.is_ok(), "{reply:?}");
    assert!(gateway.queue().contains("\"sender\":\"a@b.example\""));

    assert_eq!(gateway.terminate(), Some(0));
    // Whatever was accepted is there at the next start.
    gateway.serve();
    gateway
        .wait_for_log("ready; messages in the queue: 1", PATIENCE)
        .expect("kept");
    gateway.signal("INT");
    gateway
        .wait_for_log("stopped; messages in the queue: 1", PATIENCE)
        .expect("ends");
}

#[test]
fn serve_does_not_start_where_it_could_not_keep_its_promise() {
    for (lines, contains, exit) in [
        (
            "trust-anchor /nonexistent/anchors",
            "trust-anchor FILE: /nonexistent/anchors: ",
            78,
        ),
        ("policy * mta-sts", "'mta-sts'", 78),
        ("listen 127.0.0.1:26 tls=required", "'tls=required'", 78),
        ("user no-such-user-here", "no-such-user-here", 78),
        ("filter frob", "frob", 78),
        ("spool /dev/null/spool", "/dev/null/spool", 71),
    ] {
        let name = lines.split(' ').next().expect("a word");
        let mut gateway = builder().without(name).config(lines);
        if name == "listen" {
            gateway = gateway.config("listen 127.0.0.1:0");
        }
        let gateway = gateway.prepare();
        if name == "spool" {
            let file = gateway.directory().join("gateway.conf");
            let text = gateway.configuration();
            let kept = text.lines().filter(|line| !line.starts_with("spool /tmp"));
            fs::write(file, kept.collect::<Vec<_>>().join("\n")).expect("writable");
        }
        let output = gateway.run(&["serve"]);
        let last = text(&output.stderr)
            .lines()
            .last()
            .expect("a line")
            .to_owned();
        assert_eq!(code(&output), exit, "{last}");
        assert!(
            last.starts_with("gateway serve: ") && last.contains(contains),
            "{last}"
        );
    }
}

#[test]
fn an_address_in_use_is_named() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = other.local_addr().expect("bound");
    let gateway = builder().config(&format!("listen {address}")).prepare();
    let output = gateway.run(&["serve"]);
    assert_refused(
        &output,
        75,
        "gateway serve: ",
        &format!("cannot listen on {address}"),
    );
}
