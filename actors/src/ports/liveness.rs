//! Whether the process that holds the lease of leadership still lives.

use std::fmt::Debug;

/// Knows which holders of the lease are dead. Asked by a standby at each look at the lease, so it must answer at once.
pub trait Liveness: Send + Sync + Debug + 'static {
    /// Whether the process with this name in the lease is certainly gone: nothing of it runs, nor ever will again. Whenever
    /// that is not certain (another machine, a name that says nothing), `false`; the lease then runs out by its time.
    fn is_surely_dead(&self, holder: &str) -> bool;
}
