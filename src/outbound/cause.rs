//! Why a destination, a host or a recipient gets mail or gets none: reason, status and one line of text.

use super::session::Failure;
use super::{Effect, Reason};
use crate::log;
use crate::smtp::EnhancedStatus;

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which row of the tables.
    pub reason: Reason,
    /// The reason's status, or the server's.
    pub status: EnhancedStatus,
    /// What was found, where, and what to do; one line without control characters.
    pub text: String,
}

impl Cause {
    /// A cause with the reason's own status.
    pub fn new(reason: Reason, text: impl AsRef<str>) -> Self {
        Self {
            reason,
            status: reason.status(),
            text: log::one_line(text.as_ref()),
        }
    }
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Self {
            reason: failure.reason,
            status: failure.status,
            text: log::one_line(&failure.text),
        }
    }
}

/// What comes of a host, a destination or a recipient; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The mail goes, or would go.
    Deliver,
    /// It waits.
    Defer,
    /// It never goes.
    Reject,
}

impl Verdict {
    /// The word of log lines and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Defer => "defer",
            Self::Reject => "reject",
        }
    }
}

impl Cause {
    /// What the reason leads to when nothing better is left.
    pub const fn verdict(&self) -> Verdict {
        match (self.reason.effect(), self.status.class) {
            (Effect::Delivered, _) => Verdict::Deliver,
            // A remark ends nothing; should it do so by a defect, no mail may be lost by it.
            (Effect::Remark, _) => Verdict::Defer,
            (Effect::NextHost | Effect::Defer | Effect::Bounce, 5) => Verdict::Reject,
            (Effect::NextHost | Effect::Defer | Effect::Bounce, _) => Verdict::Defer,
        }
    }

    /// The same as the end of all attempts: what is proven does not become better by waiting (rfc G7).
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.status = EnhancedStatus::new(5, 7, 5);
        self.text
            .push_str("; this is proven, so waiting does not help");
        self
    }
}
