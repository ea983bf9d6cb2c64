//! Postfix's opinion of every scenario, as its `posttls-finger` has it: at level `dane` it finds what we find, or it is listed why not (rfc A6).
//!
//! It believes the AD bit, so the resolver of the lab is asked in the mode `ad` too. Its resolver library is the system's, which can be told
//! another port only from within: `tests/data/postfix/resolver.c` does that.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use gateway_lab::temp::TempDir;

use crate::rows;
use crate::scenario::{Level, Mode, Proof, Scenario};
use crate::stage::Stage;

/// Fingers at the same time: most of them wait for a server or a resolver that is silent.
const AT_ONCE: usize = 8;

/// Scenarios of which Postfix thinks otherwise, and which of the two is right.
const DIFFERENCES: [(&str, &str); 12] = [
    (
        "T08 the certificate names only the domain, whose MX is insecure",
        "Postfix accepts the domain's own name although nothing secure says that the host is its: RFC 7672 §2.2.1, rfc B1",
    ),
    (
        "T44 the first host fails in the handshake",
        "the finger looks at one host, deliveries of both programs go on to the next",
    ),
    (
        "T44 the first host presents another certificate",
        "the finger looks at one host, deliveries of both programs go on to the next",
    ),
    (
        "T49 the only MX is an address",
        "an MX record must name a host, RFC 5321 §5.1; Postfix takes the name for an address literal",
    ),
    (
        "T51 forty hosts, most of them dead",
        "we try five hosts in one run, rfc M18; the finger goes on until one answers",
    ),
    (
        "T51 forty hosts, most of them without address",
        "we try five hosts in one run, rfc M18; the finger goes on until one answers",
    ),
    (
        "T52 the best host is ourselves",
        "the finger is no mail server and has no hosts of its own",
    ),
    (
        "T56 octets injected before the handshake",
        "Postfix 3.7 discards what came in clear text; that somebody is in between is a reason to leave, rfc S6",
    ),
    (
        "T60 the record is of the RSA key, ECDSA is presented first",
        "we ask for the other certificate of a host that has two, rfc C12; Postfix does not",
    ),
    (
        "T68 no EDNS",
        "a reply without EDNS cannot carry DNSSEC, rfc C5; the system's library takes it for unsigned data",
    ),
    (
        "T68 no EDNS for TLSA",
        "a reply without EDNS cannot carry DNSSEC, rfc C5; the system's library takes it for unsigned data",
    ),
    (
        "T70 forged replies before the right one",
        "the system's library believes one of the forged replies; we wait for the right one, rfc C5",
    ),
];

/// What is known of the server that would get the mail; `None` if nobody would.
type Finding = Option<Proof>;

#[test]
fn postfix_finds_the_same() {
    let mut stage = Stage::large();
    rows::put_up(&mut stage);
    let mut scenarios = stage.take_scenarios();
    // A policy of its own is not what the finger is told.
    scenarios
        .retain(|one| one.is_skipped(Mode::Ad, Level::Dane).is_none() && one.policy().is_none());
    let port = stage.port();
    let flow = stage.start();
    let finger = Finger::new(flow.world.resolver().port());
    let share = scenarios.len().div_ceil(AT_ONCE);
    let told: Vec<String> = thread::scope(|scope| {
        let finger = &finger;
        let ask = |some: &'_ [Scenario]| {
            some.iter()
                .map(|one| finger.points_at(&one.domain, port))
                .collect()
        };
        let threads: Vec<_> = scenarios
            .chunks(share)
            .map(|some| scope.spawn(move || -> Vec<String> { ask(some) }))
            .collect();
        let told = threads.into_iter().map(|one| one.join().expect("told"));
        told.flatten().collect()
    });
    let mut listed: BTreeMap<&str, &str> = DIFFERENCES.into();
    let mut complaints = Vec::new();
    for (scenario, told) in scenarios.iter().zip(&told) {
        let ours = scenario.ending(Level::Dane).foretold();
        let ours: Finding = ours.to.map(|(_, proof)| proof);
        let theirs = finding(told);
        let is_listed = listed.remove(scenario.name).is_some();
        if (ours == theirs) == is_listed {
            complaints.push(format!(
                "{scenario}: we find {ours:?}, listed: {is_listed}, it finds {theirs:?}:\n{told}"
            ));
        }
    }
    complaints.extend(listed.keys().map(|name| format!("{name}: not asked")));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What the finger's words mean. It does not say which connections Postfix would use for mail: where there are TLSA records that count, only
/// those with a certificate that matches.
fn finding(told: &str) -> Finding {
    let has = |words: &str| told.contains(words);
    let established = " TLS connection established to ";
    let counts = has(": DNSSEC-signed TLSA record: ") && !has(": all TLSA records unusable");
    match (has(established), counts) {
        (false, _) => None,
        (true, false) => Some(Proof::Encrypted),
        (true, true) if has(&format!(": Verified{established}")) => Some(Proof::Verified),
        (true, true) if has(&format!(": Trusted{established}")) => Some(Proof::Trusted),
        (true, true) => None,
    }
}

/// Postfix's own look at a server.
struct Finger {
    directory: TempDir,
    resolver_port: u16,
}

impl Finger {
    fn new(resolver_port: u16) -> Self {
        let directory = TempDir::new("finger");
        fs::write(
            directory.path().join("main.cf"),
            "compatibility_level = 3.7\n",
        )
        .expect("written");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/postfix/resolver.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(directory.path().join("resolver.so"))
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(built.expect("cc, which Rust needs too").success());
        Self {
            directory,
            resolver_port,
        }
    }

    fn points_at(&self, domain: &str, port: u16) -> String {
        let output = Command::new("posttls-finger")
            .env("MAIL_CONFIG", self.directory.path())
            .env("LD_PRELOAD", self.directory.path().join("resolver.so"))
            .env("LAB_RESOLVER_PORT", self.resolver_port.to_string())
            .args([
                "-c",
                "-l",
                "dane",
                "-L",
                "summary,verbose",
                "-t",
                "5",
                "-T",
                "5",
            ])
            .arg(format!("{domain}:{port}"))
            .stdin(Stdio::null())
            .output()
            .expect("posttls-finger; scripts/setup installs it with Postfix");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}
