//! Refuses recipients whose mail could provably never be delivered, at RCPT TO instead of days later.
//!
//! What is known about destinations is another's business ([`Foresee`]). A session asks about each destination once, and all recipients of a
//! transaction share one budget of time, so a client that names many waits no longer than one that names one. Whatever is not known in time
//! is no reason to refuse.
//!
//! next: `src/inbound/session.rs`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::limits::{FORESIGHT, OPINION_LIFE, OPINIONS_MAX};
use crate::smtp::server::Candidate;
use crate::smtp::{Host, Reply};
use crate::time::Deadline;

/// Knows destinations that nothing can be delivered to.
pub trait Foresee: Send + Sync {
    /// Why no mail for this destination can ever be delivered, if that is proven by the deadline. What could not be found out is `None`.
    fn refusal(&self, destination: &Host, deadline: Deadline) -> Option<Refusal>;
}

/// Why a recipient is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the client is told, 5yz.
    pub reply: Reply,
    /// One line for the log.
    pub record: String,
}

/// What one session knows about destinations.
pub(super) struct Recipients {
    source: Option<Arc<dyn Foresee>>,
    opinions: HashMap<Host, Opinion>,
    /// Time that the present transaction may still take.
    left: Duration,
}

struct Opinion {
    refusal: Option<Refusal>,
    until: Deadline,
}

impl Recipients {
    /// Without a source every recipient is taken.
    pub(super) fn new(source: Option<Arc<dyn Foresee>>) -> Self {
        Self {
            source,
            opinions: HashMap::new(),
            left: FORESIGHT,
        }
    }

    /// Why this recipient is not taken.
    pub(super) fn weigh(&mut self, candidate: &Candidate) -> Option<Refusal> {
        if candidate.is_first {
            self.left = FORESIGHT;
        }
        let destination = &candidate.mailbox.host;
        let known = self.opinions.get(destination);
        if let Some(opinion) = known.filter(|opinion| !opinion.until.is_over()) {
            return opinion.refusal.clone();
        }
        self.ask(destination)
    }

    fn ask(&mut self, destination: &Host) -> Option<Refusal> {
        let source = self.source.as_ref()?;
        if self.left.is_zero() {
            return None;
        }
        let begin = Instant::now();
        let refusal = source.refusal(destination, Deadline::after(self.left));
        self.left = self.left.saturating_sub(begin.elapsed());
        if self.opinions.len() >= OPINIONS_MAX {
            self.opinions.clear();
        }
        let opinion = Opinion {
            refusal: refusal.clone(),
            until: Deadline::after(OPINION_LIFE),
        };
        self.opinions.insert(destination.clone(), opinion);
        refusal
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;

    use super::*;
    use crate::smtp::{EnhancedStatus, Mailbox, ReplyCode};

    /// Refuses `no.test`; takes all the time there is for `slow.test`.
    #[derive(Default)]
    struct Source(Mutex<Vec<String>>);

    impl Foresee for Source {
        fn refusal(&self, destination: &Host, deadline: Deadline) -> Option<Refusal> {
            let name = destination.to_string();
            self.0.lock().expect("sound").push(name.clone());
            if name == "slow.test" {
                thread::sleep(deadline.remaining().unwrap_or_default());
            }
            let status = EnhancedStatus::new(5, 1, 2);
            (name == "no.test").then(|| Refusal {
                reply: Reply::new(ReplyCode::REFUSED, status, "no"),
                record: "no".to_owned(),
            })
        }
    }

    fn weigh(recipients: &mut Recipients, mailbox: &str, is_first: bool) -> bool {
        let mailbox = Mailbox::parse(mailbox).expect("a mailbox");
        let candidate = Candidate { mailbox, is_first };
        recipients.weigh(&candidate).is_some()
    }

    #[test]
    fn each_destination_is_asked_about_once_in_a_session() {
        let source = Arc::new(Source::default());
        let mut recipients = Recipients::new(Some(Arc::<Source>::clone(&source)));
        for (mailbox, is_first, is_refused) in [
            ("a@no.test", true, true),
            ("b@yes.test", false, false),
            ("b@NO.test", false, true),
            ("c@no.test", true, true),
            ("d@yes.test", false, false),
        ] {
            let found = weigh(&mut recipients, mailbox, is_first);
            assert_eq!(found, is_refused, "{mailbox}");
        }
        assert_eq!(*source.0.lock().expect("sound"), ["no.test", "yes.test"]);
    }

    #[test]
    fn when_the_time_of_a_transaction_is_over_nobody_is_asked() {
        let source = Arc::new(Source::default());
        let mut recipients = Recipients::new(Some(Arc::<Source>::clone(&source)));
        assert!(weigh(&mut recipients, "a@no.test", true));
        recipients.left = Duration::from_millis(10);
        assert!(!weigh(&mut recipients, "a@slow.test", false));
        assert!(!weigh(&mut recipients, "a@[192.0.2.1]", false));
        assert!(
            weigh(&mut recipients, "b@no.test", false),
            "what is known costs nothing"
        );
        assert_eq!(*source.0.lock().expect("sound"), ["no.test", "slow.test"]);
        assert!(!weigh(&mut recipients, "a@[192.0.2.1]", true));
        assert_eq!(
            source.0.lock().expect("sound").len(),
            3,
            "the next transaction has its own time"
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let source = Arc::new(Source::default());
        let mut recipients = Recipients::new(Some(Arc::<Source>::clone(&source)));
        for number in 0..=OPINIONS_MAX {
            weigh(&mut recipients, &format!("a@d{number}.test"), true);
        }
        assert_eq!(recipients.opinions.len(), 1);
    }

    #[test]
    fn without_a_source_everybody_is_taken() {
        assert!(!weigh(&mut Recipients::new(None), "a@no.test", true));
    }
}
