//! How a resolver over TLS proves itself by its own TLSA record (RFC 8310 §8.2): DNSSEC says whose key it is, and not the resolver.
//!
//! The record is asked for over the very connection whose server is still to prove itself (RFC 8310 §8.2.1), and validated here even where an AD bit
//! is believed otherwise: before the proof it is worth nothing. So all that is asked before is the record, and the keys that lead to it. These
//! questions name nobody but the resolver, as the handshake does. What is proven is remembered until its time to live is over, and every new connection
//! is held against it. One that was proven at its beginning goes on until it ends: the other end of it cannot become another meanwhile.
//!
//! Limitations: usages 0 and 1 are not usable, as for mail servers. A server with two certificates needs records for the one that it presents first.

use std::slice;

use super::answer::{cap, readable, without_case};
use super::connection::Connection;
use super::fault::Fault;
use super::observe::Transport;
use super::query::{Checks, Query};
use super::task::side_by_side;
use super::validator::Validator;
use super::wire::{Wire, require_edns};
use crate::certificate::Chain;
use crate::dane::{self, Mismatch, Plan, Unusable};
use crate::dns::{Name, RecordType, Tlsa};
use crate::dnssec::chain;
use crate::dnssec::{Progress, RrsetId, Validation};
use crate::smtp::Domain;
use crate::time::{Deadline, Timestamp};

/// Unusable records that a text names.
const PRINTED_MAX: usize = 4;

/// A connection whose server has not proven yet whose it is.
pub(super) struct Candidate<'a> {
    pub(super) wire: &'a Wire<'a>,
    pub(super) connection: &'a Connection,
    /// What it presented.
    pub(super) chain: &'a Chain,
    pub(super) deadline: Deadline,
}

impl Candidate<'_> {
    /// Whether it is the server of this name, by the TLSA records of that.
    ///
    /// # Errors
    /// [`Fault::Unproven`] if it is not, or there is no way to tell; other faults where the connection does not carry so far.
    pub(super) fn verify(&self, name: &Domain, validator: &Validator) -> Result<(), Fault> {
        let owner = Name::parse(name.as_str())
            .and_then(|host| dane::tlsa_owner(&host, self.wire.server.port()))
            .map_err(|error| {
                Fault::Unproven(format!("'{name}' can have no TLSA record: {error}"))
            })?;
        let known = validator.designations.find(&owner);
        if known.is_some_and(|plan| self.matches(&plan, name).is_ok()) {
            return Ok(());
        }
        // Where it does not match, the key may have been changed since (rfc C12).
        let plan = self.ask(&owner, validator)?;
        self.matches(&plan, name).map_err(|mismatch| {
            Fault::Unproven(format!("by the TLSA records of {owner}: {mismatch}"))
        })
    }

    fn matches(&self, plan: &Plan, name: &Domain) -> Result<(), Mismatch> {
        dane::verify(plan, self.chain, slice::from_ref(name), Timestamp::now()).map(drop)
    }

    /// The records that count, as they are now.
    fn ask(&self, owner: &Name, validator: &Validator) -> Result<Plan, Fault> {
        let question = RrsetId {
            owner: owner.clone(),
            rtype: RecordType::TLSA,
        };
        let answer = self.validate(&question, validator)?;
        if let Some(why) = &answer.why {
            return Err(Fault::Unproven(format!(
                "its TLSA records ({owner}) are not DNSSEC-secure, so they prove nothing: {why}; their zone and its delegation must be signed; {ELSE}"
            )));
        }
        let records = answer.content.records().iter();
        let records = dane::records_among(records.map(|record| &record.data));
        let plan = dane::plan(&records);
        if plan.usable.is_empty() {
            return Err(Fault::Unproven(without_use(owner, &plan)));
        }
        let ttl = answer.ttl.min(cap(&answer.content, RecordType::TLSA));
        validator.designations.learn(owner, &plan, ttl);
        Ok(plan)
    }

    /// What DNSSEC proves now, from nothing but the trust anchors on; `--at` is about other data. Nor is anything of it kept for those.
    fn validate(&self, question: &RrsetId, validator: &Validator) -> Result<chain::Answer, Fault> {
        if let Some(fault) = validator.settings.fault_of_clock() {
            return Err(Fault::Unproven(fault));
        }
        let rules = validator.rules(Timestamp::now());
        let mut validation = Validation::new(question.clone(), rules);
        loop {
            match validation.progress(&()) {
                Progress::Done(outcome) => {
                    return outcome.answer.map_err(|why| {
                        let owner = &question.owner;
                        Fault::Unproven(format!(
                            "nothing is proven about its TLSA records ({owner}): {why}"
                        ))
                    });
                }
                // Never: everything named before was supplied. It must not become a loop.
                Progress::Need(needed) if needed.is_empty() => {
                    let why = "internal error: the validation does not go on";
                    return Err(Fault::Unproven(why.to_owned()));
                }
                Progress::Need(needed) => {
                    for (one, reply) in side_by_side(&needed, |one| self.carry(one)) {
                        validation.supply(one, reply?);
                    }
                }
            }
        }
    }

    /// What the server has to say about what leads to its own record; the inner error says that it is no answer.
    fn carry(&self, needed: &RrsetId) -> Result<Result<chain::Reply, String>, Fault> {
        self.wire.trace(format_args!(
            "asks {needed}, to find out whose server it is"
        ));
        let query = Query::new(&needed.owner, needed.rtype, Checks::Here, Transport::Tls)?;
        let reply = self.connection.ask(self.wire, &query, self.deadline);
        let message = reply.and_then(require_edns)?.message;
        let is_readable = readable(message.rcode(), &message.extended_errors());
        let reply = is_readable.map(|()| without_case(message.into()));
        Ok(reply.map_err(|kind| kind.to_string()))
    }
}

/// What can be done on this side.
const ELSE: &str =
    "until then it can be configured by its key (#sha256/PIN) or its certificate (#NAME)";

/// None that may prove anything: none at all, or none that is usable.
fn without_use(owner: &Name, plan: &Plan) -> String {
    if plan.unusable.is_empty() {
        return format!(
            "it has no TLSA record ({owner}), as DNSSEC proves; its operator must publish a `3 1 1` record there; {ELSE}"
        );
    }
    let print = |(tlsa, why): &(Tlsa, Unusable)| {
        format!(
            "`{} {} {}` ({why})",
            tlsa.usage, tlsa.selector, tlsa.matching
        )
    };
    let printed: Vec<String> = plan.unusable.iter().take(PRINTED_MAX).map(print).collect();
    format!(
        "none of its {} TLSA records ({owner}) can be used: {}; its operator must publish a `3 1 1` record; {ELSE}",
        plan.unusable.len(),
        printed.join(", ")
    )
}
