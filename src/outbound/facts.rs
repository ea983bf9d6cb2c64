//! Asks the DNS the questions of one destination and keeps what came back as facts; decides nothing.
//!
//! Every question is one [`Asked`]: the name, the type, and an answer with its security status or the reason why there is none.
//! Nothing here outlives an attempt: the next one asks again from the MX records on (rfc B10).
//!
//! next: `src/outbound/route.rs`

use std::fmt;
use std::thread;
use std::time::Duration;

use crate::dns::{EdeCode, Name, NameError, Rdata, RecordType};
use crate::dnssec::Security;
use crate::resolver::{
    Answer, Content, FOUND_HERE, LookupError, LookupErrorKind, Resolve, Status, Task,
};
use crate::smtp::Domain;
use crate::time::Deadline;

/// Extended errors that mark expired data: 3 stale answer, 19 stale NXDOMAIN (RFC 8914 §4.4, §4.20). Such data proves nothing today (rfc B9).
const STALE: [EdeCode; 2] = [EdeCode::STALE_ANSWER, EdeCode::STALE_NXDOMAIN];

/// One question and what came back.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: RecordType,
    /// The answer, or why it is not known.
    pub result: Result<Answer, LookupError>,
    /// Status of the first alias alone, where [`Questions::addresses`] was to find it out: an alias may be secure and what it leads to not.
    pub first_alias: Option<Result<Security, LookupError>>,
    /// Whether it was asked past every cache.
    pub is_fresh: bool,
    until: Deadline,
}

/// Asks the questions of one destination.
#[derive(Clone, Copy)]
pub struct Questions<'a> {
    /// Who answers.
    pub resolver: &'a dyn Resolve,
    /// Longest wait for the answers about one destination or one of its hosts.
    pub timeout: Duration,
}

impl Questions<'_> {
    /// The MX records of a domain.
    ///
    /// # Errors
    /// [`NameError`] when the domain is no DNS name.
    pub fn mx(&self, domain: &Domain) -> Result<Asked, NameError> {
        let name = Name::parse(domain.as_str())?;
        Ok(self.ask(name, RecordType::MX, Deadline::after(self.timeout)))
    }

    /// Both address families of a host (IPv6 first), always both: a host may be secure in one and not in the other. They are asked for at the
    /// same time. With `aliases` also whether the first alias is secure, where the answer as a whole is not (rfc H3, H10).
    ///
    /// # Errors
    /// [`NameError`] when the host is no DNS name.
    pub fn addresses(&self, host: &Domain, aliases: bool) -> Result<[Asked; 2], NameError> {
        let name = Name::parse(host.as_str())?;
        let deadline = Deadline::after(self.timeout);
        let families = self.families(&name, aliases, deadline, Self::ask);
        // No address at all makes messages bounce as well.
        let is_final = families.iter().all(Asked::is_denied)
            && families.iter().any(Asked::is_denied_by_others);
        Ok(match is_final {
            true => self.families(&name, aliases, deadline, Self::ask_anew),
            false => families,
        })
    }

    fn families(
        &self,
        name: &Name,
        aliases: bool,
        deadline: Deadline,
        ask: fn(&Self, Name, RecordType, Deadline) -> Asked,
    ) -> [Asked; 2] {
        let ask = |rtype| {
            let mut asked = ask(self, name.clone(), rtype, deadline);
            if aliases {
                asked.first_alias = self.first_alias(&asked, deadline);
            }
            asked
        };
        thread::scope(|scope| {
            let ipv4 = Task::start(scope, || ask(RecordType::A));
            let ipv6 = ask(RecordType::AAAA);
            [ipv6, ipv4.finish()]
        })
    }

    /// The AD bit speaks for a whole chain of aliases, so the first link of one that is not secure is asked for by itself (rfc H10).
    fn first_alias(
        &self,
        asked: &Asked,
        deadline: Deadline,
    ) -> Option<Result<Security, LookupError>> {
        let answer = asked.result.as_ref().ok()?;
        let first = answer.aliases.first()?;
        Some(match first.security {
            Security::Secure => Ok(Security::Secure),
            Security::Insecure => self.resolver.alias_security(&first.owner, deadline),
        })
    }

    /// The TLSA records at an owner made by [`crate::dane::tlsa_owner`].
    pub fn tlsa(&self, owner: &Name) -> Asked {
        let deadline = Deadline::after(self.timeout);
        self.ask(owner.clone(), RecordType::TLSA, deadline)
    }

    /// The TLSA records as they are now, whatever a cache holds (rfc C12).
    pub fn fresh_tlsa(&self, owner: &Name) -> Asked {
        let deadline = Deadline::after(self.timeout);
        self.ask_anew(owner.clone(), RecordType::TLSA, deadline)
    }

    /// That there is no such name makes messages bounce, so it is not taken from denials that were about others: the name may be new.
    fn ask(&self, name: Name, rtype: RecordType, deadline: Deadline) -> Asked {
        let result = self.resolver.lookup(&name, rtype, deadline);
        let asked = Asked::new(name, rtype, result);
        let answer = asked.result.as_ref();
        let is_no_name = answer.is_ok_and(|answer| answer.content == Content::NxDomain);
        match is_no_name && asked.is_denied_by_others() {
            true => self.ask_anew(asked.name, rtype, deadline),
            false => asked,
        }
    }

    fn ask_anew(&self, name: Name, rtype: RecordType, deadline: Deadline) -> Asked {
        let result = self.resolver.lookup_fresh(&name, rtype, deadline);
        Asked {
            is_fresh: true,
            ..Asked::new(name, rtype, result)
        }
    }
}

/// `MX example.org.: secure, 10 mx.example.org.`, or `bogus`, `error`, … and why it is not known.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.rtype, self.name, self.status())?;
        let answer = match &self.result {
            Ok(answer) => answer,
            Err(error) => return write!(f, ", {}", error.kind),
        };
        for alias in &answer.aliases {
            write!(f, ", alias of {}", alias.target)?;
        }
        match &answer.content {
            Content::Records(records) => {
                let mut records = records.iter();
                records.try_for_each(|record| write!(f, ", {}", record.data))
            }
            Content::NoData => f.write_str(", no such record"),
            Content::NxDomain => f.write_str(", no such name"),
        }
    }
}

impl Asked {
    /// Keeps a result; expired data counts as not known.
    fn new(name: Name, rtype: RecordType, result: Result<Answer, LookupError>) -> Self {
        let result = result.and_then(refuse_stale(&name, rtype));
        let ttl = result.as_ref().map_or(0, |answer| answer.ttl);
        Self {
            name,
            rtype,
            result,
            first_alias: None,
            is_fresh: false,
            until: Deadline::after(Duration::from_secs(u64::from(ttl))),
        }
    }

    /// Whether the data's time to live is not over yet (rfc B9).
    pub fn is_current(&self) -> bool {
        !self.until.is_over()
    }

    /// The status as one word.
    pub fn status(&self) -> Status {
        Status::of(&self.result)
    }

    /// Whether it counts as insecure for the NSEC3 iterations of a denial, as found here. Such denials are not looked into (RFC 9276 §3.2), so one
    /// that is about another name can be passed off for ours.
    pub fn rests_on_iterations(&self) -> bool {
        self.was_found_here(EdeCode::UNSUPPORTED_NSEC3_ITERATIONS)
    }

    /// Whether the answer is that there is no such record.
    fn is_denied(&self) -> bool {
        let answer = self.result.as_ref();
        answer.is_ok_and(|answer| answer.content.records().is_empty())
    }

    /// Whether nobody was asked, because denials that came for other questions prove this one (RFC 8198).
    fn is_denied_by_others(&self) -> bool {
        self.is_denied() && self.was_found_here(EdeCode::SYNTHESIZED)
    }

    fn was_found_here(&self, error: EdeCode) -> bool {
        let is_it = |(code, text): &(EdeCode, String)| *code == error && text == FOUND_HERE;
        self.extended_errors().iter().any(is_it)
    }

    /// The data of the records, if there are any.
    pub fn data(&self) -> impl Iterator<Item = &Rdata> {
        let answer = self.result.iter();
        let records = answer.flat_map(|answer| answer.content.records());
        records.map(|record| &record.data)
    }

    /// The name the question's aliases lead to; `None` without an alias.
    pub fn expanded(&self) -> Option<&Name> {
        let answer = self.result.as_ref().ok()?;
        (!answer.aliases.is_empty()).then_some(&answer.owner)
    }

    /// The resolver that answered; empty if none did.
    pub fn server(&self) -> &str {
        match &self.result {
            Ok(answer) => &answer.server,
            Err(error) => &error.server,
        }
    }

    /// The extended errors that came with the answer, or instead of it.
    pub fn extended_errors(&self) -> &[(EdeCode, String)] {
        match &self.result {
            Ok(answer) => &answer.extended_errors,
            Err(error) => &error.extended_errors,
        }
    }

    /// The extended errors, `6 signature expired`, separated by commas; empty without any.
    pub fn extended_error_text(&self) -> String {
        let print = |(code, text): &(EdeCode, String)| format!("{} {text}", code.0);
        let texts: Vec<String> = self.extended_errors().iter().map(print).collect();
        texts.join(", ").trim_end().to_owned()
    }
}

fn refuse_stale(name: &Name, rtype: RecordType) -> impl Fn(Answer) -> Result<Answer, LookupError> {
    move |answer| {
        let is_stale = |(code, _): &(EdeCode, String)| STALE.contains(code);
        if !answer.extended_errors.iter().any(is_stale) {
            return Ok(answer);
        }
        let why = "the resolver served expired data; switch its serve-stale off";
        Err(LookupError {
            kind: LookupErrorKind::Indeterminate(why.to_owned()),
            name: name.clone(),
            rtype,
            server: answer.server,
            extended_errors: answer.extended_errors,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;
    use crate::outbound::fakes::FakeDns;

    /// Answers when it is asked two questions at the same time, and not before.
    #[derive(Default)]
    struct Both {
        dns: FakeDns,
        under_way: Mutex<usize>,
        changed: Condvar,
    }

    impl Resolve for Both {
        fn lookup(
            &self,
            name: &Name,
            rtype: RecordType,
            deadline: Deadline,
        ) -> Result<Answer, LookupError> {
            let mut under_way = self.under_way.lock().expect("sound");
            *under_way += 1;
            self.changed.notify_all();
            let patience = Duration::from_secs(20);
            let waited = self
                .changed
                .wait_timeout_while(under_way, patience, |count| *count < 2);
            assert_eq!(*waited.expect("sound").0, 2, "{rtype} is asked alone");
            self.dns.lookup(name, rtype, deadline)
        }
    }

    #[test]
    fn both_address_families_are_asked_for_at_the_same_time() {
        let resolver = Both::default();
        let questions = Questions {
            resolver: &resolver,
            timeout: Duration::from_secs(20),
        };
        let host = Domain::parse("mx.d.test").expect("a domain");
        let asked = questions.addresses(&host, false).expect("a name");
        assert_eq!(
            asked.map(|asked| (asked.rtype, asked.status())),
            [RecordType::AAAA, RecordType::A].map(|rtype| (rtype, Status::Secure))
        );
    }
}
