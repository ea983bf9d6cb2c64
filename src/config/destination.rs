//! The words of directives about destinations: `policy`, `route` and `exception`, read and printed again.

use super::values;
use crate::outbound::policy::{Origin, Policy, Smarthost};
use crate::outbound::{Exception, Instead, Level};

/// A `policy` line.
pub(super) fn policy(words: &[String]) -> Result<Policy, String> {
    let [pattern, level, options @ ..] = words else {
        return Err("expected DOMAIN LEVEL".to_owned());
    };
    let mut policy = Policy::new(values::pattern(pattern)?, values::level(level)?);
    for option in options {
        match option.split_once('=') {
            Some(("port", text)) if policy.port.is_none() => {
                policy.port = Some(values::port(text)?);
            }
            Some(("mx", text)) => policy.hosts.push(values::domain(text)?),
            Some(("addresses", "rfc7672")) => policy.is_alias_enough = true,
            Some(("pin", text)) => policy.pins.push(values::pin(text)?),
            _ => {
                return Err(format!(
                    "expected port=P (once), mx=HOST, addresses=rfc7672 or pin=sha256:HEX behind the level, found '{option}'"
                ));
            }
        }
    }
    match policy.level {
        Level::Fingerprint if policy.pins.is_empty() => {
            Err("level fingerprint: expected pin=sha256:HEX".to_owned())
        }
        level if level != Level::Fingerprint && !policy.pins.is_empty() => Err(format!(
            "expected pin= at level fingerprint only, not at {level}"
        )),
        level if level != Level::DaneOnly && policy.is_alias_enough => Err(format!(
            "expected addresses= at level dane-only only, not at {level}"
        )),
        _ => Ok(policy),
    }
}

/// A `route` line.
pub(super) fn smarthost(words: &[String]) -> Result<Smarthost, String> {
    let [pattern, next_hop] = words else {
        return Err("expected DOMAIN HOST[:PORT]".to_owned());
    };
    let (host, port) = match next_hop.split_once(':') {
        Some((host, port)) => (host, Some(values::port(port)?)),
        None => (next_hop.as_str(), None),
    };
    Ok(Smarthost {
        pattern: values::pattern(pattern)?,
        host: values::domain(host)?,
        port,
        origin: Origin::default(),
    })
}

/// The words that [`smarthost`] reads as this.
pub(super) fn smarthost_words(smarthost: &Smarthost) -> Vec<String> {
    let host = match smarthost.port {
        Some(port) => format!("{}:{port}", smarthost.host),
        None => smarthost.host.to_string(),
    };
    vec![smarthost.pattern.to_string(), host]
}

/// The words that [`policy`] reads as this.
pub(super) fn policy_words(policy: &Policy) -> Vec<String> {
    let mut words = vec![policy.pattern.to_string(), policy.level.to_string()];
    words.extend(policy.port.map(|port| format!("port={port}")));
    words.extend(policy.hosts.iter().map(|host| format!("mx={host}")));
    let addresses = policy.is_alias_enough.then_some("addresses=rfc7672");
    words.extend(addresses.map(str::to_owned));
    words.extend(policy.pins.iter().map(|pin| format!("pin={pin}")));
    words
}

/// An `exception` line.
pub(super) fn exception(words: &[String]) -> Result<Exception, String> {
    let Some((domain, options)) = words.split_first() else {
        return Err("expected DOMAIN".to_owned());
    };
    let (mut pins, mut is_pkix, mut until, mut reason) = (Vec::new(), false, None, None);
    for option in options {
        match option.split_once('=') {
            None if option == "pkix" => is_pkix = true,
            Some(("pin", text)) => pins.push(values::pin(text)?),
            Some(("until", text)) if until.is_none() => until = Some(values::date(text)?),
            Some(("reason", text)) if reason.is_none() && !text.trim().is_empty() => {
                reason = Some(text.to_owned());
            }
            _ => {
                return Err(format!(
                    "expected pkix or pin=sha256:HEX, until=YYYY-MM-DD and reason=\"TEXT\", found '{option}'"
                ));
            }
        }
    }
    let instead = match (pins.is_empty(), is_pkix) {
        (true, true) => Instead::Pkix,
        (false, false) => Instead::Pins(pins),
        _ => return Err("expected either pkix or pin=sha256:HEX".to_owned()),
    };
    Ok(Exception {
        domain: values::domain(domain)?,
        instead,
        until: until.ok_or("expected until=YYYY-MM-DD: an exception has an end")?,
        reason: reason.ok_or("expected reason=\"TEXT\": an exception has a reason")?,
        origin: Origin::default(),
    })
}

/// The words that [`exception`] reads as this.
pub(super) fn exception_words(exception: &Exception) -> Vec<String> {
    let mut words = vec![exception.domain.to_string()];
    match &exception.instead {
        Instead::Pkix => words.push("pkix".to_owned()),
        Instead::Pins(pins) => words.extend(pins.iter().map(|pin| format!("pin={pin}"))),
    }
    words.push(format!("until={}", values::format_date(exception.until)));
    words.push(format!("reason={}", exception.reason));
    words
}
