//! The inbound room over real sockets: limits, timeouts, shutdown, and what of a message reaches the queue.

#[path = "common/gate.rs"]
mod gate;

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use gate::{Client, Gate, PATIENCE, settings};
use gateway::inbound::Settings;
use gateway::queue::{Disk, Tuning};
use gateway::smtp::ReversePath;

/// Short enough to wait for, long enough for a busy machine to send a line.
const SHORT: Duration = Duration::from_secs(3);

const MESSAGE: &str = "Subject: x\r\n\r\nbody\r\n";

#[test]
fn a_message_is_kept_with_its_trace_before_250() {
    let gate = Gate::start(settings());
    let mut client = gate.greeted();
    let reply = client.submit(MESSAGE, "250 2.0.0 queued as ");
    let entries = gate.entries();
    assert_eq!(entries.len(), 1);
    assert!(reply.contains(&entries[0].id.to_string()), "{reply}");
    assert_eq!(
        entries[0].envelope.sender.to_string(),
        "<sender@example.org>"
    );
    assert_eq!(entries[0].envelope.recipients.len(), 1);
    let content = gate.contents().remove(0);
    let trace = content
        .strip_suffix(MESSAGE)
        .expect("the message as it was");
    assert!(trace.starts_with("Received: from client.test ([127.0.0.1])\r\n\tby gateway.test with ESMTP\r\n\tfor <recipient@example.org>;\r\n\t"), "{trace}");
    assert!(trace.ends_with(" +0000\r\n"), "{trace}");
    client.ask("QUIT", "221 2.0.0");
    assert_eq!(client.rest(), "");
}

#[test]
fn filters_change_and_refuse() {
    let filters = ["subject-tag [seen]", "block-attachment *.exe"];
    let gate = Gate::start_with(settings(), &filters, Tuning::default());
    let mut client = gate.greeted();
    client.submit(MESSAGE, "250 2.0.0");
    let content = gate.contents().remove(0);
    assert!(content.contains("\r\nSubject: [seen] x\r\n"), "{content}");
    // The parser's limits are a refusal as well, and the dialogue goes on.
    let header = "X: y\r\n".repeat(10_000);
    client.submit(&header, "550 5.6.0");
    client.submit(MESSAGE, "250 2.0.0");
    assert_eq!(gate.entries().len(), 2);
}

#[test]
fn a_message_that_goes_round_in_circles_is_refused() {
    let gate = Gate::start(settings());
    let mut client = gate.greeted();
    let hops = |count| {
        format!(
            "{}{MESSAGE}",
            "received: from a by b;\r\n\tnow\r\n".repeat(count)
        )
    };
    client.submit(&hops(100), "250 2.0.0");
    client.submit(&hops(101), "554 5.4.6");
    assert_eq!(gate.entries().len(), 1);
}

#[test]
fn a_full_queue_says_try_again() {
    let full = Tuning {
        messages_max: 1,
        ..Tuning::default()
    };
    let gate = Gate::start_with(settings(), &[], full);
    let mut client = gate.greeted();
    client.submit(MESSAGE, "250 2.0.0");
    client.submit(MESSAGE, "452 4.3.1");
    client.ask("NOOP", "250 2.0.0");
    assert_eq!(gate.entries().len(), 1);
}

/// A disk that fails, or whose user has a defect.
struct BadDisk {
    is_panicking: bool,
}

impl Disk for BadDisk {
    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_directory(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn free_space(&self, _: &File) -> io::Result<u64> {
        assert!(!self.is_panicking, "on purpose");
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

#[test]
fn no_message_is_acknowledged_that_the_queue_does_not_have() {
    for (is_panicking, expected) in [(false, "451 4.3.0"), (true, "421 4.3.0")] {
        let bad = Tuning {
            disk: Arc::new(BadDisk { is_panicking }),
            ..Tuning::default()
        };
        let gate = Gate::start_with(settings(), &[], bad);
        gate.greeted().submit(MESSAGE, expected);
        assert!(gate.queue.is_empty());
        // The others are served on.
        gate.greeted().ask("NOOP", "250");
    }
}

#[test]
fn a_client_that_vanishes_in_the_middle_leaves_nothing() {
    let mut gate = Gate::start(settings());
    for part in [
        "",
        "Subject: x\r\n\r\nbo",
        "Subject: x\r\n\r\nbody\r\n.",
        "x\r\n.\r",
    ] {
        let mut client = gate.greeted();
        client.begin_data();
        client.send(part.as_bytes());
    }
    gate.stop(PATIENCE);
    assert!(gate.queue.is_empty());
}

#[test]
fn the_size_limit_counts_the_message_and_keeps_the_dialogue_in_step() {
    let limit = 1000;
    let gate = Gate::start(Settings {
        message_size_limit: limit,
        ..settings()
    });
    let mut client = gate.greeted();
    client.ask("MAIL FROM:<> SIZE=1001", "552 5.3.4");
    let line = "x".repeat(98) + "\r\n";
    client.submit(&line.repeat(10), "250 2.0.0");
    client.submit(&(line.repeat(10) + "y\r\n"), "552 5.3.4");
    client.submit(&line.repeat(100), "552 5.3.4");
    client.submit(MESSAGE, "250 2.0.0");
    assert_eq!(gate.entries().len(), 2);
}

#[test]
fn many_recipients_share_one_message() {
    let gate = Gate::start(settings());
    let mut client = gate.greeted();
    let mut group = "MAIL FROM:<>\r\n".to_owned();
    for number in 0..120 {
        group += &format!("RCPT TO:<r{number}@example.org>\r\n");
    }
    client.send(group.as_bytes());
    client.expect("250 2.1.0");
    for number in 0..120 {
        client.expect(if number < 100 {
            "250 2.1.5"
        } else {
            "452 4.5.3"
        });
    }
    client.ask("DATA", "354");
    client.send(MESSAGE.as_bytes());
    client.ask(".", "250 2.0.0");
    let entries = gate.entries();
    assert_eq!(entries[0].envelope.sender, ReversePath::Null);
    assert_eq!(entries[0].envelope.recipients.len(), 100);
    let content = gate.contents().remove(0);
    assert!(
        !content.contains("for <"),
        "recipients learn nothing of each other"
    );
}

#[test]
fn more_sessions_than_allowed_are_told_so() {
    let gate = Gate::start(Settings {
        session_limit: 2,
        ..settings()
    });
    let (first, _second) = (gate.greeted(), gate.greeted());
    let mut third = gate.connect();
    third.expect("421 4.3.2");
    assert_eq!(third.rest(), "");
    drop(first);
    // The seat is free once the server has noticed.
    let end = Instant::now() + PATIENCE;
    loop {
        let greeting = gate.connect().reply();
        if greeting.starts_with("220") {
            break;
        }
        assert!(Instant::now() < end, "{greeting}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_stranger_cannot_take_all_sessions() {
    let gate = Gate::start(Settings {
        relay_from: Vec::new(),
        ..settings()
    });
    let mut clients: Vec<Client> = (0..21).map(|_| gate.connect()).collect();
    let mut last = clients.pop().expect("one");
    for client in &mut clients {
        client.expect("220");
    }
    last.expect("421 4.7.0");
    clients[0].ask("EHLO x", "250");
    clients[0].ask("MAIL FROM:<>", "250");
    clients[0].ask("RCPT TO:<a@example.org>", "550 5.7.1");
    clients[0].ask("RCPT TO:<postmaster>", "550 5.7.1");
    clients[0].ask("DATA", "554 5.5.1");
}

#[test]
fn silence_ends_a_session() {
    let gate = Gate::start(Settings {
        command_timeout: SHORT,
        ..settings()
    });
    let mut silent = gate.connect();
    let mut half = gate.connect();
    let mut in_data = gate.greeted();
    half.send(b"NOO");
    in_data.begin_data();
    in_data.send(b"x");
    for client in [&mut silent, &mut half] {
        client.expect("220");
        client.expect("421 4.4.2");
        assert_eq!(client.rest(), "");
    }
    in_data.expect("421 4.4.2");
    assert!(gate.queue.is_empty());
}

#[test]
fn a_message_must_come_in_within_its_time_however_steadily_it_comes() {
    let gate = Gate::start(Settings {
        data_timeout: SHORT,
        ..settings()
    });
    let mut client = gate.greeted();
    client.begin_data();
    send_until_closed(&mut client, &[b'x'; 100]);
    client.expect("421 4.4.2");
    assert!(gate.queue.is_empty());
}

#[test]
fn a_message_must_come_in_faster_than_drop_by_drop() {
    let gate = Gate::start(Settings {
        command_timeout: SHORT,
        // Longer than the client goes on, so that this limit cannot be the one that ends it.
        data_timeout: 10 * PATIENCE,
        ..settings()
    });
    let mut client = gate.greeted();
    client.begin_data();
    send_until_closed(&mut client, b"x");
    client.expect("421 4.4.2");
    assert!(gate.queue.is_empty());
}

/// A piece every now and then, until the server has had enough.
fn send_until_closed(client: &mut Client, piece: &[u8]) {
    let mut copy = client.socket().try_clone().expect("a copy");
    copy.set_read_timeout(Some(Duration::from_millis(50)))
        .expect("a timeout");
    for _ in 0..600 {
        if client.try_send(piece).is_err() || has_input(&mut copy) {
            break;
        }
    }
    copy.set_read_timeout(Some(PATIENCE)).expect("a timeout");
}

/// Waits for input, as long as the socket's timeout.
fn has_input(socket: &mut TcpStream) -> bool {
    socket.peek(&mut [0]).is_ok()
}

#[test]
fn a_stop_tells_idle_clients_and_lets_messages_in() {
    let mut gate = Gate::start(settings());
    let mut idle = gate.greeted();
    let mut within = gate.greeted();
    within.ask("MAIL FROM:<>", "250");
    let mut busy = gate.greeted();
    busy.begin_data();
    thread::scope(|scope| {
        let stop = scope.spawn(|| gate.stop(PATIENCE));
        idle.expect("421 4.3.2");
        within.expect("421 4.3.2");
        busy.send(MESSAGE.as_bytes());
        busy.ask(".", "250 2.0.0");
        busy.expect("421 4.3.2");
        drop((idle, within, busy));
        stop.join().expect("stops");
    });
    assert_eq!(gate.queue.len(), 1);
    assert!(Client::connect(gate.address).is_err(), "nobody listens");
}

#[test]
fn a_stop_does_not_wait_longer_than_its_grace() {
    let mut gate = Gate::start(settings());
    let mut busy = gate.greeted();
    busy.begin_data();
    busy.send(b"x");
    gate.stop(SHORT);
    assert_eq!(busy.rest(), "");
    assert!(gate.queue.is_empty());
}

#[test]
fn new_sessions_get_a_new_configuration() {
    let gate = Gate::start(settings());
    let mut old = gate.greeted();
    let changed = Settings {
        message_size_limit: 777,
        relay_from: Vec::new(),
        ..settings()
    };
    gate.reload(changed, &["subject-tag new"]);
    let mut new = gate.connect();
    new.expect("220");
    let reply = new.ask("EHLO x", "250");
    assert!(reply.contains("SIZE 777\r\n"), "{reply}");
    new.ask("MAIL FROM:<>", "250");
    new.ask("RCPT TO:<a@example.org>", "550 5.7.1");
    old.submit(MESSAGE, "250 2.0.0");
    assert!(gate.contents()[0].contains("\r\nSubject: x\r\n"));
}

#[test]
fn an_address_in_use_is_named() {
    let gate = Gate::start(settings());
    let again = Settings {
        listen: vec![gate.address],
        ..settings()
    };
    let (address, error) = gateway::inbound::Inbound::bind(again)
        .err()
        .expect("in use");
    assert_eq!(address, gate.address);
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn many_clients_at_once_lose_nothing() {
    let gate = Gate::start(settings());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = gate.greeted();
                for _ in 0..10 {
                    client.submit(MESSAGE, "250 2.0.0");
                }
                client.ask("QUIT", "221");
            });
        }
    });
    assert_eq!(gate.entries().len(), 80);
}

/// A client we did not write.
#[test]
fn pythons_smtplib_sends_through() {
    const SCRIPT: &str = r#"
import smtplib, sys
from email.message import EmailMessage
message = EmailMessage()
message["Subject"] = "Grüße"
message["From"], message["To"] = "a@example.org", "b@example.org, c@example.org"
message.set_content(".\n..\ntext\n.\n")
message.add_attachment(b"\0\r\n\xff" * 1000, maintype="application", subtype="octet-stream", filename="x.bin")
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=30) as client:
    client.ehlo("python.test")
    assert client.has_extn("size") and client.has_extn("8bitmime") and client.has_extn("pipelining")
    assert client.verify("b@example.org")[0] == 252
    assert client.send_message(message) == {}
    client.noop()
    refused = client.sendmail("", ["d@example.org", "bad address"], "From: x\nSubject: y\n\nz\n")
    assert list(refused) == ["bad address"] and refused["bad address"][0] == 501, refused
"#;
    let gate = Gate::start(settings());
    let port = gate.address.port().to_string();
    let output = Command::new("python3").args(["-c", SCRIPT, &port]).output();
    let output = output.expect("python3 (scripts/setup test installs it)");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let contents = gate.contents();
    assert_eq!(contents.len(), 2);
    assert!(
        contents[0].contains("\r\n.\r\n..\r\ntext\r\n.\r\n"),
        "{}",
        contents[0]
    );
    assert_eq!(gate.entries()[0].envelope.recipients.len(), 2);
    assert_eq!(gate.entries()[1].envelope.sender, ReversePath::Null);
}
