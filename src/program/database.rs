//! Which database: the operator's, or the private one.

use crate::config::Settings;
use crate::postgres::{PostgresSettings, PrivatePostgres};
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;
use usipipo_actors::model::StoreOptions;

/// Longest wait for a free connection.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest run of one statement.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);

/// The database, running.
#[derive(Debug)]
pub struct Database {
    /// How to connect.
    pub options: StoreOptions,
    private: Option<PrivatePostgres>,
}

impl Database {
    /// Starts the private PostgreSQL if `database.url` is empty.
    ///
    /// # Errors
    /// One sentence with its remedy.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let database = &settings.database;
        let (url, private) = match &database.url {
            Some(url) => {
                crate::telemetry::hide(url);
                (url.clone(), None)
            }
            None => {
                let private = PrivatePostgres::start(&PostgresSettings {
                    data_dir: settings.data_dir.clone(),
                    system_user: database.system_user.clone(),
                    max_connections: database.max_connections,
                })
                .await?;
                (SecretString::from(private.url()), Some(private))
            }
        };
        std::fs::create_dir_all(&settings.data_dir).map_err(|cause| {
            anyhow::anyhow!(
                "{} cannot be made: {cause}; give its parent to the user who runs this program, or choose another data_dir",
                settings.data_dir.display()
            )
        })?;
        let options = StoreOptions {
            url,
            max_connections: usize::try_from(database.max_connections).unwrap_or(1),
            wait_timeout: WAIT_TIMEOUT,
            statement_timeout: STATEMENT_TIMEOUT,
        };
        Ok(Self { options, private })
    }

    /// Stops the private PostgreSQL unless another process uses it. Whoever uses the database must have ended.
    pub async fn close(self) {
        if let Some(private) = self.private
            && let Err(error) = private.stop().await
        {
            tracing::error!(%error, "the private database did not stop");
        }
    }
}

/// The file with the master keys.
#[must_use]
pub fn key_file(settings: &Settings) -> PathBuf {
    settings.data_dir.join("master.keys")
}
