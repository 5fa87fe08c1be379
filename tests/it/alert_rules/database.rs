//! The database is away.

use super::Watch;
use crate::support::lever::Outage;
use crate::support::program::Launch;
use crate::support::world::World;
use std::os::unix::fs::PermissionsExt as _;

pub(super) const CAUSED: &[&str] =
    &["UsipipoNoLeader", "UsipipoNumbersStale", "UsipipoSweeperStuck", "UsipipoPrivateDatabaseRestarted"];

/// Two programs, so that one Prometheus can watch both: one on a database that goes away, one on its private PostgreSQL.
#[tokio::test]
async fn a_database_that_is_away_or_dies_fires_and_resolves() {
    let world = World::new().await;
    let private_world = World::new().await;
    let directory = tempfile::Builder::new().prefix("usipipo-pg-").tempdir_in("/tmp").unwrap();
    // PostgreSQL's own user has to enter it.
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everybody.clone()).unwrap();
    let mut launch = Launch::new(&directory.path().join("data"), "", &private_world.sandbox.url());
    launch.http = private_world.launch.http;
    launch = launch.with("USIPIPO_TELEGRAM__LIMITS__LIFT", "true");
    std::fs::create_dir_all(&launch.data_dir).unwrap();
    std::fs::set_permissions(&launch.data_dir, everybody).unwrap();
    let mut private = launch.spawn();
    private.until_ready("leader").await;

    let Some(mut watch) = Watch::start(directory.path(), &[launch.metrics], CAUSED).await else { return };
    watch.is_quiet("UsipipoPrivateDatabaseRestarted").await;
    let pid_file = launch.data_dir.join("postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    watch.fires("UsipipoPrivateDatabaseRestarted").await;
    watch.shows("Private PostgreSQL restarts", |count| count >= 1.0).await;
    watch.is_over("UsipipoPrivateDatabaseRestarted").await;
    private.until_ready("leader").await;
    assert!(private.stop().await.success());

    let mut program = world.program().await;
    let mut watch = watch.moved(world.directory.path(), program.launch.metrics).await;
    for alert in ["UsipipoNoLeader", "UsipipoNumbersStale", "UsipipoSweeperStuck"] {
        watch.is_quiet(alert).await;
    }
    let outage = Outage::begin(&world.database).await;
    // Else the next sweep may be due only when nobody leads any more.
    world.advance(1).await;
    watch.fires("UsipipoNoLeader").await;
    watch.shows("Leader", |leader| leader == 0.0).await;
    watch.shows("Sweeps that failed", |count| count >= 1.0).await;
    watch.fires("UsipipoNumbersStale").await;
    watch.shows("Age of these numbers", |seconds| seconds > 12.0).await;
    watch.fires("UsipipoSweeperStuck").await;
    watch.shows("Last sweep", |seconds| seconds > 30.0).await;
    outage.end().await;
    for alert in ["UsipipoNoLeader", "UsipipoNumbersStale", "UsipipoSweeperStuck"] {
        watch.is_over(alert).await;
    }
    program.until_ready("leader").await;
    watch.shows("Changes of leader", |count| count >= 1.0).await;
    watch.ends();
}
