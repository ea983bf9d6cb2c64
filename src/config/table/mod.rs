//! The table of directives, by theme: name, words, default, meaning, how its words are read and how they are printed again.
//!
//! Reading, printing, `gateway config --directives` and the list of what a reload cannot change all walk through it.

mod clients;
mod dns;
mod hosts;
mod machine;
mod quiet;

use super::directive::Directive;

pub(super) use quiet::beside_proxy;

/// All directives that are built, in the order of `gateway config`.
pub(super) fn directives() -> impl Iterator<Item = &'static Directive> {
    let tables = [
        clients::DIRECTIVES,
        dns::DIRECTIVES,
        hosts::DIRECTIVES,
        quiet::DIRECTIVES,
        machine::DIRECTIVES,
    ];
    tables.into_iter().flatten()
}
