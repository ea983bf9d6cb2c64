//! Shares out the memory for messages on their way in.

use std::sync::atomic::{AtomicU64, Ordering};

/// Octets given out.
#[derive(Debug, Default)]
pub(super) struct Memory {
    used: AtomicU64,
}

/// One session's share; given back when dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    memory: &'a Memory,
    octets: u64,
}

impl Memory {
    /// A share of nothing yet.
    pub(super) const fn share(&self) -> Share<'_> {
        Share {
            memory: self,
            octets: 0,
        }
    }
}

impl Share<'_> {
    /// Makes the share this large; returns whether all shares together stay within `limit`. If not, it stays as it is.
    pub(super) fn resize(&mut self, octets: u64, limit: u64) -> bool {
        let used = &self.memory.used;
        match octets.checked_sub(self.octets) {
            None => {
                used.fetch_sub(self.octets - octets, Ordering::Relaxed);
            }
            Some(0) => {}
            Some(more) => {
                let before = used.fetch_add(more, Ordering::Relaxed);
                if before.saturating_add(more) > limit {
                    used.fetch_sub(more, Ordering::Relaxed);
                    return false;
                }
            }
        }
        self.octets = octets;
        true
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_stay_within_the_limit_and_come_back() {
        let memory = Memory::default();
        let (mut one, mut other) = (memory.share(), memory.share());
        assert!(one.resize(60, 100));
        assert!(!other.resize(41, 100));
        assert!(other.resize(40, 100));
        assert!(one.resize(50, 100));
        assert!(other.resize(50, 100));
        drop(one);
        assert!(other.resize(100, 100));
        drop(other);
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }
}
