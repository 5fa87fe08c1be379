//! Network namespaces: machines of their own, as far as the network goes.

use super::tools;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A short name that no other test process uses, at most 15 bytes.
pub(crate) fn unique(prefix: &str) -> String {
    let name = format!("{prefix}{}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    assert!(name.len() <= 15, "{name} is too long for an interface");
    name
}

/// Whether such a test cannot run here; says why, loudly. Name the programs that are needed. Whoever says where tools are
/// promises that they are there: then a missing one fails the test.
pub(crate) fn cannot_run(programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs.iter().copied().filter(|program| tools::find(program).is_none()).collect();
    let reason = if !nix::unistd::geteuid().is_root() {
        "it needs root".to_owned()
    } else if File::options().read(true).write(true).open("/dev/net/tun").is_err() {
        "it needs /dev/net/tun".to_owned()
    } else if !missing.is_empty() {
        let reason = format!("it needs {}", missing.join(", "));
        assert!(std::env::var_os("USIPIPO_TOOLS_DIR").is_none(), "{reason}, which USIPIPO_TOOLS_DIR does not hold");
        reason
    } else if Command::new("ip").args(["netns", "list"]).output().is_ok_and(|output| output.status.success()) {
        return false;
    } else {
        "it needs network namespaces (`ip netns`)".to_owned()
    };
    let test = thread::current().name().unwrap_or("?").to_owned();
    eprintln!("\n!!! SKIPPED {test}: {reason} !!!\n");
    true
}

/// Goes away with everything that runs in it.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let namespace = Self { name: unique("us") };
        tools::run(Command::new("ip").args(["netns", "add", &namespace.name]));
        namespace.ip("link set lo up");
        namespace
    }

    /// A command that runs in it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let program = tools::find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// `ip` with these words.
    pub(crate) fn ip(&self, words: &str) -> String {
        tools::run(Command::new("ip").args(["-n", &self.name]).args(words.split_whitespace()))
    }

    /// Runs it in a thread that lives in the namespace. Threads and processes that it starts live there as well.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.join();
                work()
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The same for a future.
    pub(crate) fn block_on<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        self.enter(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work)
        })
    }

    /// Puts the calling thread into it.
    pub(crate) fn join(&self) {
        let file = File::open(format!("/run/netns/{}", self.name)).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// A cable between two, with these addresses at its ends.
    pub(crate) fn connect(&self, ours: [&str; 2], other: &Self, theirs: [&str; 2]) -> (String, String) {
        let (here, there) = (unique("v"), unique("v"));
        self.ip(&format!("link add {here} type veth peer name {there} netns {}", other.name));
        for (namespace, interface, addresses) in [(self, &here, ours), (other, &there, theirs)] {
            for address in addresses {
                let nodad = if address.contains(':') { "nodad" } else { "" };
                namespace.ip(&format!("address add {address} dev {interface} {nodad}"));
            }
            namespace.ip(&format!("link set {interface} up"));
        }
        (here, there)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nobody else starts processes in a namespace of this name.
        if let Ok(output) = Command::new("ip").args(["netns", "pids", &self.name]).output() {
            for pid in String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.trim().parse().ok()) {
                // This process itself is listed while one of its threads is inside.
                if pid != i32::try_from(std::process::id()).unwrap_or(0) {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
        }
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}
