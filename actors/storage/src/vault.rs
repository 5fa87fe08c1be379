//! Secrets at rest (to be filled).

/// Seals and opens secrets.
#[derive(Clone)]
pub struct Vault;
