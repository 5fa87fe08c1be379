//! A database of its own for each test, cloned from a migrated template on a real server.
#![allow(clippy::expect_used, clippy::panic, reason = "only tests use this")]

mod seed;

use crate::model::StoreOptions;
use crate::{Store, Vault};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

pub use seed::{SeededNode, prepared, prepared_key, screen, step};

/// Traffic of a trial in the default plans, bytes.
pub const TRIAL_QUOTA: u64 = 5_000_000_000;

/// Names the server; a superuser's URL.
pub const URL_VARIABLE: &str = "USIPIPO_TEST_DATABASE_URL";
/// The advisory lock (in the administrative database) around template and leftovers; any constant of our own.
const LOCK: i64 = 0x7553_6970_6970_6f02;
/// Databases older than this are leftovers of killed tests.
const LEFTOVER_HOURS: i32 = 6;

/// A migrated, empty database; dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    name: String,
    url: String,
    vault: Vault,
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    datname: String,
}

async fn names(conn: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(conn).await.expect("the test server lists its databases");
    rows.into_iter().map(|row| row.datname).collect()
}

async fn run(conn: &mut AsyncPgConnection, sql: &str) {
    conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("the test server refuses `{sql}`: {error}"));
}

async fn connect(url: &str) -> AsyncPgConnection {
    match AsyncPgConnection::establish(url).await {
        Ok(conn) => conn,
        Err(error) => panic!("the test database server does not answer ({error}); run: make test"),
    }
}

impl TestDatabase {
    /// Makes a database.
    ///
    /// # Panics
    /// When [`URL_VARIABLE`] is not set or the server does not answer.
    pub async fn new() -> Self {
        let Ok(admin_url) = std::env::var(URL_VARIABLE) else {
            panic!("{URL_VARIABLE} is not set: these tests need a PostgreSQL server; run: make test");
        };
        let mut admin = connect(&admin_url).await;
        let template = template(&mut admin, &admin_url).await;
        let name = format!("usipipo_x_{:016x}", random());
        run(&mut admin, &format!("SELECT pg_advisory_lock_shared({LOCK})")).await;
        run(&mut admin, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let url = with_database(&admin_url, &name);
        Self { admin_url, name, url, vault: Vault::generate().expect("random bytes") }
    }

    /// Its URL. It holds no password worth keeping.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its URL as settings hold it.
    #[must_use]
    pub fn secret_url(&self) -> SecretString {
        SecretString::from(self.url.as_str())
    }

    /// The master keys that every store of this database shares.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Modest limits for tests.
    #[must_use]
    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            url: self.secret_url(),
            max_connections: 8,
            wait_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
        }
    }

    /// A store with its own pool, as a process of its own would have.
    #[must_use]
    pub fn store(&self) -> Store {
        self.store_with(|_| {})
    }

    /// As [`TestDatabase::store`], with other options.
    #[must_use]
    pub fn store_with(&self, change: impl FnOnce(&mut StoreOptions)) -> Store {
        let mut options = self.options();
        change(&mut options);
        Store::connect(&options, self.vault.clone()).expect("the options of a test make sense")
    }

    /// Runs statements that no method of [`Store`] offers.
    pub async fn execute(&self, sql: &str) {
        run(&mut connect(&self.url).await, sql).await;
    }

    /// A connection that is kept, for those who ask often.
    pub async fn reader(&self) -> Reader {
        Reader(connect(&self.url).await)
    }

    /// The one number that a query returns as `n` (`bigint`).
    pub async fn number(&self, sql: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Number {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let mut conn = connect(&self.url).await;
        let row: Number = diesel::sql_query(sql)
            .get_result(&mut conn)
            .await
            .unwrap_or_else(|error| panic!("`{sql}` does not give a number: {error}"));
        row.n
    }

    /// The one text that a query returns as `t`.
    pub async fn text(&self, sql: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Text {
            #[diesel(sql_type = diesel::sql_types::Text)]
            t: String,
        }
        let mut conn = connect(&self.url).await;
        let row: Text = diesel::sql_query(sql)
            .get_result(&mut conn)
            .await
            .unwrap_or_else(|error| panic!("`{sql}` does not give a text: {error}"));
        row.t
    }
}

/// A kept connection to a [`TestDatabase`].
pub struct Reader(AsyncPgConnection);

impl Reader {
    /// The one text that a query returns as `t`.
    ///
    /// # Panics
    /// When it does not.
    pub async fn text(&mut self, sql: &str) -> String {
        #[derive(diesel::QueryableByName)]
        struct Text {
            #[diesel(sql_type = diesel::sql_types::Text)]
            t: String,
        }
        let row: Result<Text, _> = diesel::sql_query(sql).get_result(&mut self.0).await;
        row.unwrap_or_else(|error| panic!("`{sql}` does not give a text: {error}")).t
    }
}

impl Drop for TestDatabase {
    /// Best effort: what is left goes with a later test's look for leftovers.
    fn drop(&mut self) {
        let url = self.admin_url.clone();
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // Dropping cannot await, and the test's own runtime may be about to end.
        let dropping = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                if let Ok(mut conn) = AsyncPgConnection::establish(&url).await {
                    let _ = conn.batch_execute(&sql).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

fn random() -> u64 {
    getrandom::u64().expect("random bytes")
}

/// The same URL with another database name.
fn with_database(url: &str, name: &str) -> String {
    let start = url.find("://").map_or(0, |index| index + 3);
    let rest = url.get(start..).unwrap_or_default();
    let query = rest.find('?').unwrap_or(rest.len());
    let (place, query) = rest.split_at(query);
    let host = place.split('/').next().unwrap_or_default();
    format!("{}{host}/{name}{query}", url.get(..start).unwrap_or_default())
}

fn migrations_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations")
}

/// Changes with the text of any migration.
fn migrations_hash() -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(migrations_dir())
        .expect("the migrations are beside the sources")
        .filter_map(|entry| Some(entry.ok()?.path().join("up.sql")))
        .filter(|path| path.exists())
        .collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(std::fs::read(&file).expect("a migration can be read"));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the template when it is missing, and clears leftovers once per process.
async fn template(admin: &mut AsyncPgConnection, admin_url: &str) -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    if let Some(name) = NAME.get() {
        return name.clone();
    }
    let name = format!("usipipo_t_{}", migrations_hash());
    run(admin, &format!("SELECT pg_advisory_lock({LOCK})")).await;
    let leftovers = format!(
        "SELECT datname::text FROM pg_database WHERE datname LIKE 'usipipo\\_%' AND datname <> '{name}'
         AND (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification < now() - make_interval(hours => {LEFTOVER_HOURS})"
    );
    for old in names(admin, &leftovers).await {
        run(admin, &format!("DROP DATABASE IF EXISTS {old} WITH (FORCE)")).await;
    }
    if names(admin, &format!("SELECT datname::text FROM pg_database WHERE datname = '{name}'")).await.is_empty() {
        // Under another name until it is whole, so that a killed test leaves no half template.
        let building = format!("{name}_new");
        run(admin, &format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)")).await;
        run(admin, &format!("CREATE DATABASE {building} TEMPLATE template0")).await;
        let options = StoreOptions {
            url: SecretString::from(with_database(admin_url, &building)),
            max_connections: 1,
            wait_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(30),
        };
        Store::migrate(&options).await.unwrap_or_else(|error| panic!("the migrations do not run: {error}"));
        wait_until_unused(admin, &building).await;
        run(admin, &format!("ALTER DATABASE {building} RENAME TO {name}")).await;
    }
    run(admin, &format!("SELECT pg_advisory_unlock({LOCK})")).await;
    NAME.get_or_init(|| name).clone()
}

/// A closed connection lingers on the server for a moment, and a template must have none.
async fn wait_until_unused(admin: &mut AsyncPgConnection, name: &str) {
    let users = format!("SELECT datname::text FROM pg_stat_activity WHERE datname = '{name}'");
    for _ in 0..1000 {
        if names(admin, &users).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("somebody uses the test template {name}");
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_name_of_the_database_is_replaced_in_every_form_of_url() {
        for (url, expected) in [
            ("postgres:///postgres?host=/tmp/x&user=p", "postgres:///new?host=/tmp/x&user=p"),
            ("postgres://p@%2Ftmp%2Fx/postgres", "postgres://p@%2Ftmp%2Fx/new"),
            ("postgres://p:w@localhost:5433/postgres", "postgres://p:w@localhost:5433/new"),
            ("postgres://localhost", "postgres://localhost/new"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
