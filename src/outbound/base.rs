//! Decides from the TLSA facts of one candidate whether it is the TLSA base domain of its host (RFC 7672 §2.2.3, rfc L1 to L13).
//!
//! next: `src/outbound/session.rs`

use super::Reason;
use super::cause::Cause;
use super::facts::Asked;
use crate::dane::{self, Plan};
use crate::dns::{Name, Tlsa};
use crate::resolver::Status;

/// TLSA records printed in one line; a host has two or three.
pub(super) const RECORDS_PRINTED_MAX: usize = 4;

/// Characters of one TLSA record printed in one line: every digest in full, a whole certificate not.
const RECORD_PRINTED_MAX: usize = 160;

/// What the TLSA answer of one candidate means.
#[derive(Clone, Debug)]
pub enum Judgement {
    /// L1: this is the base domain; the certificate must match the plan.
    Base(Plan, Vec<Reason>),
    /// L3, L4: not here; try the next candidate, and if there is none this is why.
    Next(Cause),
    /// L2: this is the base domain, but none of its records can be used; no further candidate is asked.
    Unusable(Cause),
    /// L5: the host gets nothing, and no further candidate is asked.
    Stop(Cause),
}

/// Judges the answer for the records of `candidate`.
pub fn judge(candidate: &Name, asked: &Asked) -> Judgement {
    let answer = match &asked.result {
        Ok(answer) => answer,
        Err(error) => {
            let reason = match &error.kind {
                kind if kind.is_of_resolver() => Reason::ResolverNotValidating,
                _ if Status::of_error(error) == Status::Bogus => Reason::TlsaBogus,
                _ => Reason::TlsaLookupError,
            };
            let text = format!(
                "the TLSA records of {} are not known: {}",
                asked.name, error.kind
            );
            return Judgement::Stop(Cause::new(reason, text));
        }
    };
    let records = records(asked);
    if !answer.security.is_secure() {
        return Judgement::Next(insecure(asked));
    }
    if records.is_empty() {
        return Judgement::Next(absent(candidate, asked));
    }
    let plan = dane::plan(&records);
    if plan.usable.is_empty() {
        return Judgement::Unusable(unusable(asked, &plan));
    }
    let mut remarks = Vec::new();
    if asked.expanded().is_some() {
        remarks.push(Reason::TlsaCname);
    }
    if !plan.unusable.is_empty() {
        remarks.push(Reason::TlsaPartial);
    }
    Judgement::Base(plan, remarks)
}

/// The TLSA records of an answer.
pub fn records(asked: &Asked) -> Vec<Tlsa> {
    dane::records_among(asked.data())
}

/// A record, of which the end is left out where it is very long.
pub(super) fn shortened(record: &Tlsa) -> String {
    let text = record.to_string();
    match text.char_indices().nth(RECORD_PRINTED_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// L3: proven absent.
fn absent(candidate: &Name, asked: &Asked) -> Cause {
    let text = format!(
        "{} has no TLSA record; its operator should publish `{} IN TLSA 3 1 1` with the SHA-256 digest of the server's public key",
        candidate.to_host(),
        asked.name
    );
    Cause::new(Reason::DaneRequired, text)
}

/// L4: whatever it says, it is not proven.
fn insecure(asked: &Asked) -> Cause {
    let text = format!(
        "the TLSA answer for {} is not DNSSEC-secure; sign the zone it lies in and its delegation",
        asked.name
    );
    Cause::new(Reason::TlsaInsecure, text)
}

/// L2: there are records, but none that may authenticate.
fn unusable(asked: &Asked, plan: &Plan) -> Cause {
    let print = |(record, why): &(Tlsa, dane::Unusable)| format!("`{}` ({why})", shortened(record));
    let printed = plan.unusable.iter().take(RECORDS_PRINTED_MAX);
    let mut each: Vec<String> = printed.map(print).collect();
    match plan.unusable.len().saturating_sub(RECORDS_PRINTED_MAX) {
        0 => {}
        more => each.push(format!("and {more} more")),
    }
    let text = format!(
        "no TLSA record of {} can be used: {}; publish a `3 1 1` record",
        asked.name,
        each.join(", ")
    );
    Cause::new(Reason::TlsaInvalid, text)
}
