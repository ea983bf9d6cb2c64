//! What failed, in one sentence, and the one thing to mend: which record, in which zone, on which server.

use super::visit::{Attempt, Finding, Question};
use crate::dane;
use crate::dns::{RecordType, Tlsa};
use crate::dnssec::Why;
use crate::outbound::Reason;
use crate::outbound::decision::{Decision, Record};

/// What failed at one host; all that was compared stands beside it.
pub(super) fn failure(record: &Record) -> String {
    match record.cause.reason {
        Reason::ValidationFailure => {
            "none of the TLSA records matches the certificate presented".to_owned()
        }
        _ => record.cause.text.clone(),
    }
}

/// What to mend, where what failed does not say it.
pub(super) fn remedy(decision: &Decision, findings: &[Finding]) -> Option<String> {
    let record = &decision.deciding;
    match record.cause.reason {
        Reason::ValidationFailure => publish(record, findings),
        Reason::MxInsecure
        | Reason::NxDomainInsecure
        | Reason::ImplicitMxInsecure
        | Reason::NullMxInsecure => sign(findings, &[RecordType::MX]),
        Reason::AddressInsecure => sign(findings, &[RecordType::A, RecordType::AAAA]),
        Reason::TlsaInsecure => sign(findings, &[RecordType::TLSA]),
        Reason::MxInvalid | Reason::TlsaBogus | Reason::AddressLookupError => repair(findings),
        _ => None,
    }
}

/// The record that would have matched.
fn publish(record: &Record, findings: &[Finding]) -> Option<String> {
    let owner = dane::tlsa_owner(record.base.as_ref()?, record.port).ok()?;
    let attempts = findings.iter().filter_map(Finding::attempt);
    let is_it = |attempt: &&Attempt| {
        attempt.record.mx == record.mx && attempt.record.address == record.address
    };
    let leaf = attempts.filter(is_it).find_map(Attempt::leaf)?;
    let right: Tlsa = dane::records_of(leaf).into_iter().next()?;
    Some(format!(
        "if {host} is the right server, publish `{owner} IN TLSA {right}` and remove the records of keys it no longer has; if it is not, \
         somebody is in between",
        host = record.host()
    ))
}

/// What makes bogus data valid again; the last question is the one that failed.
fn repair(findings: &[Finding]) -> Option<String> {
    let mut questions = findings.iter().rev().filter_map(Finding::question);
    let broken = questions.find(|question| question.asked.result.is_err())?;
    match broken.why()? {
        Why::Expired { key, .. } | Why::ExpiredBeforeValid { key, .. } => Some(format!(
            "sign zone {} anew, and see why it was not done in time",
            key.zone
        )),
        Why::SignatureWrong { key, .. } | Why::KeyMissing { key, .. } => Some(format!(
            "sign zone {} anew; if its servers do send valid signatures, somebody on the way changes the data",
            key.zone
        )),
        Why::DnskeyUnmatched { zone, .. } => Some(format!(
            "have the DS records of zone {zone} replaced by those of its present keys, in the zone above it"
        )),
        Why::RrsigMissing { zone, .. } | Why::DenialMissing { zone, .. } => Some(format!(
            "have all servers of zone {zone} send its signatures; if they do, use another resolver"
        )),
        _ => None,
    }
}

/// The zone whose signatures or delegation are missing.
fn sign(findings: &[Finding], rtypes: &[RecordType]) -> Option<String> {
    let questions = findings.iter().rev().filter_map(Finding::question);
    let mut about = questions.filter(|question| rtypes.contains(&question.asked.rtype));
    let why = about.find_map(Question::why)?;
    Some(match why {
        Why::Unsigned { zone, parent } => {
            format!("sign zone {zone} and have its DS record published in {parent}")
        }
        other => format!("{other}; that zone's operator must mend it"),
    })
}
