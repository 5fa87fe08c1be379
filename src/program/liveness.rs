//! Names of processes in the lease of leadership, from which another process on the same machine can tell that one is dead.
//!
//! ```text
//! HOST/BOOT/PIDNS/TIMENS/PID/START/SALT
//! ```
//!
//! A process id says something only to who sees the same ids: on the same boot of the same machine, in the same namespace of
//! process ids. Whether it is still the same process, its start tells, which is counted in the namespace of time. The host's
//! name is there because a copy of a running virtual machine goes on with the boot id of the first.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use usipipo_actors::ports::liveness::Liveness;

/// In place of a namespace's number where the kernel has no such namespaces.
const NO_NAMESPACE: u64 = 0;
/// `num_threads` of `proc_pid_stat(5)`, counted after the name of the command (field 20 of all).
const THREADS_FIELD: usize = 17;
/// `starttime` of `proc_pid_stat(5)`, in clock ticks since the boot, counted likewise (field 22).
const START_FIELD: usize = 19;

/// Where process ids mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: String,
    boot: String,
    pid_namespace: u64,
    time_namespace: u64,
}

impl Place {
    /// `None` when `/proc` does not tell, or shows the ids of another namespace than ours.
    fn here() -> Option<Self> {
        // A single id: `/proc` is of the namespace that we live in (proc_pid_status(5), Linux 4.1).
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let seen = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
        if seen.trim() != std::process::id().to_string() {
            return None;
        }
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let time_namespace = match fs::metadata("/proc/self/ns/time") {
            Ok(namespace) => namespace.ino(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => NO_NAMESPACE,
            Err(_) => return None,
        };
        let pid_namespace = fs::metadata("/proc/self/ns/pid").ok()?.ino();
        (!boot.is_empty()).then(|| Self { host: host(), boot, pid_namespace, time_namespace })
    }
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// A process of one place.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    place: Place,
    pid: Pid,
    /// When it was started, in clock ticks.
    start: u64,
}

impl Named {
    /// `None` for names that do not say all this.
    fn parse(holder: &str) -> Option<Self> {
        // From the end: nothing else may hold a slash, and who knows about hosts.
        let mut parts = holder.rsplitn(7, '/');
        let _salt = parts.next()?;
        let start = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok().filter(|pid| *pid > 0).map(Pid::from_raw)?;
        let time_namespace = parts.next()?.parse().ok()?;
        let pid_namespace = parts.next()?.parse().ok()?;
        let boot = parts.next()?.to_owned();
        let host = parts.next()?.to_owned();
        Some(Self { place: Place { host, boot, pid_namespace, time_namespace }, pid, start })
    }
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    threads: u64,
    start: u64,
}

impl Stat {
    fn of(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // The command's name stands in parentheses and may contain anything, parentheses too.
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field)?.parse().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            threads: number(THREADS_FIELD)?,
            start: number(START_FIELD)?,
        })
    }

    /// Only its status is left for its parent. Its first thread may be gone before others are.
    const fn is_over(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }
}

/// This machine's processes, as this process sees them.
#[derive(Debug, Clone)]
pub(super) struct Machine(Option<Place>);

impl Machine {
    pub(super) fn here() -> Self {
        Self(Place::here())
    }

    /// Names this process and no other, ever.
    pub(super) fn own_name(&self) -> String {
        let mut salt = [0; 4];
        // Without random bytes the rest has to do; it differs between processes that live at the same time.
        let _ = getrandom::fill(&mut salt);
        let salt = format!("{:08x}", u32::from_be_bytes(salt));
        let pid = Pid::this();
        match self.name_of(pid) {
            Some(name) => format!("{name}/{salt}"),
            // Others then wait until the lease is over.
            None => format!("{}/{pid}/{salt}", host()),
        }
    }

    /// Without the salt; `None` when its start is not known or would say nothing.
    fn name_of(&self, pid: Pid) -> Option<String> {
        let Place { host, boot, pid_namespace, time_namespace } = self.0.as_ref()?;
        let start = Stat::of(pid)?.start;
        Some(format!("{host}/{boot}/{pid_namespace}/{time_namespace}/{pid}/{start}"))
    }
}

impl Liveness for Machine {
    fn is_surely_dead(&self, holder: &str) -> bool {
        let (Some(here), Some(named)) = (&self.0, Named::parse(holder)) else { return false };
        if *here != named.place {
            return false;
        }
        // Not by /proc alone: it may hide the processes of other users (`hidepid`, systemd's `ProtectProc=`).
        match kill(named.pid, None) {
            Err(Errno::ESRCH) => true,
            Ok(()) | Err(Errno::EPERM) => {
                Stat::of(named.pid).is_some_and(|stat| stat.start != named.start || stat.is_over())
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
