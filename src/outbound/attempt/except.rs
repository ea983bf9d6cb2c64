//! What is said about exceptions, and what comes of a walk under one.

use super::Means;
use crate::outbound::Exception;
use crate::outbound::cause::Verdict;
use crate::outbound::decision::{Decision, bare};
use crate::smtp::Host;

/// That the exception is needed now, why, and for which time.
pub(super) fn needed(exception: &Exception, means: Means<'_>, decision: &Decision) -> String {
    let deciding = &decision.deciding;
    let memory = means.memory;
    let (usage, _) = memory.note_exception(&deciding.domain, true, means.now);
    let (cause, count) = (&deciding.cause, usage.count);
    format!(
        "{}: the exception of {} ({}) is used, time {count} since the start; without it: {} {}: {}",
        bare(&deciding.domain),
        exception.origin,
        exception.reason,
        cause.status,
        cause.reason,
        cause.text
    )
}

/// That the exception is not needed, if that is news.
pub(super) fn unneeded(
    exception: &Exception,
    means: Means<'_>,
    destination: &Host,
) -> Option<String> {
    let memory = means.memory;
    let (_, is_change) = memory.note_exception(destination, false, means.now);
    is_change.then(|| {
        format!(
            "{}: verified by DANE without the exception of {} ({}): it can be removed",
            bare(destination),
            exception.origin,
            exception.reason
        )
    })
}

/// Both walks as one: the second decides if a server proved what the exception demands, else the first.
pub(super) fn combined(exception: &Exception, first: Decision, second: Decision) -> Decision {
    let is_spoken_to = second.deciding.proof.is_some();
    let deciding = match is_spoken_to || second.verdict() == Verdict::Deliver {
        true => second.deciding,
        false => {
            let mut deciding = first.deciding;
            let why = &second.deciding.cause;
            deciding.cause.text.push_str(&format!(
                "; nor does the exception of {} help: {} {}: {}",
                exception.origin, why.status, why.reason, why.text
            ));
            deciding
        }
    };
    let mut hosts = first.hosts;
    hosts.extend(second.hosts);
    Decision {
        mx: second.mx.or(first.mx),
        hosts,
        deciding,
    }
}
