//! Decides from the address facts of one host which addresses may be connected to, and where its TLSA records are looked for (RFC 7672 §2.2.2, rfc H1 to H10).
//!
//! The status counts per address family. An insecure address behind a secure alias is under the protection of TLSA records at the alias
//! itself (rfc H3): that is used at `dane`, and at `dane-only` where the policy says `addresses=rfc7672`.
//!
//! next: `src/outbound/base.rs`

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cause::Cause;
use super::facts::Asked;
use super::route::{Random, shuffle};
use super::{Level, Reason};
use crate::dns::{Name, Rdata};
use crate::dnssec::Security;
use crate::net::Network;
use crate::resolver::{Answer, Content, LookupErrorKind};
use crate::smtp::Domain;

/// Where one host may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The addresses in the order in which they are tried, families taking turns; at least one.
    pub usable: Vec<Address>,
    /// The hosts below which TLSA records are looked for, in order: the name an alias leads to, then the host itself (RFC 7672 §2.2.3);
    /// none if nothing about the addresses is secure.
    pub candidates: Vec<Name>,
    /// What was remarkable.
    pub remarks: Vec<Reason>,
}

/// One address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where to connect.
    pub ip: IpAddr,
    /// Whether the host's TLSA records count for it (rfc H8).
    pub has_dane: bool,
}

/// Which addresses may be used at all.
#[derive(Clone, Copy, Debug)]
pub struct Permit<'a> {
    /// At `none` only loopback may be used, otherwise everything that is not reserved; at `dane-only` only what is secure.
    pub level: Level,
    /// Whether `dane-only` is content with a secure alias before an insecure address (`addresses=rfc7672`, rfc H3).
    pub is_alias_enough: bool,
    /// Reserved addresses that may be used all the same.
    pub allowed: &'a [Network],
}

impl Permit<'_> {
    /// Whether it matters that the first alias of a host is secure if its addresses are not (rfc H3).
    pub const fn uses_aliases(self) -> bool {
        match self.level {
            Level::DaneOnly => self.is_alias_enough,
            Level::Dane => true,
            Level::Secure | Level::Fingerprint | Level::Encrypt | Level::None => false,
        }
    }

    /// Whether an address may be used.
    ///
    /// # Errors
    /// [`Cause`]: it may not.
    pub fn check(self, address: IpAddr) -> Result<(), Cause> {
        let address = address.to_canonical();
        let is_allowed = || self.allowed.iter().any(|network| network.contains(address));
        match self.level {
            Level::None if address.is_loopback() => Ok(()),
            Level::None => Err(not_loopback(address)),
            _ if is_nobody(address) => Err(reserved(address)),
            _ if is_reserved(address) && !is_allowed() => Err(reserved(address)),
            _ => Ok(()),
        }
    }
}

fn not_loopback(address: IpAddr) -> Cause {
    let text = format!(
        "{address} is not a loopback address, but the policy is `none`; use it for loopback only"
    );
    Cause::new(Reason::NotLoopback, text)
}

fn reserved(address: IpAddr) -> Cause {
    let text = format!(
        "{address} is a reserved address, which public DNS should not name; `allow-address` permits it"
    );
    Cause::new(Reason::AddressReserved, text)
}

/// Decides on both families' answers for one host.
///
/// # Errors
/// [`Cause`]: no address of this host may be used.
pub fn decide(
    host: &Domain,
    families: &[Asked; 2],
    permit: Permit<'_>,
    random: Random<'_>,
) -> Result<Addresses, Cause> {
    let used: Vec<&Asked> = families
        .iter()
        .filter(|asked| is_usable(asked, permit))
        .collect();
    if used.is_empty() {
        return Err(none_usable(host, families));
    }
    let mut remarks = remarks(families, permit.level);
    if used.iter().any(|asked| asked.expanded().is_some()) {
        remarks.push(Reason::MxCname);
    }
    Ok(Addresses {
        usable: permitted(&used, permit, random)?,
        candidates: candidates(&used),
        remarks,
    })
}

/// Whether both families are absent and every denial is secure (rfc H7): nothing but a change of the zone can make this host reachable.
/// Levels without DANE believe the denials.
pub fn is_absence_proven(families: &[Asked; 2], level: Level) -> bool {
    let is_proven = |answer: &Answer| {
        let is_believed = answer.security.is_secure() || !level.uses_dane();
        is_believed && matches!(answer.content, Content::NoData | Content::NxDomain)
    };
    let mut results = families.iter().map(|asked| asked.result.as_ref());
    results.all(|result| result.is_ok_and(is_proven))
}

/// What is proven about the addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proven<'a> {
    /// H1, H2: aliases and addresses.
    All,
    /// H3: the first alias, not the addresses.
    FirstAlias,
    /// H4.
    Nothing,
    /// H10: whether the first alias is secure could not be found out.
    Unknown(&'a LookupErrorKind),
}

/// What is proven of an answer with data; `None` without any.
fn proven(asked: &Asked) -> Option<Proven<'_>> {
    let answer = asked.result.as_ref().ok()?;
    asked.data().next()?;
    Some(match (answer.security, &asked.first_alias) {
        (Security::Secure, _) => Proven::All,
        (Security::Insecure, Some(Ok(Security::Secure))) => Proven::FirstAlias,
        (Security::Insecure, Some(Err(error))) => Proven::Unknown(&error.kind),
        (Security::Insecure, None | Some(Ok(Security::Insecure))) => Proven::Nothing,
    })
}

fn is_usable(asked: &Asked, permit: Permit<'_>) -> bool {
    let is_strict = permit.level == Level::DaneOnly;
    match proven(asked) {
        None => false,
        Some(Proven::All) => true,
        Some(Proven::FirstAlias) => !is_strict || permit.is_alias_enough,
        Some(Proven::Nothing) => !is_strict,
        Some(Proven::Unknown(_)) => !permit.level.uses_dane(),
    }
}

/// H3, H4, H6, H8.
fn remarks(families: &[Asked; 2], level: Level) -> Vec<Reason> {
    let is_secure = |asked| proven(asked) == Some(Proven::All);
    let insecure = match families.iter().any(is_secure) {
        true => Reason::AddressMixed,
        false => Reason::AddressInsecure,
    };
    let remark = |asked: &Asked| match (&asked.result, proven(asked)) {
        (Err(_), _) => Some(Reason::AddressPartial),
        (Ok(_), None | Some(Proven::All)) => None,
        (Ok(_), Some(_)) => level.uses_dane().then_some(insecure),
    };
    let mut remarks: Vec<Reason> = families.iter().filter_map(remark).collect();
    remarks.dedup();
    remarks
}

/// H3 to H5, H7, H10, T67. A family that could not be looked up is never taken for absent (rfc G1).
fn none_usable(host: &Domain, families: &[Asked; 2]) -> Cause {
    for asked in families {
        match proven(asked) {
            None => {}
            Some(Proven::Unknown(why)) => return alias_unknown(host, why),
            Some(_) => return insecure(host, asked),
        }
    }
    let mut errors = families
        .iter()
        .filter_map(|asked| asked.result.as_ref().err());
    let Some(error) = errors.next() else {
        let text = format!("{host} has neither an A nor an AAAA record: publish one");
        return Cause::new(Reason::NoAddress, text);
    };
    let reason = match error.kind.is_of_resolver() {
        true => Reason::ResolverNotValidating,
        false => Reason::AddressLookupError,
    };
    let text = format!("the addresses of {host} are not known: {}", error.kind);
    Cause::new(reason, text)
}

/// H10.
fn alias_unknown(host: &Domain, why: &LookupErrorKind) -> Cause {
    let text = format!("whether the alias {host} is DNSSEC-secure is not known: {why}");
    Cause::new(Reason::AliasLookupError, text)
}

fn insecure(host: &Domain, asked: &Asked) -> Cause {
    let text = match asked.expanded() {
        None => format!(
            "the addresses of {host} are not DNSSEC-secure; sign the zone it lies in and its delegation"
        ),
        Some(target) => format!(
            "{host} is an alias of {}, and not every link or the addresses there are DNSSEC-secure; sign those zones",
            target.to_host()
        ),
    };
    Cause::new(Reason::AddressInsecure, text)
}

/// H9, G6: the permitted addresses, families taking turns so that both are represented however few are tried (rfc M18).
fn permitted(
    used: &[&Asked],
    permit: Permit<'_>,
    random: Random<'_>,
) -> Result<Vec<Address>, Cause> {
    let mut refusal = None;
    let mut families = Vec::new();
    for asked in used {
        let mut family = Vec::new();
        let has_dane = matches!(proven(asked), Some(Proven::All | Proven::FirstAlias));
        for ip in asked.data().filter_map(address_of) {
            match permit.check(ip) {
                Ok(()) => family.push(Address { ip, has_dane }),
                Err(cause) => refusal = Some(cause),
            }
        }
        shuffle(&mut family, &mut *random);
        families.push(family);
    }
    let longest = families.iter().map(Vec::len).max().unwrap_or(0);
    let in_turns = (0..longest).flat_map(|place| {
        let families = families.iter();
        families.filter_map(move |family| family.get(place).copied())
    });
    let usable: Vec<Address> = in_turns.collect();
    match refusal {
        Some(cause) if usable.is_empty() => Err(cause),
        _ => Ok(usable),
    }
}

fn address_of(data: &Rdata) -> Option<IpAddr> {
    match data {
        Rdata::A(address) => Some(IpAddr::V4(*address)),
        Rdata::Aaaa(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// H1 to H4: the targets of secure alias chains first, then the host itself.
fn candidates(used: &[&Asked]) -> Vec<Name> {
    let of = |wanted: &'static [Proven<'static>]| {
        let used = used.iter();
        used.filter(move |asked| proven(asked).is_some_and(|found| wanted.contains(&found)))
    };
    let expanded = of(&[Proven::All]).filter_map(|asked| asked.expanded());
    let original = of(&[Proven::All, Proven::FirstAlias]).map(|asked| &asked.name);
    let mut names: Vec<Name> = Vec::new();
    for name in expanded.chain(original) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Addresses at which no single host can be, whatever the configuration says.
fn is_nobody(address: IpAddr) -> bool {
    let is_broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    address.is_unspecified() || address.is_multicast() || is_broadcast
}

/// Addresses that mean something only within one host, link or site (RFC 6890 §2.2); those for documentation are let through, they lead nowhere.
fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_reserved_v4(address),
        IpAddr::V6(address) => is_reserved_v6(address),
    }
}

fn is_reserved_v4(address: Ipv4Addr) -> bool {
    let is_special = match address.octets() {
        // "This network"; shared address space of carriers; protocol assignments; benchmarking; future use.
        [0, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] | [240..=255, ..] => true,
        [100, second, ..] => second & 0xc0 == 0x40,
        _ => false,
    };
    is_special || address.is_loopback() || address.is_private() || address.is_link_local()
}

fn is_reserved_v6(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    // Unique local, link-local and the former site-local addresses.
    let is_local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first & 0xffc0 == 0xfec0;
    is_local || address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_addresses_are_known_and_some_are_never_allowed() {
        let allowed: Vec<Network> = ["0.0.0.0/0", "::/0"]
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect();
        let is_permitted = |level, allowed, address: IpAddr| {
            let permit = Permit {
                level,
                is_alias_enough: false,
                allowed,
            };
            permit.check(address).is_ok()
        };
        for (text, by_default, when_allowed, at_none) in [
            ("192.0.2.1", true, true, false),
            ("8.8.8.8", true, true, false),
            ("127.0.0.1", false, true, true),
            ("127.255.255.254", false, true, true),
            ("10.0.0.1", false, true, false),
            ("172.31.0.1", false, true, false),
            ("172.32.0.1", true, true, false),
            ("192.168.0.1", false, true, false),
            ("169.254.0.1", false, true, false),
            ("100.64.0.1", false, true, false),
            ("100.128.0.1", true, true, false),
            ("192.0.0.8", false, true, false),
            ("198.19.0.1", false, true, false),
            ("240.0.0.1", false, true, false),
            ("0.0.0.1", false, true, false),
            ("0.0.0.0", false, false, false),
            ("224.0.0.1", false, false, false),
            ("255.255.255.255", false, false, false),
            ("2001:db8::1", true, true, false),
            ("2600::1", true, true, false),
            ("::1", false, true, true),
            ("fe80::1", false, true, false),
            ("fec0::1", false, true, false),
            ("fd00::1", false, true, false),
            ("::", false, false, false),
            ("ff02::1", false, false, false),
            ("::ffff:127.0.0.1", false, true, true),
            ("::ffff:10.0.0.1", false, true, false),
            ("::ffff:0.0.0.0", false, false, false),
            ("::ffff:192.0.2.1", true, true, false),
        ] {
            let address: IpAddr = text.parse().expect("an address");
            let found = [
                is_permitted(Level::DaneOnly, &[], address),
                is_permitted(Level::DaneOnly, &allowed, address),
                is_permitted(Level::None, &allowed, address),
            ];
            assert_eq!(found, [by_default, when_allowed, at_none], "{text}");
        }
    }
}
