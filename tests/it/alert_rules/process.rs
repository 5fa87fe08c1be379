//! The process itself: dead, doubled, out of file descriptors.

use super::Watch;
use crate::support::program::free_port;
use crate::support::until;
use crate::support::world::World;
use tokio::net::TcpStream;

pub(super) const CAUSED: &[&str] = &["UsipipoTwoLeaders", "UsipipoFewFilesLeft"];
pub(super) const CAUSED_BY_DEATH: &[&str] = &["UsipipoDown"];

/// File descriptors that the program may have.
const FILES_MAX: usize = 160;
/// When it has opened so many, some are left to be scraped with.
const FILES_USED: f64 = 138.0;

#[tokio::test]
async fn a_dead_program_fires_and_its_start_resolves() {
    let world = World::new().await;
    let mut program = world.program().await;
    let scraped = [program.launch.metrics];
    let Some(mut watch) = Watch::start(world.directory.path(), &scraped, CAUSED_BY_DEATH).await else { return };
    watch.is_quiet("UsipipoDown").await;
    program.kill();
    watch.fires("UsipipoDown").await;
    watch.shows("Processes up", |count| count == 0.0).await;
    let _program = world.program().await;
    watch.is_over("UsipipoDown").await;
    watch.shows("Processes up", |count| count == 1.0).await;
    watch.ends();
}

/// The lease keeps two processes of one database apart; here somebody started the second one on a database of its own.
#[tokio::test]
async fn two_leaders_and_too_few_files_fire_and_resolve() {
    let mut world = World::new().await;
    world.launch.prefix = vec!["prlimit".to_owned(), format!("--nofile={FILES_MAX}:{FILES_MAX}")];
    let program = world.program().await;
    let other = World::new().await;
    let scraped = [program.launch.metrics, other.launch.metrics];
    let Some(mut watch) = Watch::start(world.directory.path(), &scraped, CAUSED).await else { return };

    watch.is_quiet("UsipipoTwoLeaders").await;
    let mut launch = world.launch.clone();
    launch.prefix = Vec::new();
    launch.database_url = other.database.url().to_owned();
    launch.data_dir = other.launch.data_dir.clone();
    launch.api_url = other.sandbox.url();
    launch.http.set_port(free_port());
    launch.metrics = other.launch.metrics;
    let mut second = launch.spawn();
    second.until_ready("leader").await;
    watch.fires("UsipipoTwoLeaders").await;
    watch.shows("Processes up", |count| count == 2.0).await;
    assert!(second.stop().await.success());
    watch.is_over("UsipipoTwoLeaders").await;

    watch.is_quiet("UsipipoFewFilesLeft").await;
    let mut connections = Vec::new();
    while program.metric("process_open_fds", &[]).await < FILES_USED {
        connections.push(TcpStream::connect(program.launch.http).await.unwrap());
    }
    watch.fires("UsipipoFewFilesLeft").await;
    watch.shows("File descriptors", |files| files > 128.0 && files < 160.0).await;
    drop(connections);
    watch.is_over("UsipipoFewFilesLeft").await;
    until("it goes on", async || program.readiness().await.filter(|report| report["ready"] == true)).await;
    watch.ends();
}
