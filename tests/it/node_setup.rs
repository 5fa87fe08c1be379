//! `node setup` on a real kernel with real nftables: a client behind the server reaches a machine that does not know it.

use crate::support::netns::{Namespace, cannot_run};
use crate::support::probe::{Echo, comes_back, is_silent};
use crate::support::tools;
use std::path::Path;
use std::time::Duration;
use usipipo::config::{NodeMode, NodeSettings, PoolPurpose, PoolSettings};
use usipipo::node_setup::{Change, Machine, Places, apply, plan, undo};

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn node(interface: &str) -> NodeSettings {
    NodeSettings {
        name: "local".to_owned(),
        place: String::new(),
        country: String::new(),
        interface: interface.to_owned(),
        listen_port: 51820,
        endpoint: "127.0.0.1:51820".to_owned(),
        mode: NodeMode::Auto,
        dns: Vec::new(),
        mtu: 1420,
        exclusive: false,
        pools: vec![PoolSettings {
            purpose: PoolPurpose::Paid,
            v4: "10.77.0.0/18".parse().ok(),
            v6: "fd77:7570:6970:2::/112".parse().ok(),
        }],
    }
}

/// An unpacked `nft` needs its libraries; a script finds them.
pub(crate) fn places(directory: &Path) -> Places {
    let nft = directory.join("nft");
    let program = tools::find("nft").unwrap();
    let script =
        format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n", tools::library_path(), program.display());
    std::fs::write(&nft, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&nft, executable).unwrap();
    Places { sysctl_file: directory.join("60-usipipo.conf"), nft, ..Places::usual(directory) }
}

#[test]
fn clients_reach_the_world_after_setup_and_not_after_undo() {
    if cannot_run(&["nft"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let places = places(directory.path());
    // The world has no route back to the pools: without NAT no answer finds the client.
    let (client, server, world) = (Namespace::new(), Namespace::new(), Namespace::new());
    let (inside, _) = server.connect(
        ["10.77.0.1/18", "fd77:7570:6970:2::1/112"],
        &client,
        ["10.77.0.2/18", "fd77:7570:6970:2::2/112"],
    );
    server.connect(["203.0.113.1/24", "2001:db8::1/64"], &world, ["203.0.113.2/24", "2001:db8::2/64"]);
    client.ip("route add default via 10.77.0.1");
    client.ip("-6 route add default via fd77:7570:6970:2::1");
    let echo = Echo::new(&world);
    let targets = [echo.at("203.0.113.2"), echo.at("2001:db8::2")];
    assert!(targets.iter().all(|&target| is_silent(&client, target)), "a new machine forwards nothing");

    let nodes = [node(&inside)];
    let changes = server.enter(|| apply(&plan(&nodes, &Machine::look(&places)), true, &places)).unwrap();
    assert_eq!(changes.len(), 4, "{changes:?}");
    for target in targets {
        assert!(comes_back(&client, target, SOON), "{target}");
    }
    let again = server.enter(|| apply(&plan(&nodes, &Machine::look(&places)), true, &places)).unwrap();
    assert_eq!(again, [Change::TableSet]);
    assert!(comes_back(&client, targets[0], SOON), "replacing the table breaks nothing");
    let nft = |words: &[&str]| tools::run(server.command(places.nft.to_str().unwrap()).args(words));
    assert_eq!(nft(&["list", "tables"]).trim(), "table inet usipipo");

    let changes = server.enter(|| undo(&places)).unwrap();
    assert_eq!(changes.len(), 4, "{changes:?}");
    assert_eq!(nft(&["list", "tables"]), "");
    assert!(targets.iter().all(|&target| is_silent(&client, target)), "nothing is forwarded any more");
    assert_eq!(server.enter(|| undo(&places)).unwrap(), [Change::TableRemoved]);
}
