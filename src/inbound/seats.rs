//! Counts the sessions, in all and per client, and says who may have one more.

use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::limits::SESSIONS_PER_STRANGER;
use crate::smtp::server::Farewell;
use crate::time::Deadline;

/// The sessions there are.
#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<Taken>,
    one_is_free: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Only clients that have sessions now.
    strangers: HashMap<IpAddr, usize>,
}

/// One session; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    seats: &'a Seats,
    stranger: Option<IpAddr>,
}

impl Seats {
    /// Takes a seat of `limit` for a client; a stranger is told by its address, a client that may relay needs none.
    ///
    /// # Errors
    /// What to tell the client.
    pub(super) fn take(
        &self,
        limit: usize,
        stranger: Option<IpAddr>,
    ) -> Result<Seat<'_>, Farewell> {
        let stranger = stranger.map(site_of);
        let mut taken = self.lock();
        if taken.all >= limit {
            return Err(Farewell::Busy);
        }
        if let Some(site) = stranger {
            let own = taken.strangers.entry(site).or_default();
            if *own >= SESSIONS_PER_STRANGER {
                return Err(Farewell::BusyWithClient);
            }
            *own += 1;
        }
        taken.all += 1;
        Ok(Seat {
            seats: self,
            stranger,
        })
    }

    /// Waits until nobody has a seat; returns whether that came true by the deadline.
    pub(super) fn wait_until_empty(&self, deadline: Deadline) -> bool {
        let mut taken = self.lock();
        while taken.all > 0 {
            let Some(left) = deadline.remaining() else {
                return false;
            };
            let woken = self.one_is_free.wait_timeout(taken, left);
            (taken, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// No code panics with half a count changed, so a poisoned lock protects sound numbers.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(site) = self.stranger {
            let own = taken.strangers.entry(site).or_default();
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.strangers.remove(&site);
            }
        }
        self.seats.one_is_free.notify_all();
    }
}

/// Whoever has one IPv6 address has the whole /64 it lies in.
fn site_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn no_stranger_takes_all_seats() {
        let seats = Seats::default();
        let (one, neighbour) = (address("2001:db8::1"), address("2001:db8::2"));
        let limit = SESSIONS_PER_STRANGER + 2;
        let take = |client| seats.take(limit, client);
        let mut held: Vec<Seat<'_>> = (0..SESSIONS_PER_STRANGER)
            .map(|_| take(one).expect("free"))
            .collect();
        assert_eq!(take(neighbour).err(), Some(Farewell::BusyWithClient));
        held.push(take(address("2001:db8:0:1::1")).expect("free"));
        held.push(take(None).expect("free"));
        assert_eq!(take(None).err(), Some(Farewell::Busy));
        assert!(!seats.wait_until_empty(Deadline::after(Duration::from_millis(1))));
        held.remove(0);
        assert!(take(neighbour).is_ok());
        held.clear();
        assert!(seats.wait_until_empty(Deadline::after(Duration::from_millis(1))));
        assert!(seats.lock().strangers.is_empty());
    }

    #[test]
    fn an_ipv4_address_is_one_however_it_is_written() {
        let (plain, mapped) = (address("192.0.2.1"), address("::ffff:192.0.2.1"));
        assert_eq!(plain.map(site_of), mapped.map(site_of));
        assert_ne!(plain.map(site_of), address("192.0.2.2").map(site_of));
    }
}
