//! Address pools: which addresses are free, reserved, in use, or at rest. A pure state machine; one per (node, purpose).
//!
//! A slot is one service's address pair. `reserve` takes a free one; the caller then either commits a lease and says
//! [`Pool::confirm`], or says [`Pool::give_back`]. When the database answers that another process holds the address, it
//! says [`Pool::mark_taken`] and reserves again. A reservation of which nothing is heard ends by its age, so that a crashed
//! caller costs no address.
//!
//! The rows of leases are the truth and this is a cache of them: whatever is believed here, two unique indexes decide. So
//! a mistake costs another try, never an address held twice. `quarantined` slots wait for [`Pool::release`]; their time
//! being over is not enough, since the server may still carry the old key.

mod bitmap;
mod layout;

pub use layout::{SLOTS_MAX, V6_ONLY_SLOTS_MAX, capacity, server_addresses};

use crate::service::Addresses;
use bitmap::Bitmap;
use chrono::{DateTime, TimeDelta, Utc};
use ipnetwork::{Ipv4Network, Ipv6Network};
use layout::Layout;
use std::collections::{BTreeSet, HashMap};

/// How long a reservation lasts without [`Pool::confirm`]; far longer than any step's commit may take, in seconds.
pub const RESERVATION_SECONDS: i64 = 120;

/// Days over which beginnings are counted for [`PoolStats::forecast_days`].
pub const FORECAST_BASE_DAYS: u64 = 7;

/// No address is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no address is free in this pool; widen it in the settings or wait for addresses at rest")]
pub struct PoolFull;

/// What a slot that is not free is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Given to a caller that has not committed yet.
    Reserved {
        /// Free again from then on.
        until: DateTime<Utc>,
    },
    /// A lease holds it.
    Live,
    /// It rests after its service ended.
    Quarantined {
        /// Not before.
        until: DateTime<Utc>,
    },
}

/// Slots by what they are doing; `free + reserved + live + quarantined = total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// All slots.
    pub total: u64,
    /// Can be given out.
    pub free: u64,
    /// On their way to a service.
    pub reserved: u64,
    /// Held by services.
    pub live: u64,
    /// At rest.
    pub quarantined: u64,
}

impl PoolStats {
    /// Days until the pool is full if as many leases begin as in the last [`FORECAST_BASE_DAYS`] and none ends; `None` when
    /// none began.
    #[must_use]
    pub const fn forecast_days(&self, begun_last_week: u64) -> Option<u64> {
        self.free.saturating_mul(FORECAST_BASE_DAYS).checked_div(begun_last_week)
    }
}

/// The addresses of one pool.
#[derive(Debug, Clone)]
pub struct Pool {
    layout: Layout,
    free: Bitmap,
    held: HashMap<u32, Held>,
    /// Reservations in the order in which they end.
    reserved: BTreeSet<(DateTime<Utc>, u32)>,
    live: u64,
    quarantined: u64,
    cursor: usize,
}

impl Pool {
    /// A pool with every slot free. `seed`, a random number, decides where it begins to draw, so that two processes rarely
    /// meet at the same address.
    #[must_use]
    pub fn new(v4: Option<Ipv4Network>, v6: Option<Ipv6Network>, seed: u64) -> Self {
        let layout = Layout::new(v4, v6);
        let free = Bitmap::new(layout.slots() as usize);
        let cursor = usize::try_from(seed % (free.len() as u64).max(1)).unwrap_or(0);
        Self { layout, free, held: HashMap::new(), reserved: BTreeSet::new(), live: 0, quarantined: 0, cursor }
    }

    /// Takes the rows of leases as the whole truth about what is live and at rest. Reservations stay, except where a row
    /// holds their address. Rows outside the pool's prefixes are ignored.
    pub fn load(&mut self, leases: impl IntoIterator<Item = (Addresses, Option<DateTime<Utc>>)>) {
        let mut held: HashMap<u32, Held> =
            self.reserved.iter().map(|(until, slot)| (*slot, Held::Reserved { until: *until })).collect();
        for (addresses, quarantine_until) in leases {
            let state = quarantine_until.map_or(Held::Live, |until| Held::Quarantined { until });
            held.extend(self.layout.slots_of(addresses).map(|slot| (slot, state)));
        }
        (self.free, self.reserved) = (Bitmap::new(self.layout.slots() as usize), BTreeSet::new());
        (self.live, self.quarantined) = (0, 0);
        self.held.clear();
        for (slot, state) in held {
            self.put(slot, Some(state));
        }
    }

    /// Reserves the next free addresses until they are confirmed, given back, or [`RESERVATION_SECONDS`] old.
    ///
    /// # Errors
    /// [`PoolFull`] when every slot is reserved, live or at rest.
    pub fn reserve(&mut self, now: DateTime<Utc>) -> Result<Addresses, PoolFull> {
        self.expire_reservations(now);
        let index = self.free.next_free(self.cursor).ok_or(PoolFull)?;
        let slot = u32::try_from(index).map_err(|_| PoolFull)?;
        self.cursor = index + 1;
        let until = now.checked_add_signed(TimeDelta::seconds(RESERVATION_SECONDS)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.put(slot, Some(Held::Reserved { until }));
        Ok(self.layout.addresses(slot))
    }

    /// The lease is committed.
    pub fn confirm(&mut self, addresses: Addresses) {
        // Even after the reservation's end: the row decides.
        self.set_all(addresses, |_| Some(Held::Live));
    }

    /// No lease was made of it. Addresses that are not reserved (any more) stay as they are.
    pub fn give_back(&mut self, addresses: Addresses) {
        self.set_all(addresses, |held| held.filter(|held| !matches!(held, Held::Reserved { .. })));
    }

    /// The database said that another process holds these.
    pub fn mark_taken(&mut self, addresses: Addresses) {
        self.set_all(addresses, |held| match held {
            Some(Held::Quarantined { .. }) => held,
            Some(Held::Live | Held::Reserved { .. }) | None => Some(Held::Live),
        });
    }

    /// The service ended; its addresses rest at least until then.
    pub fn quarantine(&mut self, addresses: Addresses, until: DateTime<Utc>) {
        self.set_all(addresses, |_| Some(Held::Quarantined { until }));
    }

    /// Its lease is released: the addresses are free. A reservation is not touched, since it is somebody else's by now.
    pub fn release(&mut self, addresses: Addresses) {
        self.set_all(addresses, |held| held.filter(|held| matches!(held, Held::Reserved { .. })));
    }

    /// Frees reservations that are over. [`Pool::reserve`] does it by itself; statistics want it now and then.
    pub fn expire_reservations(&mut self, now: DateTime<Utc>) {
        while let Some((until, slot)) = self.reserved.first().copied().filter(|(until, _)| *until <= now) {
            debug_assert_eq!(self.held.get(&slot), Some(&Held::Reserved { until }));
            self.put(slot, None);
        }
    }

    /// What the addresses are doing; `None` when they are free or outside the pool.
    #[must_use]
    pub fn held(&self, addresses: Addresses) -> Option<Held> {
        self.layout.slots_of(addresses).find_map(|slot| self.held.get(&slot).copied())
    }

    /// Slots by what they are doing.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            total: self.free.len() as u64,
            free: self.free.free() as u64,
            reserved: self.reserved.len() as u64,
            live: self.live,
            quarantined: self.quarantined,
        }
    }

    /// Days until the pool is full, see [`PoolStats::forecast_days`].
    #[must_use]
    pub fn forecast(&self, begun_last_week: u64) -> Option<u64> {
        self.stats().forecast_days(begun_last_week)
    }

    fn set_all(&mut self, addresses: Addresses, next: impl Fn(Option<Held>) -> Option<Held>) {
        for slot in self.layout.slots_of(addresses) {
            self.put(slot, next(self.held.get(&slot).copied()));
        }
    }

    /// The only place that changes a slot, so that bitmap, map and counters agree.
    fn put(&mut self, slot: u32, state: Option<Held>) {
        let before = match state {
            Some(state) => self.held.insert(slot, state),
            None => self.held.remove(&slot),
        };
        match before {
            Some(Held::Reserved { until }) => {
                self.reserved.remove(&(until, slot));
            }
            Some(Held::Live) => self.live -= 1,
            Some(Held::Quarantined { .. }) => self.quarantined -= 1,
            None => {}
        }
        match state {
            Some(Held::Reserved { until }) => {
                self.reserved.insert((until, slot));
            }
            Some(Held::Live) => self.live += 1,
            Some(Held::Quarantined { .. }) => self.quarantined += 1,
            None => {}
        }
        self.free.set(slot as usize, state.is_none());
    }
}

#[cfg(test)]
mod tests;
