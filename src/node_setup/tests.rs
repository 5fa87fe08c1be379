#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::config::{NodeMode, PoolPurpose, PoolSettings};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn node(interface: &str, pools: &[(&str, &str)]) -> NodeSettings {
    let pool =
        |(v4, v6): &(&str, &str)| PoolSettings { purpose: PoolPurpose::Paid, v4: v4.parse().ok(), v6: v6.parse().ok() };
    NodeSettings {
        name: interface.to_owned(),
        place: String::new(),
        country: String::new(),
        interface: interface.to_owned(),
        listen_port: 51820,
        endpoint: "127.0.0.1:51820".to_owned(),
        mode: NodeMode::Auto,
        dns: Vec::new(),
        mtu: 1420,
        exclusive: false,
        pools: pools.iter().map(pool).collect(),
    }
}

fn local() -> Vec<NodeSettings> {
    vec![node("wg-usipipo", &[("10.77.64.0/20", "fd77:7570:6970:1::/112"), ("10.77.0.0/18", "fd77:7570:6970:2::/112")])]
}

/// A machine in a folder: `nft` keeps what it is fed, kernel settings are files.
struct Pretend {
    directory: tempfile::TempDir,
    places: Places,
}

impl Pretend {
    fn new(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for (key, value) in settings {
            let path = at("sys").join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{value}\n")).unwrap();
        }
        let places = Places {
            proc_sys: at("sys"),
            sysctl_file: at("etc/60-usipipo.conf"),
            state_file: at("data/node-setup.json"),
            nft: at("nft"),
        };
        let pretend = Self { directory, places };
        pretend.nft("cat >> \"$0.fed\"");
        pretend
    }

    fn nft(&self, body: &str) {
        fs::write(&self.places.nft, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&self.places.nft, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn fed(&self) -> String {
        fs::read_to_string(self.directory.path().join("nft.fed")).unwrap_or_default()
    }

    fn setting(&self, key: &str) -> String {
        fs::read_to_string(self.places.proc_sys.join(key)).unwrap().trim().to_owned()
    }
}

const FORWARD_V4: &str = "net/ipv4/ip_forward";
const FORWARD_V6: &str = "net/ipv6/conf/all/forwarding";

#[test]
fn the_plan_hides_private_pools_and_forwards_both_versions_of_ip() {
    let plan = plan(&local(), &Machine::default());
    assert_eq!(
        plan.firewall,
        "add table inet usipipo
delete table inet usipipo
table inet usipipo {
\tset clients_v4 {
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 10.77.64.0/20, 10.77.0.0/18 }
\t}

\tset clients_v6 {
\t\ttype ipv6_addr
\t\tflags interval
\t\telements = { fd77:7570:6970:1::/112, fd77:7570:6970:2::/112 }
\t}

\tchain postrouting {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr @clients_v4 oifname != { \"wg-usipipo\" } masquerade
\t\tip6 saddr @clients_v6 oifname != { \"wg-usipipo\" } masquerade
\t}
}
"
    );
    let keys: Vec<&str> = plan.sysctls.iter().map(|sysctl| sysctl.key.as_str()).collect();
    assert_eq!(keys, [FORWARD_V4, FORWARD_V6]);
    assert!(plan.notes.is_empty());
}

#[test]
fn public_prefixes_are_routed_not_hidden_and_nodes_without_tunnels_are_left_out() {
    let nodes = [
        node("wg0", &[("203.0.113.0/24", "2001:db8:7::/64"), ("100.64.8.0/22", "")]),
        NodeSettings { mode: NodeMode::ConfigOnly, ..node("wg1", &[("10.1.0.0/16", "")]) },
    ];
    let plan = plan(&nodes, &Machine::default());
    assert!(
        plan.firewall.contains("elements = { 100.64.8.0/22 }") && !plan.firewall.contains("ip6 saddr"),
        "{}",
        plan.firewall
    );
    assert!(!plan.firewall.contains("10.1.0.0") && !plan.firewall.contains("wg1"), "{}", plan.firewall);
    assert_eq!(plan.notes.len(), 2);
    assert_eq!(plan.sysctls.len(), 2, "public prefixes are forwarded as well");
}

#[test]
fn an_advertised_default_route_survives_forwarding() {
    let routes = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000000 00000400 00000001 00000000 00450003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000000 00000400 00000001 00000000 00450003     eth1
fd770000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00040001     eth2
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000000 00000400 00000001 00000000 00000003     eth3
short line
";
    let pretend = Pretend::new(&[
        ("net/ipv6/conf/eth0/accept_ra", "1"),
        ("net/ipv6/conf/eth1/accept_ra", "2"),
        ("net/ipv6/conf/eth2/accept_ra", "1"),
        ("net/ipv6/conf/eth3/accept_ra", "1"),
    ]);
    let machine = Machine::of(routes, &pretend.places.proc_sys);
    assert_eq!(machine.advertised, ["eth0"]);
    let keys: Vec<String> = plan(&local(), &machine).sysctls.into_iter().map(|sysctl| sysctl.key).collect();
    assert_eq!(keys, [FORWARD_V4, "net/ipv6/conf/eth0/accept_ra", FORWARD_V6], "before forwarding is on");
}

#[test]
fn applying_twice_changes_nothing_more_and_undo_restores_what_was() {
    let pretend = Pretend::new(&[(FORWARD_V4, "0"), (FORWARD_V6, "0"), ("net/ipv6/conf/eth0/accept_ra", "1")]);
    let plan = plan(&local(), &Machine { advertised: vec!["eth0".to_owned()] });
    let changes = apply(&plan, true, &pretend.places).unwrap();
    assert_eq!(changes.len(), 5, "{changes:?}");
    assert_eq!([pretend.setting(FORWARD_V4), pretend.setting(FORWARD_V6)], ["1", "1"]);
    assert_eq!(pretend.setting("net/ipv6/conf/eth0/accept_ra"), "2");
    assert_eq!(pretend.fed(), plan.firewall);
    let kept = fs::read_to_string(&pretend.places.sysctl_file).unwrap();
    assert!(
        kept.contains("\nnet.ipv4.ip_forward = 1\n") && kept.contains("\nnet.ipv6.conf.eth0.accept_ra = 2\n"),
        "{kept}"
    );

    assert_eq!(apply(&plan, true, &pretend.places).unwrap(), [Change::TableSet]);

    let changes = undo(&pretend.places).unwrap();
    assert_eq!(changes.len(), 5, "{changes:?}");
    assert_eq!([pretend.setting(FORWARD_V4), pretend.setting(FORWARD_V6)], ["0", "0"]);
    assert_eq!(pretend.setting("net/ipv6/conf/eth0/accept_ra"), "1");
    assert!(pretend.fed().ends_with("add table inet usipipo\ndelete table inet usipipo\n"));
    assert!(!pretend.places.sysctl_file.exists() && !pretend.places.state_file.exists());
    assert_eq!(undo(&pretend.places).unwrap(), [Change::TableRemoved]);
}

#[test]
fn undo_leaves_alone_what_was_so_before_us_or_was_changed_after_us() {
    let pretend = Pretend::new(&[(FORWARD_V4, "1"), (FORWARD_V6, "0")]);
    apply(&plan(&local(), &Machine::default()), false, &pretend.places).unwrap();
    fs::write(pretend.places.proc_sys.join(FORWARD_V6), "2").unwrap();
    fs::create_dir_all(pretend.places.sysctl_file.parent().unwrap()).unwrap();
    fs::write(&pretend.places.sysctl_file, "# somebody else's\n").unwrap();
    let changes = undo(&pretend.places).unwrap();
    assert_eq!(
        changes,
        [Change::TableRemoved, Change::Left("net.ipv6.conf.all.forwarding".to_owned(), "2".to_owned())]
    );
    assert_eq!([pretend.setting(FORWARD_V4), pretend.setting(FORWARD_V6)], ["1", "2"]);
    assert!(pretend.places.sysctl_file.exists());
}

#[test]
fn a_run_that_failed_half_way_is_still_undone_to_the_first_value() {
    let pretend = Pretend::new(&[(FORWARD_V4, "0"), (FORWARD_V6, "0")]);
    let plan = plan(&local(), &Machine::default());
    pretend.nft("exit 1");
    apply(&plan, false, &pretend.places).unwrap_err();
    pretend.nft("cat >> \"$0.fed\"");
    apply(&plan, false, &pretend.places).unwrap();
    undo(&pretend.places).unwrap();
    assert_eq!(pretend.setting(FORWARD_V4), "0");
}

#[test]
fn without_nft_nothing_is_changed_and_the_package_is_named() {
    let pretend = Pretend::new(&[(FORWARD_V4, "0"), (FORWARD_V6, "0")]);
    fs::remove_file(&pretend.places.nft).unwrap();
    let error = apply(&plan(&local(), &Machine::default()), false, &pretend.places).unwrap_err();
    assert!(matches!(error, NodeSetupError::NoNft) && error.to_string().contains("package nftables"), "{error}");
    assert_eq!(pretend.setting(FORWARD_V4), "0");
}

#[test]
fn what_nft_complains_about_is_passed_on() {
    let pretend = Pretend::new(&[(FORWARD_V4, "1"), (FORWARD_V6, "1")]);
    pretend.nft("echo 'Error: Could not process rule: No such file or directory' >&2; exit 1");
    let error = apply(&plan(&local(), &Machine::default()), false, &pretend.places).unwrap_err();
    assert!(matches!(&error, NodeSetupError::Nft(text) if text.contains("Could not process rule")), "{error}");
    pretend.nft("echo 'Error: Operation not permitted (you must be root)' >&2; exit 1");
    let error = undo(&pretend.places).unwrap_err();
    assert!(error.to_string().contains("as root"), "{error}");
}

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let pretend = Pretend::new(&[(FORWARD_V4, "0"), (FORWARD_V6, "0")]);
    let text = dry_run(&local(), &Machine::default(), true, &pretend.places);
    for part in ["set net.ipv4.ip_forward = 1", "set net.ipv6.conf.all.forwarding = 1", "60-usipipo.conf", "masquerade"]
    {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!((pretend.setting(FORWARD_V4), pretend.fed()), ("0".to_owned(), String::new()));
    assert!(!pretend.places.state_file.exists());
}

#[test]
fn a_damaged_memory_is_not_overwritten() {
    let pretend = Pretend::new(&[(FORWARD_V4, "0"), (FORWARD_V6, "0")]);
    fs::create_dir_all(pretend.places.state_file.parent().unwrap()).unwrap();
    fs::write(&pretend.places.state_file, "{").unwrap();
    let error = apply(&plan(&local(), &Machine::default()), false, &pretend.places).unwrap_err();
    assert!(matches!(error, NodeSetupError::State { .. }), "{error}");
    assert_eq!(pretend.setting(FORWARD_V4), "0");
}
