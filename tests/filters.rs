//! The filters and the report on real-looking messages: read back by software we did not write, run as users run them, and on mutated messages.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gateway::filter::{Chain, Filtered, Refusal};
use gateway::message::mime::Tree;
use gateway::message::{Header, with_crlf};
use gateway::outbound::bounce::{self, Report};
use gateway::queue::{Diagnosis, Entry, QueueId, Recipient, RecipientState};
use gateway::smtp::{Domain, EnhancedStatus, Envelope, Mailbox, ReversePath};
use gateway::time::Timestamp;
use gateway_lab::random::Random;
use gateway_lab::temp::TempDir;

/// Every message of `tests/data/messages`, and the names of the parts that `block-attachment *.exe` has to remove.
const MESSAGES: [(&str, &[&str]); 12] = [
    ("attachments", &["Rechnung.pdf.exe"]),
    ("bare", &[]),
    ("digest", &["two.exe"]),
    ("encoded-forward", &["original.eml"]),
    ("forwarded", &["Tool.EXE"]),
    ("latin1", &[]),
    ("plain", &[]),
    ("related", &[]),
    ("signed", &[]),
    ("split-name", &["März - Bericht.exe"]),
    ("unclosed", &["GAME.EXE"]),
    ("whole-attachment", &["scan.exe"]),
];

const TAG: &str = "[außen]";

fn path(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/messages");
    directory.join(format!("{name}.eml"))
}

/// The message as SMTP carries it.
fn message(name: &str) -> Vec<u8> {
    with_crlf(&fs::read(path(name)).expect("a message"))
}

fn chain(directives: &[&[&str]]) -> Chain {
    let owned = |words: &&[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let directives: Vec<Vec<String>> = directives.iter().map(owned).collect();
    Chain::new(&directives).expect("filters")
}

fn run(chain: &Chain, message: &[u8]) -> Result<Filtered, Refusal> {
    let envelope = Envelope {
        sender: ReversePath::Null,
        recipients: Vec::new(),
        eight_bit: false,
    };
    chain.run(&envelope, message.to_vec())
}

fn read_independently(what: &str, file: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent_reader.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(what)
        .arg(file)
        .output();
    let output = output.expect("python3, which 'scripts/setup test' installs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_message_of_the_directory_is_listed() {
    let directory = path("plain").with_file_name("");
    let mut found: Vec<String> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    assert_eq!(found, MESSAGES.map(|(name, _)| name));
}

#[test]
fn another_reader_finds_only_what_had_to_change() {
    let chain = chain(&[
        &["block-attachment", "*.com", "*.exe"],
        &["subject-tag", TAG],
        &["header", "add", "X-Filtered", "yes"],
    ]);
    let directory = TempDir::new("filters");
    let mut table = String::new();
    for (name, removed) in MESSAGES {
        let before = message(name);
        let after = run(&chain, &before).expect("no refusal");
        let [before_path, after_path] =
            [("before", &before), ("after", &after.message)].map(|(kind, octets)| {
                let path = directory.path().join(format!("{name}.{kind}"));
                fs::write(&path, octets).expect("a writable directory");
                path.display().to_string()
            });
        table += &[&[&before_path, &after_path, TAG], removed]
            .concat()
            .join("\t");
        table.push('\n');
    }
    let file = directory.path().join("table");
    fs::write(&file, table).expect("a writable directory");
    read_independently("filtered", &file);
}

#[test]
fn messages_without_a_blocked_name_keep_every_octet() {
    let chain = chain(&[
        &["block-attachment", "*.exe"],
        &["header", "remove", "X-Nowhere"],
    ]);
    for (name, removed) in MESSAGES {
        let before = message(name);
        let after = run(&chain, &before).expect("no refusal");
        assert_eq!(after.changes.len(), removed.len(), "{name}");
        assert_eq!(after.message == before, removed.is_empty(), "{name}");
    }
}

#[test]
fn another_reader_understands_the_report() {
    let mailbox = |text: &str| Mailbox::parse(text).expect("a mailbox");
    let recipients = vec![mailbox("bob@example.net"), mailbox("eve@example.com")];
    let state = |mailbox: &Mailbox| Recipient {
        mailbox: mailbox.clone(),
        state: RecipientState::Failed,
        attempts: 1,
        due: Timestamp::default(),
        last: None,
    };
    let entry = Entry {
        id: QueueId(1),
        arrived: Timestamp::from_unix(1_795_536_480),
        size: 0,
        recipients: recipients.iter().map(state).collect(),
        envelope: Envelope {
            sender: ReversePath::Mailbox(mailbox("anna@example.org")),
            recipients,
            eight_bit: false,
        },
        held: false,
    };
    let why = Diagnosis {
        status: EnhancedStatus::new(5, 7, 5),
        token: "validation-failure".to_owned(),
        host: "mx.example.net".to_owned(),
        text: "no TLSA record of _25._tcp.mx.example.net matches the certificate (für Menschen)"
            .to_owned(),
    };
    let (_, octets) = bounce::build(&Report {
        reporting_mta: &Domain::parse("gw.example.org").expect("a domain"),
        entry: &entry,
        failed: &[(0, why.clone()), (1, why)],
        content: &message("attachments"),
        now: Timestamp::from_unix(1_795_540_080),
        unique: 1,
    })
    .expect("a report");
    let directory = TempDir::new("filters");
    let file = directory.path().join("report");
    fs::write(&file, octets).expect("a writable directory");
    read_independently("report", &file);
}

/// Runs `gateway filter` with these filters, arguments and input.
fn gateway_filter(filters: &str, arguments: &[&str], input: &[u8]) -> Output {
    let directory = TempDir::new("filters");
    let config = directory.path().join("gateway.conf");
    let text = format!("hostname gw.example.org\ndnssec ad\nresolver 127.0.0.1\n{filters}");
    fs::write(&config, text).expect("a writable directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .arg("-c")
        .arg(&config)
        .arg("filter")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the gateway");
    // A gateway that dislikes its arguments does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("its output")
}

#[test]
fn the_command_keeps_line_ends_and_tells_what_it_changed() {
    for ends in ["\n", "\r\n"] {
        let input = "Subject: x\n\nbody\n".replace('\n', ends);
        let output = gateway_filter(
            "filter subject-tag [ext]\n",
            &["-f", "a@example.org", "-r", "b@example.net"],
            input.as_bytes(),
        );
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            input.replace(": x", ": [ext] x")
        );
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(told, "gateway filter: subject-tag: tagged the subject\n");
    }
}

#[test]
fn the_command_says_by_its_exit_code_what_was_wrong() {
    let block = "filter block-attachment *.exe\n";
    let doubtful = b"Content-Type: multipart/mixed\n\n";
    for (filters, arguments, input, code, part) in [
        (block, &[][..], &b"Subject: x\n\n"[..], 0, ""),
        (
            block,
            &[],
            doubtful,
            69,
            "refused by block-attachment: 5.6.0 ",
        ),
        (block, &["-f", "nobody"], b"", 64, "'nobody'"),
        (block, &["-r", "@"], b"", 64, "'@'"),
        (block, &["word"], b"", 64, "'word'"),
        (block, &[], b"a\nb\r\n", 65, "line 2"),
        (
            "message-size-limit 64K\n",
            &[],
            &[b'x'; 70_000],
            65,
            "65536 octets",
        ),
        ("filter unheard-of\n", &[], b"", 78, "\"unheard-of\""),
    ] {
        let output = gateway_filter(filters, arguments, input);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(part) && told.lines().count() <= 1, "{told}");
        assert_eq!(output.stdout, if code == 0 { input } else { b"" });
    }
}

/// How many mutated messages each of the four tests below looks at.
const MUTATIONS: usize = 50_000;

/// Pieces that mean something to a parser of messages.
const PIECES: [&[u8]; 26] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"--",
    b"\r\n--",
    b"--\r\n",
    b"=?",
    b"?=",
    b"=?utf-8?q?=2Eexe?=",
    b";",
    b":",
    b"\"",
    b"(",
    b"\\",
    b"=",
    b"\0",
    b"\xff",
    b" ",
    b"*0*=",
    b"; filename=x.exe",
    b"; boundary=",
    b"\r\nContent-Type: multipart/mixed; boundary=simple",
    b"\r\nContent-Type: message/rfc822\r\n\r\n",
    b"\r\nContent-Disposition: x; filename*=utf-8''%2e",
    b"\r\nSubject: ",
];

/// Calls `look` with mutated messages.
fn mutate(seed: u64, look: impl FnMut(&[u8])) {
    mutate_often(seed, MUTATIONS, look);
}

fn mutate_often(seed: u64, rounds: usize, mut look: impl FnMut(&[u8])) {
    let corpus = MESSAGES.map(|(name, _)| message(name));
    let mut random = Random::new(seed);
    for round in 0..rounds {
        let mut octets = corpus[round % corpus.len()].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(octets.len());
            let to = at + random.below((octets.len() - at).min(200));
            match random.below(5) {
                0 => octets[at] = u8::try_from(random.below(256)).expect("an octet"),
                1 => drop(octets.drain(at..to)),
                2 => {
                    let copy = octets[at..to].to_vec();
                    let place = random.below(octets.len());
                    octets.splice(place..place, copy);
                }
                3 => {
                    let other = &corpus[random.below(corpus.len())];
                    let from = random.below(other.len());
                    let until = from + random.below((other.len() - from).min(400));
                    octets.splice(at..at, other[from..until].iter().copied());
                }
                _ => {
                    let piece = PIECES[random.below(PIECES.len())];
                    octets.splice(at..at, piece.iter().copied());
                }
            }
            if octets.is_empty() {
                octets.push(b'x');
            }
        }
        look(&octets);
    }
}

#[test]
fn mutated_messages_are_taken_apart() {
    let (mut trees, mut doubts) = (0, 0);
    mutate(1, |octets| {
        let header = Header::parse(octets).expect("within the limits");
        let body = header.body();
        assert!(octets.ends_with(body));
        let written = header.to_message();
        let is_mended = written.len() == octets.len() + 2 && written.ends_with(body);
        assert!(written == octets || is_mended);
        let tree = Tree::parse(octets).expect("within the limits");
        for part in &tree.parts {
            let range = &part.range;
            assert!(
                range.start <= part.body && part.body <= range.end && range.end <= octets.len()
            );
            if let Some(parent) = part.parent {
                let outer = &tree.parts[parent].range;
                assert!(outer.start <= range.start && range.end <= outer.end);
            }
        }
        trees += usize::from(tree.parts.len() > 1);
        doubts += usize::from(tree.doubt.is_some());
    });
    assert!(trees > MUTATIONS / 4, "{trees}: the mutations are too wild");
    assert!(
        doubts > MUTATIONS / 100,
        "{doubts}: the mutations are too mild"
    );
}

/// A filter's output stays within bounds, and the filter finds nothing to do in it.
fn check_filter(seed: u64, directive: &[&str], growth: impl Fn(&Filtered) -> usize) {
    let chain = chain(&[directive]);
    let (mut changed, mut refused) = (0, 0);
    mutate(seed, |octets| match run(&chain, octets) {
        Ok(filtered) => {
            assert!(filtered.message.len() <= octets.len() + growth(&filtered));
            let again = run(&chain, &filtered.message).expect("its own output is not refused");
            assert_eq!(again.changes, Vec::<String>::new());
            assert_eq!(again.message, filtered.message);
            changed += usize::from(!filtered.changes.is_empty());
        }
        Err(refusal) => {
            assert_ne!(refusal.status.class, 4, "{refusal}");
            refused += 1;
        }
    });
    assert!(
        changed > MUTATIONS / 10,
        "{changed} changed, {refused} refused"
    );
    assert!(
        refused < MUTATIONS / 2,
        "{changed} changed, {refused} refused"
    );
}

#[test]
fn mutated_messages_go_through_block_attachment() {
    // A notice per part; most parts are longer than that.
    check_filter(2, &["block-attachment", "*.exe", "*.com"], |filtered| {
        3000 * filtered.changes.len()
    });
}

#[test]
fn mutated_messages_go_through_subject_tag() {
    // Once per subject, which a mutation can multiply.
    check_filter(3, &["subject-tag", TAG], |_| 400);
}

#[test]
fn mutated_messages_go_through_header() {
    check_filter(
        4,
        &["header", "set", "Message-ID", "<new@example.org>"],
        |_| 40,
    );
}

/// Whatever is done to a message, another reader finds no blocked name in what passes.
#[test]
fn mutated_messages_do_not_smuggle_a_blocked_name_to_another_reader() {
    const ROUNDS: usize = 20_000;
    let chain = chain(&[&["block-attachment", "*.exe"]]);
    let mut passed = Vec::new();
    mutate_often(5, ROUNDS, |octets| {
        if let Ok(filtered) = run(&chain, octets) {
            passed.extend(format!("{}\n", filtered.message.len()).into_bytes());
            passed.extend(filtered.message);
        }
    });
    let directory = TempDir::new("filters");
    let file = directory.path().join("passed");
    fs::write(&file, passed).expect("a writable directory");
    read_independently("clean", &file);
}
