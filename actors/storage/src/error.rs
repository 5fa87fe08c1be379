//! The one mapping of database errors.
//!
//! No error text holds a row's values or the database's URL: PostgreSQL puts values into an error's *details*, which are
//! never read here.

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::PoolError;

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

/// What a transaction's body returns: besides [`StoreError`], that the whole transaction is worth another try.
#[derive(Debug, Clone)]
pub(crate) enum TxError {
    /// Lost against another transaction (serialization failure, deadlock).
    Conflict(String),
    /// Everything else.
    Store(StoreError),
}

pub(crate) type TxResult<T> = Result<T, TxError>;

impl From<StoreError> for TxError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DieselError> for TxError {
    fn from(error: DieselError) -> Self {
        classify(error)
    }
}

impl From<serde_json::Error> for TxError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<TxError> for StoreError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Conflict(message) => Self::Unavailable(message),
            TxError::Store(error) => error,
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        classify(error).into()
    }
}

impl From<serde_json::Error> for StoreError {
    /// The message of a JSON error can quote the text, so only its place is kept.
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("a stored JSON value does not fit: line {}, column {}", error.line(), error.column()))
    }
}

/// Server messages after which the same statement can succeed. The SQLSTATE does not come through Diesel; connections ask for
/// English messages where they may, and a connection that ends is recognised without any text.
const PASSING: [&str; 14] = [
    "terminating connection",
    "the database system is",
    "canceling statement due to",
    "canceling authentication due to",
    "could not obtain lock",
    "too many clients",
    "too many connections",
    "remaining connection slots",
    "No space left on device",
    "out of memory",
    "cannot execute",
    "connection closed",
    "error communicating with the server",
    "timeout waiting for server",
];

fn is_passing(message: &str) -> bool {
    PASSING.iter().any(|text| message.contains(text))
}

fn classify(error: DieselError) -> TxError {
    let store = match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, info) => {
            return TxError::Conflict(info.message().to_owned());
        }
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message() == "deadlock detected" => {
            return TxError::Conflict(info.message().to_owned());
        }
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
            StoreError::Unavailable(info.message().to_owned())
        }
        DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, info) => {
            StoreError::Unavailable(info.message().to_owned())
        }
        DieselError::DatabaseError(kind, info) => {
            let message = info.message();
            if is_passing(message) {
                StoreError::Unavailable(message.to_owned())
            } else {
                let constraint = info.constraint_name().map(|name| format!(" ({name})")).unwrap_or_default();
                StoreError::Broken(format!("{kind:?}: {message}{constraint}"))
            }
        }
        DieselError::BrokenTransactionManager => StoreError::Unavailable("the connection broke".to_owned()),
        other => StoreError::Broken(other.to_string()),
    };
    TxError::Store(store)
}

/// The name of the unique constraint or index that refused a row, if that is what happened.
pub(crate) fn unique_violation(error: &DieselError) -> Option<&str> {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
            Some(info.constraint_name().unwrap_or_default())
        }
        _ => None,
    }
}

/// Maps a failure to connect. It never quotes the URL.
pub(crate) fn connecting(error: &ConnectionError) -> StoreError {
    let message = match error {
        ConnectionError::CouldntSetupConfiguration(DieselError::DatabaseError(_, info)) => info.message().to_owned(),
        ConnectionError::BadConnection(message) => message.clone(),
        _ => return StoreError::Broken("the database's address (`database.url`) cannot be read".to_owned()),
    };
    if message.starts_with("invalid connection string") || message.starts_with("invalid configuration") {
        return StoreError::Broken("the database's address (`database.url`) cannot be read".to_owned());
    }
    if message.contains("TLS") {
        return StoreError::Broken(
            "`database.url` asks for TLS, which this program does not speak; use a Unix socket or a tunnel, and sslmode=disable"
                .to_owned(),
        );
    }
    let refused = ["authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied for database"];
    if refused.iter().any(|text| message.contains(text)) {
        StoreError::Broken(format!("it lets us not in: {message}; check user, password and name in `database.url`"))
    } else {
        StoreError::Unavailable(message)
    }
}

impl From<diesel_async::pooled_connection::deadpool::PoolError> for StoreError {
    fn from(error: diesel_async::pooled_connection::deadpool::PoolError) -> Self {
        use deadpool::managed::{HookError, PoolError as Pool, TimeoutType};
        match error {
            Pool::Timeout(TimeoutType::Wait) => Self::Unavailable("all connections are in use".to_owned()),
            Pool::Timeout(_) => Self::Unavailable("connecting took too long".to_owned()),
            Pool::Backend(PoolError::ConnectionError(error)) => connecting(&error),
            Pool::Backend(PoolError::QueryError(error)) => error.into(),
            Pool::PostCreateHook(HookError::Backend(PoolError::QueryError(error))) => error.into(),
            Pool::Closed => Self::Unavailable("the connection pool is closed".to_owned()),
            other => Self::Broken(other.to_string()),
        }
    }
}
