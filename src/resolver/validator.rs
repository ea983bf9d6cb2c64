//! What signatures are checked against at the moment, and what came of it so far; shared by all look-ups.

use std::sync::{Arc, PoisonError, RwLock};

use super::ValidationSettings;
use super::designations::Designations;
use super::zones::Zones;
use crate::dnssec::{Algorithms, chain};
use crate::time::Timestamp;

/// What signatures are checked against, and what came of it so far.
pub(super) struct Validator {
    pub(super) settings: ValidationSettings,
    pub(super) zones: Zones,
    pub(super) designations: Designations,
}

impl Validator {
    fn new(settings: &ValidationSettings) -> Self {
        Self {
            settings: settings.clone(),
            zones: Zones::new(),
            designations: Designations::default(),
        }
    }

    /// What a validation is to go by at this time.
    pub(super) fn rules(&self, now: Timestamp) -> chain::Settings<'_> {
        chain::Settings {
            anchors: &self.settings.anchors,
            algorithms: Algorithms::new(self.settings.sha1),
            now,
        }
    }
}

/// The validator of the moment. A change of trust anchors puts another in its place, which knows nothing yet: what is under way ends with the one
/// it began with.
pub(super) struct Present(RwLock<Arc<Validator>>);

impl Present {
    pub(super) fn new(settings: &ValidationSettings) -> Self {
        Self(RwLock::new(Arc::new(Validator::new(settings))))
    }

    pub(super) fn get(&self) -> Arc<Validator> {
        // Nothing in a change can panic, so a thread that did has left nothing half done.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts one that goes by these in its place.
    pub(super) fn replace(&self, settings: &ValidationSettings) {
        let mut present = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *present = Arc::new(Validator::new(settings));
    }
}
