//! Says in one paragraph which lines decide about a destination, and what they mean.

use super::{destination, lexer, values};
use crate::outbound::decision::bare;
use crate::outbound::policy::{NextHop, Rule};
use crate::outbound::{Exception, Instead, Level, Settings};
use crate::smtp::{Domain, Host};
use crate::time::Timestamp;

/// What `gateway config --for` prints: one paragraph, without line breaks.
pub fn explain(settings: &Settings, destination: &Host, now: Timestamp) -> String {
    let rule = settings.policies.rule(destination);
    let mut sentences = vec![
        decides(&rule),
        goes(settings, &rule, destination),
        proves(settings, &rule, destination),
    ];
    let exceptions = settings.policies.exceptions.iter();
    let own = exceptions.filter(|one| *destination == Host::Domain(one.domain.clone()));
    sentences.extend(own.map(|exception| excepts(exception, rule.level, now)));
    format!("{}: {}", bare(destination), sentences.join(" "))
}

/// Which lines decide.
fn decides(rule: &Rule<'_>) -> String {
    let line = |origin: &dyn ToString, name: &str, words: &[String]| {
        let words: Vec<String> = words.iter().map(|word| lexer::quote(word)).collect();
        format!("{} (`{name} {}`)", origin.to_string(), words.join(" "))
    };
    let policy = match rule.policy {
        Some(policy) => line(&policy.origin, "policy", &destination::policy_words(policy)),
        None => "the default (`policy * dane-only`)".to_owned(),
    };
    match rule.next_hop {
        NextHop::Smarthost(smarthost) => {
            let words = destination::smarthost_words(smarthost);
            let route = line(&smarthost.origin, "route", &words);
            format!("{policy} decides what a server must prove, and {route} which server that is.")
        }
        NextHop::Mx | NextHop::Listed(_) => format!("{policy} decides."),
    }
}

/// Where the mail goes.
fn goes(settings: &Settings, rule: &Rule<'_>, destination: &Host) -> String {
    let port = rule.port.unwrap_or(settings.smtp_port);
    let hosts = match (rule.next_hop, destination) {
        (NextHop::Smarthost(smarthost), _) => format!("the smarthost {}", smarthost.host),
        (NextHop::Listed(hosts), _) => {
            let hosts: Vec<&str> = hosts.iter().map(Domain::as_str).collect();
            format!(
                "{}, in this order, and no MX records are asked for",
                hosts.join(", ")
            )
        }
        (NextHop::Mx, Host::Domain(_)) => "the hosts of its MX records".to_owned(),
        (NextHop::Mx, Host::Literal(_)) => "this very address".to_owned(),
    };
    format!("Mail goes to port {port} of {hosts}.")
}

/// What the level demands.
fn proves(settings: &Settings, rule: &Rule<'_>, destination: &Host) -> String {
    let level = rule.level;
    let is_literal = matches!(
        (rule.next_hop, destination),
        (NextHop::Mx, Host::Literal(_))
    );
    let demand = match level {
        Level::DaneOnly | Level::Secure if is_literal => {
            "no server can be proven to be at an address, so the mail is refused".to_owned()
        }
        Level::DaneOnly => dane_only(settings, rule),
        Level::Dane => "where DNSSEC proves that a host has TLSA records, the server's certificate must match one of them; \
            everywhere else encryption is enough, whoever the server is"
            .to_owned(),
        Level::Secure => {
            let file = settings.ca_file.as_ref();
            let file = file.map_or("the system's bundle".to_owned(), |file| {
                file.display().to_string()
            });
            format!(
                "the server must present a certificate of a CA of {file} for the domain, or for the host's name if it is configured \
                or DNSSEC proves the MX records"
            )
        }
        Level::Fingerprint => "the server's key or certificate must have a digest of the line".to_owned(),
        Level::Encrypt => {
            "the connection must be encrypted, and anybody in between may be at its other end".to_owned()
        }
        Level::None => "mail goes in clear text, to loopback addresses only".to_owned(),
    };
    match level {
        Level::None => format!("At level {level} {demand}."),
        _ => format!("At level {level} {demand}; nothing is ever sent in clear text."),
    }
}

fn dane_only(settings: &Settings, rule: &Rule<'_>) -> String {
    let mut text = "every DNS answer on the way must be DNSSEC-secure and the server's certificate must match a TLSA record of its host"
        .to_owned();
    if rule.is_alias_enough {
        text +=
            " (an insecure address will do if the host's name is a secure alias with TLSA records)";
    }
    text += match settings.no_dane_is_final {
        true => {
            ", else the mail waits, or is refused at once where signatures prove that there is no DANE"
        }
        false => ", else the mail waits",
    };
    text
}

fn excepts(exception: &Exception, level: Level, now: Timestamp) -> String {
    let (origin, date) = (&exception.origin, values::format_date(exception.until));
    if exception.is_over(now) {
        return format!("The exception of {origin} ended on {date}: remove the line.");
    }
    if !level.uses_dane() {
        return format!("The exception of {origin} has no effect at level {level}.");
    }
    let instead = match &exception.instead {
        Instead::Pins(_) => "whose key or certificate has the digest of that line",
        Instead::Pkix => "for which a CA vouches",
    };
    format!(
        "Until {date} (UTC), where DANE fails, {origin} lets a server pass {instead} ({}).",
        exception.reason
    )
}
