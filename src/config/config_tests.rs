use super::*;
use crate::net::Network;
use crate::smtp::Host;

fn lines(text: &str) -> Vec<lexer::Directive> {
    lexer::split_lines(Path::new("test.conf"), text).expect("words")
}

/// The configuration of a file that says at least what depends on the machine.
fn load(text: &str) -> Result<Config, ConfigError> {
    let text = format!("hostname gw.example.org\nspool /tmp/spool\nresolver 127.0.0.1\n{text}");
    Config::build(&lines(&text), &Overrides::default())
}

fn error(text: &str) -> String {
    load(text).expect_err(text).0
}

#[test]
fn defaults_are_those_of_the_table() {
    let config = load("").expect("sound");
    assert_eq!(
        config.inbound.listen,
        ["127.0.0.1:2525".parse().expect("an address")]
    );
    assert_eq!(config.outbound.own_addresses, config.inbound.listen);
    assert_eq!(config.inbound.relay_from, Network::LOOPBACK);
    assert_eq!(config.inbound.message_size_limit, 50 << 20);
    assert_eq!(config.inbound.recipient_limit, 1000);
    assert_eq!(config.inbound.session_limit, 1000);
    assert_eq!(
        config.outbound.policies.lines,
        [Policy::new(Pattern::Any, Level::DaneOnly)]
    );
    assert_eq!(config.outbound.smtp_port, 25);
    assert_eq!(config.outbound.allow_addresses, Network::LOOPBACK);
    assert_eq!(config.resolver.dnssec, resolver::DnssecMode::Validate);
    assert_eq!(
        config.resolver.servers,
        [Endpoint::parse("127.0.0.1").expect("an address")]
    );
    assert_eq!(config.queue.retry_for, Duration::from_secs(5 * 86_400));
    assert_eq!(config.queue.retry_first, Duration::from_secs(60));
    assert_eq!(config.queue.retry_max, Duration::from_secs(4 * 3600));
    assert_eq!(config.log, log::Level::Info);
    assert_eq!(config.user, None);
}

#[test]
fn a_resolver_over_tls_says_what_is_wrong_and_needs_cas_only_for_a_name() {
    let wrong = error("resolver tls://192.0.2.53");
    for part in ["test.conf:4", "resolver ADDR[:PORT] |", "without '#'"] {
        assert!(wrong.contains(part), "{wrong}");
    }
    let pinned = "resolver tls://[::1]#sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let config = load(&format!("{pinned}\nca-file /dev/null")).expect("no CA is needed");
    assert_eq!(config.resolver.roots, None);
    let designated = error("resolver tls://192.0.2.53#dane");
    assert!(designated.contains("'#dane/NAME'"), "{designated}");
    let named = "resolver tls://[::1]#dns.example\nca-file /dev/null";
    assert_eq!(error(named), "ca-file /dev/null: there is no certificate");
}

#[test]
fn what_is_printed_means_the_same() {
    let everything = "listen 127.0.0.2:0 tls=no auth=no\nlisten [::1]:2525\nrelay-from 192.0.2.0/24 2001:db8::/32\n\
        relay-from ::1\nresolver [::1]:5353\nresolver 192.0.2.53\nresolver tls://192.0.2.54#sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nresolver tls://192.0.2.55:8853#dane/dns.example\ndnssec ad ad-trusted\npolicy example.org none port=2500\n\
        policy .example.org dane-only\npolicy * dane-only port=10587\npolicy b.example dane-only addresses=rfc7672\npolicy c.example dane\npolicy d.example encrypt mx=a.example mx=b.example\npolicy f.example fingerprint pin=sha256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\nexception g.example pin=sha256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF until=2027-01-31 reason=\"new \\\"key\\\"\"\nroute * smart.example\nroute .e.example smart.example:26\nsmtp-port 10587\nallow-address 10.0.0.0/8 ::1\n\
        retry-for 90s\nretry-first 250ms\nretry-max 5m\nmessage-size-limit 100K\nrecipient-limit 7\nsession-limit 8\n\
        workers 9\nuser nobody\nlog debug\ncommand-timeout 6m\ndata-timeout 1h\nlookup-timeout 7s\nconnect-timeout 8s\n\
        reply-timeout 9m";
    for text in [
        "",
        everything,
        "allow-address none",
        "resolver 192.0.2.1",
        "policy a.example none",
    ] {
        let config = load(text).expect(text);
        let printed = config.to_string();
        let again = Config::build(&lines(&printed), &Overrides::default());
        assert_eq!(again.as_ref(), Ok(&config), "{printed}");
        assert_eq!(again.map(|config| config.to_string()), Ok(printed));
    }
}

#[test]
fn every_directive_is_printed_described_and_has_a_readable_default() {
    let printed = load("").expect("sound").to_string();
    let described = describe_directives();
    for directive in directives() {
        let starts = |line: &str| line.trim_start_matches("# ").starts_with(directive.name);
        assert!(printed.lines().any(starts), "{}", directive.name);
        assert!(described.lines().any(starts), "{}", directive.name);
        assert!(!NOT_BUILT.contains(&directive.name), "{}", directive.name);
    }
}

#[test]
fn mistakes_name_file_line_and_what_was_expected() {
    for (text, expected) in [
        (
            "listne 1",
            "test.conf:4: unknown directive 'listne'; did you mean 'listen'?",
        ),
        (
            "zzz",
            "test.conf:4: unknown directive 'zzz'; 'gateway config --directives' lists all",
        ),
        (
            "\n\nlog loud",
            "test.conf:6: log LEVEL: expected one of error, warning, info, debug, trace, found 'loud'",
        ),
        ("log", "test.conf:4: log LEVEL: expected one word, found 0"),
        (
            "log info\nlog debug",
            "test.conf:5: log is given twice; first at test.conf:4",
        ),
        (
            "spool /b",
            "test.conf:4: spool is given twice; first at test.conf:2",
        ),
        (
            "metrics 127.0.0.1:9000",
            "test.conf:4: 'metrics': this version cannot do this yet; remove the line",
        ),
        (
            "route * smtp.example.org:0",
            "test.conf:4: route DOMAIN HOST[:PORT]: expected a number from 1 to 65535, found '0'",
        ),
        (
            "listen 127.0.0.1",
            "test.conf:4: listen ADDR:PORT [tls=no] [auth=no]: expected ADDR:PORT, for example 127.0.0.1:2525 or [::]:25, found '127.0.0.1'",
        ),
        (
            "listen",
            "test.conf:4: listen ADDR:PORT [tls=no] [auth=no]: expected ADDR:PORT",
        ),
        (
            "relay-from",
            "test.conf:4: relay-from NET…: expected at least one word",
        ),
        (
            "workers 0",
            "test.conf:4: workers N: expected a number from 1 to 1000, found '0'",
        ),
        (
            "retry-max 1y",
            "test.conf:4: retry-max DURATION: expected a duration from 100ms to 30d, for example 90s, 5m, 4h or 5d, found '1y'",
        ),
        (
            "message-size-limit 1G",
            "test.conf:4: message-size-limit SIZE: expected a size from 64K to 512M, for example 50M, found '1G'",
        ),
        (
            "policy example.org mta-sts",
            "test.conf:4: policy DOMAIN LEVEL [port=P] [mx=HOST]… [addresses=rfc7672] [pin=sha256:HEX]…: level 'mta-sts': this version cannot do this yet; it has dane-only, dane, secure, fingerprint, encrypt, none",
        ),
    ] {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn what_is_not_built_is_refused_and_never_ignored() {
    let mut refused: Vec<String> = NOT_BUILT.iter().map(|name| format!("{name} x")).collect();
    for options in [
        "smtps",
        "tls=yes",
        "tls=required",
        "auth=yes",
        "auth=required",
        "proxy=yes",
    ] {
        refused.push(format!("listen 127.0.0.1:25 {options}"));
    }
    refused.push("policy * mta-sts".to_owned());
    for line in refused {
        assert!(error(&line).contains("this version cannot do"), "{line}");
    }
    for line in [
        "dnssec ad-trusted",
        "dnssec",
        "policy * dane-only port=0",
        "policy * dane-only addresses=strict",
        "policy a..b none",
        "policy * none port=1 port=2",
        "policy * dane-only mx=192.0.2.1",
        "policy * fingerprint",
        "policy * fingerprint pin=sha256:00",
        "policy * fingerprint pin=sha1:0000000000000000000000000000000000000000",
        "policy * dane pin=sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "policy * dane addresses=rfc7672",
        "exception a.example pkix reason=x",
        "exception a.example pkix until=2027-01-01",
        "exception a.example pkix until=2027-13-01 reason=x",
        "exception a.example pkix until=2027-01-01 until=2028-01-01 reason=x",
        "exception a.example until=2027-01-01 reason=x",
        "exception a.example pkix until=2027-01-01 reason=\" \"",
        "exception * pkix until=2027-01-01 reason=x",
        "exception .a.example pkix until=2027-01-01 reason=x",
        "exception a.example pkix pin=sha256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF until=2027-01-01 reason=x",
        "no-dane-action reject",
        "route * ",
        "route a.example 192.0.2.1",
        "route a.example b.example:0",
        "route a.example b.example:",
        "route a..b c.example",
    ] {
        assert!(error(line).contains("expected"), "{line}");
    }
}

#[test]
fn what_decides_about_a_domain_is_explained() {
    let without = error("policy pki.example secure\nca-file /dev/null");
    assert_eq!(without, "ca-file /dev/null: there is no certificate");
    let ad = error("no-dane-action bounce\ndnssec ad");
    assert!(
        ad.starts_with("no-dane-action bounce: needs `dnssec validate`"),
        "{ad}"
    );
    let config = load(
        "policy .example.org dane port=26\npolicy b.example.org dane-only mx=mx1.example.net mx=mx2.example.net addresses=rfc7672\n\
        route .smart.example smtp.example.net:587\npolicy p.example fingerprint pin=sha256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n\
        policy lab.example none\nno-dane-action bounce\n\
        exception e.example pin=sha256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF until=2027-01-01 reason=\"no DNSSEC yet\"\n\
        exception lab.example pin=sha256:00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF until=2027-01-01 reason=x",
    )
    .expect("sound");
    let now = values::date("2026-11-25").expect("a date");
    let later = values::date("2027-01-01").expect("a date");
    for (destination, now, parts) in [
        (
            "other.test",
            now,
            [
                "the default (`policy * dane-only`) decides. ",
                "port 25 of the hosts of its MX records. At level dane-only every",
                "refused at once where signatures prove",
            ],
        ),
        (
            "a.example.org",
            now,
            [
                "test.conf:4 (`policy .example.org dane port=26`) decides. ",
                "port 26 of the hosts",
                "everywhere else encryption is enough",
            ],
        ),
        (
            "b.example.org",
            now,
            [
                "test.conf:5 (`policy b.example.org dane-only mx=mx1",
                "port 25 of mx1.example.net, mx2.example.net, in this order,",
                "if the host's name is a secure alias",
            ],
        ),
        (
            "a.smart.example",
            now,
            [
                "the default (`policy * dane-only`) decides what",
                "and test.conf:6 (`route .smart.example smtp.example.net:587`) which server that is.",
                "port 587 of the smarthost smtp.example.net.",
            ],
        ),
        (
            "p.example",
            now,
            [
                "test.conf:7",
                "a digest of the line",
                "nothing is ever sent in clear text.",
            ],
        ),
        (
            "lab.example",
            now,
            [
                "test.conf:8",
                "to loopback addresses only.",
                "The exception of test.conf:11 has no effect at level none.",
            ],
        ),
        (
            "e.example",
            now,
            [
                "decides.",
                "dane-only",
                "Until 2027-01-01 (UTC), where DANE fails, test.conf:10 lets a server pass whose key or certificate has the digest of that line (no DNSSEC yet).",
            ],
        ),
        (
            "e.example",
            later,
            [
                "decides.",
                "dane-only",
                "The exception of test.conf:10 ended on 2027-01-01: remove the line.",
            ],
        ),
        (
            "[192.0.2.1]",
            now,
            [
                "192.0.2.1: the default",
                "port 25 of this very address.",
                "so the mail is refused",
            ],
        ),
    ] {
        let destination = Host::parse(destination).expect("a destination");
        let text = explain(&config.outbound, &destination, now);
        for part in parts {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains('\n'));
    }
}

#[test]
fn a_bad_hostname_is_blamed_on_its_line() {
    let refused = Config::build(&lines("\nhostname a..b"), &Overrides::default());
    let error = refused.expect_err("not a domain");
    assert!(
        error
            .0
            .starts_with("test.conf:2: hostname NAME: expected a domain name"),
        "{error}"
    );
}

#[test]
fn loopback_is_allowed_only_if_all_resolvers_are_there() {
    let build = |text: &str, overrides: &Overrides| {
        let text = format!("hostname gw.example.org\n{text}");
        Config::build(&lines(&text), overrides)
            .expect("sound")
            .outbound
            .allow_addresses
    };
    let none = Overrides::default();
    assert_eq!(
        build("resolver ::1\nresolver 127.0.0.53", &none),
        Network::LOOPBACK
    );
    assert_eq!(build("resolver ::1\nresolver 192.0.2.1", &none), []);
    let elsewhere = Overrides {
        servers: vec![Endpoint::parse("192.0.2.1").expect("an address")],
        ..Overrides::default()
    };
    assert_eq!(build("resolver ::1", &elsewhere), []);
    assert_eq!(
        build("resolver 192.0.2.1\nallow-address ::1", &none).len(),
        1
    );
}

#[test]
fn the_command_line_goes_before_the_file() {
    let overrides = Overrides {
        servers: vec![Endpoint::parse("127.0.0.1:5353").expect("an address")],
        dnssec: Some(resolver::DnssecMode::Ad),
        at: Some(Timestamp::from_unix(1)),
        sha1: true,
        trust_anchor: Some((PathBuf::from("anchors"), TrustAnchors::default())),
        pcap: Some(PathBuf::from("a.pcap")),
        trace: true,
    };
    let text = "hostname gw.example.org\nresolver 192.0.2.1\ndnssec ad ad-trusted\nlog error";
    let config = Config::build(&lines(text), &overrides).expect("sound");
    assert_eq!(config.resolver.servers, overrides.servers);
    assert_eq!(config.resolver.dnssec, resolver::DnssecMode::Ad);
    assert_eq!(config.resolver.pcap, overrides.pcap);
    assert_eq!(config.log, log::Level::Trace);
}

#[test]
fn a_reload_names_what_it_cannot_change() {
    let old = load("").expect("sound");
    let new = load("listen 127.0.0.1:25\nretry-for 1d\nlog debug\nsmtp-port 26").expect("sound");
    assert_eq!(old.fixed_differences(&new), ["listen", "retry-for"]);
    assert_eq!(old.fixed_differences(&old), Vec::<&str>::new());
}

/// The root's keys are followed unless the keys, or a time, are given; a reload stays with the spool that is in use.
#[test]
fn the_state_of_the_anchors_lies_in_the_spool() {
    let with = |spool: &str, overrides: &Overrides| {
        let text = format!("hostname gw.example.org\nresolver ::1\nspool {spool}");
        Config::build(&lines(&text), overrides).expect("sound")
    };
    let build = |overrides: &Overrides| with("/a", overrides);
    let state = |config: &Config| config.resolver.validation.state.clone();
    let none = Overrides::default();
    let mut config = build(&none);
    assert_eq!(state(&config), Some(PathBuf::from("/a/anchors")));
    let at = Overrides {
        at: Some(Timestamp::from_unix(1)),
        ..Overrides::default()
    };
    let given = Overrides {
        trust_anchor: Some((PathBuf::from("keys"), TrustAnchors::default())),
        ..Overrides::default()
    };
    assert_eq!([&at, &given].map(|one| state(&build(one))), [None, None]);
    let other = with("/b", &none);
    config.keep_spool(&other);
    assert_eq!(state(&config), Some(PathBuf::from("/b/anchors")));
    assert_eq!(config.queue.directory, PathBuf::from("/b"));
    let mut fixed = build(&given);
    fixed.keep_spool(&other);
    assert_eq!(state(&fixed), None);
}
