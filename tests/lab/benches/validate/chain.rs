//! A chain of zones with everything that is needed to validate one answer, in memory, as octets from the wire.

use std::collections::HashMap;
use std::hint::black_box;

use gateway::dns::{Dnskey, Message, Name, Rdata, RecordType};
use gateway::dnssec::chain::{Outcome, Settings};
use gateway::dnssec::signature::signed_octets;
use gateway::dnssec::{Algorithms, Known, PublicKey, Reply, RrsetId, TrustAnchors, group};
use gateway::time::Timestamp;
use gateway_lab::World;
use gateway_lab::validation::validate;

/// One question below a trust anchor.
pub struct Chain {
    pub question: RrsetId,
    /// As a zone file.
    pub anchor: String,
    anchors: TrustAnchors,
    /// Everything that is asked for.
    pub replies: HashMap<RrsetId, Vec<u8>>,
    now: Timestamp,
}

impl Chain {
    pub fn new(world: &World, owner: &str, rtype: RecordType) -> Self {
        let anchor = world.trust_anchor();
        let question = RrsetId {
            owner: Name::parse(owner).expect(owner),
            rtype,
        };
        let mut chain = Self {
            question,
            anchors: TrustAnchors::parse(&anchor).expect("an anchor"),
            anchor,
            replies: HashMap::new(),
            now: Timestamp::now(),
        };
        let mut replies = HashMap::new();
        validate(&chain.question, chain.settings(), &(), |asked| {
            let reply = world.carry(&asked.owner, asked.rtype);
            replies.insert(asked.clone(), reply.encode());
            reply.into()
        });
        chain.replies = replies;
        chain
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            anchors: &self.anchors,
            algorithms: Algorithms::new(false),
            now: self.now,
        }
    }

    fn reply(&self, question: &RrsetId) -> Reply {
        let octets = self.replies.get(question).expect("it was asked for before");
        let message = Message::decode(octets).expect("it was encoded");
        message.into()
    }

    /// From the octets of the replies to the outcome.
    pub fn validate(&self, known: &dyn Known) -> Outcome {
        let asked = |question: &RrsetId| self.reply(question);
        validate(&self.question, self.settings(), known, asked)
    }

    /// The signatures that make up the chain.
    pub fn signatures(&self) -> Vec<Signature> {
        let questions = self.replies.keys();
        questions
            .flat_map(|question| self.signatures_in(question))
            .collect()
    }

    /// The signatures over the answer to one of the questions.
    pub fn signatures_in(&self, question: &RrsetId) -> Vec<Signature> {
        let keys = self.keys();
        let mut signatures = Vec::new();
        for set in group(&self.reply(question).answers) {
            for rrsig in &set.signatures {
                let is_by = |(zone, key): &&(Name, Dnskey)| {
                    *zone == rrsig.signer && key.key_tag() == rrsig.key_tag
                };
                let (_, key) = keys.iter().find(is_by).expect("the key is published");
                signatures.push(Signature {
                    key: key.clone(),
                    octets: signed_octets(&set, rrsig, None),
                    signature: rrsig.signature.clone(),
                });
            }
        }
        signatures
    }

    fn keys(&self) -> Vec<(Name, Dnskey)> {
        let replies = self.replies.keys().map(|question| self.reply(question));
        let records = replies.flat_map(|reply| reply.answers);
        let keys = records.filter_map(|record| match record.data {
            Rdata::Dnskey(key) => Some((record.name, key)),
            _ => None,
        });
        keys.collect()
    }
}

/// All that OpenSSL needs.
pub struct Signature {
    key: Dnskey,
    octets: Vec<u8>,
    signature: Vec<u8>,
}

impl Signature {
    pub fn key(&self) -> PublicKey {
        PublicKey::new(&self.key, Algorithms::new(false)).expect("a good key")
    }

    pub fn verify(&self, key: &PublicKey) {
        let is_right = key.verify(black_box(&self.octets), &self.signature);
        assert!(is_right, "a signature of the chain");
    }
}
