//! What a directive is: one entry of the tables.

use super::Config;

/// One kind of directive.
pub(super) struct Directive {
    pub(super) name: &'static str,
    /// The words behind the name.
    pub(super) synopsis: &'static str,
    pub(super) fallback: Fallback,
    /// One line for `gateway config --directives`.
    pub(super) meaning: &'static str,
    /// Whether several lines add up; else a second one is an error.
    pub(super) is_repeatable: bool,
    /// Whether a new value takes a restart.
    pub(super) is_fixed: bool,
    /// Reads the words behind the name; an error says what was expected.
    pub(super) read: fn(&mut Config, &[String]) -> Result<(), String>,
    /// The words behind the name of each line that means the same.
    pub(super) print: fn(&Config) -> Vec<Vec<String>>,
}

/// What counts when the directive is not given.
pub(super) enum Fallback {
    /// These words, read like those of a file.
    Words(&'static str),
    /// What `defaults.rs` finds out; the text describes it.
    FoundOut(&'static str),
    /// Nothing.
    Nothing,
}

/// What most directives have in common.
pub(super) const BLANK: Directive = Directive {
    name: "",
    synopsis: "",
    fallback: Fallback::Nothing,
    meaning: "",
    is_repeatable: false,
    is_fixed: false,
    read: |_, _| Ok(()),
    print: |_| Vec::new(),
};

/// Directives of the interface that later versions will have: refused by name, so that nobody believes they count.
pub(super) const NOT_BUILT: [&str; 5] = ["certificate", "users", "chroot", "sandbox", "metrics"];

/// What is said of anything that is not built.
pub(super) const NOT_YET: &str = "this version cannot do this yet";
