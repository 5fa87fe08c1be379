//! The one mapping of database errors.

/// Why the database did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is restarting, or did not answer in time; trying again may help.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The write belongs to an epoch that is over: another process leads now.
    #[error("another process leads now")]
    NotLeader,
    /// A secret could not be opened: the master key is missing or the row was changed.
    #[error("a secret cannot be opened: {0}")]
    Vault(String),
    /// A bug or a broken database.
    #[error("the database refused: {0}")]
    Broken(String),
}

impl StoreError {
    /// Whether waiting and trying again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
