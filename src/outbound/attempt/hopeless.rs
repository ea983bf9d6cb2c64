//! What it means that there is no DANE: for a host, for a destination all of whose hosts have none, and after it had some.

use super::{Means, Next, Walk};
use crate::outbound::cause::{Cause, Verdict};
use crate::outbound::decision::{Record, bare};
use crate::outbound::facts::Asked;
use crate::outbound::route::Route;
use crate::outbound::{Level, Reason, address};

impl Walk<'_> {
    /// The end of a host that has no address to be used.
    pub(super) fn without_address(
        &mut self,
        record: Record,
        families: Option<&[Asked; 2]>,
        cause: Cause,
    ) -> Next {
        let level = self.rule.level;
        if families.is_some_and(|asked| address::is_absence_proven(asked, level)) {
            self.proven_absent += usize::from(!record.is_beyond);
        }
        self.without_proof(record, families, cause)
    }

    /// The end of a host to which no connection is made. That it has no DANE is proven only if both families are known.
    pub(super) fn without_proof(
        &mut self,
        record: Record,
        families: Option<&[Asked; 2]>,
        cause: Cause,
    ) -> Next {
        let are_known = families.is_some_and(|asked| asked.iter().all(|one| one.result.is_ok()));
        if are_known && cause.reason.denies_dane() {
            self.proven_without_dane += usize::from(!record.is_beyond);
        }
        self.record(record.ended(cause))
    }

    /// H7, G7: the domain is refused for good if all its hosts provably have no address, or, if that is wished, no DANE.
    pub(super) fn refuse_if_hopeless(&self, route: &Route) -> Result<(), Cause> {
        let hopeless = self.proven_absent + self.proven_without_dane;
        if hopeless != route.hosts.len() || !route.is_complete || self.rule.is_exception {
            return Ok(());
        }
        match self
            .hosts
            .iter()
            .rfind(|record| record.cause.reason.denies_dane())
        {
            Some(record) if self.is_final(&record.cause) => Err(record.cause.clone().for_good()),
            Some(_) => Ok(()),
            None if self.known.is_designated() || !self.rule.level.uses_dane() => {
                let domain = bare(&self.known.domain);
                let text =
                    format!("no MX host of {domain} has an address: publish A or AAAA records");
                Err(Cause::new(Reason::NoAddressProven, text))
            }
            None => Ok(()),
        }
    }

    /// G7 for what refuses the destination as a whole.
    pub(super) fn at_mx(&self, cause: Cause) -> Cause {
        match self.is_final(&cause) {
            true => cause.for_good(),
            false => cause,
        }
    }

    /// Not where an exception stands in for DANE: its server may only be down.
    fn is_final(&self, cause: &Cause) -> bool {
        let Means { settings, now, .. } = self.means;
        let is_wished = settings.no_dane_is_final && self.rule.level == Level::DaneOnly;
        let is_proven = cause.reason.denies_dane() && cause.verdict() == Verdict::Defer;
        let exception = settings.policies.exception(&self.known.domain, now);
        is_wished && is_proven && !self.is_doubtful && exception.is_none()
    }

    /// B11: the record with what has changed since the host, or the destination, was verified last.
    pub(super) fn remembered(&self, mut record: Record) -> Record {
        let Means { memory, now, .. } = self.means;
        if record.is_verified() {
            if memory.note_verified(&record, now) {
                record.remarks.push(Reason::DaneChanged);
            }
            return record;
        }
        let denies = |reason: &Reason| reason.denies_dane();
        let is_without = denies(&record.cause.reason) || record.remarks.iter().any(denies);
        if let Some(last) = memory.last_verified(&record).filter(|_| is_without) {
            let what = match record.host() {
                "" => bare(&record.domain),
                host => host.to_owned(),
            };
            record.cause.text.push_str(&format!(
                "; {what} was DANE-verified until {last}, and is now without what proves it (dane-lost)"
            ));
            record.remarks.push(Reason::DaneLost);
        }
        record
    }
}
