//! `gateway tlsa --rollover`: what to publish when, if a server changes its key (RFC 7671 §8.1, RFC 6698 Appendix A.4).

use std::time::Duration;

use super::input::{self, Input};
use super::{PORT, Task};
use crate::certificate;
use crate::cli::options::Failure;
use crate::cli::{exit, print};
use crate::dane::{self, Plan};
use crate::dns::{Name, Tlsa};
use crate::dnssec::Security;
use crate::log::one_line;
use crate::outbound::base;
use crate::outbound::facts::{Asked, Questions};
use crate::smtp::Domain;
use crate::time::{Timestamp, format_duration};

/// Assumed of records whose time to live is not known, in seconds. A resolver tells only what is left of it, so less is not believed either.
const TTL_ASSUMED: u32 = 3600;
/// The longest time to live that there is (RFC 2181 §8).
const TTL_MAX: u32 = i32::MAX as u32;

/// Runs it.
pub(super) fn run(task: &Task<'_>) -> Result<u8, Failure> {
    let [current, next] = task.words() else {
        let text = "expected two files, with the current and the next certificate or key: --rollover CURRENT.pem NEXT.pem";
        return Err(Failure::usage(text));
    };
    if (current.as_str(), next.as_str()) == ("-", "-") {
        return Err(Failure::usage(
            "only one of the two files can be standard input",
        ));
    }
    let names = task.names()?;
    let [name] = names.as_slice() else {
        return Err(Failure::usage(
            "option '--name' is needed once: the name of the MX host",
        ));
    };
    let owner = task.owner(name, task.port()?.unwrap_or(PORT))?;
    let ttl = task.number("ttl", "seconds from 1 to 2147483647", |ttl| {
        (1..=TTL_MAX).contains(ttl)
    })?;
    let change = Change {
        current: Side::read(task, current)?,
        next: Side::read(task, next)?,
        name,
        owner,
        now: task.now(),
    };
    let asked = match task.is_given("offline") {
        true => None,
        false => Some(change.look_up(task)?),
    };
    print(change.text(ttl, asked.as_ref()))?;
    Ok(match asked {
        Some(Asked { result: Err(_), .. }) => exit::TEMPORARY,
        _ => exit::OK,
    })
}

/// One of the two certificates or keys.
struct Side {
    input: Input,
    record: Tlsa,
}

impl Side {
    fn read(task: &Task<'_>, word: &str) -> Result<Self, Failure> {
        let input = input::read(word)?;
        let (record, _) = task.record(&input)?;
        Ok(Self { input, record })
    }

    fn key(&self) -> Option<&[u8]> {
        let certificate = self.input.certificates.first();
        let key = certificate.and_then(|certificate| certificate::public_key_of(certificate));
        key.or_else(|| self.input.keys.first().map(Vec::as_slice))
    }

    /// Whether a server with this certificate or key would match the records.
    fn matches(&self, plan: &Plan, name: &Domain, now: Timestamp) -> bool {
        if !self.input.certificates.is_empty() {
            let names = std::slice::from_ref(name);
            let chain = self.input.certificates.clone().into();
            return dane::verify(plan, &chain, names, now).is_ok();
        }
        let names_key = |record: &Tlsa| {
            let form = (1, record.matching);
            self.key()
                .is_some_and(|key| dane::record_for(3, form, key) == *record)
        };
        plan.usable.iter().any(names_key)
    }
}

/// The change from one to the other.
struct Change<'a> {
    current: Side,
    next: Side,
    name: &'a Domain,
    owner: Name,
    now: Timestamp,
}

/// How far the change is, as the published records show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There are no records.
    Nothing,
    /// The records are for other keys.
    Others,
    /// Those for the current key alone.
    Current,
    /// Those for both.
    Both,
    /// Those for the next key alone.
    Next,
}

impl Change<'_> {
    fn look_up(&self, task: &Task<'_>) -> Result<Asked, Failure> {
        let resolver = task.resolver()?;
        let questions = Questions {
            resolver: &resolver,
            timeout: task.invocation.config.outbound.lookup_timeout,
        };
        Ok(questions.tlsa(&self.owner))
    }

    fn text(&self, ttl: Option<u32>, asked: Option<&Asked>) -> String {
        let mut text = match self.current.record == self.next.record {
            true => self.nothing_to_do(),
            false => self.steps(ttl, asked),
        };
        if let Some(asked) = asked {
            text += &format!("\nPublished now: {}\n", one_line(&asked.to_string()));
            text += &self.verdict(asked);
        }
        text
    }

    fn nothing_to_do(&self) -> String {
        let (current, next) = (&self.current.input.name, &self.next.input.name);
        format!(
            "{current} and {next} have the same record, because the {} stays the same. Nothing is to be published or waited for; this one stays:\n    {}\n",
            match self.current.record.selector {
                0 => "certificate",
                _ => "key",
            },
            self.line(&self.current.record, None)
        )
    }

    fn line(&self, record: &Tlsa, ttl: Option<u32>) -> String {
        match ttl {
            Some(ttl) => format!("{} {ttl} IN TLSA {record}", self.owner),
            None => format!("{} IN TLSA {record}", self.owner),
        }
    }

    fn steps(&self, ttl: Option<u32>, asked: Option<&Asked>) -> String {
        let seconds = ttl.unwrap_or_else(|| asked.map_or(0, published_ttl).max(TTL_ASSUMED));
        let time = |count: u64| format_duration(Duration::from_secs(u64::from(seconds) * count));
        let (once, twice) = (time(1), time(2));
        let known = match ttl {
            Some(_) => String::new(),
            None => format!(
                " The time to live is taken to be {once}; say --ttl SECONDS if the zone has another."
            ),
        };
        let (old, new) = (
            self.line(&self.current.record, ttl),
            self.line(&self.next.record, ttl),
        );
        let next = &self.next.input.name;
        let mut text = format!(
            "1. Publish both records side by side:\n    {old}\n    {new}\n\
             2. Wait until all name servers of the zone have both, and from then on at least {twice}, two times to live: so long somebody may still know the old record alone.{known}\n\
             3. Switch the server, everywhere it has this name, to {next}, and see whether it matches: gateway check DOMAIN\n\
             4. Wait another {once}; until the old record is gone the server can be switched back.\n\
             5. Remove the old record, so that only this one stays:\n    {new}\n"
        );
        if self.current.key().is_some() && self.current.key() == self.next.key() {
            text += "The key stays the same: a record of the form 3 1 1 would not have to be changed at all.\n";
        }
        text
    }

    /// How far the change is.
    fn progress(&self, records: &[Tlsa], plan: &Plan) -> Progress {
        let is_matched = |side: &Side| side.matches(plan, self.name, self.now);
        match (is_matched(&self.current), is_matched(&self.next)) {
            (true, true) => Progress::Both,
            (true, false) => Progress::Current,
            (false, true) => Progress::Next,
            (false, false) if records.is_empty() => Progress::Nothing,
            (false, false) => Progress::Others,
        }
    }

    fn verdict(&self, asked: &Asked) -> String {
        let Ok(answer) = &asked.result else {
            return "That is not known, which never means that nothing is there; ask again later.\n".to_owned();
        };
        let records = base::records(asked);
        let plan = dane::plan(&records);
        let is_same = self.current.record == self.next.record;
        let mut text = format!(
            "    = {}\n",
            advice(self.progress(&records, &plan), is_same)
        );
        for (record, why) in &plan.unusable {
            text += &format!("    {record} cannot be used ({why}); remove it\n");
        }
        for record in &plan.masked {
            text += &format!(
                "    {record} does not count beside a stronger digest; publish the same form for both keys\n"
            );
        }
        if answer.security == Security::Insecure && !records.is_empty() {
            text += "    The answer is not DNSSEC-secure: senders do not look at these records until the zone is signed and its parent has a DS record\n";
        }
        text
    }
}

/// What is left of the time to live of the records that are published, in seconds; 0 without any.
fn published_ttl(asked: &Asked) -> u32 {
    let answer = asked.result.iter();
    let records = answer.flat_map(|answer| answer.content.records());
    records.map(|record| record.ttl).max().unwrap_or(0)
}

const fn advice(progress: Progress, is_same: bool) -> &'static str {
    match (progress, is_same) {
        (Progress::Nothing, _) => {
            "no record: no sender uses DANE with this server. Publish the record of the key that it has now; nobody needs to wait"
        }
        (Progress::Others, _) => {
            "none of these is for either key. If the server has one of the two keys, senders that use DANE refuse it now: publish its record at once"
        }
        (_, true) => "the published records are right before and after the change",
        (Progress::Current, false) => {
            "step 1 is next: only the current key is published. Do not switch the server yet"
        }
        (Progress::Both, false) => {
            "step 2 or later: both are published. Once they have been for two times to live, the server may be switched; once it was, the old record may go"
        }
        (Progress::Next, false) => {
            "the change is over, if the server has the next key. If it still has the current one, senders that use DANE refuse it now: publish both at once"
        }
    }
}
