//! Why a destination, a host or a recipient gets mail or gets none: reason, status and one line of text.

use super::session::Failure;
use super::{Effect, Reason};
use crate::log;
use crate::smtp::{EnhancedStatus, Mailbox};

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

impl Cause {
    /// The same without a mailbox's local part, which servers like to repeat and which no log line names (rfc G8).
    #[must_use]
    pub fn without_local_part(mut self, mailbox: &Mailbox) -> Self {
        let whole = mailbox.to_string();
        if let Some(rest) = whole.strip_prefix(mailbox.local.as_str()) {
            self.text = self.text.replace(&whole, &format!("...{rest}"));
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_are_left_out() {
        let mailbox = Mailbox::parse("bob@d.test").expect("a mailbox");
        let text = "\"550 5.1.1 <bob@d.test>: bob@d.test unknown, bob@e.test too\"";
        let cause = Cause::new(Reason::RemotePermanent, text).without_local_part(&mailbox);
        let expected = "\"550 5.1.1 <...@d.test>: ...@d.test unknown, bob@e.test too\"";
        assert_eq!(cause.text, expected);
    }
}
