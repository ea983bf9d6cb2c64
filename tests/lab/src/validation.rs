//! The validator of `gateway::dnssec` driven to its end with replies at hand, and zones that it may know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use gateway::dns::Name;
use gateway::dnssec::chain::{Outcome, Settings, Zone};
use gateway::dnssec::{Known, Progress, Reply, RrsetId, Validation};

/// Answers a question from replies at hand, each as soon as it is asked for.
///
/// # Panics
/// When the validation waits for nothing.
pub fn validate(
    question: &RrsetId,
    settings: Settings<'_>,
    known: &dyn Known,
    mut reply: impl FnMut(&RrsetId) -> Reply,
) -> Outcome {
    let mut validation = Validation::new(question.clone(), settings);
    loop {
        let needed = match validation.progress(known) {
            Progress::Done(outcome) => return *outcome,
            Progress::Need(needed) => needed,
        };
        assert!(!needed.is_empty(), "{question}: waits for nothing");
        for one in needed {
            validation.supply(&one, Ok(reply(&one)));
        }
    }
}

/// Every zone that validations found, for later ones.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Name, Arc<Zone>>>);

impl Memory {
    /// The zones by apex.
    ///
    /// # Panics
    /// Never: no thread panics while it holds them.
    pub fn zones(&self) -> MutexGuard<'_, HashMap<Name, Arc<Zone>>> {
        self.0.lock().expect("no thread panics while it holds them")
    }
}

impl Known for Memory {
    fn zone(&self, apex: &Name) -> Option<Arc<Zone>> {
        self.zones().get(apex).cloned()
    }

    fn learn(&self, zone: &Arc<Zone>) {
        let apex = zone.apex().clone();
        self.zones().insert(apex, Arc::clone(zone));
    }
}
