//! B8: a server with 5,000 peers, against the library alone. In a network namespace of its own, which needs root.

use super::{figure, say};
use defguard_wireguard_rs::key::Key;
use defguard_wireguard_rs::net::IpAddrMask;
use defguard_wireguard_rs::peer::Peer;
use defguard_wireguard_rs::{InterfaceConfiguration, Userspace, WGApi, WireguardInterfaceApi as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;
use usipipo::wireguard::{Launcher, UserspaceDriver};
use usipipo_actors::domain::wg::{InterfaceSpec, PeerSpec, PresharedKey, PrivateKey};
use usipipo_actors::ports::driver::VpnDriver as _;

const PEERS: u32 = 5_000;
const SINGLES: u32 = 100;
const READS: usize = 10;

pub(crate) fn run() {
    if !nix::unistd::geteuid().is_root() {
        say("B8 is left out: it needs root, for a network namespace and a WireGuard interface");
        return;
    }
    say(&format!("B8: {PEERS} peers in userspace, ours and the library alone, in turn"));
    let own = std::env::current_exe().unwrap();
    for worker in ["wg-library", "wg-ours"] {
        let status = Command::new("unshare").arg("--net").arg(&own).arg(worker).status().unwrap();
        assert!(status.success(), "{worker} failed");
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

pub(crate) fn library() -> ExitCode {
    let name = format!("wgb{}", std::process::id());
    let mut api = WGApi::<Userspace>::new(name.clone()).unwrap();
    api.create_interface().unwrap();
    let peer = |n: u32| {
        let mut peer = Peer::new(Key::generate().public_key());
        let address = std::net::Ipv4Addr::from(0x0a50_0002 + n);
        peer.allowed_ips.push(IpAddrMask::new(address.into(), 32));
        peer.preshared_key = Some(Key::generate());
        peer
    };
    let configuration = InterfaceConfiguration {
        name,
        prvkey: Key::generate().to_string(),
        addresses: vec![IpAddrMask::new(std::net::Ipv4Addr::new(10, 80, 0, 1).into(), 16)],
        port: 0,
        peers: (0..PEERS).map(peer).collect(),
        mtu: None,
        fwmark: None,
    };
    let begin = Instant::now();
    api.configure_interface(&configuration).unwrap();
    figure("B8.library_bulk_s", format!("{:.2}", begin.elapsed().as_secs_f64()));
    let begin = Instant::now();
    for n in 0..SINGLES {
        api.configure_peer(&peer(PEERS + n)).unwrap();
    }
    figure("B8.library_add_ms", format!("{:.2}", begin.elapsed().as_secs_f64() * 1e3 / f64::from(SINGLES)));
    let reads = (0..READS).map(|_| {
        let begin = Instant::now();
        assert!(api.read_interface_data().unwrap().peers.len() >= PEERS as usize);
        begin.elapsed().as_secs_f64()
    });
    figure("B8.library_read_ms", format!("{:.0}", median(reads.collect()) * 1e3));
    // It also wants to reset the name servers, which fails on a machine without resolvconf; the namespace goes anyway.
    let _ = api.remove_interface();
    ExitCode::SUCCESS
}

pub(crate) fn ours() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let name = format!("wgc{}", std::process::id());
        let driver = UserspaceDriver::new(&name, Launcher::new(PathBuf::from(env!("CARGO_BIN_EXE_usipipo"))));
        let spec = InterfaceSpec {
            name: name.clone(),
            private_key: PrivateKey::from_random(random()),
            listen_port: 51_899,
            addresses: vec!["10.80.0.1/16".parse().unwrap(), "fd80::1/112".parse().unwrap()],
            mtu: 1420,
        };
        let peer = |n: u32| PeerSpec {
            public_key: PrivateKey::from_random(random()).public_key(),
            preshared_key: Some(PresharedKey::from_random(random())),
            allowed_ips: vec![
                format!("{}/32", std::net::Ipv4Addr::from(0x0a50_0002 + n)).parse().unwrap(),
                format!("fd80::{:x}/128", n + 2).parse().unwrap(),
            ],
        };
        driver.ensure_interface(&spec).await.unwrap();
        let peers: Vec<PeerSpec> = (0..PEERS).map(peer).collect();
        // As the node's actor does after a restart of the server: it reads, then puts what is missing.
        let begin = Instant::now();
        assert!(driver.peers().await.unwrap().is_empty());
        driver.put_peers(&peers).await.unwrap();
        figure("B8.reconcile_s", format!("{:.2}", begin.elapsed().as_secs_f64()));
        let begin = Instant::now();
        for n in 0..SINGLES {
            driver.put_peer(&peer(PEERS + n)).await.unwrap();
        }
        figure("B8.add_ms", format!("{:.2}", begin.elapsed().as_secs_f64() * 1e3 / f64::from(SINGLES)));
        let mut reads = Vec::new();
        for _ in 0..READS {
            let begin = Instant::now();
            assert!(driver.peers().await.unwrap().len() >= PEERS as usize);
            reads.push(begin.elapsed().as_secs_f64());
        }
        figure("B8.read_ms", format!("{:.0}", median(reads) * 1e3));
        usipipo::wg_device::end(&name);
    });
    ExitCode::SUCCESS
}
