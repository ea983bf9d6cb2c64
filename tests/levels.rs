//! What each level is content with, and which lines decide about a destination: `gateway check` against hosts of the lab, and mail.

use std::sync::OnceLock;
use std::time::Duration;

use gateway::certificate::Pin;
use gateway_lab::certificate::CertificateSpec;
use gateway_lab::{Behaviour, Certificate, Gateway, MxHost, Phase, Seats, World, Zone};

/// Longest wait on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// `signed.test` and the host in it are signed and right; of the others only what their names say is.
struct Stage {
    world: World,
    hosts: Vec<MxHost>,
    /// The CA, in PEM.
    authority: String,
    port: u16,
}

impl Stage {
    fn new() -> Self {
        let mut seats = Seats::reserve(5);
        let authority = CertificateSpec::authority("Lab CA").build();
        let mut host = |name: &str, certificate| MxHost::start_on(seats.take(), certificate, name);
        let issued = |names: &[&str]| {
            let spec = CertificateSpec::new("issued").dns_names(names);
            spec.build_below(&authority).presenting(&[&authority])
        };
        let signed = host("mx.signed.test", Certificate::new("mx.signed.test"));
        let domain = host("mx.domain.test", issued(&["domain.test"]));
        let named = host("mx.named.test", issued(&["mx.named.test"]));
        let clear = host("mx.clear.test", issued(&["clear.test"]));
        clear.behave(Behaviour::new().without("STARTTLS"));
        let port = seats.port();
        let unsigned = |apex: &str, host: &MxHost| {
            let zone = Zone::unsigned(apex).mx(10, host.name());
            match host.name().ends_with(apex) {
                true => zone.address(host.name(), host.ip()),
                false => zone,
            }
        };
        let zone = Zone::signed("signed.test")
            .mx(10, signed.name())
            .address(signed.name(), signed.ip())
            .tlsa(signed.name(), port, signed.tlsa(1, 1));
        let both = Zone::signed("both.test")
            .mx(10, "mx.both.test")
            .address("mx.both.test", named.ip());
        let world = World::builder()
            .zone(zone)
            .zone(both)
            .zone(unsigned("half.test", &signed))
            .zone(unsigned("domain.test", &domain))
            .zone(unsigned("named.test", &named))
            .zone(unsigned("clear.test", &clear));
        Self {
            world: world.start(),
            hosts: vec![signed, domain, named, clear],
            authority: authority.pem(),
            port,
        }
    }

    /// A gateway with these lines.
    fn gateway(&self, lines: &[String]) -> Gateway {
        let mut gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .resolver(self.world.resolver())
            .smtp_port(self.port)
            .authorities(&self.authority);
        for line in lines {
            gateway = gateway.config(line);
        }
        gateway.prepare()
    }

    fn pin(&self, host: usize, place: usize) -> Pin {
        Pin::all_of(&self.hosts[host].certificate().der())[place]
    }
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(Stage::new)
}

/// What `check --json` says of a domain: code, reason, proof and what was verified.
fn check(gateway: &Gateway, domain: &str) -> String {
    let output = gateway.run(&["check", "--json", domain]);
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let member = |name: &str| {
        let (_, rest) = told.rsplit_once(&format!("\"{name}\":"))?;
        let end = rest.find([',', '}', ']'])?;
        Some(rest[..end].trim_matches('"').to_owned())
    };
    let member = |name: &str| member(name).unwrap_or_else(|| panic!("{name}: {told}{errors}"));
    let code = told.split("\"code\":\"").nth(1);
    let code = code.and_then(|rest| rest.split('"').next());
    let code = code.unwrap_or_else(|| panic!("no code: {told}{errors}"));
    match told.contains("\"hosts\":[]") {
        true => format!("{code} {}", member("reason")),
        false => format!(
            "{code} {} {} {}",
            member("reason"),
            member("proof"),
            member("verified")
        ),
    }
}

/// M2, C15 and the rest of what levels differ in.
#[test]
fn each_level_is_content_with_its_own_proof() {
    let stage = stage();
    let [certificate, key] = [stage.pin(1, 1), stage.pin(1, 0)];
    for (line, domain, expected) in [
        ("dane-only", "signed.test", "2.0.0 ok verified true"),
        ("dane-only", "half.test", "4.7.5 mx-insecure"),
        ("dane-only", "domain.test", "4.7.5 mx-insecure"),
        ("dane", "signed.test", "2.0.0 ok verified true"),
        ("dane", "half.test", "2.0.0 ok trusted false"),
        ("dane", "domain.test", "2.0.0 ok encrypted false"),
        (
            "dane",
            "clear.test",
            "4.7.4 starttls-not-supported null false",
        ),
        ("encrypt", "signed.test", "2.0.0 ok encrypted false"),
        (
            "encrypt",
            "clear.test",
            "4.7.4 starttls-not-supported null false",
        ),
        ("secure", "domain.test", "2.0.0 ok pkix false"),
        (
            "secure",
            "named.test",
            "4.7.5 certificate-host-mismatch null false",
        ),
        (
            "secure",
            "both.test",
            "4.7.5 certificate-host-mismatch null false",
        ),
        (
            "secure",
            "signed.test",
            "4.7.5 certificate-not-trusted null false",
        ),
        (
            "secure",
            "clear.test",
            "4.7.4 starttls-not-supported null false",
        ),
        (
            "secure mx=mx.named.test",
            "both.test",
            "2.0.0 ok pkix false",
        ),
        (
            &format!("fingerprint pin={certificate}"),
            "domain.test",
            "2.0.0 ok pin false",
        ),
        (
            &format!("fingerprint pin={} pin={key}", stage.pin(0, 0)),
            "domain.test",
            "2.0.0 ok pin false",
        ),
        (
            &format!("fingerprint pin={key}"),
            "named.test",
            "4.7.5 validation-failure null false",
        ),
        (
            "dane-only mx=mx.signed.test",
            "domain.test",
            "2.0.0 ok verified true",
        ),
        (
            "dane-only mx=mx.domain.test",
            "domain.test",
            "4.7.5 addr-insecure null false",
        ),
        ("none", "signed.test", "2.0.0 ok loopback false"),
    ] {
        let gateway = stage.gateway(&[format!("policy {domain} {line}")]);
        assert_eq!(check(&gateway, domain), expected, "{domain} {line}");
    }
}

/// M2: a match at a host that nothing secure names is not told as more than it is.
#[test]
fn what_is_only_trusted_is_told_so() {
    let stage = stage();
    let gateway = stage.gateway(&["policy * dane".to_owned()]);
    for (domain, is_only_trusted) in [("half.test", true), ("signed.test", false)] {
        let report = gateway.run(&["check", domain]).stdout;
        let report = String::from_utf8_lossy(&report);
        assert!(report.contains("verdict: deliver"), "{report}");
        let told = report.contains("only trusted: nothing secure says");
        assert_eq!(told, is_only_trusted, "{report}");
        assert!(!report.contains("proven to be the right one"), "{report}");
    }
}

/// An exception lets mail through where DANE does not, says so each time, and is gone at its date.
#[test]
fn exceptions_are_used_and_told() {
    let stage = stage();
    let pin = stage.pin(1, 1);
    let exception = |until: &str, pin: Pin| {
        format!("exception domain.test pin={pin} until={until} reason=\"no DNSSEC yet\"")
    };
    let mut gateway = stage.gateway(&[exception("2099-01-01", pin)]);
    assert_eq!(check(&gateway, "domain.test"), "2.0.0 ok pin false");
    let report = gateway.run(&["check", "domain.test"]).stdout;
    let report = String::from_utf8_lossy(&report).into_owned();
    let (before, after) = report
        .split_once("note  exception: of the configuration")
        .expect("the exception is told");
    assert!(before.contains("FAIL  MX of domain.test.: insecure"));
    assert!(after.contains("note  MX of domain.test.: insecure"));
    gateway.serve();
    let text = "Subject: x\r\n\r\nx\r\n";
    let reply = gateway.submit("author@signed.test", &["user@domain.test"], text);
    assert_eq!(reply.expect("a reply").code, 250);
    let log = gateway.wait_for_log("fingerprint deliver 2.0.0 ok domain=domain.test", PATIENCE);
    assert!(
        log.expect("delivered")
            .contains("remarks=mx-insecure,exception ")
    );
    let told = gateway.log().join("\n");
    assert!(
        told.contains(
            " (no DNSSEC yet) is used, time 1 since the start; without it: 4.7.5 mx-insecure:"
        ),
        "{told}"
    );
    assert_eq!(stage.hosts[1].messages().len(), 1);

    let wrong = stage.gateway(&[exception("2099-01-01", stage.pin(0, 0))]);
    assert!(check(&wrong, "domain.test").starts_with("4.7.5 validation-failure"));
    let over = stage.gateway(&[exception("2020-01-01", pin)]);
    assert_eq!(check(&over, "domain.test"), "4.7.5 mx-insecure");
    let shown = over.run(&["config"]).stdout;
    let shown = String::from_utf8_lossy(&shown);
    assert!(
        shown.contains("the exception for domain.test ended on 2020-01-01: remove the line"),
        "{shown}"
    );
}

/// The same with the proof of a CA: it must vouch for the domain; the name of a host that nothing secure names is not enough.
#[test]
fn exceptions_by_a_ca_are_about_names() {
    let stage = Stage::new();
    let exception =
        |domain: &str| format!("exception {domain} pkix until=2099-01-01 reason=\"moving\"");
    let mut gateway = stage.gateway(&[
        exception("domain.test"),
        exception("named.test"),
        exception("both.test"),
        exception("clear.test"),
    ]);
    // The code of the refusal without the exception, and what came of the last host under it.
    for (domain, expected) in [
        ("domain.test", "2.0.0 ok pkix false"),
        ("named.test", "4.7.5 certificate-host-mismatch null false"),
        ("both.test", "4.7.5 certificate-host-mismatch null false"),
        ("clear.test", "4.7.5 starttls-not-supported null false"),
        ("half.test", "4.7.5 mx-insecure"),
    ] {
        assert_eq!(check(&gateway, domain), expected, "{domain}");
    }
    gateway.serve();
    for domain in ["domain.test", "named.test"] {
        let user = format!("user@{domain}");
        let reply = gateway.submit("author@signed.test", &[&user], "Subject: x\r\n\r\nx\r\n");
        assert_eq!(reply.expect("a reply").code, 250);
    }
    let line = gateway.wait_for_log("secure deliver 2.0.0 ok domain=domain.test", PATIENCE);
    let line = line.expect("delivered");
    for part in [
        " proof=pkix refid=domain.test ",
        "remarks=mx-insecure,exception ",
    ] {
        assert!(line.contains(part), "{line}");
    }
    let line = gateway.wait_for_log("secure defer 4.7.5 certificate-host-mismatch", PATIENCE);
    assert!(line.expect("deferred").contains(" domain=named.test "));
    let taken: Vec<usize> = stage
        .hosts
        .iter()
        .map(|host| host.messages().len())
        .collect();
    assert_eq!(taken, [0, 1, 0, 0]);
}

/// G7: only where signatures are checked here, and only what they prove.
#[test]
fn what_is_proven_can_be_refused_at_once() {
    let stage = stage();
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .resolver(stage.world.resolver())
        .smtp_port(stage.port)
        .validating(&stage.world.trust_anchor())
        .config("no-dane-action bounce")
        .prepare();
    for (domain, expected) in [
        ("half.test", "5.7.5 mx-insecure"),
        ("both.test", "5.7.5 dane-required null false"),
        ("signed.test", "2.0.0 ok verified true"),
    ] {
        assert_eq!(check(&gateway, domain), expected, "{domain}");
    }
}

/// M20: the smarthost is verified by its own records, and a more specific line wins.
#[test]
fn routes_lead_to_smarthosts_that_are_verified() {
    let stage = stage();
    let lines = [
        "route * mx.signed.test".to_owned(),
        "route .named.test mx.named.test".to_owned(),
        "policy domain.test dane".to_owned(),
        format!("route clear.test mx.signed.test:{}", stage.port),
    ];
    let gateway = stage.gateway(&lines);
    for (destination, expected) in [
        ("anything.test", "2.0.0 ok verified true"),
        ("domain.test", "2.0.0 ok verified true"),
        ("clear.test", "2.0.0 ok verified true"),
        ("[192.0.2.1]", "2.0.0 ok verified true"),
        ("named.test", "2.0.0 ok verified true"),
        ("sub.named.test", "4.7.5 addr-insecure null false"),
    ] {
        assert_eq!(check(&gateway, destination), expected, "{destination}");
    }
}

/// No level but `none` says a word about the mail in clear text.
#[test]
fn nothing_is_said_in_clear_text() {
    let stage = stage();
    for level in ["dane", "encrypt", "secure"] {
        let gateway = stage.gateway(&[format!("policy clear.test {level}")]);
        assert!(
            check(&gateway, "clear.test").starts_with("4.7.4 "),
            "{level}"
        );
    }
    let said = stage.hosts[3].commands(Phase::Clear);
    let is_harmless = |line: &String| line.starts_with("EHLO ") || line == "QUIT";
    assert!(said.iter().all(is_harmless), "{said:?}");
}
