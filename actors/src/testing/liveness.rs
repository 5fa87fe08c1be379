//! Deaths that are known when a test says so.

use crate::ports::liveness::Liveness;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Nobody is known to be dead until it is reported.
#[derive(Debug, Default)]
pub struct FakeLiveness {
    dead: Mutex<HashSet<String>>,
    looks: AtomicU64,
}

impl FakeLiveness {
    /// From now on this holder is known to be dead.
    pub fn report(&self, holder: &str) {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).insert(holder.to_owned());
    }

    /// How often anybody asked about a holder.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Liveness for FakeLiveness {
    fn is_surely_dead(&self, holder: &str) -> bool {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).contains(holder)
    }
}
