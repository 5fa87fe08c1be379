//! A client that we did not write: Debian's wireguard-go and wg, fed with the file that a user gets.

use super::netns::{Namespace, unique};
use super::tools;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What a test needs to be able to run one.
pub(crate) const PROGRAMS: [&str; 2] = ["wireguard-go", "wg"];

/// Up until it is dropped.
pub(crate) struct WgClient {
    process: Child,
    pub(crate) interface: String,
}

impl WgClient {
    /// Does what `wg-quick up` does with this file, in the namespace.
    pub(crate) fn up(namespace: &Namespace, config: &str) -> Self {
        let interface = unique("c");
        let process = namespace
            .command("wireguard-go")
            .args(["-f", &interface])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = Self { process, interface };
        client.wait_until_it_answers(namespace);

        let of_wg_quick = |line: &&str| ["Address", "DNS", "MTU"].iter().any(|key| line.starts_with(key));
        let (mine, for_wg): (Vec<&str>, Vec<&str>) = config.lines().partition(of_wg_quick);
        let mut wg = namespace
            .command("wg")
            .args(["setconf", &client.interface, "/dev/stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wg.stdin.take().unwrap().write_all(format!("{}\n", for_wg.join("\n")).as_bytes()).unwrap();
        assert!(wg.wait().unwrap().success(), "wg refuses the file");

        let of = |key: &str| {
            let line = mine.iter().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key}"));
            line.trim_start_matches([' ', '=']).to_owned()
        };
        namespace.ip(&format!("link set {} mtu {} up", client.interface, of("MTU")));
        for address in of("Address").split(", ") {
            let nodad = if address.contains(':') { "nodad" } else { "" };
            namespace.ip(&format!("address add {address} dev {} {nodad}", client.interface));
        }
        // The server is on a cable of our own, which has a route of its own.
        namespace.ip(&format!("-4 route add default dev {}", client.interface));
        namespace.ip(&format!("-6 route add default dev {}", client.interface));
        client
    }

    fn wait_until_it_answers(&self, namespace: &Namespace) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !namespace
            .command("wg")
            .args(["show", &self.interface])
            .output()
            .is_ok_and(|output| output.status.success())
        {
            assert!(Instant::now() < deadline, "wireguard-go does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What `wg show` says.
    pub(crate) fn show(&self, namespace: &Namespace) -> String {
        tools::run(namespace.command("wg").args(["show", &self.interface, "dump"]))
    }
}

impl Drop for WgClient {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(format!("/var/run/wireguard/{}.sock", self.interface));
    }
}
