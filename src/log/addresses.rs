//! How much of mail addresses the log shows (`log-addresses`).
//!
//! Limitation: only what stands before an `@` is known to be a local part. A server that says `user bob unknown` is quoted so.

use std::fmt::Display;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much of mail addresses the log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Addresses {
    /// Nothing: no local part, and no domain or host that mail is for.
    None = 0,
    /// Domains and hosts.
    Domain = 1,
    /// Whole addresses.
    Full = 2,
}

static SHOWN: AtomicU8 = AtomicU8::new(Addresses::Domain as u8);

/// Sets how much is shown.
pub fn set_addresses(addresses: Addresses) {
    SHOWN.store(addresses as u8, Ordering::Relaxed);
}

/// Whether lines may name the domains and hosts that mail is for; who writes a line that would has to ask.
pub fn shows_domains() -> bool {
    SHOWN.load(Ordering::Relaxed) >= Addresses::Domain as u8
}

/// What names domains or hosts that mail is for, where lines may do so.
pub fn named(text: impl Display) -> String {
    match shows_domains() {
        true => text.to_string(),
        false => "(left out)".to_owned(),
    }
}

pub(super) fn shows_all() -> bool {
    SHOWN.load(Ordering::Relaxed) >= Addresses::Full as u8
}

impl Addresses {
    /// Every value, in the order of the configuration's words.
    pub const ALL: [Self; 3] = [Self::Full, Self::Domain, Self::None];

    /// The word used in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Domain => "domain",
            Self::Full => "full",
        }
    }
}

/// What stands in place of what is hidden.
const HIDDEN: &str = "...";

/// The text without what stands before each `@`, or, unless domains are shown, without what stands behind it as well.
pub(super) fn hide(text: &str, shows_domains: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let kept = without_local_part(before);
        shown.push_str(kept);
        if kept.len() < before.len() {
            shown.push_str(HIDDEN);
        }
        rest = match shows_domains {
            true => {
                shown.push('@');
                after
            }
            false => after.trim_start_matches(is_of_domain),
        };
    }
    shown.push_str(rest);
    shown
}

/// What stands before a local part at the end. A quoted one begins at the quote before; decision records write single quotes for double ones.
fn without_local_part(text: &str) -> &str {
    for quote in ['"', '\''] {
        let Some(inner) = text.strip_suffix(quote) else {
            continue;
        };
        let quotes = inner.match_indices(quote).map(|(place, _)| place);
        let opening = quotes
            .rev()
            .find(|place| !inner.get(..*place).is_some_and(|it| it.ends_with('\\')));
        if let Some(before) = opening.and_then(|place| text.get(..place)) {
            return before.trim_end_matches(is_of_local_part);
        }
    }
    text.trim_end_matches(is_of_local_part)
}

/// RFC 5321 §4.1.2, RFC 5322 §3.2.3, and what is not ASCII; the backslash is of what [`super::one_line`] has escaped.
fn is_of_local_part(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~.\\".contains(c)
}

/// Names, and literals like `[IPv6:::1]`.
fn is_of_domain(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() || "-._[]:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_and_domains_are_hidden() {
        for (text, domain, none) in [
            ("nothing to hide", "nothing to hide", "nothing to hide"),
            (
                "550 <bob@d.test>: bob@d.test unknown, eve@e.test too",
                "550 <...@d.test>: ...@d.test unknown, ...@e.test too",
                "550 <...>: ... unknown, ... too",
            ),
            ("<b+tag=x.test@[IPv6:::1]>.", "<...@[IPv6:::1]>.", "<...>."),
            (r#"to "a \" b"@d.test"#, "to ...@d.test", "to ..."),
            (
                "to 'a b'@d.test, O'Hara@d.test",
                "to ...@d.test, ...@d.test",
                "to ..., ...",
            ),
            ("Jürgen@d.test", "...@d.test", "..."),
            ("a@b@c.test", "...@...@c.test", "..."),
            ("@ @d.test a@", "@ @d.test ...@", "  ..."),
            ("\"@d.test", "\"@d.test", "\""),
        ] {
            assert_eq!(hide(text, true), domain, "{text}");
            assert_eq!(hide(text, false), none, "{text}");
        }
    }

    #[test]
    fn whatever_stands_there_nothing_before_an_at_stays() {
        let mut random = gateway_lab::random::Random::new(8);
        for _ in 0..20_000 {
            let mut octets = br#"x <"bob \" x"@d.test> 'a b'@e.test bob@f.test"#.to_vec();
            random.mutate(&mut octets);
            let text = String::from_utf8_lossy(&octets);
            let shown = hide(&text, true);
            for (place, _) in shown.match_indices('@') {
                let before = &shown[..place];
                let is_hidden =
                    before.ends_with(HIDDEN) || !before.ends_with(|c: char| c.is_alphanumeric());
                assert!(is_hidden, "{text} {shown}");
            }
            assert!(!hide(&text, false).contains('@'), "{text}");
        }
    }
}
