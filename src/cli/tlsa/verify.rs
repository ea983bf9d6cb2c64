//! `gateway tlsa --verify`: does a chain match a record set?

use super::{Task, input};
use crate::bytes::json::Json;
use crate::certificate::Chain;
use crate::cli::options::Failure;
use crate::cli::{exit, print};
use crate::dane::{self, Mismatch, Plan, Unusable};
use crate::dns::{Rdata, RecordType, Tlsa, zonefile};
use crate::log::one_line;

/// Runs it.
pub(super) fn run(task: &Task<'_>) -> Result<u8, Failure> {
    let options = task.invocation.matches.opt_strs("verify");
    let words = options.iter().chain(task.words());
    let records: Vec<Tlsa> = words.map(|word| record(word)).collect::<Result<_, _>>()?;
    for stray in ["usage", "selector", "matching", "port"] {
        if task.is_given(stray) {
            let text = format!("option '--{stray}' makes no sense with '--verify'");
            return Err(Failure::usage(text));
        }
    }
    let file = task.invocation.matches.opt_str("chain");
    let file =
        file.ok_or_else(|| Failure::usage("option '--chain' is needed: the file with the chain"))?;
    let plan = dane::plan(&records);
    let verdict = compare(task, &plan, &input::read_chain(&file)?.into())?;
    print(match task.is_given("json") {
        true => format!("{}\n", json(&verdict)),
        false => text(&verdict, &plan),
    })?;
    Ok(match verdict {
        Ok(_) => exit::OK,
        Err(_) => exit::NO,
    })
}

fn record(word: &str) -> Result<Tlsa, Failure> {
    let wrong = |why: &str| {
        let shown: String = word.chars().take(40).collect();
        Failure::usage(format!(
            "'{shown}' is no record of the form 'U S M HEX': {why}"
        ))
    };
    match zonefile::parse_data(RecordType::TLSA, word) {
        Ok(Rdata::Tlsa(record)) => Ok(record),
        Ok(_) => Err(wrong("it has other data than a TLSA record")),
        Err(why) => Err(wrong(&why)),
    }
}

/// What matched.
struct Matched {
    record: Tlsa,
    depth: usize,
    /// The name that the certificate is for, where that counts and was looked at.
    name: Option<String>,
}

type Verdict = Result<Matched, Mismatch>;

fn compare(task: &Task<'_>, plan: &Plan, chain: &Chain) -> Result<Verdict, Failure> {
    let names = task.names()?;
    let now = task.now();
    if task.is_given("no-name-check") {
        return Ok(dane::find(plan, chain, now).map(|found| Matched {
            record: found.record().clone(),
            depth: found.depth(),
            name: None,
        }));
    }
    if names.is_empty() {
        let text = "option '--name' is needed, or '--no-name-check': usage 2 demands a name";
        return Err(Failure::usage(text));
    }
    Ok(dane::verify(plan, chain, &names, now).map(|found| Matched {
        record: found.record().clone(),
        depth: found.depth(),
        name: found.reference().map(ToString::to_string),
    }))
}

fn json(verdict: &Verdict) -> Json {
    let (depth, record, error) = match verdict {
        Ok(found) => {
            let depth = u64::try_from(found.depth).unwrap_or(u64::MAX);
            (
                Json::number(depth),
                Json::string(&found.record.to_string()),
                String::new(),
            )
        }
        Err(mismatch) => (Json::null(), Json::null(), one_line(&mismatch.to_string())),
    };
    Json::object([
        ("match", Json::boolean(verdict.is_ok())),
        ("depth", depth),
        ("record", record),
        ("error", Json::string(&error)),
    ])
}

fn text(verdict: &Verdict, plan: &Plan) -> String {
    let mut text = match verdict {
        Ok(found) => format!("match: {}\n", found.text()),
        Err(mismatch) => format!("no match: {}\n", one_line(&mismatch.to_string())),
    };
    for (record, why) in &plan.unusable {
        text += &format!(
            "    {} cannot be used ({why}): {}\n",
            short(record),
            explain(*why)
        );
    }
    for record in &plan.masked {
        text += &format!(
            "    {record} does not count, because there is a record with a stronger digest for the same usage and selector\n"
        );
    }
    if plan.usable.is_empty() {
        text += "    no mail server can authenticate this one by such records: at level dane it gets mail over unauthenticated TLS, at dane-only none\n";
    }
    text
}

impl Matched {
    fn text(&self) -> String {
        let record = short(&self.record);
        match (self.record.usage, &self.name) {
            (2, Some(name)) => format!(
                "{record} names the CA at depth {} of a sound path, and the certificate is for {name}",
                self.depth
            ),
            (2, None) => format!(
                "{record} names the CA at depth {} of a sound path; whom the certificate is for was not looked at",
                self.depth
            ),
            _ => format!(
                "{record} names the server's own certificate; its names and dates are of no concern"
            ),
        }
    }
}

/// Characters of a record that are printed: digests in whole, certificates not.
const SHORT_MAX: usize = 140;

fn short(record: &Tlsa) -> String {
    let text = record.to_string();
    match text.char_indices().nth(SHORT_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

const fn explain(why: Unusable) -> &'static str {
    match why {
        Unusable::PkixUsage => {
            "usages 0 and 1 rest on public CAs, which mail servers do not agree on; publish usage 3"
        }
        Unusable::UnknownParameter => "usage is 0 to 3, selector 0 or 1, matching type 0, 1 or 2",
        Unusable::BadLength => "a SHA-256 digest has 64 hexadecimal digits, a SHA-512 digest 128",
        Unusable::BadDer => {
            "with matching type 0 the data must be exactly one certificate (selector 0) or public key (selector 1) in DER"
        }
    }
}
