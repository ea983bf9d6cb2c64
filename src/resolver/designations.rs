//! The keys that are known to be those of resolvers over TLS, until their records must be asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::dane::Plan;
use crate::dns::Name;

/// The TLSA records of resolvers, as they were proven. There are no more than configured resolvers.
#[derive(Default)]
pub(super) struct Designations(Mutex<HashMap<Name, Designation>>);

struct Designation {
    plan: Plan,
    until: Instant,
}

impl Designations {
    pub(super) fn find(&self, owner: &Name) -> Option<Plan> {
        let designations = self.lock();
        let found = designations.get(owner);
        let found = found.filter(|found| Instant::now() < found.until);
        found.map(|found| found.plan.clone())
    }

    pub(super) fn learn(&self, owner: &Name, plan: &Plan, ttl: u32) {
        let designation = Designation {
            plan: plan.clone(),
            until: Instant::now() + Duration::from_secs(ttl.into()),
        };
        self.lock().insert(owner.clone(), designation);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Designation>> {
        // Every change is one step, so a thread that panicked has left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
