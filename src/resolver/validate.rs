//! Lookups whose signatures are checked here: brings the validator of `dnssec` the replies it needs, and tells apart a zone that is broken
//! and a resolver that is (rfc C1, C5).
//!
//! What earlier denials prove not to be there is not asked for (RFC 8198); nothing else is taken from them, so that what they prove is proven anew.
//!
//! A question that ends as bogus is asked once more, of another resolver or over TCP, with nothing but the trust anchors believed. If that
//! ends the same, the resolvers are asked what they think of it themselves, which is for the log and decides nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::answer::{cap, without_case, without_random_case};
use super::endpoint::Endpoint;
use super::query::Checks;
use super::stub::Resolver;
use super::task::side_by_side;
use super::upstream::{Carriage, Carried, Failure};
use super::validator::Validator;
use super::zones::{Shown, View};
use super::{Answer, Content, LookupErrorKind};
use crate::dns::{EdeCode, Rcode, Record, RecordType};
use crate::dnssec::chain::{self, Link, Part, Progress};
use crate::dnssec::{Consequence, RrsetId, Why};
use crate::log;
use crate::time::Deadline;

/// The text of extended errors that no resolver sent, but the validation here.
pub const FOUND_HERE: &str = "found here";

/// A lookup with everything that was found out on the way.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The zones from the trust anchor down, each once; one that broke is last.
    pub chain: Vec<Link>,
    /// The RRsets and the denial that make up the answer; one that broke is last.
    pub parts: Vec<Part>,
    /// Why the answer is not secure.
    pub why: Option<Why>,
}

/// A validated lookup.
pub(super) struct Validated {
    pub(super) result: Result<Answer, Failure>,
    pub(super) explanation: Explanation,
    /// Length of the replies in octets.
    pub(super) length: usize,
}

impl Resolver {
    /// Looks up one RRset with signatures checked here, with so much shown of what is known.
    pub(super) fn validate(
        &self,
        validator: &Validator,
        question: &RrsetId,
        shown: Shown,
        deadline: Deadline,
    ) -> Validated {
        let now = validator.settings.now();
        if let Some(fault) = validator.settings.fault_of_clock() {
            return Validated::failed(LookupErrorKind::Indeterminate(fault));
        }
        let run = |shown, blamed: &[Endpoint]| {
            let known = validator.zones.at(now, shown);
            Run::new(self, validator, known, blamed, deadline).go(question)
        };
        let mut first = run(shown, &[]);
        if first.is_bogus() && first.used_denials {
            // The zone may have changed its keys since.
            first = run(Shown::Zones, &[]);
        }
        if !first.is_bogus() {
            return first.validated;
        }
        log::trace(format_args!(
            "dns: {question} is bogus, asked again another way"
        ));
        let second = run(Shown::Nothing, &first.servers);
        if !second.is_bogus() {
            self.blame(question, &first, &second);
            return second.validated.or(first.validated);
        }
        self.diagnose(validator, question, second, deadline)
    }

    /// Puts resolvers last that brought what did not validate, where others brought what does.
    fn blame(&self, question: &RrsetId, first: &Found, second: &Found) {
        let is_better = second.validated.result.is_ok();
        for server in first.servers.iter().filter(|_| is_better) {
            if !second.servers.contains(server) {
                log::warning(format_args!(
                    "dns: what resolver {server} says of {} is bogus, but not what others say; it is asked last for a while",
                    log::named(question)
                ));
                self.upstream.servers.failed(server, Instant::now());
            }
        }
    }

    /// Adds what the resolvers have to say about bogus data, and whether they could have carried better.
    fn diagnose(
        &self,
        validator: &Validator,
        question: &RrsetId,
        found: Found,
        deadline: Deadline,
    ) -> Validated {
        let mut validated = found.validated;
        if let Err(failure) = &mut validated.result {
            failure
                .extended_errors
                .extend(self.opinions(question, deadline));
            if let Some(fault) = self.fault_of_all(validator, &found.servers, deadline) {
                failure.kind = fault;
            }
        }
        validated
    }

    /// What the resolvers say when they are to check for themselves: not authenticated, and for the log only.
    fn opinions(&self, question: &RrsetId, deadline: Deadline) -> Vec<(EdeCode, String)> {
        let how = Carriage {
            checks: Checks::Upstream,
            blamed: &[],
            deadline,
        };
        match self.upstream.carry(&question.owner, question.rtype, how) {
            Ok(carried) => carried.message.extended_errors(),
            Err(failure) => failure.extended_errors,
        }
    }

    /// What is wrong with the first of these resolvers, if all of them fail their test: then it is not the zone asked for that is broken. With a
    /// time that was asked for, the root's keys may rightly not validate.
    fn fault_of_all(
        &self,
        validator: &Validator,
        servers: &[Endpoint],
        deadline: Deadline,
    ) -> Option<LookupErrorKind> {
        let fault = |server: &Endpoint| {
            let failure = self.test(server, deadline).err()?;
            failure.kind.is_of_resolver().then_some(failure.kind)
        };
        let servers = servers.iter().filter(|_| validator.settings.at.is_none());
        let faults: Option<Vec<_>> = servers.map(fault).collect();
        faults?.into_iter().next()
    }
}

impl Validated {
    fn failed(kind: LookupErrorKind) -> Self {
        Self {
            result: Err(Failure::new(kind, None)),
            explanation: Explanation {
                chain: Vec::new(),
                parts: Vec::new(),
                why: None,
            },
            length: 0,
        }
    }

    /// This, if it is an answer or the other one is none either.
    fn or(self, other: Self) -> Self {
        match self.result {
            Ok(_) => self,
            Err(_) => other,
        }
    }
}

/// One validation on its way.
struct Run<'a> {
    resolver: &'a Resolver,
    validator: &'a Validator,
    known: View<'a>,
    how: Carriage<'a>,
    notes: Mutex<Notes>,
}

/// What is remembered of the replies.
#[derive(Default)]
struct Notes {
    /// Who replied to the question itself.
    server: Option<Endpoint>,
    servers: Vec<Endpoint>,
    failures: Vec<(RrsetId, Failure)>,
    extended_errors: Vec<(EdeCode, String)>,
    length: usize,
    /// Whether earlier denials stood in for a reply.
    used_denials: bool,
}

/// What a run found.
struct Found {
    validated: Validated,
    servers: Vec<Endpoint>,
    /// Whether earlier denials stood in for a reply.
    used_denials: bool,
}

impl Found {
    fn failed(kind: LookupErrorKind) -> Self {
        Self {
            validated: Validated::failed(kind),
            servers: Vec::new(),
            used_denials: false,
        }
    }

    fn is_bogus(&self) -> bool {
        matches!(&self.validated.result, Err(failure) if matches!(failure.kind, LookupErrorKind::Bogus(_)))
    }
}

impl<'a> Run<'a> {
    fn new(
        resolver: &'a Resolver,
        validator: &'a Validator,
        known: View<'a>,
        blamed: &'a [Endpoint],
        deadline: Deadline,
    ) -> Self {
        Self {
            resolver,
            validator,
            known,
            how: Carriage {
                checks: Checks::Here,
                blamed,
                deadline,
            },
            notes: Mutex::default(),
        }
    }

    fn go(self, question: &RrsetId) -> Found {
        let rules = self.validator.rules(self.known.now());
        let mut validation = chain::Validation::new(question.clone(), rules);
        let outcome = loop {
            match validation.progress(&self.known) {
                Progress::Done(outcome) => break *outcome,
                // Never: everything named before was supplied. It must not become a loop.
                Progress::Need(needed) if needed.is_empty() => {
                    let why = "internal error: the validation does not go on";
                    return Found::failed(LookupErrorKind::Indeterminate(why.to_owned()));
                }
                Progress::Need(needed) => {
                    // None of it depends on another.
                    for (one, reply) in side_by_side(&needed, |one| self.ask(one, question)) {
                        validation.supply(one, reply);
                    }
                }
            }
        };
        self.conclude(question, outcome)
    }

    fn ask(&self, needed: &RrsetId, question: &RrsetId) -> Result<chain::Reply, String> {
        let anchors = &self.validator.settings.anchors;
        if let Some(denial) = self.known.denial(needed, anchors) {
            log::trace(format_args!(
                "dns: {needed} is not asked for, earlier denials prove that there is none"
            ));
            self.notes().take_denial(needed == question);
            return Ok(denial);
        }
        let carried = self
            .resolver
            .upstream
            .carry(&needed.owner, needed.rtype, self.how);
        match carried {
            Ok(carried) => {
                self.notes().take(&carried, needed == question);
                Ok(without_case(carried.message.into()))
            }
            Err(failure) => {
                let text = failure.kind.to_string();
                self.notes().failures.push((needed.clone(), failure));
                Err(text)
            }
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Nothing in a change can panic, so a thread that did has left nothing half done.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn conclude(self, question: &RrsetId, outcome: chain::Outcome) -> Found {
        let notes = self
            .notes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let why = match &outcome.answer {
            Ok(answer) => answer.why.clone(),
            Err(why) => Some(why.clone()),
        };
        log::trace(format_args!(
            "dns: {question} took {} signatures, {} digests, {} hashes",
            outcome.work.verifications(),
            outcome.work.digests(),
            outcome.work.hashes()
        ));
        let servers = notes.servers.clone();
        let (length, used_denials) = (notes.length, notes.used_denials);
        let result = match outcome.answer {
            Ok(answer) => Ok(notes.answer(answer, question.rtype)),
            Err(why) => Err(notes.failure(question, &why)),
        };
        Found {
            validated: Validated {
                result,
                explanation: Explanation {
                    chain: outcome.chain,
                    parts: outcome.parts,
                    why,
                },
                length,
            },
            servers,
            used_denials,
        }
    }
}

impl Notes {
    fn take(&mut self, carried: &Carried, is_answer: bool) {
        self.length += carried.length;
        if !self.servers.contains(&carried.server) {
            self.servers.push(carried.server.clone());
        }
        if is_answer {
            self.server = Some(carried.server.clone());
            self.extended_errors
                .extend(carried.message.extended_errors());
        }
    }

    /// What was not asked for has no server, and says why.
    fn take_denial(&mut self, is_answer: bool) {
        self.used_denials = true;
        if is_answer {
            let synthesized = (EdeCode::SYNTHESIZED, FOUND_HERE.to_owned());
            self.extended_errors.push(synthesized);
        }
    }

    fn answer(self, validated: chain::Answer, rtype: RecordType) -> Answer {
        let owner = validated.owner;
        let (content, rcode) = match validated.content {
            Content::Records(records) => {
                let records = records.into_iter().map(|record| Record {
                    name: owner.clone(),
                    data: without_random_case(&record.data),
                    ..record
                });
                (Content::Records(records.collect()), Rcode::NOERROR)
            }
            Content::NoData => (Content::NoData, Rcode::NOERROR),
            Content::NxDomain => (Content::NxDomain, Rcode::NXDOMAIN),
        };
        let own = validated.why.iter().map(own_error);
        let own = own.filter(|(code, _)| *code != EdeCode::OTHER).collect();
        Answer {
            security: validated.security,
            aliases: validated.aliases,
            owner,
            ttl: validated.ttl.min(cap(&content, rtype)),
            content,
            rcode,
            extended_errors: [own, self.extended_errors].concat(),
            server: self
                .server
                .map(|server| server.to_string())
                .unwrap_or_default(),
        }
    }

    /// Why there is no answer: where nothing came for the question itself, what went wrong on the way to the resolver says more than
    /// that it was not answered.
    fn failure(self, question: &RrsetId, why: &Why) -> Failure {
        if let Why::Unanswered { rrset, .. } = why {
            let mut failures = self.failures.into_iter();
            let failed = failures.find(|(failed, _)| failed == rrset);
            if let Some((_, failure)) = failed.filter(|_| rrset.rtype == question.rtype) {
                return failure;
            }
        }
        let text = why.to_string();
        Failure {
            kind: match why.consequence() {
                Consequence::Bogus => LookupErrorKind::Bogus(text),
                Consequence::Insecure | Consequence::Indeterminate => {
                    LookupErrorKind::Indeterminate(text)
                }
            },
            server: self.server.or_else(|| self.servers.first().cloned()),
            extended_errors: vec![own_error(why)],
        }
    }
}

/// The reason as an extended error, told from those of resolvers; it is described by the reason itself.
fn own_error(why: &Why) -> (EdeCode, String) {
    (why.ede(), FOUND_HERE.to_owned())
}
