//! The steps at one host: its TLSA base domain, the connection, and the verdict with records that are valid at that moment.

use core::net::{IpAddr, SocketAddr};
use std::iter;
use std::sync::Arc;

use super::Walk;
use crate::dane::{Plan, tlsa_owner};
use crate::dns::Name;
use crate::net::Dialer;
use crate::outbound::base::{self, Judgement};
use crate::outbound::cause::Cause;
use crate::outbound::connect::{Carrier, Purpose};
use crate::outbound::decision::{Record, Step, bare};
use crate::outbound::facts::Asked;
use crate::outbound::policy::NextHop;
use crate::outbound::session::{Failure, Link, Phase, Timeouts};
use crate::outbound::{Demand, Level, Reason};
use crate::smtp::{Domain, Host};

/// The TLSA base domain of a host and what must match there.
pub(super) struct Base {
    host: Name,
    owner: Name,
    asked: Asked,
    plan: Plan,
}

impl Walk<'_> {
    /// Step 3: the first candidate with secure TLSA records (RFC 7672 §2.2.3); `None` at `dane` if none has any that can be used.
    pub(super) fn find_base(
        &mut self,
        record: &mut Record,
        candidates: &[Name],
    ) -> Result<Option<Base>, Cause> {
        let mut first = None;
        for host in candidates {
            let owner = match tlsa_owner(host, self.known.port) {
                Ok(owner) => owner,
                Err(error) => {
                    let text = format!("{} can have no TLSA records: {error}", host.to_host());
                    first.get_or_insert(Cause::new(Reason::DaneRequired, text));
                    continue;
                }
            };
            let asked = self.questions().tlsa(&owner);
            record.note(&asked);
            self.asked(&asked);
            match base::judge(host, &asked) {
                Judgement::Base(plan, remarks) => {
                    record.remarks.extend(remarks);
                    let host = host.clone();
                    record.note_base(&host, &asked);
                    return Ok(Some(Base {
                        host,
                        owner,
                        asked,
                        plan,
                    }));
                }
                Judgement::Next(cause) => {
                    first.get_or_insert(cause);
                }
                Judgement::Unusable(cause) => {
                    record.note_base(host, &asked);
                    return self.without_base(record, cause);
                }
                Judgement::Stop(cause) => {
                    record.note_base(host, &asked);
                    return Err(cause);
                }
            }
        }
        match first {
            Some(cause) => self.without_base(record, cause),
            None => Ok(None),
        }
    }

    /// L2 to L4: what it means that a host has no TLSA records that count.
    fn without_base(&self, record: &mut Record, cause: Cause) -> Result<Option<Base>, Cause> {
        if self.rule.level == Level::DaneOnly {
            return Err(cause);
        }
        record.remarks.push(match cause.reason {
            Reason::DaneRequired => Reason::NoTlsa,
            reason => reason,
        });
        Ok(None)
    }

    /// Step 4: a connection that may carry mail, made with records that are valid now (rfc B9, C12).
    pub(super) fn connect(
        &mut self,
        record: &mut Record,
        address: IpAddr,
        base: Option<&mut Base>,
    ) -> Result<Box<dyn Carrier>, Cause> {
        let carrier = match base {
            None => self.dial(record, address, &self.demand(record)?, None)?,
            Some(base) => self.connect_verified(record, address, base)?,
        };
        match self.is_still_designated(record) {
            Ok(true) => Ok(carrier),
            Ok(false) => {
                carrier.quit();
                let text = format!("{} is no longer an MX host of the domain", record.host());
                Err(Cause::new(Reason::MxExpired, text))
            }
            Err(cause) => {
                carrier.quit();
                Err(cause)
            }
        }
    }

    /// The TLSA records are fetched anew once if they do not match, or if their time to live ended before the verdict.
    fn connect_verified(
        &mut self,
        record: &mut Record,
        address: IpAddr,
        base: &mut Base,
    ) -> Result<Box<dyn Carrier>, Cause> {
        let first = self.dial_base(record, address, base);
        let is_final = match &first {
            Ok(_) => base.asked.is_current(),
            // Other records may be right for whatever was presented.
            Err(_) => record.step != Step::Session(Phase::Verdict),
        };
        if is_final {
            return first;
        }
        let fresh = self.questions().fresh_tlsa(&base.owner);
        self.asked(&fresh);
        let judgement = base::judge(&base.host, &fresh);
        match (judgement, first) {
            (Judgement::Base(plan, _), first) => {
                let is_same = plan.is_same_set(&base.plan);
                let step = record.step;
                record.note(&fresh);
                record.note_base(&base.host, &fresh);
                // The session came further than the question that it made necessary.
                record.step = step;
                (base.plan, base.asked) = (plan, fresh);
                if is_same {
                    return first;
                }
                if let Ok(carrier) = first {
                    carrier.quit();
                }
                self.dial_base(record, address, base)
            }
            (Judgement::Next(cause) | Judgement::Unusable(cause), first) => {
                record.note(&fresh);
                match first {
                    Ok(carrier) => carrier.quit(),
                    Err(mismatch) if self.rule.level == Level::DaneOnly => return Err(mismatch),
                    Err(_) => {}
                }
                self.without_base(record, cause)?;
                self.dial(record, address, &self.demand(record)?, None)
            }
            (Judgement::Stop(cause), Ok(carrier)) => {
                record.note(&fresh);
                carrier.quit();
                Err(cause)
            }
            (Judgement::Stop(_), Err(mismatch)) => Err(mismatch),
        }
    }

    /// What must be proven at an address without TLSA records that count.
    fn demand(&self, record: &Record) -> Result<Demand, Cause> {
        match (self.rule.level, &self.means.settings.roots) {
            (Level::Dane | Level::Encrypt, _) => Ok(Demand::Encryption),
            (Level::None, _) => Ok(Demand::Cleartext),
            (Level::Fingerprint, _) => Ok(Demand::Pins(self.rule.pins.to_vec())),
            (Level::Secure, Some(roots)) => Ok(Demand::Pkix {
                roots: Arc::clone(roots),
                names: self.names(record),
            }),
            (level @ (Level::DaneOnly | Level::Secure), _) => {
                let text = format!("at level {level} there is nothing that could prove anything");
                Err(Cause::new(Reason::Internal, text))
            }
        }
    }

    /// B1 at level `secure`: the destination, unless its mail goes to a smarthost, and the host if it is known for sure.
    fn names(&self, record: &Record) -> Vec<Domain> {
        let destination = match (&record.domain, self.rule.next_hop) {
            (Host::Domain(domain), NextHop::Mx | NextHop::Listed(_)) => Some(domain.clone()),
            _ => None,
        };
        let host = record.is_designated().then(|| record.host());
        let host = host.and_then(|host| Domain::parse(host).ok());
        destination.into_iter().chain(host).collect()
    }

    fn dial_base(
        &self,
        record: &mut Record,
        address: IpAddr,
        base: &Base,
    ) -> Result<Box<dyn Carrier>, Cause> {
        let demand = Demand::Dane {
            plan: base.plan.clone(),
            references: self.references(record, &base.host),
            former: self.means.memory.former(&base.host),
        };
        self.dial(record, address, &demand, Some(base))
    }

    /// B1: the TLSA base domain, and where the MX records are secure or the host stands in the configuration, the host's own name; then the
    /// names of the destination.
    fn references(&self, record: &Record, base: &Name) -> Vec<Domain> {
        let base = base.to_host();
        let host = record.is_designated().then(|| record.host());
        let names = iter::once(base.as_str()).chain(host);
        // What is no host name stands in no certificate.
        let names = names.filter_map(|name| Domain::parse(name).ok());
        let mut different: Vec<Domain> = Vec::new();
        for name in names.chain(self.next_hops.iter().cloned()) {
            if !different.contains(&name) {
                different.push(name);
            }
        }
        different
    }

    /// Asks for the TLSA base domain where there is one, else for the host (rfc B3).
    fn dial(
        &self,
        record: &mut Record,
        address: IpAddr,
        demand: &Demand,
        base: Option<&Base>,
    ) -> Result<Box<dyn Carrier>, Cause> {
        let settings = self.means.settings;
        let server_name = base.map_or_else(|| record.host().to_owned(), |base| base.host.to_host());
        // Cleartext goes straight to loopback.
        let is_clear = matches!(demand, Demand::Cleartext);
        record.proxy = settings.socks5.filter(|_| !is_clear);
        let destination = bare(&record.domain);
        let link = Link {
            address: SocketAddr::new(address, record.port),
            server_name: &server_name,
            dialer: Dialer {
                proxy: record.proxy,
                destination: self.circle(&destination),
            },
            hostname: &settings.hostname,
            ehlo_name: settings.ehlo_name.as_ref().unwrap_or(&settings.hostname),
            tls_padding: settings.tls_padding,
            timeouts: Timeouts::from(settings),
            breaker: self.means.breaker,
            transcript: None,
        };
        let purpose = Purpose {
            destination: &record.domain,
            level: record.level,
            may_reuse: !record.remarks.contains(&Reason::ReuseFailed),
        };
        let connected = self.means.connector.connect(purpose, &link, demand);
        connected.map_err(|failure| {
            record.step = Step::Session(failure.phase);
            explained(&failure, base)
        })
    }

    /// For whom a connection through a proxy is: a smarthost learns of all its destinations anyway, so those share what leads to it.
    fn circle<'a>(&'a self, destination: &'a str) -> &'a str {
        match self.rule.next_hop {
            NextHop::Smarthost(smarthost) => smarthost.host.as_str(),
            NextHop::Mx | NextHop::Listed(_) => destination,
        }
    }

    /// B9: an MX record whose time to live is over when the certificate was verified counts only if it is still there.
    fn is_still_designated(&mut self, record: &Record) -> Result<bool, Cause> {
        let (Some(mx), Host::Domain(domain)) = (&self.mx, &record.domain) else {
            return Ok(true);
        };
        if mx.is_current() {
            return Ok(true);
        }
        let route = self.route(&domain.clone())?;
        Ok(route
            .hosts
            .iter()
            .any(|host| Some(host) == record.mx.as_ref()))
    }
}

/// The cause of a failed session; a mismatch also says where the records are to be mended.
fn explained(failure: &Failure, base: Option<&Base>) -> Cause {
    let mut cause = Cause::from(failure);
    let (Phase::Verdict, Some(base)) = (failure.phase, base) else {
        return cause;
    };
    cause.text = format!("{}: {}", base.owner, cause.text);
    if failure.reason == Reason::ValidationFailure {
        cause.text.push_str(&format!(
            "; if this is the right server, its operator must publish `{} IN TLSA` with what it presents, if not, somebody is in between",
            base.owner
        ));
    }
    cause
}
