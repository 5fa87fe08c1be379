//! The main job: the file that the bot sent, in the hands of a client that we did not write, carries packets; it stops when
//! its owner revokes it; and nobody else notices, not even when the bot is killed.

use crate::support::netns::{Namespace, cannot_run, unique};
use crate::support::probe::{Echo, Steady, comes_back, is_silent};
use crate::support::wg_client::{self, WgClient};
use crate::support::world::World;
use std::time::Duration;

/// A first handshake takes milliseconds; one that starts with a lost packet is repeated after 5 s.
const CONNECT: Duration = Duration::from_secs(20);
/// Where clients find the server, whatever cable they hang on.
const SERVER: &str = "192.168.1.1";
/// The server's own addresses in the default pool for trials.
const INSIDE: [&str; 2] = ["10.77.64.1", "fd77:7570:6970:1::1"];

/// A machine on a cable of its own to the server, with the file that its user got.
fn device(server: &Namespace, number: u8, config: &str) -> (Namespace, WgClient) {
    let machine = Namespace::new();
    let ours = [format!("192.168.{number}.1/24"), format!("2001:db8:{number}::1/64")];
    let theirs = [format!("192.168.{number}.2/24"), format!("2001:db8:{number}::2/64")];
    server.connect(ours.each_ref().map(String::as_str), &machine, theirs.each_ref().map(String::as_str));
    if number != 1 {
        machine.ip(&format!("route add {SERVER}/32 via 192.168.{number}.1"));
    }
    let client = WgClient::up(&machine, config);
    (machine, client)
}

/// Ends the device process that outlives the program on purpose.
struct Cleanup(String);

impl Drop for Cleanup {
    fn drop(&mut self) {
        usipipo::wg_device::end(&self.0);
    }
}

#[test]
fn fault_11_the_sent_file_is_a_tunnel_until_it_is_revoked_and_a_kill_of_the_bot_stops_no_other() {
    if cannot_run(&wg_client::PROGRAMS) {
        return;
    }
    let server = Namespace::new();
    let echo = Echo::new(&server);
    // The test itself lives on the server's machine, and so does the program that it starts.
    server.enter(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(journey(&server, &echo));
    });
}

async fn journey(server: &Namespace, echo: &Echo) {
    let mut world = World::new().await;
    let interface = unique("s");
    let _cleanup = Cleanup(interface.clone());
    world.launch = world
        .launch
        .clone()
        .with("USIPIPO_NODES__0__MODE", "userspace")
        .with("USIPIPO_NODES__0__INTERFACE", &interface)
        .with("USIPIPO_NODES__0__ENDPOINT", &format!("{SERVER}:51820"));
    let mut program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let luis = world.person_speaking(1002, "Luis", "en").await;
    let (anas_file, luiss_file) = (ana.take_trial().await, luis.take_trial().await);
    assert!(anas_file.contains(&format!("Endpoint = {SERVER}:51820")), "{anas_file}");
    let (anas, _anas_client) = device(server, 1, &anas_file);
    let (luiss, _luiss_client) = device(server, 2, &luiss_file);
    for inside in INSIDE {
        assert!(comes_back(&anas, echo.at(inside), CONNECT), "nothing comes back to Ana from {inside}");
        assert!(comes_back(&luiss, echo.at(inside), CONNECT), "nothing comes back to Luis from {inside}");
    }

    let steady = Steady::start(&luiss, echo.at(INSIDE[0]));
    ana.ask("/vpn", "Your VPNs").await;
    ana.tap("WireGuard 1", "WireGuard").await;
    ana.tap("Revoke", "cannot be undone").await;
    ana.tap("Yes, revoke it", "no longer connects").await;
    crate::support::until("Ana's key is off the server", async || {
        let left = "SELECT count(*) AS n FROM peers WHERE removed_at IS NULL";
        (world.database.number(left).await == 1).then_some(())
    })
    .await;
    for inside in INSIDE {
        assert!(is_silent(&anas, echo.at(inside)), "a revoked file still works");
    }

    program.kill();
    steady.wait_for_more(50);
    let program = world.program().await;
    let eva = world.person_speaking(1003, "Eva", "en").await;
    let evas_file = eva.take_trial().await;
    let (evas, _evas_client) = device(server, 3, &evas_file);
    assert!(comes_back(&evas, echo.at(INSIDE[0]), CONNECT), "nothing comes back to Eva");
    steady.wait_for_more(50);
    assert!(program.stop().await.success());
    // Neither does an orderly stop end anybody's tunnel.
    steady.wait_for_more(50);
    let (sent, lost) = steady.end();
    assert_eq!(lost, 0, "Luis lost {lost} of {sent} packets");
}

/// The second server's own addresses in its pool for trials.
const INSIDE_TWO: [&str; 2] = ["10.78.64.1", "fd77:7570:6970:5::1"];

#[test]
fn a_moved_service_is_a_tunnel_to_the_other_server_and_its_old_file_is_dead() {
    if cannot_run(&wg_client::PROGRAMS) {
        return;
    }
    let server = Namespace::new();
    let echo = Echo::new(&server);
    server.enter(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(a_move(&server, &echo));
    });
}

/// Settings of two servers on this machine, each an interface with a port and addresses of its own.
fn two_servers(launch: &crate::support::program::Launch, interfaces: [&str; 2]) -> crate::support::program::Launch {
    let pools = [
        ["10.77.64.0/20", "fd77:7570:6970:1::/112", "10.77.0.0/18", "fd77:7570:6970:2::/112"],
        ["10.78.64.0/20", "fd77:7570:6970:5::/112", "10.78.0.0/18", "fd77:7570:6970:6::/112"],
    ];
    let mut launch = launch.clone();
    for (index, (interface, pools)) in interfaces.into_iter().zip(pools).enumerate() {
        let port = (51_820 + index).to_string();
        let settings = [
            ("NAME", ["one", "two"][index]),
            ("MODE", "userspace"),
            ("INTERFACE", interface),
            ("LISTEN_PORT", port.as_str()),
            ("ENDPOINT", SERVER),
            ("POOLS__0__PURPOSE", "trial"),
            ("POOLS__0__V4", pools[0]),
            ("POOLS__0__V6", pools[1]),
            ("POOLS__1__PURPOSE", "paid"),
            ("POOLS__1__V4", pools[2]),
            ("POOLS__1__V6", pools[3]),
        ];
        for (name, value) in settings {
            launch = launch.with(&format!("USIPIPO_NODES__{index}__{name}"), value);
        }
    }
    launch
}

async fn a_move(server: &Namespace, echo: &Echo) {
    let mut world = World::new().await;
    let interfaces = [unique("s"), unique("s")];
    let _cleanup = interfaces.clone().map(Cleanup);
    world.launch = two_servers(&world.launch, interfaces.each_ref().map(String::as_str));
    let _program = world.program().await;
    let ana = world.person_speaking(1001, "Ana", "en").await;
    let old_file = ana.take_trial().await;
    // Either server is as good as the other when nobody is on them.
    let on_one = old_file.contains(&format!("Endpoint = {SERVER}:51820"));
    let (old_inside, new_inside) = if on_one { (INSIDE, INSIDE_TWO) } else { (INSIDE_TWO, INSIDE) };
    let new_port = if on_one { 51_821 } else { 51_820 };
    let (old, _old_client) = device(server, 1, &old_file);
    for inside in old_inside {
        assert!(comes_back(&old, echo.at(inside), CONNECT), "nothing comes back from {inside}");
    }
    let stays = "SELECT name || ' ' || ends_at || ' ' || status AS t FROM services";
    let before = world.database.text(stays).await;

    ana.ask("/vpn", "Your VPNs").await;
    ana.press_data("1card:").await;
    ana.press_data("1mov:").await;
    let rev = ana.press_data("1at:").await;
    let message = ana.wait(rev, "document=.conf").await;
    let new_file = ana.file(&message).await;
    assert!(new_file.contains(&format!("Endpoint = {SERVER}:{new_port}")), "{new_file}");
    crate::support::until("the old key is off its server", async || {
        let left = "SELECT count(*) AS n FROM peers WHERE removed_at IS NULL";
        (world.database.number(left).await == 1).then_some(())
    })
    .await;
    for inside in old_inside {
        assert!(is_silent(&old, echo.at(inside)), "the old file still works");
    }
    let (new, _new_client) = device(server, 2, &new_file);
    for inside in new_inside {
        assert!(comes_back(&new, echo.at(inside), CONNECT), "nothing comes back from {inside}");
    }
    assert_eq!(world.database.text(stays).await, before);
}
