//! `gateway check` against the lab: every host is looked at, nothing is sent, and the exit code tells the worst.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use gateway_lab::{Certificate, Gateway, MxHost, Seats, World, Zone};

/// `good.test` has a dead, a wrong and a right server; `bad.test` a wrong one; `none.test` takes no mail.
struct Stage {
    _world: World,
    wrong: MxHost,
    right: MxHost,
    gateway: Gateway,
}

impl Stage {
    fn new() -> Self {
        let mut seats = Seats::reserve(3);
        let mut host = |name: &str| MxHost::start_on(seats.take(), Certificate::new(name), name);
        let (wrong, right) = (host("wrong.good.test"), host("right.good.test"));
        let dead: SocketAddr = seats.refuse();
        let port = seats.port();
        let good = Zone::signed("good.test")
            .mx(10, "dead.good.test")
            .mx(20, wrong.name())
            .mx(30, right.name())
            .address("dead.good.test", dead.ip())
            .address(wrong.name(), wrong.ip())
            .address(right.name(), right.ip())
            .tlsa("dead.good.test", port, right.tlsa(1, 1))
            .tlsa(wrong.name(), port, right.tlsa(1, 1))
            .tlsa(right.name(), port, right.tlsa(1, 1));
        let bad = Zone::signed("bad.test").mx(10, wrong.name());
        let none = Zone::signed("none.test").mx(0, ".");
        let world = World::builder().zone(good).zone(bad).zone(none).start();
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .resolver(world.resolver())
            .smtp_port(port)
            .prepare();
        Self {
            _world: world,
            wrong,
            right,
            gateway,
        }
    }

    fn check(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut arguments = vec!["check"];
        arguments.extend(words);
        let Output {
            status,
            stdout,
            stderr,
        } = self.gateway.run(&arguments);
        let said =
            String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        (status.code(), said)
    }
}

#[test]
fn every_host_is_looked_at_and_nothing_is_sent() {
    let stage = Stage::new();
    let (code, said) = stage.check(&["carol@good.test"]);
    assert_eq!(code, Some(0), "{said}");
    let mut rest = said.as_str();
    for part in [
        "good.test: level dane-only, port ",
        "MX of good.test.: secure",
        "20 wrong.good.test.",
        "TLSA of _",
        "dead.good.test [",
        "defer 4.4.1 connect",
        "wrong.good.test [",
        "defer 4.7.5 validation-failure",
        "none of the TLSA records matches",
        "right.good.test [",
        "deliver 2.0.0 ok",
        "record    3 1 1",
        "matches the certificate at depth 0",
        "verdict: deliver 2.0.0 ok",
        "but not   dead.good.test [",
        "wrong.good.test [",
    ] {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("'{part}' is missing, or not where it belongs, in\n{said}");
        };
        rest = after;
    }
    assert!(!said.contains("carol"), "no local part");
    let is_plain = |line: &str| line.chars().count() <= 80 && !line.contains('\u{1b}');
    assert!(said.lines().all(is_plain), "{said}");
    for host in [&stage.wrong, &stage.right] {
        assert!(host.connection_count() > 0, "{}", host.name());
        assert!(!host.saw_mail_command(), "{}", host.name());
    }
}

#[test]
fn the_worst_of_several_arguments_counts() {
    let stage = Stage::new();
    for (words, code) in [
        (&["good.test"][..], 0),
        (&["bad.test"], 75),
        (&["none.test"], 69),
        (&["bad.test", "good.test"], 75),
        (&["none.test", "bad.test", "good.test"], 69),
        (&["a@[192.0.2.1]"], 69),
    ] {
        let (found, said) = stage.check(words);
        assert_eq!(found, Some(code), "{words:?}: {said}");
    }
}

#[test]
fn programs_get_one_object_a_line() {
    let stage = Stage::new();
    let (code, said) = stage.check(&["--json", "good.test", "none.test"]);
    assert_eq!(code, Some(69), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    let [good, none] = lines.as_slice() else {
        panic!("two arguments, but\n{said}");
    };
    let begin = r#"{"domain":"good.test","level":"dane-only","verdict":"deliver","code":"2.0.0","reason":"ok","#;
    assert!(good.starts_with(begin), "{good}");
    for part in [
        r#""mx":{"status":"secure","rcode":"NOERROR","#,
        r#""hosts":[{"name":"dead.good.test","#,
        r#""name":"wrong.good.test","preference":20,"#,
        r#""verified":true,"matched":{"usage":3,"selector":1,"matching":1,"depth":0,"reference":null},"tls":"TLSv1.3 "#,
    ] {
        assert!(good.contains(part), "{part} in {good}");
    }
    let begin = r#"{"domain":"none.test","level":"dane-only","verdict":"reject","code":"5.1.10","reason":"null-mx","#;
    assert!(none.starts_with(begin), "{none}");
    assert!(none.ends_with(r#""hosts":[]}"#), "{none}");
}

#[test]
fn words_that_cannot_be_obeyed_are_named() {
    let stage = Stage::new();
    for (words, named) in [
        (
            &["-l", "mta-sts", "good.test"][..],
            "level 'mta-sts': this version cannot do this yet",
        ),
        (&["-l", "strict", "good.test"], "found 'strict'"),
        (&["-p", "0", "good.test"], "found '0'"),
        (&["-p", "smtp", "good.test"], "found 'smtp'"),
        (&["good.test", "not a domain"], "'not a domain'"),
        (&["@good.test"], "'@good.test'"),
        (&["--html"], "option '--html' needs a value"),
        (&[], "expected an address or a domain"),
    ] {
        let (code, said) = stage.check(words);
        assert_eq!(code, Some(64), "{words:?}: {said}");
        assert!(
            said.contains(named) && said.lines().count() == 1,
            "{words:?}: {said}"
        );
    }
    assert_eq!(stage.right.connection_count(), 0);
}

/// The options replace what the configuration says.
#[test]
fn level_and_port_can_be_chosen() {
    let stage = Stage::new();
    let (code, said) = stage.check(&["-l", "none", "bad.test"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("in clear text"), "{said}");
    // Where nothing listens there are no TLSA records either.
    let (code, said) = stage.check(&["-p", "1", "good.test"]);
    assert_eq!(code, Some(75), "{said}");
    assert!(
        said.contains("port 1\n\n") && said.contains("dane-required"),
        "{said}"
    );
}

/// Colours are for terminals that can show them, and for people who do not object.
#[test]
fn terminals_get_colours() {
    let stage = Stage::new();
    let (binary, file) = (
        env!("CARGO_BIN_EXE_gateway"),
        stage.gateway.directory().join("gateway.conf"),
    );
    let line = format!("{binary} -c {} check none.test", file.display());
    for (term, no_color, is_coloured) in [
        ("xterm", "", true),
        ("xterm", "1", false),
        ("dumb", "", false),
    ] {
        // Runs the line on a terminal of its own.
        let output = Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .env("TERM", term)
            .env("NO_COLOR", no_color)
            .stdin(Stdio::null())
            .output()
            .expect("script runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.contains("null-mx"), "{said}");
        let has_red = said.contains("\u{1b}[1;31mFAIL");
        assert_eq!(
            (has_red, said.contains('\u{1b}')),
            (is_coloured, is_coloured),
            "{said}"
        );
    }
}
