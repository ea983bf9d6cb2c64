//! How much of mail addresses the log shows (`log-addresses`).
//!
//! Limitation: only what stands before an `@`, or what `AT_SIGNS` has in its place, is known to be a local part. A server that says `user bob unknown`, or
//! `bob=40d.test` in quoted-printable, is quoted so.

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

/// What an `@` looks like where somebody has written it for a URL, as xtext (RFC 3461 §4) or for HTML, or in a wide form, which quotes of servers escape.
const AT_SIGNS: [&str; 7] = [
    "@",
    "%40",
    "+40",
    "&#64;",
    "\u{ff20}",
    "\\u{ff20}",
    "\\u{fe6b}",
];

/// The text without what stands before each `@`, or, unless domains are shown, without what stands behind it as well.
pub(super) fn hide(text: &str, shows_domains: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sign, after)) = split_at_sign(rest) {
        // A reply of several lines is one line here: its address may have a blank on either side of the sign.
        let near = before.trim_end();
        // A quote that closes nothing since the sign before: that one was inside the quoted string.
        let is_inside = rest.len() < text.len() && near.ends_with(QUOTES);
        let kept = match without_local_part(near) {
            all if all.len() == near.len() && is_inside => "",
            kept => kept,
        };
        if kept.len() < near.len() {
            shown.push_str(kept);
            shown.push_str(HIDDEN);
        } else {
            shown.push_str(before);
        }
        rest = match shows_domains {
            true => {
                shown.push_str(sign);
                after
            }
            false => after.trim_start().trim_start_matches(is_of_domain),
        };
    }
    shown.push_str(rest);
    shown
}

/// What stands before the first `@`, the sign as it was written, and what stands behind it.
fn split_at_sign(text: &str) -> Option<(&str, &'static str, &str)> {
    let found = AT_SIGNS.iter().filter_map(|sign| {
        let mut places = text.match_indices(*sign);
        places.find_map(|(place, _)| {
            let (before, rest) = text.split_at_checked(place)?;
            let after = rest.strip_prefix(*sign)?;
            is_at_sign(sign, after).then_some((before, *sign, after))
        })
    });
    found.min_by_key(|(before, ..)| before.len())
}

/// A `+40` may be a number: only a domain behind it makes it a sign.
fn is_at_sign(sign: &str, after: &str) -> bool {
    !sign.ends_with("40") || after.starts_with(|c: char| c.is_alphabetic() || c == '[')
}

/// What stands before a local part at the end: words and quoted strings with dots between them, behind which there may be a comment.
fn without_local_part(text: &str) -> &str {
    let mut kept = without_comment(text);
    loop {
        let unquoted = without_quoted(kept);
        let before = unquoted.trim_end_matches(is_of_local_part);
        let is_begun = kept
            .get(before.len()..)
            .is_some_and(|word| word.starts_with('.'));
        kept = before;
        if !is_begun || !kept.ends_with(QUOTES) {
            return kept;
        }
    }
}

/// Decision records write single quotes for double ones.
const QUOTES: [char; 2] = ['"', '\''];

/// What stands before a quoted string at the end; a quote behind a letter or a backslash opens none, if another one does.
fn without_quoted(text: &str) -> &str {
    for quote in QUOTES {
        let Some(inner) = text.strip_suffix(quote) else {
            continue;
        };
        let places = inner.rmatch_indices(quote).map(|(place, _)| place);
        let before = places.filter_map(|place| text.get(..place));
        let opens = |before: &&str| !before.ends_with(|c| c != '.' && is_of_local_part(c));
        let is_bare = |before: &&str| !before.ends_with('\\');
        let opening = before.clone().find(opens);
        if let Some(before) = opening.or_else(|| before.clone().find(is_bare)) {
            return before;
        }
    }
    text
}

/// What stands before a comment at the end (RFC 5322 §3.2.2), as in `bob(work)@example.org`.
fn without_comment(text: &str) -> &str {
    let comment = text
        .strip_suffix(')')
        .and_then(|inner| inner.rsplit_once('('));
    match comment {
        Some((before, _)) if before.ends_with(is_of_word) => before,
        _ => text,
    }
}

fn is_of_word(c: char) -> bool {
    QUOTES.contains(&c) || is_of_local_part(c)
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
            ("@ @d.test a@", "@ @d.test ...@", " ..."),
            // Replies of two lines.
            ("550 <bob @d.test>", "550 <...@d.test>", "550 <...>"),
            ("550 <bob@ d.test>", "550 <...@ d.test>", "550 <...>"),
            (
                "<@a.test,@b.test:bob@d.test>",
                "<@a.test,@b.test:...@d.test>",
                "<,>",
            ),
            ("<bob%c.test@d.test>", "<...@d.test>", "<...>"),
            ("<c.test!bob@d.test>", "<...@d.test>", "<...>"),
            ("SRS0=x=c.test=bob@d.test", "...@d.test", "..."),
            ("?to=bob%40d.test&x", "...%40d.test&x", "...&x"),
            ("rfc822;bob+40d.test", "rfc822;...+40d.test", "rfc822;..."),
            ("bob&#64;d.test", "...&#64;d.test", "..."),
            ("bob\u{ff20}d.test", "...\u{ff20}d.test", "..."),
            ("bob\\u{ff20}d.test", "...\\u{ff20}d.test", "..."),
            (
                "size=4096 +40 +404 %40",
                "size=4096 +40 +404 %40",
                "size=4096 +40 +404 %40",
            ),
            (
                "J\\u{fc}rgen@d\\u{fc}.test",
                "...@d\\u{fc}.test",
                "...\\u{fc}.test",
            ),
            (r#"<"bob"."smith jr"@d.test>"#, "<...@d.test>", "<...>"),
            (r#"<"bob b".smith@d.test>"#, "<...@d.test>", "<...>"),
            (r#"<bob."smith b"@d.test>"#, "<...@d.test>", "<...>"),
            ("<'bob b' smith'@d.test>", "<...@d.test>", "<...>"),
            (
                r#"<"bob@home now"@d.test>"#,
                r#"<"...@...@d.test>"#,
                r#"<"......>"#,
            ),
            ("<bob(at work)@d.test>", "<...@d.test>", "<...>"),
            (
                r#"a="x" text="bob@d.test""#,
                r#"a="x" text="...@d.test""#,
                r#"a="x" text="...""#,
            ),
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
