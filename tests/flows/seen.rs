//! What everybody saw of a scenario, beside how it shall end: the log, `gateway check`, the sender, and every server.

use gateway_lab::mx::StoredMessage;
use gateway_lab::{Gateway, Phase};

use crate::flow::{SENDER, message};
use crate::leak;
use crate::scenario::{Ending, Level, Proof, Scenario};
use crate::stage::Host;

/// Hosts that are tried in one attempt at most (rfc M18); each of them has one address here.
const HOSTS_TRIED: usize = 5;

/// What every connection to a host has told it.
pub(crate) fn hears(host: &Host, may_hear: Option<Proof>, hostname: &str) -> Result<(), String> {
    let captures = host.captures();
    let mut said =
        captures.iter().map(
            |capture| match leak::look_at_clear_text(capture, hostname) {
                Ok(()) if may_hear.is_none() => leak::look_inside(capture),
                said => said,
            },
        );
    let name = host.name();
    if may_hear == Some(Proof::Loopback) {
        // Mail in clear text is seen where it is, so where none is seen there was none.
        let is_seen = said.any(|said| said.is_err_and(|text| text.contains("MAIL FROM")));
        return match is_seen {
            true => Ok(()),
            false => Err(format!("{name}: no mail in clear text is seen")),
        };
    }
    if may_hear.is_some() && captures.iter().all(|capture| capture.inside.is_empty()) {
        return Err(format!("{name}: nothing is seen"));
    }
    said.collect::<Result<(), _>>()
        .map_err(|text| format!("{name}: {text}"))
}

pub(crate) const fn phase(ending: &Ending) -> &'static str {
    match ending.to {
        Some((_, Proof::Loopback)) => "in clear text",
        _ => "over TLS",
    }
}

/// The domain of a message that is as it was sent, and how it came; else what it is.
pub(crate) fn what_is_stored(stored: &StoredMessage) -> (String, &'static str) {
    let phase = match stored.phase {
        Phase::Clear => "in clear text",
        Phase::Tls => "over TLS",
    };
    let text = stored.text();
    let [recipient] = stored.recipients.as_slice() else {
        return (format!("{stored:?}"), phase);
    };
    let domain = recipient.strip_prefix("user@").unwrap_or(recipient);
    let is_whole = text.starts_with("Received: ") && text.ends_with(&message(domain));
    match is_whole && stored.sender == SENDER {
        true => (domain.to_owned(), phase),
        false => (format!("{stored:?}"), phase),
    }
}

pub(crate) fn look_at_reports(
    reports: &[StoredMessage],
    scenario: &Scenario,
    ending: &Ending,
) -> Result<(), String> {
    let Ending { code, reason, .. } = ending;
    let recipient = format!("Final-Recipient: rfc822; {}\r\n", scenario.recipient());
    let mut mine = reports.iter().filter(|one| one.text().contains(&recipient));
    let (Some(report), None) = (mine.next(), mine.next()) else {
        return Err("not one report".to_owned());
    };
    let text = report.text();
    for part in [
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Action: failed\r\n",
        &format!("Status: {code}\r\n"),
        &format!("Diagnostic-Code: x-gateway; [{reason}] "),
    ] {
        if !text.contains(part) {
            return Err(format!("no '{part}' in the report:\n{text}"));
        }
    }
    let is_to_sender = report.sender.is_empty() && report.recipients == [SENDER];
    match is_to_sender && report.phase == Phase::Tls {
        true => Ok(()),
        false => Err(format!("the report went wrong: {report:?}")),
    }
}

/// The server was asked for the certificate of the TLSA base domain where that is what counts, else of the MX host (RFC 7672 §8.1).
pub(crate) fn look_at_name(ending: &Ending, lines: &[&str]) -> Result<(), String> {
    let Some((to, proof)) = &ending.to else {
        return Ok(());
    };
    let address = format!(" addr={} ", to.address());
    let line = lines.iter().find(|line| line.contains(&address));
    let line = line.ok_or_else(|| format!("no {address}"))?;
    let expected = match proof {
        Proof::Verified | Proof::Trusted => word_after(line, " base="),
        Proof::Encrypted => word_after(line, " mx="),
        Proof::Loopback => return Ok(()),
    };
    let asked_for = to.server_names();
    let is_right = |name: &Option<String>| name.as_deref() == expected;
    match !asked_for.is_empty() && asked_for.iter().all(is_right) {
        true => Ok(()),
        false => Err(format!(
            "{}: expected {expected:?}, was asked for {asked_for:?}",
            to.name()
        )),
    }
}

/// The word in a log line that follows this.
fn word_after<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(what)?;
    rest.split(' ').next()
}

/// The last decision on a message is the right one, and the remark is there.
pub(crate) fn look_at_log(scenario: &Scenario, level: Level, lines: &[&str]) -> Result<(), String> {
    let expected = scenario.decision(level);
    let mut decisions = lines.iter().rev();
    let decision = decisions.find(|line| line.contains(" domain="));
    if !decision.is_some_and(|line| format!("{line} ").starts_with(&format!("{expected} "))) {
        let lines = lines.join("\n    ");
        return Err(format!(
            "{scenario}: expected {expected}, found\n    {lines}"
        ));
    }
    for (host, word) in &scenario.ending(level).remarks {
        look_for_remark(lines, host, word).map_err(|text| format!("{scenario}: {text}"))?;
    }
    let tried = lines.iter().filter_map(|line| word_after(line, " addr="));
    match tried.count() {
        0..=HOSTS_TRIED => Ok(()),
        count => Err(format!("{scenario}: {count} connections")),
    }
}

fn look_for_remark(lines: &[&str], host: &str, word: &str) -> Result<(), String> {
    let host = format!(" mx={host} ");
    let says = |line: &&&str| {
        line.split([' ', ',', '=', '(', ')'])
            .any(|part| part == word)
    };
    let mut about = lines.iter().filter(|line| line.contains(&host));
    match about.any(|line| says(&line)) {
        true => Ok(()),
        false => {
            let lines = lines.join("\n    ");
            Err(format!("no {word} of{host}in\n    {lines}"))
        }
    }
}

/// Asks `gateway check` about domains with the same verdict; what is wrong with its answers.
pub(crate) fn check(gateway: &Gateway, level: Level, scenarios: &[&Scenario]) -> Vec<String> {
    let recipients: Vec<String> = scenarios.iter().map(|one| one.recipient()).collect();
    let mut words = vec!["check", "--json"];
    words.extend(recipients.iter().map(String::as_str));
    let output = gateway.run(&words);
    let told = String::from_utf8_lossy(&output.stdout);
    let mut complaints = Vec::new();
    let expected = scenarios
        .first()
        .map(|one| match one.ending(level).foretold().verdict {
            "deliver" => 0,
            "defer" => 75,
            _ => 69,
        });
    if output.status.code() != expected {
        let errors = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        complaints.push(format!(
            "check ended with {code:?}, not {expected:?}: {errors}"
        ));
    }
    for (number, scenario) in scenarios.iter().enumerate() {
        let line = told.lines().nth(number).unwrap_or("nothing");
        let ending = scenario.ending(level).foretold();
        if let Err(part) = look_at_json(line, scenario, level, &ending) {
            complaints.push(format!("{scenario}: check: no {part} in {line}"));
        }
    }
    complaints
}

/// # Errors
/// What is not there.
fn look_at_json(
    line: &str,
    scenario: &Scenario,
    level: Level,
    ending: &Ending,
) -> Result<(), String> {
    let Ending {
        verdict,
        code,
        reason,
        ..
    } = ending;
    let (domain, level) = (scenario.bare(), scenario.level_name(level));
    let begin = format!(
        "{{\"domain\":\"{domain}\",\"level\":\"{level}\",\"verdict\":\"{verdict}\",\"code\":\"{code}\",\"reason\":\"{reason}\","
    );
    if !line.starts_with(&begin) {
        return Err(begin);
    }
    let Some((to, proof)) = &ending.to else {
        let verified = "\"verified\":true";
        return match line.contains(verified) {
            true => Err("end without a verified host".to_owned()),
            false => Ok(()),
        };
    };
    // One object for each host; the one that would get the mail is known by its address.
    let address = format!("\"address\":\"{}\"", to.ip());
    let host = line
        .split("{\"name\":")
        .find(|host| host.contains(&address));
    let host = host.ok_or(address)?;
    let (verified, has_matched) = match proof {
        Proof::Verified => ("\"verified\":true", true),
        Proof::Trusted => ("\"verified\":false", true),
        Proof::Encrypted | Proof::Loopback => ("\"verified\":false", false),
    };
    let has_tls = *proof != Proof::Loopback;
    for (part, is_there) in [
        (verified, true),
        ("\"verdict\":\"deliver\"", true),
        ("\"matched\":{", has_matched),
        ("\"tls\":\"TLSv1", has_tls),
    ] {
        if host.contains(part) != is_there {
            return Err(format!("{part} ({is_there}) of {}", to.name()));
        }
    }
    Ok(())
}
