//! The machine: directories, disk, ports, tunnels, forwarding.

use super::{Report, doctor};
use crate::node_setup;
use crate::support::netns::{Namespace, cannot_run};
use crate::support::program::{Launch, free_port};
use crate::support::world::World;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use usipipo::node_setup::{Machine, apply, plan};

/// A user without any rights, on every Debian.
const NOBODY: u32 = 65_534;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_that_is_none_or_not_ours_is_told() {
    let world = World::new().await;
    doctor(&world.launch).good("data directory", "usipipo-it-");
    let mut launch = world.launch.clone();
    launch.data_dir = world.directory.path().join("a-file");
    std::fs::write(&launch.data_dir, "").unwrap();
    doctor(&launch).bad("data directory", "is no directory", "choose another data_dir");
    let file = launch.data_dir.clone();
    launch.data_dir.push("below");
    doctor(&launch).bad("data directory", "is no directory", "choose another data_dir");
    std::fs::remove_file(file).unwrap();
    let missing = Report::of(&launch.command(&["doctor"]).current_dir("/").output().unwrap());
    missing.look("data directory", "does not exist yet", "the first start makes it");

    // Root may write everywhere, so somebody else looks, with a copy of the program that everybody may run.
    let directory = tempfile::Builder::new().prefix("usipipo-doctor-").tempdir_in("/tmp").unwrap();
    let open = |mode| std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    let program = directory.path().join("usipipo");
    std::fs::copy(env!("CARGO_BIN_EXE_usipipo"), &program).unwrap();
    open(0o555);
    launch.data_dir = directory.path().to_owned();
    let as_nobody = |launch: &Launch| {
        let of_launch = launch.command(&["doctor"]);
        let mut command = Command::new(&program);
        command.args(["doctor"]).current_dir("/");
        for (name, value) in of_launch.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if nix::unistd::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        Report::of(&command.output().unwrap())
    };
    as_nobody(&launch).bad("data directory", "cannot be written", "give it to the user who runs the program");
    open(0o777);
    as_nobody(&launch).says("ok", "data directory", "usipipo-doctor-", "");

    // Without privileges no tunnel can be made; `auto` does without.
    let forced = launch.clone().with("USIPIPO_NODES__0__MODE", "userspace");
    as_nobody(&forced).bad("server local", "CAP_NET_ADMIN is missing", "run as root");
    let auto = launch.with("USIPIPO_NODES__0__MODE", "auto");
    as_nobody(&auto).says("look", "server local", "configs only", "CAP_NET_ADMIN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_in_use_admins_that_nobody_is_and_private_endpoints_are_told() {
    let world = World::new().await;
    for (key, address) in [("http.listen", world.launch.http), ("metrics.listen", world.launch.metrics)] {
        doctor(&world.launch).good(key, "is free");
        let taken = TcpListener::bind(address).unwrap();
        doctor(&world.launch).bad(key, "cannot be listened on", "stop the other program");
        drop(taken);
        doctor(&world.launch).good(key, "is free");
    }
    let nobody = world.launch.clone().with("USIPIPO_ADMINS__SUPERADMINS", "");
    doctor(&nobody).look("admins", "nobody gets alerts", "admins.superadmins");
    doctor(&world.launch).good("admins", "1 superadmin");
    let inside = world.launch.clone().with("USIPIPO_NODES__0__ENDPOINT", "10.1.2.3:51820");
    doctor(&inside).look("endpoint of local", "inside a private network only", "set endpoint");
    let outside = world.launch.clone().with("USIPIPO_NODES__0__ENDPOINT", "203.0.113.9:51820");
    let report = doctor(&outside);
    report.good("server local", "203.0.113.9:51820");
    assert!(report.check("endpoint of local").is_none());
    let plain = world.launch.clone().with("USIPIPO_TELEGRAM__API_URL", "http://telegram.invalid");
    doctor(&plain).says("look", "telegram.api_url", "unencrypted", "use https");
}

/// Runs it where this shell script was run before, in a view of the file system of its own.
fn doctor_after(script: &str, launch: &Launch) -> Report {
    let mut launch = launch.clone();
    let words = ["unshare", "-m", "sh", "-c"].map(str::to_owned);
    launch.prefix = words.into_iter().chain([format!("{script} && exec \"$0\" \"$@\"")]).collect();
    doctor(&launch)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_no_postgresql_and_no_tun_are_told() {
    if cannot_run(&["unshare"]) {
        return;
    }
    let world = World::new().await;
    let place = world.launch.data_dir.display();
    let small = format!("mount -t tmpfs -o size=8m none '{place}'");
    doctor_after(&small, &world.launch).bad("disk", "8 MB free", "make room, or the database will stop");
    let low = format!("mount -t tmpfs -o size=500m none '{place}'");
    doctor_after(&low, &world.launch).look("disk", "500 MB free", "make room before it gets less");
    let roomy = format!("mount -t tmpfs -o size=3g none '{place}'");
    doctor_after(&roomy, &world.launch).good("disk", "3072 MB free");

    let mut private = world.launch.clone();
    private.database_url.clear();
    private = private.with("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let none = "mount -t tmpfs none /usr/lib/postgresql";
    if Path::new("/usr/lib/postgresql").is_dir() {
        doctor_after(none, &private).bad("database", "PostgreSQL is not installed", "apt-get install postgresql");
        doctor_after("true", &private).good("database", "private, PostgreSQL");
    }
    let tunnel = world.launch.clone().with("USIPIPO_NODES__0__MODE", "userspace");
    let no_tun = "mount -t tmpfs none /dev/net";
    doctor_after(no_tun, &tunnel).bad("server local", "/dev/net/tun cannot be opened", "--device /dev/net/tun");
    doctor_after("true", &tunnel).says("ok", "server local", "userspace (set)", "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_udp_port_in_use_is_told() {
    if cannot_run(&[]) {
        return;
    }
    let world = World::new().await;
    let port = free_port();
    let launch = world
        .launch
        .clone()
        .with("USIPIPO_NODES__0__MODE", "userspace")
        .with("USIPIPO_NODES__0__INTERFACE", "us-none")
        .with("USIPIPO_NODES__0__LISTEN_PORT", &port.to_string());
    let subject = format!("UDP port {port}");
    let taken = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    doctor(&launch).bad(&subject, "cannot be used", "ss -lunp");
    drop(taken);
    doctor(&launch).says("ok", &subject, "is free", "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_does_not_forward_is_told() {
    if cannot_run(&["nft", "ip"]) {
        return;
    }
    let world = World::new().await;
    // A machine of its own, with a loopback and nothing else: Telegram is out of its reach, which counts as broken there.
    let machine = Namespace::new();
    let launch = world
        .launch
        .clone()
        .with("USIPIPO_NODES__0__MODE", "userspace")
        .with("USIPIPO_NODES__0__ENDPOINT", "203.0.113.9:51820");
    let forwarding = |sign: &str, words: &str, remedy: &str| {
        let output = machine.enter(|| launch.command(&["doctor"]).current_dir("/").output().unwrap());
        Report::of(&output).says(sign, "forwarding", words, remedy);
    };
    forwarding("look", "net.ipv4.ip_forward", "usipipo node setup");
    let places = node_setup::places(&launch.data_dir);
    let nodes = [node_setup::node("us-none")];
    machine.enter(|| apply(&plan(&nodes, &Machine::look(&places)), true, &places)).unwrap();
    forwarding("ok", "forwards what clients send", "");
    std::fs::remove_file(&places.state_file).unwrap();
    forwarding("look", "`usipipo node setup` was not run here", "unless a firewall of yours");
}
