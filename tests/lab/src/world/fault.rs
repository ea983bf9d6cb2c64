//! The switches of the DNS: what goes wrong for which question.

use std::time::Duration;

use gateway::dns::{Name, Rcode, RecordType};

/// What goes wrong when a name and type is looked up, be it as the question or on the way along aliases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The resolver answers SERVFAIL.
    Servfail,
    /// The resolver answers REFUSED.
    Refused,
    /// The resolver answers NOTIMP.
    NotImp,
    /// The resolver answers FORMERR, without EDNS.
    FormErr,
    /// No reply at all.
    Timeout,
    /// The reply comes so much later.
    Delay(Duration),
    /// Sound signed data, but the resolver does not say AD: as a resolver that does not validate.
    NoAd,
    /// The signatures do not match the data.
    Bogus,
    /// The signatures ran out.
    Expired,
    /// The proof that no closer name exists is missing from an answer that a wildcard made.
    NoProof,
    /// The resolver leaves out the signatures, and AD.
    StripRrsig,
    /// The resolver does not know EDNS.
    NoEdns,
    /// Over UDP only TC and no data; the whole answer over TCP.
    Truncate,
    /// As `Truncate`, but the TCP connection is reset.
    TruncateTcpRefused,
    /// Over UDP, forged replies come before the right one: from another port, with another id, with the name in another case, with another question.
    SpoofFirst,
    /// Over UDP the reply repeats the name in another case; over TCP it is right.
    WrongCase,
    /// The reply is cut off in the middle of a record, but does not say so.
    Malformed,
}

impl Fault {
    /// The response code it makes.
    pub(super) const fn rcode(self) -> Option<Rcode> {
        match self {
            Self::Servfail => Some(Rcode::SERVFAIL),
            Self::Refused => Some(Rcode::REFUSED),
            Self::NotImp => Some(Rcode::NOTIMP),
            Self::FormErr => Some(Rcode::FORMERR),
            _ => None,
        }
    }
}

/// Every switch that is on.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<(Name, RecordType, Fault)>);

impl Faults {
    pub(super) fn add(&mut self, name: Name, rtype: RecordType, fault: Fault) {
        self.0.push((name, rtype, fault));
    }

    pub(super) fn clear(&mut self, name: &Name, rtype: RecordType) {
        self.0
            .retain(|(owner, of, _)| owner != name || *of != rtype);
    }

    /// The faults of a name and type; those set for type ANY hit every type.
    pub(super) fn find(&self, name: &Name, rtype: RecordType) -> impl Iterator<Item = Fault> {
        self.0
            .iter()
            .filter(move |(owner, of, _)| owner == name && (*of == rtype || *of == RecordType::ANY))
            .map(|(_, _, fault)| *fault)
    }
}
