#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::Store;
use crate::testing::TestDatabase;

#[tokio::test]
async fn what_migrate_would_run_is_told_and_looking_changes_nothing() {
    let db = TestDatabase::new().await;
    let now = Store::pending_migrations(&db.options()).await.unwrap();
    assert!(now.server_major >= 14 && now.pending.is_empty() && now.unknown.is_empty(), "{now:?}");

    db.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let empty = Store::pending_migrations(&db.options()).await.unwrap();
    assert!(!empty.pending.is_empty() && empty.unknown.is_empty(), "{empty:?}");
    let tables = "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(db.number(tables).await, 0, "a look makes no table");
    assert_eq!(Store::migrate(&db.options()).await.unwrap().len(), empty.pending.len());

    db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')").await;
    let newer = Store::pending_migrations(&db.options()).await.unwrap();
    assert_eq!((newer.pending.len(), newer.unknown.as_slice()), (0, &["20990101000000".to_owned()][..]));
}
