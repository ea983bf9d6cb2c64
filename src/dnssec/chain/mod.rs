//! Validation of one question from a trust anchor to the answer, without I/O: it says which RRsets it needs, gets replies, and ends with
//! what is proven (RFC 4035 §5).
//!
//! Nobody is believed: replies may come from a hostile resolver. Zone cuts are found from the anchor down, by what the zone above says in
//! signed DS records or in a signed denial of them. An answer whose signature names a zone is followed down to that zone; one without
//! signatures down to its own name, and then it is either below a zone that is proven to be unsigned, or bogus. Whatever comes in is
//! looked at in one fixed order, from the anchor to the answer and along the aliases: the outcome does not depend on the order of replies.
//!
//! | file | question it answers |
//! |---|---|
//! | `reply.rs` | which RRsets of a reply make up the answer: aliases, data, or a denial? |
//! | `walk.rs` | which zone is a name in, and which keys are that zone's? |
//! | `zone.rs` | what is known of a zone, and the chain that leads to it |
//! | `judge.rs` | are these RRsets signed by that zone, and is their denial proven? |
//!
//! Limitations: answers to questions for type RRSIG are bogus, since signatures are not signed. The completeness of answers to type ANY
//! is not proven, only what they hold.

mod judge;
mod reply;
mod walk;
mod zone;

use std::collections::HashMap;
use std::sync::Arc;

use super::algorithm::Algorithms;
use super::anchor::TrustAnchors;
use super::limits::{ALIASES_AT_MOST, Budget, Limit, QUESTIONS_AT_MOST};
use super::status::Security;
use super::why::{RrsetId, Why};
use crate::dns::{Message, Name, Rcode, Record};
use crate::time::Timestamp;

use reply::{End, Reading};
use walk::Walker;

pub use judge::Part;
pub use zone::{Known, Link, Trust, Zone};

/// What a resolver replied: a header and an OPT record prove nothing, and the additional section is never used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Response code, with its extended bits.
    pub rcode: Rcode,
    /// Answer section.
    pub answers: Vec<Record>,
    /// Authority section.
    pub authorities: Vec<Record>,
}

impl From<Message> for Reply {
    fn from(message: Message) -> Self {
        Self {
            rcode: message.rcode(),
            answers: message.answers,
            authorities: message.authorities,
        }
    }
}

/// What a validation is to go by.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The keys that are believed; [`Known`] zones must have been found with the same.
    pub anchors: &'a TrustAnchors,
    /// The algorithms that count.
    pub algorithms: Algorithms,
    /// The time at which signatures are to be valid.
    pub now: Timestamp,
}

/// How far a validation is.
#[derive(Clone, Debug)]
pub enum Progress {
    /// These are to be asked for (class IN) and supplied, in any order; independent of each other. Each is asked for once: if there are
    /// none, some of those named before are still to be supplied.
    Need(Vec<RrsetId>),
    /// The end.
    Done(Box<Outcome>),
}

/// What came of a validation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer, if it may be used; else why it is bogus or indeterminate (see [`Why::consequence`]).
    pub answer: Result<Answer, Why>,
    /// The zones on the way, from the trust anchor down, each once; that which broke is last and has the reason.
    pub chain: Vec<Link>,
    /// The RRsets and the denial that make up the answer, each with its own status; that which broke is last.
    pub parts: Vec<Part>,
    /// The work done.
    pub work: Budget,
}

/// An answer with what is proven about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The least status of all parts.
    pub security: Security,
    /// Why it is insecure, if it is: the first reason on the way.
    pub why: Option<Why>,
    /// The aliases from the name asked for, in order.
    pub aliases: Vec<Alias>,
    /// The name that the content is about: the one asked for, or the target of the last alias.
    pub owner: Name,
    /// The records, or why there are none.
    pub content: Content,
    /// How long all of it may be kept: the least of all times to live, original ones, and what is left of the signatures, in seconds.
    pub ttl: u32,
}

/// One alias, from a CNAME or DNAME record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The alias.
    pub owner: Name,
    /// What it points to.
    pub target: Name,
    /// Status of this link alone.
    pub security: Security,
}

/// Data or their absence; the absence is proven if the answer is secure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The records asked for; at least one.
    Records(Vec<Record>),
    /// The name exists, but not with this type (RFC 2308 §2.2).
    NoData,
    /// The name does not exist (RFC 2308 §2.1).
    NxDomain,
}

impl Content {
    /// The records; none if their absence is what is known.
    pub fn records(&self) -> &[Record] {
        match self {
            Self::Records(records) => records,
            Self::NoData | Self::NxDomain => &[],
        }
    }
}

/// A validation on its way.
#[derive(Debug)]
pub struct Validation<'a> {
    /// What is asked at the moment: the question, later the targets of aliases.
    question: RrsetId,
    reading: Option<Arc<Reading>>,
    walker: Walker<'a>,
    parts: Vec<Part>,
    aliases: Vec<Alias>,
    ttl: u32,
}

impl<'a> Validation<'a> {
    /// Starts one.
    pub fn new(question: RrsetId, settings: Settings<'a>) -> Self {
        Self {
            question,
            reading: None,
            walker: Walker::new(settings),
            parts: Vec::new(),
            aliases: Vec::new(),
            ttl: u32::MAX,
        }
    }

    /// Takes the reply to a question, or why there is none. What was not asked for, or was supplied before, is left out.
    pub fn supply(&mut self, question: &RrsetId, reply: Result<Reply, String>) {
        self.walker.replies.supply(question, reply);
    }

    /// Goes as far as the replies allow.
    pub fn progress(&mut self, known: &dyn Known) -> Progress {
        let answer = match self.advance(known) {
            Ok(None) => return Progress::Need(self.walker.replies.take_needed()),
            Ok(Some(content)) => Ok(self.answer(content)),
            Err(why) => Err(why),
        };
        Progress::Done(Box::new(Outcome {
            answer,
            chain: self.walker.chain(),
            parts: std::mem::take(&mut self.parts),
            work: self.walker.budget.clone(),
        }))
    }

    /// Follows the answer through one reply after the other. Each further one follows at least one alias.
    fn advance(&mut self, known: &dyn Known) -> Result<Option<Content>, Why> {
        loop {
            let Some(reading) = self.reading(known)? else {
                return Ok(None);
            };
            let Some(zones) = self.walker.zones_of(&reading.targets, known)? else {
                return Ok(None);
            };
            if let Some(content) = self.judge(&reading, &zones, known)? {
                return Ok(Some(content));
            }
            self.reading = None;
        }
    }

    /// The reply to the question of the moment, read.
    fn reading(&mut self, known: &dyn Known) -> Result<Option<Arc<Reading>>, Why> {
        if self.reading.is_none() {
            let Some(reply) = self.walker.replies.find(&self.question)? else {
                self.walker.ask_first(&self.question, known);
                return Ok(None);
            };
            let anchors = self.walker.settings.anchors;
            let reading = Reading::of(&reply, &self.question, anchors)?;
            self.reading = Some(Arc::new(reading));
        }
        Ok(self.reading.clone())
    }

    /// Judges all parts of a reply, each by its zone. `None` if the answer goes on at the target of an alias.
    fn judge(
        &mut self,
        reading: &Reading,
        zones: &[Arc<Zone>],
        known: &dyn Known,
    ) -> Result<Option<Content>, Why> {
        let mut zones = zones.iter();
        for link in &reading.aliases {
            if self.aliases.len() >= ALIASES_AT_MOST {
                return Err(Why::over(Limit::Aliases, &self.question));
            }
            let zone = zones.next().ok_or_else(|| self.no_zone())?;
            let security = self.judge_set(&link.set, zone, &reading.authority)?;
            self.aliases.push(Alias {
                owner: link.owner.clone(),
                target: link.target.clone(),
                security,
            });
        }
        self.question.owner.clone_from(&reading.owner);
        match &reading.end {
            End::AskOn => Ok(None),
            End::Data(sets) => {
                let mut records = Vec::new();
                for set in sets {
                    let zone = zones.next().ok_or_else(|| self.no_zone())?;
                    let _ = self.judge_set(set, zone, &reading.authority)?;
                    records.extend(reply::records(set));
                }
                Ok(Some(Content::Records(records)))
            }
            End::Denial(_) => {
                let zone = zones.next().ok_or_else(|| self.no_zone())?;
                self.judge_denial(reading, zone, known).map(Some)
            }
        }
    }

    /// Never: there is a zone for each target.
    fn no_zone(&self) -> Why {
        Why::Unanswered {
            rrset: self.question.clone(),
            reason: "its zone was not looked for".to_owned(),
        }
    }

    fn answer(&self, content: Content) -> Answer {
        let why = self.parts.iter().find_map(|part| part.why.clone());
        Answer {
            security: match why {
                Some(_) => Security::Insecure,
                None => Security::Secure,
            },
            why,
            aliases: self.aliases.clone(),
            owner: self.question.owner.clone(),
            content,
            ttl: self.ttl,
        }
    }
}

/// The questions asked and the replies to them.
#[derive(Debug, Default)]
struct Replies {
    /// Everything asked for; `None` while there is no reply.
    asked: HashMap<RrsetId, Option<Result<Arc<Reply>, String>>>,
    /// Asked for, but not said yet.
    needed: Vec<RrsetId>,
}

impl Replies {
    fn supply(&mut self, question: &RrsetId, reply: Result<Reply, String>) {
        if let Some(place @ None) = self.asked.get_mut(question) {
            let usable = reply.and_then(|reply| match reply.rcode {
                Rcode::NOERROR | Rcode::NXDOMAIN => Ok(Arc::new(reply)),
                other => Err(format!("the resolver answers {other}")),
            });
            *place = Some(usable);
        }
    }

    /// The reply; `None` if it is still to come.
    fn find(&mut self, question: &RrsetId) -> Result<Option<Arc<Reply>>, Why> {
        match self.asked.get(question) {
            Some(Some(Ok(reply))) => Ok(Some(Arc::clone(reply))),
            Some(Some(Err(reason))) => Err(Why::Unanswered {
                rrset: question.clone(),
                reason: reason.clone(),
            }),
            Some(None) => Ok(None),
            None if self.asked.len() >= QUESTIONS_AT_MOST => {
                Err(Why::over(Limit::Questions, question))
            }
            None => {
                self.ask_ahead(question.clone());
                Ok(None)
            }
        }
    }

    /// Asks for what will probably be needed, so that it comes together with what is.
    fn ask_ahead(&mut self, question: RrsetId) {
        if self.asked.len() < QUESTIONS_AT_MOST && !self.asked.contains_key(&question) {
            self.asked.insert(question.clone(), None);
            self.needed.push(question);
        }
    }

    fn take_needed(&mut self) -> Vec<RrsetId> {
        std::mem::take(&mut self.needed)
    }
}

#[cfg(test)]
#[path = "rfc_tests.rs"]
mod tests;
