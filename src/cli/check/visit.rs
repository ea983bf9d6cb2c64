//! What a check sees on its way: every question with the chain of trust of its answer, every attempt with what was said. It sends no mail.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::dane::Match;
use crate::dns::{Name, RecordType};
use crate::dnssec::Why;
use crate::outbound::attempt::{Ended, Errand, Next};
use crate::outbound::cause::Cause;
use crate::outbound::connect::{Carrier, Connect, Network, Purpose};
use crate::outbound::decision::Record;
use crate::outbound::facts::Asked;
use crate::outbound::{
    Demand, Event, Failure, Level, Link, Phase, Proof, Reason, TlsFacts, Transcript,
};
use crate::resolver::{Answer, Explanation, LookupError, Resolve, Resolver};
use crate::time::Deadline;

/// One thing that was found, in the order of the walk.
#[derive(Clone, Debug)]
pub(super) enum Finding {
    /// An answer, or that there is none.
    Question(Question),
    /// What came of one host, or of one of its addresses.
    Attempt(Attempt),
    /// What there is to say about an exception.
    Exception(String),
}

/// A question to the DNS.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) asked: Asked,
    /// `None` where a resolver's AD bit is believed.
    pub(super) explanation: Option<Explanation>,
    /// The level at which it was asked.
    pub(super) level: Level,
}

/// A host attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) record: Record,
    /// What happened on the wire; of two connections, where the TLSA records had to be asked for again, one after the other.
    pub(super) events: Vec<Event>,
}

impl Finding {
    /// The question, if it is one.
    pub(super) const fn question(&self) -> Option<&Question> {
        match self {
            Self::Question(question) => Some(question),
            Self::Attempt(_) | Self::Exception(_) => None,
        }
    }

    /// The attempt, if it is one.
    pub(super) const fn attempt(&self) -> Option<&Attempt> {
        match self {
            Self::Question(_) | Self::Exception(_) => None,
            Self::Attempt(attempt) => Some(attempt),
        }
    }
}

impl Question {
    /// Why the answer is not secure, as found here.
    pub(super) fn why(&self) -> Option<&Why> {
        self.explanation
            .as_ref()
            .and_then(|found| found.why.as_ref())
    }
}

impl Attempt {
    /// The last handshake.
    fn handshake(&self) -> Option<(&TlsFacts, &[Vec<u8>])> {
        let mut events = self.events.iter().rev();
        events.find_map(|event| match event {
            Event::Encrypted { facts, chain } => Some((facts, chain.as_slice())),
            Event::Connected | Event::Sent(_) | Event::Received(_) => None,
        })
    }

    /// What the handshake settled.
    pub(super) fn facts(&self) -> Option<&TlsFacts> {
        self.handshake().map(|(facts, _)| facts)
    }

    /// Whether there was a handshake.
    pub(super) fn is_encrypted(&self) -> bool {
        self.handshake().is_some()
    }

    /// The certificates presented, the server's own first.
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        self.handshake().map_or(&[], |(_, chain)| chain)
    }

    /// The server's own certificate.
    pub(super) fn leaf(&self) -> Option<&[u8]> {
        self.chain().first().map(Vec::as_slice)
    }

    /// The record that matched.
    pub(super) fn matched(&self) -> Option<&Match> {
        self.record.matched()
    }
}

/// A resolver that keeps how each status was found out.
pub(super) struct Witness {
    resolver: Resolver,
    explanations: Mutex<HashMap<(Name, RecordType), Explanation>>,
}

impl Witness {
    pub(super) fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            explanations: Mutex::default(),
        }
    }

    /// How the status of the last answer to this question was found out.
    fn take(&self, asked: &Asked) -> Option<Explanation> {
        let key = (asked.name.clone(), asked.rtype);
        lock(&self.explanations).remove(&key)
    }
}

impl Resolve for Witness {
    fn lookup(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        let (result, explanation) = self.resolver.explain(name, rtype, deadline);
        if let Some(explanation) = explanation {
            lock(&self.explanations).insert((name.clone(), rtype), explanation);
        }
        result
    }
}

/// The network, with every connection written down.
#[derive(Default)]
pub(super) struct Wiretap(Mutex<Vec<Transcript>>);

impl Wiretap {
    /// What happened since this was last asked.
    fn take(&self) -> Vec<Event> {
        let transcripts = mem::take(&mut *lock(&self.0));
        transcripts.iter().flat_map(Transcript::events).collect()
    }
}

impl Connect for Wiretap {
    fn connect(
        &self,
        purpose: Purpose<'_>,
        link: &Link<'_>,
        demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure> {
        let transcript = Transcript::default();
        lock(&self.0).push(transcript.clone());
        let link = Link {
            transcript: Some(&transcript),
            ..*link
        };
        Network.connect(purpose, &link, demand)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code panics with half a change made.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The errand of a check: keep what is found, say it as it is found, and leave every server again.
pub(super) struct Visit<'a> {
    witness: &'a Witness,
    wiretap: &'a Wiretap,
    tell: &'a mut dyn FnMut(&Finding),
    pub(super) findings: Vec<Finding>,
    level: Level,
}

impl<'a> Visit<'a> {
    pub(super) fn new(
        witness: &'a Witness,
        wiretap: &'a Wiretap,
        tell: &'a mut dyn FnMut(&Finding),
    ) -> Self {
        Self {
            witness,
            wiretap,
            tell,
            findings: Vec::new(),
            level: Level::DaneOnly,
        }
    }

    fn found(&mut self, finding: Finding) {
        (self.tell)(&finding);
        self.findings.push(finding);
    }
}

impl Errand for Visit<'_> {
    fn looks_further(&self) -> bool {
        true
    }

    fn begun(&mut self, level: Level) {
        self.level = level;
    }

    fn asked(&mut self, asked: &Asked) {
        self.found(Finding::Question(Question {
            level: self.level,
            asked: asked.clone(),
            explanation: self.witness.take(asked),
        }));
    }

    fn connected(&mut self, carrier: Box<dyn Carrier>) -> Ended {
        let text = match carrier.proof() {
            Proof::Dane(_) => {
                "the server's certificate matches its TLSA record; mail would be sent now"
            }
            Proof::Pkix(_) => "a CA says that the server is the right one; mail would be sent now",
            Proof::Pin(_) => "the server is the one that is pinned; mail would be sent now",
            Proof::Encryption => {
                "the connection is encrypted, to whom is not proven; mail would be sent now"
            }
            Proof::Loopback => {
                "the server is on this machine; mail would be sent now, in clear text"
            }
        };
        carrier.quit();
        Ended {
            cause: Cause::new(Reason::Delivered, text),
            phase: Phase::Verdict,
            next: Next::Host,
        }
    }

    fn attempted(&mut self, record: &Record) {
        let events = self.wiretap.take();
        if record.mx.is_some() || record.address.is_some() {
            self.found(Finding::Attempt(Attempt {
                record: record.clone(),
                events,
            }));
        }
    }

    fn noticed(&mut self, text: &str) {
        self.found(Finding::Exception(text.to_owned()));
    }
}
