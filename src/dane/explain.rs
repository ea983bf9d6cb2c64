//! The texts for operators of either side: what was presented, what was published, and which of the two is to be mended.

use super::{CERT, DANE_EE, DANE_TA, FULL, Mismatch, Plan, SHA2_256, SPKI, association, form_of};
use crate::certificate::{self, Chain};
use crate::dns::Tlsa;

/// Presented digests that are printed beside those that were published.
const PRINTED_MAX: usize = 4;

/// Why no record matches; `no_path` is what a search for a path to a trust anchor found.
pub(super) fn nothing_matches(plan: &Plan, chain: &Chain, no_path: Option<&str>) -> Mismatch {
    let Some((own, others)) = chain.octets().split_first() else {
        return Mismatch::NoCertificate;
    };
    let presented = Forms {
        own: plan.forms_of(DANE_EE, own),
        own_as_anchor: plan.forms_of(DANE_TA, own),
        anchors: others
            .iter()
            .flat_map(|other| plan.forms_of(DANE_TA, other))
            .collect(),
        preferred: preferred(own),
    };
    let is_own = |record: &&Tlsa| presented.own_as_anchor.contains(record);
    if let Some(record) = plan.usable.iter().find(is_own) {
        return Mismatch::TaMatchesLeaf(presented.as_leaf(record));
    }
    let is_presented = |record: &&Tlsa| presented.anchors.contains(record);
    if let (Some(record), Some(no_path)) = (plan.usable.iter().find(is_presented), no_path) {
        return Mismatch::NoMatch(presented.without_path(record, no_path));
    }
    let only_anchors = plan.usable.iter().all(|record| record.usage == DANE_TA);
    match no_path {
        None if only_anchors && !plan.usable.is_empty() => {
            Mismatch::TaNotPresented(presented.without_anchor(plan, others.len()))
        }
        _ => Mismatch::NoMatch(presented.unlike(plan, own, no_path)),
    }
}

/// The records that would name what was presented, in the forms that were published.
struct Forms {
    /// The server's own certificate, as usage 3 names it.
    own: Vec<Tlsa>,
    /// The same, as usage 2 would name it.
    own_as_anchor: Vec<Tlsa>,
    /// The others, as usage 2 names them.
    anchors: Vec<Tlsa>,
    /// The record to publish for the server's own certificate.
    preferred: String,
}

impl Forms {
    /// C9.
    fn as_leaf(&self, record: &Tlsa) -> String {
        format!(
            "the TLSA record {} names the server's own certificate, but usage 2 is for a CA above it; its operator must publish {} instead",
            brief(record),
            self.preferred
        )
    }

    /// C6.
    fn without_anchor(&self, plan: &Plan, others: usize) -> String {
        let presented = match self.like(plan).as_slice() {
            [] => "no other certificate than its own".to_owned(),
            some => format!("{others} above its own: {}", some.join(", ")),
        };
        format!(
            "{}; its trust anchor was not presented: the server presented {presented}; its operator must add the CA's certificate to the chain that the server presents, or publish {}{}",
            head(plan),
            self.preferred,
            self.masked(plan)
        )
    }

    /// C12, where the record is right and the chain is not.
    fn without_path(&self, record: &Tlsa, no_path: &str) -> String {
        format!(
            "the CA that the TLSA record {} names was presented, but the server's certificate does not lead to it: {no_path}; its operator must present the certificates in between as well, or publish {}",
            brief(record),
            self.preferred
        )
    }

    /// C12.
    fn unlike(&self, plan: &Plan, own: &[u8], no_path: Option<&str>) -> String {
        let (like, preferred) = (self.like(plan), &self.preferred);
        let presented = match like.is_empty() {
            true => preferred.clone(),
            false if like.contains(preferred) => like.join(", "),
            false => format!("{}, in the form to prefer {preferred}", like.join(", ")),
        };
        let mut text = format!("{}; the server presented {presented}", head(plan));
        let key = certificate::public_key_of(own).and_then(certificate::key_kind);
        if let Some(kind @ ("RSA" | "ECDSA")) = key {
            text.push_str(&format!(
                " (an {kind} key; a server that has RSA and ECDSA certificates needs a record for each)"
            ));
        }
        if let Some(no_path) = no_path {
            text.push_str(&format!("; {no_path}"));
        }
        text + &self.masked(plan)
    }

    /// B4: what would match if the publisher had kept to RFC 7671 §8.
    fn masked(&self, plan: &Plan) -> String {
        let would = |record: &&Tlsa| self.own.contains(record) || self.anchors.contains(record);
        match plan.masked.iter().find(would) {
            Some(record) => format!(
                "; {record} would match, but does not count beside a stronger digest (agility-masked)"
            ),
            None => String::new(),
        }
    }

    /// What was presented, in the digest forms of the records that count, so that the two can be compared by eye.
    fn like(&self, plan: &Plan) -> Vec<String> {
        let is_alike =
            |one: &Tlsa, other: &Tlsa| one.usage == other.usage && form_of(one) == form_of(other);
        let is_published = |record: &&Tlsa| plan.usable.iter().any(|one| is_alike(one, record));
        let digests = self.own.iter().chain(&self.anchors);
        let digests = digests.filter(|record| record.matching != FULL);
        let digests = digests.filter(is_published).take(PRINTED_MAX);
        digests.map(Tlsa::to_string).collect()
    }
}

/// The key, or the whole certificate where no key can be read.
fn preferred(own: &[u8]) -> String {
    let mut forms = [SPKI, CERT].into_iter();
    let record = forms.find_map(|selector| association(DANE_EE, (selector, SHA2_256), own));
    record.map(|record| record.to_string()).unwrap_or_default()
}

fn head(plan: &Plan) -> String {
    match plan.usable.len() {
        0 => "no TLSA record is usable".to_owned(),
        1 => "the TLSA record does not match".to_owned(),
        count => format!("none of the {count} TLSA records matches"),
    }
}

/// A record, without the data if these are a whole certificate or key.
fn brief(record: &Tlsa) -> String {
    match record.matching {
        FULL => format!("{} {} {FULL}", record.usage, record.selector),
        _ => record.to_string(),
    }
}
