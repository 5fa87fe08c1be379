//! The database and the keys.

use super::doctor;
use crate::support::lever::Outage;
use crate::support::world::World;
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_or_refuses_is_told_with_its_remedy() {
    let world = World::new().await;
    doctor(&world.launch).good("database", "its schema is up to date");
    let outage = Outage::begin(&world.database).await;
    doctor(&world.launch).bad("database", "not currently accepting connections", "database.url");
    outage.end().await;
    doctor(&world.launch).good("database", "PostgreSQL");
    let mut launch = world.launch.clone();
    launch.database_url = "postgres://somebody:s3cretpass@127.0.0.1:1/none".to_owned();
    let report = doctor(&launch);
    report.bad("database", "does not answer", "that the server runs");
    assert!(!report.text.contains("s3cretpass"), "{}", report.text);
    let separator = if world.launch.database_url.contains('?') { '&' } else { '?' };
    launch.database_url = format!("{}{separator}user=nobody_of_this_name", world.launch.database_url);
    doctor(&launch).bad("database", "does not exist", "lets this user in");
    launch.database_url = "mysql://localhost".to_owned();
    doctor(&launch).bad("database.url", "not the address of a PostgreSQL database", "postgres://");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_and_unknown_migrations_are_told() {
    let world = World::new().await;
    world.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    doctor(&world.launch).look("database", "the database lacks", "run `usipipo migrate`, or start the program");
    let migrated = world.launch.command(&["migrate"]).output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    doctor(&world.launch).good("database", "up to date");
    world.database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')").await;
    doctor(&world.launch).bad("database", "a newer uSipipo was here", "install that version again");
    world.database.execute("DELETE FROM __diesel_schema_migrations WHERE version = '20990101000000'").await;
    doctor(&world.launch).good("database", "up to date");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_keys_and_what_the_database_keeps_otherwise_are_told() {
    let world = World::new().await;
    let mut launch = world.launch.clone().with("USIPIPO_NODES__0__ENDPOINT", "vpn.example.org:51820");
    doctor(&launch).look("master keys", "does not exist yet", "keep a copy");
    let mut program = launch.spawn();
    program.until_ready("leader").await;
    let running = doctor(&launch);
    running.good("program", "usipipo tree");
    running.good("http.listen", "the program runs");
    running.good("secrets", "the keys of 1 server(s) open");
    assert!(program.stop().await.success());
    doctor(&launch).look("program", "does not run", "usipipo run");

    let file = launch.data_dir.join("master.keys");
    let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    doctor(&launch).bad("master keys", "others may read the key file", "readable by its owner only");
    mode(0o600);
    doctor(&launch).good("master keys", "current key");
    let right = std::fs::read(&file).unwrap();
    std::fs::write(&file, "rubbish\n").unwrap();
    doctor(&launch).bad("master keys", "line 1", "bring the file back");
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    std::fs::write(&file, format!("00000001 {key}\n")).unwrap();
    doctor(&launch).bad("secrets", "does not open with these master keys", "master.keys of this database");
    std::fs::write(&file, right).unwrap();
    doctor(&launch).good("secrets", "open with the master keys");

    launch = launch.with("USIPIPO_NODES__0__ENDPOINT", "other.example.org:51820");
    doctor(&launch).look("endpoint of local", "the database keeps vpn.example.org:51820", "set them back");
    launch = launch.with("USIPIPO_NODES__0__ENDPOINT", "vpn.example.org:51820");
    assert!(doctor(&launch).check("endpoint of local").is_none());
}
