//! The database: reachable, new enough, its schema up to date, its secrets readable with our keys.

use super::super::Check;
use super::TIMEOUT;
use crate::config::Settings;
use crate::postgres::installed;
use crate::program::database::{Database, key_file};
use usipipo_actors::model::KeyNodeRow;
use usipipo_actors::storage::{SchemaState, Store, StoreError, Vault};

const SUBJECT: &str = "database";
/// Oldest PostgreSQL that we know to work.
const OLDEST_MAJOR: u32 = 14;

/// Also the servers of keys that admins added, as far as the database tells them.
pub(super) async fn checks(settings: &Settings, running: bool) -> (Vec<Check>, Vec<KeyNodeRow>) {
    if settings.database.url.is_none() && !running {
        return (vec![private()], Vec::new());
    }
    // With the program running the private server runs too, and is only taken over for a moment.
    let looked = tokio::time::timeout(TIMEOUT, async {
        let database =
            Database::open(settings).await.map_err(|error| Check::bad(SUBJECT, format!("{error:#}"), MEND))?;
        let seen = look(settings, &database).await;
        database.close().await;
        Ok::<_, Check>(seen)
    })
    .await;
    match looked {
        Ok(Ok(seen)) => seen,
        Ok(Err(check)) => (vec![check], Vec::new()),
        Err(_) => {
            let seen = format!("no answer within {} s", TIMEOUT.as_secs());
            (vec![Check::bad(SUBJECT, seen, "check that the server runs and is reachable")], Vec::new())
        }
    }
}

/// For a database that does not answer.
const MEND: &str = "check database.url, that the server runs, and that it lets this user in";

async fn look(settings: &Settings, database: &Database) -> (Vec<Check>, Vec<KeyNodeRow>) {
    let state = match Store::pending_migrations(&database.options).await {
        Ok(state) => state,
        Err(error) => return (vec![Check::bad(SUBJECT, error.to_string(), MEND)], Vec::new()),
    };
    let schema = of_schema(&state);
    let whole = state.pending.is_empty();
    let (mut checks, mut added) = (vec![schema], Vec::new());
    if whole && let Ok(vault) = Vault::open_file(&key_file(settings)) {
        match Store::connect(&database.options, vault) {
            Ok(store) => {
                checks.extend(servers(settings, &store).await);
                match store.added_key_nodes().await {
                    Ok(rows) => added = rows,
                    Err(error) => checks.push(Check::bad(SUBJECT, error.to_string(), MEND)),
                }
            }
            Err(error) => checks.push(Check::bad(SUBJECT, error.to_string(), MEND)),
        }
    }
    (checks, added)
}

fn of_schema(state: &SchemaState) -> Check {
    let major = state.server_major;
    let pending = state.pending.len();
    if major < OLDEST_MAJOR {
        return Check::bad(
            SUBJECT,
            format!("PostgreSQL {major} is too old"),
            format!("move to PostgreSQL {OLDEST_MAJOR} or newer"),
        );
    }
    if let Some(newest) = state.unknown.last() {
        return Check::bad(
            SUBJECT,
            format!("a newer uSipipo was here: it ran migration {newest}, which this one does not know"),
            "install that version again, or bring back a backup made before it",
        );
    }
    if pending > 0 {
        let (number, them) =
            if pending == 1 { ("a migration".to_owned(), "it") } else { (format!("{pending} migrations"), "them") };
        return Check::look(
            SUBJECT,
            format!("PostgreSQL {major} answers, but the database lacks {number}"),
            format!("run `usipipo migrate`, or start the program, which runs {them}"),
        );
    }
    Check::good(SUBJECT, format!("PostgreSQL {major}, its schema is up to date"))
}

/// Whether what lies sealed in the database opens with the keys in the file, and what it keeps of servers besides the settings.
async fn servers(settings: &Settings, store: &Store) -> Vec<Check> {
    const SUBJECT: &str = "secrets";
    let nodes = match store.nodes().await {
        Ok(nodes) => nodes,
        Err(StoreError::Vault(problem)) => {
            return vec![Check::bad(
                SUBJECT,
                format!("what lies in the database does not open with these master keys: {problem}"),
                "bring back the master.keys of this database, or point database.url at the database of these keys",
            )];
        }
        Err(error) => return vec![Check::bad(SUBJECT, error.to_string(), MEND)],
    };
    let mut checks =
        vec![Check::good(SUBJECT, format!("the keys of {} server(s) open with the master keys", nodes.len()))];
    for row in nodes {
        let Some(set) = settings.nodes.iter().find(|set| set.name == row.spec.name) else { continue };
        if (&set.endpoint, set.listen_port) != (&row.spec.endpoint, row.spec.listen_port) {
            checks.push(Check::look(
                format!("endpoint of {}", set.name),
                format!(
                    "the database keeps {} and port {}, the settings say {} and {}",
                    row.spec.endpoint, row.spec.listen_port, set.endpoint, set.listen_port
                ),
                "clients have the old ones in their files: set them back, or give the server with the new ones a name of its own",
            ));
        }
    }
    checks
}

fn private() -> Check {
    match installed().first() {
        Some(newest) => {
            let place = newest.directory.display();
            Check::good(SUBJECT, format!("private, PostgreSQL {} from {place}, runs with the program", newest.major))
        }
        None => Check::bad(
            SUBJECT,
            "PostgreSQL is not installed",
            "`apt-get install postgresql`, or set database.url to a server of yours",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::{SchemaState, of_schema};

    #[test]
    fn an_old_server_and_a_newer_schema_are_bad_and_missing_migrations_deserve_a_look() {
        let state = |server_major, pending: &[&str], unknown: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            of_schema(&SchemaState { server_major, pending: owned(pending), unknown: owned(unknown) })
        };
        assert!(matches!(state(13, &[], &[]).verdict, Verdict::Bad(mend) if mend.contains("PostgreSQL 14")));
        assert!(matches!(state(15, &[], &["2099"]).verdict, Verdict::Bad(_)));
        assert!(state(15, &["a"], &[]).seen.ends_with("lacks a migration"));
        assert!(matches!(state(15, &["a", "b"], &[]).verdict, Verdict::Look(mend) if mend.contains("usipipo migrate")));
        assert_eq!(state(14, &[], &[]).verdict, Verdict::Good);
    }
}
