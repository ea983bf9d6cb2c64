//! `gateway queue`: looks into the queue at any time, and steers it while `serve` does not run.

use std::time::Duration;

use super::exit;
use super::options::{Command, Failure, Invocation};
use crate::bytes::json::Json;
use crate::config::Config;
use crate::log::one_line;
use crate::queue::{
    Diagnosis, Entry, Fault, Queue, QueueId, Recipient, RecipientState, SpoolError,
};
use crate::smtp::{Domain, Host, ReversePath};
use crate::sys::privileges;
use crate::time::Timestamp;

/// `gateway queue`.
pub const COMMAND: Command = Command {
    name: "queue",
    synopsis: "[list | show ID | retry [ID|DOMAIN] | hold ID | release ID | remove ID] [--json]",
    summary: "look into the queue and steer it",
    details: "\
list        every message, oldest first: id, age, octets, sender's domain, recipients pending of all, next attempt,
            status code and token of the last reason
show ID     one message with each recipient's state and the record of its last attempt
retry       make everything, one message, or what waits for one domain due now
hold ID     stop the delivery of a message; release ID continues it
remove ID   delete a message; nobody is told

list and show work while 'serve' runs and while it does not. The others change the spool, which belongs to a running
'serve' alone: stop it first (steering a running gateway is not built yet).

--json, list: one object a line: {\"id\",\"arrived\",\"age\",\"size\",\"sender\",\"held\",\"pending\",\"recipients\",\"next\",\"last\"}
        age in seconds, size in octets, sender \"\" for bounces, next and last null where there is none
--json, show: {\"id\",\"arrived\",\"size\",\"sender\",\"eight_bit\",\"held\",\"recipients\":[{\"address\",\"state\",\"attempts\",\"due\",
        \"status\",\"token\",\"host\",\"text\"}…]}; state is pending, delivered or failed; due is null unless pending;
        status, token, host and text tell of the last attempt, null before the first

Exit 66 if there is no such message, nothing for that domain, or no spool, 75 if 'serve' is in the way.",
    options: |options| {
        options.optflag("", "json", "for programs: one object a line (list and show)");
    },
    looks_up: false,
    run,
};

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    let config = &invocation.config;
    let is_json = invocation.matches.opt_present("json");
    let words: Vec<&str> = invocation.matches.free.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["list"] => list(config, is_json)?,
        ["show", id] => show(config, id, is_json)?,
        ["retry"] => {
            retry(config, |_| true)?;
        }
        ["retry", what] => retry_some(config, what)?,
        ["hold", id] => steer(config, id, |queue, id| queue.hold(id, true))?,
        ["release", id] => steer(config, id, |queue, id| queue.hold(id, false))?,
        ["remove", id] => steer(config, id, Queue::remove)?,
        [verb @ ("show" | "hold" | "release" | "remove"), ..] => {
            let text = format!("expected one message: 'gateway queue {verb} ID'");
            return Err(Failure::usage(text));
        }
        ["list" | "retry", .., word] | [word, ..] => {
            let text = format!("unexpected word '{word}'; see 'gateway queue -h'");
            return Err(Failure::usage(text));
        }
    }
    Ok(exit::OK)
}

impl From<SpoolError> for Failure {
    fn from(error: SpoolError) -> Self {
        let code = match error.fault {
            Fault::NoSuchMessage => exit::NO_INPUT,
            Fault::Locked | Fault::Full => exit::TEMPORARY,
            Fault::System | Fault::Damaged => exit::INPUT_OUTPUT,
            Fault::Refused => exit::DATA,
        };
        Self::new(code, error.to_string())
    }
}

/// The queue as it is now, whoever owns it.
fn look(config: &Config) -> Result<Queue, Failure> {
    let directory = &config.queue.directory;
    if matches!(directory.try_exists(), Ok(false)) {
        let text = format!(
            "there is no spool {}; 'serve' makes it when it starts",
            directory.display()
        );
        return Err(Failure::new(exit::NO_INPUT, text));
    }
    Ok(Queue::read(directory)?)
}

/// The queue for a change. Files made on the way must be those of the user that `serve` runs as.
fn own(config: &Config) -> Result<Queue, Failure> {
    look(config)?;
    if let Some(user) = config.user.as_deref().filter(|_| privileges::is_root()) {
        privileges::drop_to(user).map_err(|error| {
            Failure::new(
                exit::SYSTEM,
                format!("cannot become user '{user}': {error}"),
            )
        })?;
    }
    Queue::open(config.queue.clone()).map_err(|error| match error.fault {
        Fault::Locked => Failure::new(
            exit::TEMPORARY,
            format!("{error} (steering a running gateway is not built yet)"),
        ),
        _ => error.into(),
    })
}

fn id_of(text: &str) -> Result<QueueId, Failure> {
    let id = text.parse::<QueueId>();
    id.map_err(|error| Failure::usage(format!("'{text}' is {error}")))
}

fn steer(
    config: &Config,
    id: &str,
    change: impl Fn(&Queue, QueueId) -> Result<(), SpoolError>,
) -> Result<(), Failure> {
    let id = id_of(id)?;
    Ok(change(&own(config)?, id)?)
}

/// `retry ID` or `retry DOMAIN`: ten letters and digits without a dot are an id.
fn retry_some(config: &Config, what: &str) -> Result<(), Failure> {
    if let Ok(id) = what.parse::<QueueId>() {
        return steer(config, what, |queue, _| {
            queue.retry(id, Timestamp::now(), |_| true)
        });
    }
    let domain = Domain::parse(what)
        .map_err(|_| Failure::usage(format!("'{what}' is neither a queue id nor a domain name")))?;
    let host = Host::Domain(domain);
    match retry(config, |recipient| recipient.mailbox.host == host)? {
        // A name mistyped must not look like a retry.
        0 => Err(Failure::new(
            exit::NO_INPUT,
            format!("no recipient at '{what}' waits"),
        )),
        _ => Ok(()),
    }
}

/// Makes the recipients that are meant due; returns how many messages have such.
fn retry(config: &Config, is_meant: impl Fn(&Recipient) -> bool) -> Result<usize, Failure> {
    let queue = own(config)?;
    let mut entries = queue.entries();
    entries.retain(|entry| pending(entry).any(&is_meant));
    for entry in &entries {
        queue.retry(entry.id, Timestamp::now(), &is_meant)?;
    }
    Ok(entries.len())
}

fn list(config: &Config, is_json: bool) -> Result<(), Failure> {
    let entries = look(config)?.entries();
    let now = Timestamp::now();
    let mut text = String::new();
    if !is_json && !entries.is_empty() {
        text += &format!(
            "{:<13} {:>5} {:>10} {:<24} {:>9} {:<24} LAST\n",
            "ID", "AGE", "SIZE", "FROM", "PENDING", "NEXT"
        );
    }
    for entry in &entries {
        let line = match is_json {
            true => summary_json(entry, now).to_string(),
            false => summary_line(entry, now),
        };
        text += &line;
        text += "\n";
    }
    super::print(text)
}

fn pending(entry: &Entry) -> impl Iterator<Item = &Recipient> {
    let is_pending = |recipient: &&Recipient| recipient.state == RecipientState::Pending;
    entry.recipients.iter().filter(is_pending)
}

/// When a message is tried next; `None` while it is held.
fn next_attempt(entry: &Entry) -> Option<Timestamp> {
    let due = pending(entry).map(|recipient| recipient.due).min();
    due.filter(|_| !entry.held)
}

/// What kept a pending recipient from being delivered.
fn last_reason(entry: &Entry) -> Option<&Diagnosis> {
    pending(entry).find_map(|recipient| recipient.last.as_ref())
}

fn summary_line(entry: &Entry, now: Timestamp) -> String {
    let next = match next_attempt(entry) {
        Some(due) if due <= now => "due".to_owned(),
        Some(due) => due.to_string(),
        None => "held".to_owned(),
    };
    let last = last_reason(entry);
    // The whole record is for 'show'; a list has short lines.
    let last = last.map_or_else(String::new, |last| {
        format!("{} {}", last.status, last.token)
    });
    let (waiting, all) = (pending(entry).count(), entry.recipients.len());
    let line = format!(
        "{:<13} {:>5} {:>10} {:<24} {:>9} {next:<24} {last}",
        entry.id,
        age(now.since(entry.arrived)),
        entry.size,
        sender_domain(&entry.envelope.sender),
        format!("{waiting}/{all}"),
    );
    one_line(line.trim_end())
}

fn sender_domain(sender: &ReversePath) -> String {
    match sender {
        ReversePath::Null => "<>".to_owned(),
        ReversePath::Mailbox(mailbox) => mailbox.host.to_string(),
    }
}

/// A time span in its largest unit.
fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn sender_json(sender: &ReversePath) -> Json {
    match sender {
        ReversePath::Null => Json::string(""),
        ReversePath::Mailbox(mailbox) => Json::string(&mailbox.to_string()),
    }
}

fn time_json(time: Option<Timestamp>) -> Json {
    Json::optional(time.map(|time| time.to_string()).as_deref())
}

fn count_json(count: usize) -> Json {
    Json::number(u64::try_from(count).unwrap_or(u64::MAX))
}

fn summary_json(entry: &Entry, now: Timestamp) -> Json {
    let last = last_reason(entry).map(|last| last.text.as_str());
    Json::object([
        ("id", Json::string(&entry.id.to_string())),
        ("arrived", time_json(Some(entry.arrived))),
        ("age", Json::number(now.since(entry.arrived).as_secs())),
        ("size", Json::number(entry.size)),
        ("sender", sender_json(&entry.envelope.sender)),
        ("held", Json::boolean(entry.held)),
        ("pending", count_json(pending(entry).count())),
        ("recipients", count_json(entry.recipients.len())),
        ("next", time_json(next_attempt(entry))),
        ("last", Json::optional(last)),
    ])
}

fn show(config: &Config, id: &str, is_json: bool) -> Result<(), Failure> {
    let id = id_of(id)?;
    let entry = look(config)?.entry(id).ok_or_else(|| {
        Failure::new(
            exit::NO_INPUT,
            format!("there is no message {id} (any more)"),
        )
    })?;
    let text = match is_json {
        true => format!("{}\n", entry_json(&entry)),
        false => entry_text(&entry),
    };
    super::print(text)
}

const fn state_name(state: RecipientState) -> &'static str {
    match state {
        RecipientState::Pending => "pending",
        RecipientState::Delivered => "delivered",
        RecipientState::Failed => "failed",
    }
}

fn entry_json(entry: &Entry) -> Json {
    Json::object([
        ("id", Json::string(&entry.id.to_string())),
        ("arrived", time_json(Some(entry.arrived))),
        ("size", Json::number(entry.size)),
        ("sender", sender_json(&entry.envelope.sender)),
        ("eight_bit", Json::boolean(entry.envelope.eight_bit)),
        ("held", Json::boolean(entry.held)),
        (
            "recipients",
            Json::array(entry.recipients.iter().map(recipient_json)),
        ),
    ])
}

fn recipient_json(recipient: &Recipient) -> Json {
    let is_pending = recipient.state == RecipientState::Pending;
    let last = recipient.last.as_ref();
    let status = last.map(|last| last.status.to_string());
    Json::object([
        ("address", Json::string(&recipient.mailbox.to_string())),
        ("state", Json::string(state_name(recipient.state))),
        ("attempts", Json::number(recipient.attempts)),
        ("due", time_json(is_pending.then_some(recipient.due))),
        ("status", Json::optional(status.as_deref())),
        (
            "token",
            Json::optional(last.map(|last| last.token.as_str())),
        ),
        ("host", Json::optional(last.map(|last| last.host.as_str()))),
        ("text", Json::optional(last.map(|last| last.text.as_str()))),
    ])
}

fn entry_text(entry: &Entry) -> String {
    let hold = if entry.held { ", held" } else { "" };
    let mut lines = vec![
        format!("message {}{hold}", entry.id),
        format!("  arrived {}, {} octets", entry.arrived, entry.size),
        format!("  from {}", entry.envelope.sender),
    ];
    for recipient in &entry.recipients {
        let state = state_name(recipient.state);
        let attempts = match recipient.attempts {
            1 => "1 attempt".to_owned(),
            count => format!("{count} attempts"),
        };
        let to = &recipient.mailbox;
        lines.push(format!("  to <{to}>: {state}, {attempts}"));
        if recipient.state == RecipientState::Pending && !entry.held {
            lines.push(format!("    next attempt {}", recipient.due));
        }
        if let Some(last) = &recipient.last {
            lines.push(format!("    {}", last.text));
        }
    }
    lines.iter().map(|line| one_line(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7200, "2h"),
            (86_400 * 3, "3d"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
