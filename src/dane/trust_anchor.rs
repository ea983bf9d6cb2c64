//! Usage 2 (DANE-TA): whether the presented chain leads to a trust anchor that a record names (RFC 7671 §5.2, RFC 7672 §3.1.2).
//!
//! The anchor is a certificate of the presented chain above the server's own, root or not, or the certificate or key that the record itself
//! holds in full. Nothing is ever completed from a store of CAs (rfc C6).

use std::collections::HashSet;

use super::explain;
use super::{CERT, DANE_TA, FULL, Found, Mismatch, Plan, SPKI};
use crate::certificate::{self, Chain, Distrust, Presented};
use crate::dns::Tlsa;
use crate::time::Timestamp;

/// Anchors to which a path is looked for. A chain holds one or two that records name; each path may cost a dozen signature checks.
const ANCHORS_MAX: usize = 8;

/// Where a path may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor<'a> {
    Certificate(&'a [u8]),
    Key(&'a [u8]),
}

/// Checks the chain against the records of usage 2.
pub(super) fn find(plan: &Plan, chain: &Chain, now: Timestamp) -> Result<Found, Mismatch> {
    if plan.usable.iter().all(|record| record.usage != DANE_TA) {
        return Err(explain::nothing_matches(plan, chain, None));
    }
    let presented = Presented::read(chain)?;
    let mut failure = None;
    for (record, anchor) in anchors(plan, chain) {
        let found = match anchor {
            Anchor::Certificate(certificate) => presented.path_to_certificate(certificate, now),
            Anchor::Key(key) => presented.path_to_key(key, now),
        };
        match found {
            Ok(depth) => {
                return Ok(Found {
                    record: record.clone(),
                    depth,
                    presented: Some(presented),
                });
            }
            Err(distrust) => failure = Some(graver(failure, distrust)),
        }
    }
    Err(match failure {
        Some(Distrust::NoPath(text)) => explain::nothing_matches(plan, chain, Some(&text)),
        Some(distrust) => distrust.into(),
        None => explain::nothing_matches(plan, chain, None),
    })
}

/// The failure to report: of the path that was found, rather than that there was none to another anchor.
fn graver(first: Option<Distrust>, second: Distrust) -> Distrust {
    match first {
        None | Some(Distrust::NoPath(_)) => second,
        Some(first) => first,
    }
}

/// The anchors that records name, each with a record that does: presented certificates in the order of the chain, then what records hold
/// in full. The server's own certificate is none of them (rfc C9).
fn anchors<'a>(plan: &'a Plan, chain: &'a Chain) -> Vec<(&'a Tlsa, Anchor<'a>)> {
    let Some((own, others)) = chain.octets().split_first() else {
        return Vec::new();
    };
    let mut seen = HashSet::from([own]);
    let others = others.iter().filter(|other| seen.insert(*other));
    let mut named: HashSet<&Tlsa> = HashSet::new();
    let mut found = Vec::new();
    for other in others {
        let forms = plan.forms_of(DANE_TA, other);
        let records = plan.usable.iter().filter(|one| forms.contains(one));
        let records: Vec<&Tlsa> = records.collect();
        named.extend(&records);
        found.extend(
            records
                .first()
                .map(|one| (*one, Anchor::Certificate(other))),
        );
    }
    let of_usage = plan.usable.iter().filter(|one| one.usage == DANE_TA);
    let absent = of_usage.filter(|one| !named.contains(one));
    found.extend(absent.filter_map(|one| Some((one, in_full(one, own)?))));
    found.truncate(ANCHORS_MAX);
    found
}

/// The anchor that a record of matching type 0 holds (rfc C7, C8), unless it is the server's own certificate or key.
fn in_full<'a>(record: &'a Tlsa, own: &[u8]) -> Option<Anchor<'a>> {
    let data = record.data.as_slice();
    match (record.selector, record.matching) {
        (CERT, FULL) if data != own => Some(Anchor::Certificate(data)),
        (SPKI, FULL) if Some(data) != certificate::public_key_of(own) => Some(Anchor::Key(data)),
        _ => None,
    }
}
