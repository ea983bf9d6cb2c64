//! `gateway config`: where the configuration comes from, what is printed, and how mistakes are told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gateway_lab::random::Random;
use gateway_lab::temp::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_gateway");

/// What depends on the machine, so that the rest does not.
const BASE: &str = "hostname gw.example.org\nspool /tmp/x\nresolver 127.0.0.1\ndnssec ad\n";

/// The same, with `dnssec` left to the test.
const UNCHECKED: &str = "hostname gw.example.org\nspool /tmp/x\nresolver 127.0.0.1\n";

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new("config"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("below")).expect("writable");
        fs::write(&path, text).expect("writable");
        path
    }
}

fn config(file: Option<&Path>, variable: Option<&Path>) -> Output {
    let mut command = Command::new(BINARY);
    command.env_remove("GATEWAY_CONF").stdin(Stdio::null());
    if let Some(file) = file {
        command.arg("-c").arg(file);
    }
    if let Some(variable) = variable {
        command.env("GATEWAY_CONF", variable);
    }
    command.arg("config").output().expect("starts")
}

fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert_eq!(error, "");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The one line on standard error of a configuration that is refused with exit code 78.
fn refusal(output: &Output) -> String {
    let error = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(output.status.code(), Some(78), "{error}");
    assert!(output.stdout.is_empty());
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn what_is_printed_can_be_used_and_means_the_same() {
    let files = Files::new();
    let text = format!(
        "{BASE}listen 127.0.0.1:0\nfilter subject-tag \"[a \\\"b\\\"]\"\nfilter block-attachment *.exe \"* x.scr\"\n\
         filter header add X-Filtered \"yes # no\"\npolicy lab.example none port=10587\nmessage-size-limit 100K\n"
    );
    let first = printed(&config(Some(&files.write("a.conf", &text)), None));
    let second = printed(&config(Some(&files.write("b.conf", &first)), None));
    assert_eq!(first, second);
    for line in [
        "hostname gw.example.org",
        "filter subject-tag \"[a \\\"b\\\"]\"",
        "filter block-attachment *.exe \"* x.scr\"",
        "policy * dane-only",
        "policy lab.example none port=10587",
        "message-size-limit 100K",
        "retry-for 5d",
        "# user NAME",
    ] {
        assert!(
            first.lines().any(|printed| printed == line),
            "{line} in {first}"
        );
    }
}

#[test]
fn the_file_is_that_of_the_option_then_that_of_the_environment() {
    let files = Files::new();
    let one = files.write("one.conf", &format!("{BASE}log error\n"));
    let two = files.write("two.conf", &format!("{BASE}log debug\n"));
    assert!(printed(&config(Some(&one), Some(&two))).contains("\nlog error\n"));
    assert!(printed(&config(None, Some(&two))).contains("\nlog debug\n"));
    let missing = files.0.path().join("missing.conf");
    for output in [config(Some(&missing), None), config(None, Some(&missing))] {
        assert!(refusal(&output).contains("missing.conf: cannot read the configuration"));
    }
}

#[test]
fn included_files_are_found_beside_the_file_that_names_them() {
    let files = Files::new();
    files.write("parts/more.conf", "log debug\ninclude last.conf\n");
    files.write("parts/last.conf", "smtp-port 2500\n");
    let main = files.write(
        "main.conf",
        &format!("{BASE}include parts/more.conf\nworkers 3\n"),
    );
    let text = printed(&config(Some(&main), None));
    for line in ["log debug", "smtp-port 2500", "workers 3"] {
        assert!(text.lines().any(|printed| printed == line), "{line}");
    }

    files.write("parts/last.conf", "\nsmtp-port none\n");
    let line = refusal(&config(Some(&main), None));
    assert!(
        line.contains(
            "last.conf:2: smtp-port PORT: expected a number from 1 to 65535, found 'none'"
        ),
        "{line}"
    );

    files.write("parts/last.conf", "include more.conf\n");
    assert!(refusal(&config(Some(&main), None)).contains("files include each other"));
    files.write("parts/last.conf", "include gone.conf\n");
    let line = refusal(&config(Some(&main), None));
    assert!(
        line.contains("last.conf:1: included: ") && line.contains("gone.conf"),
        "{line}"
    );
}

#[test]
fn mistakes_name_the_place() {
    let files = Files::new();
    for (text, expected) in [
        (
            "listn 127.0.0.1:25\n",
            "bad.conf:5: unknown directive 'listn'; did you mean 'listen'?",
        ),
        (
            "log \"info\n",
            "bad.conf:5: a quote is opened and not closed",
        ),
        (
            "log info\nlog info\n",
            "bad.conf:6: log is given twice; first at ",
        ),
        ("spool x\n", "bad.conf:5: spool is given twice"),
        ("filter frob\n", "bad.conf:5: filter NAME ARGS…: "),
        (
            "certificate a.pem b.pem\n",
            "bad.conf:5: 'certificate': this version cannot do this yet",
        ),
    ] {
        let file = files.write("bad.conf", &format!("{BASE}{text}"));
        let line = refusal(&config(Some(&file), None));
        assert!(line.contains(expected), "{expected} in {line}");
    }
    let file = files.0.path().join("binary.conf");
    fs::write(&file, [0xff, 0xfe]).expect("writable");
    assert!(refusal(&config(Some(&file), None)).contains("binary.conf: cannot read"));
}

/// Seeded mutations of a sound file: each is taken or refused with one line, never anything else.
#[test]
fn mutated_files_are_taken_or_refused_with_one_line() {
    use gateway::config::Config;
    let sound = format!(
        "{UNCHECKED}listen [::1]:25 tls=no\nrelay-from 10.0.0.0/8 ::1\npolicy .a.example dane-only port=2\nretry-for 90s\n\
         message-size-limit 1M # c\nfilter subject-tag \"[x]\"\nallow-address none\ndnssec ad ad-trusted\n"
    );
    let files = Files::new();
    let mut random = Random::new(0x5eed);
    let mut taken = 0;
    for round in 0..5000 {
        let mut octets = sound.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(octets.len());
            match random.below(4) {
                0 => octets[at] = b" \"#\n\\/:.*-9azZ\0"[random.below(15)],
                1 => octets.truncate(at),
                2 => {
                    octets.remove(at);
                }
                _ => octets.insert(at, b"0123456789 \n"[random.below(12)]),
            }
            octets.push(b'\n');
        }
        let file = files.0.path().join(format!("{round}.conf"));
        fs::write(&file, &octets).expect("writable");
        match Config::load(Some(&file)) {
            Ok(config) => {
                taken += 1;
                let again = files.write("again.conf", &config.to_string());
                assert_eq!(Config::load(Some(&again)), Ok(config), "round {round}");
                fs::remove_file(again).expect("removable");
            }
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains(".conf") || text.contains("directive"),
                    "{text}"
                );
                assert_eq!(text.lines().count(), 1, "{text}");
            }
        }
        fs::remove_file(file).expect("removable");
    }
    assert!((500..4500).contains(&taken), "{taken}");
}

/// What `serve` would refuse is not called sound.
#[test]
fn resolvers_that_cannot_be_believed_are_told() {
    let files = Files::new();
    let text = "hostname gw.example.org\nspool /tmp/x\nresolver 192.0.2.1\ndnssec ad\n";
    let output = config(Some(&files.write("a.conf", text)), None);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{error}");
    assert!(
        error.contains("resolver 192.0.2.1:53 is not on loopback"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
    let trusted = files.write("b.conf", &text.replace("dnssec ad", "dnssec ad ad-trusted"));
    printed(&config(Some(&trusted), None));
}
