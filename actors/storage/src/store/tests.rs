//! Transactions, leadership, migrations, the pool.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::error::TxError;
use crate::model::{Epoch, LeadRow};
use crate::testing::TestDatabase;
use crate::{Store, StoreError, Vault};
use secrecy::SecretString;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use usipipo_domain::ids::UserId;
use usipipo_domain::service::Product;

const HOUR: Duration = Duration::from_secs(3600);

async fn run(conn: &mut super::Conn, sql: &str) -> crate::error::TxResult<()> {
    diesel_async::RunQueryDsl::execute(diesel::sql_query(sql), conn).await?;
    Ok(())
}

#[tokio::test]
async fn fault_33_one_leader_at_a_time_and_each_with_a_higher_epoch() {
    let db = TestDatabase::new().await;
    let (one, two) = (db.store(), db.store());
    let first = one.try_lead("one", HOUR).await.unwrap().unwrap();
    assert_eq!(two.try_lead("two", HOUR).await.unwrap(), None);
    assert!(one.renew_lead("one", first, HOUR).await.unwrap());
    assert!(!two.renew_lead("two", first, HOUR).await.unwrap(), "another holder does not keep it");
    one.release_lead("one", first).await.unwrap();
    let second = two.try_lead("two", HOUR).await.unwrap().unwrap();
    assert!(second > first);
    assert!(!one.renew_lead("one", first, HOUR).await.unwrap());
    one.release_lead("one", first).await.unwrap();
    assert!(two.renew_lead("two", second, HOUR).await.unwrap(), "a stale leader gives nothing back");
}

#[tokio::test]
async fn fault_33_a_lease_that_is_not_renewed_is_over_by_the_servers_clock() {
    let db = TestDatabase::new().await;
    let (one, two) = (db.store(), db.store());
    let first = one.try_lead("one", Duration::ZERO).await.unwrap().unwrap();
    let second = two.try_lead("two", HOUR).await.unwrap().unwrap();
    assert!(second > first);
    let refused = one.fenced("test", first, async |_| Ok(())).await;
    assert!(matches!(refused, Err(StoreError::NotLeader)));
    two.fenced("test", second, async |_| Ok(())).await.unwrap();
}

#[tokio::test]
async fn fault_33_a_dead_holders_lease_is_taken_at_once_and_only_from_the_one_that_was_looked_at() {
    let db = TestDatabase::new().await;
    let (one, two, three) = (db.store(), db.store(), db.store());
    assert!(one.look_lead().await.unwrap().over, "nobody ever had it");
    let first = one.try_lead("one", HOUR).await.unwrap().unwrap();
    let dead = two.look_lead().await.unwrap();
    assert_eq!(dead, LeadRow { holder: "one".to_owned(), epoch: first, over: false });
    assert_eq!(two.try_lead("two", HOUR).await.unwrap(), None, "it is not over");

    // Both saw the same dead one; one of them gets it.
    let (second, third) =
        tokio::join!(two.try_lead_after(&dead, "two", HOUR), three.try_lead_after(&dead, "three", HOUR));
    let (second, third) = (second.unwrap(), third.unwrap());
    assert!(second.is_some() != third.is_some(), "{second:?} {third:?}");
    let new = second.or(third).unwrap();
    assert!(new > first);
    // What was seen before is worth nothing any more, even if the same holder leads again.
    assert_eq!(three.try_lead_after(&dead, "three", HOUR).await.unwrap(), None);
    let again = LeadRow { holder: three.look_lead().await.unwrap().holder, ..dead.clone() };
    assert_eq!(three.try_lead_after(&again, "three", HOUR).await.unwrap(), None);
    let other = LeadRow { epoch: new, ..dead };
    assert_eq!(three.try_lead_after(&other, "three", HOUR).await.unwrap(), None);
    assert_eq!(three.look_lead().await.unwrap().epoch, new);
    assert!(matches!(one.fenced("test", first, async |_| Ok(())).await, Err(StoreError::NotLeader)));
}

#[tokio::test]
async fn fault_33_nobody_becomes_leader_in_the_middle_of_the_old_leaders_write() {
    take_in_the_middle_of_a_write(async |store, _| store.try_lead("two", HOUR).await.unwrap()).await;
}

#[tokio::test]
async fn fault_33_nobody_becomes_leader_in_the_middle_of_a_dead_leaders_last_write() {
    take_in_the_middle_of_a_write(async |store, dead| store.try_lead_after(&dead, "two", HOUR).await.unwrap()).await;
}

async fn take_in_the_middle_of_a_write(take: impl AsyncFn(&Store, LeadRow) -> Option<Epoch>) {
    let db = TestDatabase::new().await;
    let (one, two) = (db.store(), db.store());
    let epoch = one.try_lead("one", Duration::ZERO).await.unwrap().unwrap();
    let seen = two.look_lead().await.unwrap();
    let (entered, inside) = tokio::sync::oneshot::channel();
    let (leave, left) = tokio::sync::oneshot::channel();
    let channels = std::sync::Mutex::new(Some((entered, left)));
    let writing = one.fenced("test", epoch, async |conn| {
        let (entered, left) = channels.lock().unwrap().take().unwrap();
        entered.send(()).unwrap();
        left.await.unwrap();
        run(conn, "UPDATE leader_lease SET holder = holder").await
    });
    let taking = async {
        inside.await.unwrap();
        let mut taking = std::pin::pin!(take(&two, seen));
        // It may be taken, and still that waits for the write under way.
        tokio::select! {
            biased;
            _ = &mut taking => panic!("the lease was taken under a running write"),
            () = async { while db.number(LOCK_WAITS).await == 0 { tokio::task::yield_now().await } } => {}
        }
        leave.send(()).unwrap();
        taking.await
    };
    let (written, taken) = tokio::join!(writing, taking);
    written.unwrap();
    assert!(taken.unwrap() > epoch);
}

const LOCK_WAITS: &str =
    "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test]
async fn a_renewal_does_not_wait_for_writes() {
    let db = TestDatabase::new().await;
    let (store, other) = (db.store(), db.store());
    let epoch = store.try_lead("one", HOUR).await.unwrap().unwrap();
    let renewed =
        store.fenced("test", epoch, async |_| other.renew_lead("one", epoch, HOUR).await.map_err(TxError::from)).await;
    assert!(renewed.unwrap());
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let failed: Result<(), _> = store
        .tx("test", async |conn| {
            run(conn, "UPDATE leader_lease SET holder = 'x'").await?;
            run(conn, "SELECT 1/0").await
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Broken(_))), "{failed:?}");
    assert_eq!(db.text("SELECT holder AS t FROM leader_lease").await, "");
}

#[tokio::test]
async fn transactions_that_lock_each_other_are_run_again() {
    let db = TestDatabase::new().await;
    let store = db.store();
    db.execute("CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL); INSERT INTO pair VALUES (1, 0), (2, 0)").await;
    let runs = AtomicU32::new(0);
    let barrier = tokio::sync::Barrier::new(2);
    let both = async |first: &'static str, second: &'static str| {
        let mine = AtomicU32::new(0);
        store
            .tx("test", async |conn| {
                run(conn, "SET LOCAL deadlock_timeout = '20ms'").await?;
                run(conn, first).await?;
                runs.fetch_add(1, Ordering::SeqCst);
                if mine.fetch_add(1, Ordering::SeqCst) == 0 {
                    barrier.wait().await;
                }
                run(conn, second).await
            })
            .await
    };
    let (one, two) = ("UPDATE pair SET n = n + 1 WHERE id = 1", "UPDATE pair SET n = n + 1 WHERE id = 2");
    let (left, right) = tokio::join!(both(one, two), both(two, one));
    left.unwrap();
    right.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of them lost once");
    assert_eq!(db.number("SELECT sum(n) AS n FROM pair").await, 4);
}

#[tokio::test]
async fn fault_14_a_server_that_hangs_up_is_unavailable_and_the_next_call_works() {
    let db = TestDatabase::new().await;
    let store = db.store_with(|options| options.max_connections = 3);
    let hang_up = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // Three idle connections, all cut.
    let (a, b, c) = tokio::join!(store.conn(), store.conn(), store.conn());
    drop((a.unwrap(), b.unwrap(), c.unwrap()));
    assert_eq!(db.number(hang_up).await, 3);
    store.tx("test", async |conn| run(conn, "UPDATE leader_lease SET holder = 'back'").await).await.unwrap();
    assert_eq!(db.text("SELECT holder AS t FROM leader_lease").await, "back");
    // And in the middle of a transaction.
    let cut: Result<(), _> = store
        .tx("test", async |conn| {
            run(conn, "UPDATE leader_lease SET holder = 'lost'").await?;
            db.number(hang_up).await;
            run(conn, "UPDATE leader_lease SET holder = 'lost'").await
        })
        .await;
    assert!(cut.as_ref().is_err_and(StoreError::is_transient), "{cut:?}");
    assert_eq!(db.text("SELECT holder AS t FROM leader_lease").await, "back");
    store.tx("test", async |conn| run(conn, "UPDATE leader_lease SET holder = 'again'").await).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_no_open_transaction() {
    let db = TestDatabase::new().await;
    let (store, other) = (db.store(), db.store());
    {
        let (entered, inside) = tokio::sync::oneshot::channel();
        let entered = std::sync::Mutex::new(Some(entered));
        let stuck = store.tx("test", async |conn| {
            run(conn, "UPDATE leader_lease SET holder = 'x'").await?;
            entered.lock().unwrap().take().unwrap().send(()).unwrap();
            std::future::pending::<()>().await;
            Ok(())
        });
        tokio::select! {
            _ = stuck => unreachable!("it never ends"),
            entered = inside => entered.unwrap(),
        }
    }
    // The row's lock is gone with the connection, long before any time-out.
    let free = tokio::time::timeout(
        Duration::from_secs(4),
        other.tx("test", async |conn| run(conn, "UPDATE leader_lease SET holder = 'free'").await),
    );
    free.await.expect("the lock is free").unwrap();
}

#[tokio::test]
async fn time_outs_are_unavailable_not_broken() {
    let db = TestDatabase::new().await;
    let store = db.store_with(|options| {
        options.max_connections = 1;
        options.wait_timeout = Duration::from_millis(50);
        options.statement_timeout = Duration::from_millis(50);
    });
    let slow: Result<(), _> = store.tx("test", async |conn| run(conn, "SELECT pg_sleep(10)").await).await;
    assert!(matches!(&slow, Err(StoreError::Unavailable(_))), "{slow:?}");
    let held = store.conn().await.unwrap();
    let none = store.ping().await;
    assert!(matches!(&none, Err(StoreError::Unavailable(_))), "{none:?}");
    assert_eq!(store.pool_status().0, 1);
    drop(held);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn fault_28_connecting_fails_with_a_sentence_and_without_the_password() {
    let db = TestDatabase::new().await;
    let password = "hunter2secret";
    for (url, transient) in [
        (format!("postgres://nobody:{password}@127.0.0.1:1/x"), true),
        (format!("postgres://nobody:{password}@%2Fnowhere/x"), true),
        (format!("postgres://nobody:{password}@127.0.0.1:port/x"), false),
        (db.url().replace("usipipo_x_", "usipipo_missing_"), false),
        (format!("{}{}sslmode=require", db.url(), if db.url().contains('?') { '&' } else { '?' }), false),
    ] {
        let mut options = db.options();
        options.url = SecretString::from(url.clone());
        let store = Store::connect(&options, Vault::generate().unwrap()).unwrap();
        for error in [store.ping().await.unwrap_err(), Store::migrate(&options).await.unwrap_err()] {
            let text = format!("{error} {error:?}");
            assert!(!text.contains(password), "{text}");
            assert_eq!(error.is_transient(), transient, "{url}: {text}");
        }
    }
}

#[tokio::test]
async fn two_processes_migrate_an_empty_database_at_once() {
    let db = TestDatabase::new().await;
    db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let options = db.options();
    let ran = tokio::join!(Store::migrate(&options), Store::migrate(&options), Store::migrate(&options));
    let counts = [ran.0.unwrap().len(), ran.1.unwrap().len(), ran.2.unwrap().len()];
    assert!(counts.iter().sum::<usize>() > 0 && counts.iter().filter(|count| **count > 0).count() == 1, "{counts:?}");
    assert_eq!(Store::migrate(&options).await.unwrap(), Vec::<String>::new());
    db.store().try_lead("one", HOUR).await.unwrap().unwrap();
}

#[tokio::test]
async fn every_migration_goes_down_and_up_again() {
    let db = TestDatabase::new().await;
    let structure = "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ',' ORDER BY table_name, column_name) AS t
                     FROM information_schema.columns WHERE table_schema = 'public'";
    let before = db.text(structure).await;
    let down = Store::revert_all(&db.options()).await.unwrap();
    assert_eq!(db.text("SELECT coalesce(string_agg(tablename, ','), '') AS t FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_diesel%'").await, "");
    assert_eq!(Store::migrate(&db.options()).await.unwrap().len(), down);
    assert_eq!(db.text(structure).await, before);
}

#[tokio::test]
async fn every_migration_goes_down_and_up_again_with_every_kind_of_server_and_service() {
    let db = TestDatabase::new().await;
    let store = db.store();
    let epoch = db.lead(&store).await;
    let now = chrono::DateTime::UNIX_EPOCH;
    let tunnels = db.seed_node("miami").await;
    db.seed_trial(&store, epoch, UserId(7), &tunnels, 9, now).await;
    for (name, product) in [("paris", Product::Outline), ("rome", Product::Mtproto)] {
        let node = db.seed_key_node(name, product).await;
        db.seed_key_service(&store, epoch, UserId(7), &node, now).await;
    }
    db.execute("INSERT INTO nodes (name, driver, mode, endpoint, dns, mtu, state, created_at) VALUES ('gone', 'outline', 'keys', 'x:1', '{}', 0, 'removed', 'epoch')").await;
    let constraints = "SELECT string_agg(conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid), ',' ORDER BY conrelid::regclass::text, conname) AS t
                       FROM pg_constraint WHERE connamespace = 'public'::regnamespace";
    let indices = "SELECT string_agg(indexdef, ',' ORDER BY indexdef) AS t FROM pg_indexes WHERE schemaname = 'public'";
    let before = (db.text(constraints).await, db.text(indices).await);
    assert!(!before.0.contains("NOT VALID"), "{}", before.0);
    // Down to what the program before these had, with what it knows of still there.
    let left = Store::revert_down_to(&db.options(), 2).await.unwrap();
    assert_eq!(left, 2);
    assert_eq!(
        db.text(
            "SELECT string_agg(driver || ' ' || s.product, ',') AS t FROM nodes n JOIN services s ON s.node_id = n.id"
        )
        .await,
        "wireguard wireguard"
    );
    assert_eq!(db.number("SELECT count(*) AS n FROM nodes").await, 1);
    Store::migrate(&db.options()).await.unwrap();
    assert_eq!((db.text(constraints).await, db.text(indices).await), before, "nothing is missing or there twice");
}

#[tokio::test]
async fn every_column_of_the_schema_exists() {
    use crate::schema::{
        alerts, audit, dead_letters, dialogues, inbox, leader_lease, leases, nodes, offers, outbox, peers, pools,
        services, trials, users,
    };
    use diesel::QueryDsl as _;
    let db = TestDatabase::new().await;
    let mut conn = db.store().conn().await.unwrap();
    macro_rules! all {
        ($($table:ident),*) => {
            $(diesel_async::RunQueryDsl::execute($table::table.select($table::all_columns), &mut conn).await.unwrap();)*
        };
    }
    all!(
        alerts,
        audit,
        dead_letters,
        dialogues,
        inbox,
        leader_lease,
        leases,
        nodes,
        offers,
        outbox,
        peers,
        pools,
        services,
        trials,
        users
    );
}

#[tokio::test]
async fn a_store_works_under_an_actor_and_on_many_threads() {
    fn sends<T: Send>(value: T) -> T {
        value
    }
    let db = TestDatabase::new().await;
    let store = db.store();
    let epoch = db.lead(&store).await;
    sends(store.commit_steps(epoch, Vec::new())).await.unwrap();
    sends(store.session_snapshot(UserId(1))).await.unwrap();
    sends(store.shed(epoch, UserId(1), 1, chrono::DateTime::UNIX_EPOCH)).await.unwrap();
}
