//! A server that does not answer, and peers that are not ours.

use super::Watch;
use crate::support::netns::{Namespace, cannot_run, unique};
use crate::support::tools;
use crate::support::wg_client;
use crate::support::world::World;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;

pub(super) const CAUSED: &[&str] = &["UsipipoNodeDown", "UsipipoForeignPeers", "UsipipoProvisioningLate"];

/// A peer that somebody put there by hand.
const STRANGER: &str = "c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vyc3RyYW5nZXI=";

/// The process that carries an interface, asleep until this is dropped; it ends with the test.
struct Device(Pid, String);

impl Device {
    fn of(interface: &str) -> Self {
        let wanted = format!("wg-device\0--interface\0{interface}\0");
        let is_it =
            |path: &Path| std::fs::read_to_string(path.join("cmdline")).is_ok_and(|line| line.contains(&wanted));
        let mut processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let found = processes.find(|path| is_it(path)).expect("the device runs");
        let pid = found.file_name().unwrap().to_str().unwrap().parse().unwrap();
        Self(Pid::from_raw(pid), interface.to_owned())
    }

    fn sleeps(&self) {
        kill(self.0, Signal::SIGSTOP).unwrap();
    }

    fn wakes(&self) {
        kill(self.0, Signal::SIGCONT).unwrap();
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
        usipipo::wg_device::end(&self.1);
    }
}

#[test]
fn a_sleeping_server_and_a_foreign_peer_fire_and_resolve() {
    if cannot_run(&wg_client::PROGRAMS) {
        return;
    }
    let server = Namespace::new();
    // The program, the test and Prometheus live on the server's machine.
    server.enter(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(journey(&server));
    });
}

async fn journey(server: &Namespace) {
    let mut world = World::new().await;
    let interface = unique("s");
    world.launch = world
        .launch
        .clone()
        .with("USIPIPO_NODES__0__MODE", "userspace")
        .with("USIPIPO_NODES__0__INTERFACE", &interface)
        .with("USIPIPO_NODES__0__ENDPOINT", "192.168.1.1:51820");
    let program = world.program().await;
    let Some(mut watch) = Watch::start(world.directory.path(), &[program.launch.metrics], CAUSED).await else {
        return;
    };
    let ana = world.person_speaking(1001, "Ana", "en").await;
    ana.take_trial().await;
    let device = Device::of(&interface);
    for alert in CAUSED {
        watch.is_quiet(alert).await;
    }
    let wg = |words: &[&str]| tools::run(server.command("wg").args(["set", &interface, "peer", STRANGER]).args(words));
    wg(&["allowed-ips", "10.200.0.1/32"]);
    device.sleeps();
    // Who wants a service now waits for it.
    let luis = world.person_speaking(1002, "Luis", "en").await;
    luis.ask("/start", "Hello").await;
    luis.ask("/trial", "free trial").await;
    let rev = luis.press_accept().await;
    watch.fires("UsipipoNodeDown").await;
    watch.shows("Servers up", |share| share == 0.0).await;
    watch.shows("Server answers", |up| up == 0.0).await;
    watch.shows("Server calls that failed", |rate| rate > 0.0).await;
    watch.fires("UsipipoProvisioningLate").await;

    // It wakes up, is compared, and the stranger is seen.
    device.wakes();
    luis.wait(rev, "document=.conf").await;
    watch.is_over("UsipipoNodeDown").await;
    watch.fires("UsipipoForeignPeers").await;
    watch.shows("Peers", |count| count == 1.0).await;
    watch.is_over("UsipipoProvisioningLate").await;
    wg(&["remove"]);
    watch.is_over("UsipipoForeignPeers").await;
    watch.ends();
}
