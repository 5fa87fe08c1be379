//! `usipipo wg-device --interface NAME`: WireGuard in userspace, in a process that carries packets and does nothing else.
//!
//! It owns the interface: when it ends, the interface goes. It ends on SIGTERM or SIGINT, when the interface or its socket
//! is deleted, and by itself when the library behind it panics or stands still, so that whoever steers it can start it
//! anew instead of waiting for ever. Its settings and peers come over the UAPI socket and live in memory only.

use crate::wireguard::link_exists;
use defguard_boringtun::device::{DeviceConfig, DeviceHandle};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

mod lock;
mod log;
mod watchdog;

/// Where the library puts its sockets; it cannot be changed.
const RUN_DIR: &str = "/var/run/wireguard";
/// Bytes of an interface's name in Linux.
const NAME_BYTES_MAX: usize = 15;
/// How long the interface and the lock of one that just ended may linger.
const LINGER: Duration = Duration::from_secs(3);
/// Between two looks at them.
const POLL: Duration = Duration::from_millis(20);
/// More threads than this only fight for the device's lock.
const THREADS_MAX: usize = 4;
/// One thread may be busy with a request while the other carries packets.
const THREADS_MIN: usize = 2;
/// The kernel kills others first: every tunnel hangs on this process, and it is small.
const OOM_SCORE: &str = "-500";
/// Exit status after a panic or a standstill (`EX_SOFTWARE` of sysexits).
const EXIT_BROKEN: i32 = 70;

/// Why the device does not run.
#[derive(Debug, thiserror::Error)]
pub enum WgDeviceError {
    /// Not a name for an interface.
    #[error("{0:?} is no name for a network interface: use 1 to 15 letters, digits, '-', '_' and '.', not only digits")]
    Name(String),
    /// The directory of sockets cannot be used.
    #[error(
        "{path} cannot be used: {cause}; run as root, or let the service manager create it (RuntimeDirectory=wireguard)"
    )]
    Directory {
        /// What was tried.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// Another process carries the interface.
    #[error("{0} is carried by another wg-device already; nothing to do")]
    Running(String),
    /// There is such an interface and it is not ours.
    #[error(
        "there is an interface {0} already and it belongs to another program: choose another name, or delete it with `ip link delete {0}`"
    )]
    Taken(String),
    /// No TUN device.
    #[error(
        "/dev/net/tun cannot be opened: {0}; load the module (`modprobe tun`), or in a container pass the device (--device /dev/net/tun)"
    )]
    NoTun(io::Error),
    /// No privilege.
    #[error(
        "the privilege CAP_NET_ADMIN is missing: run as root, or give it to the service (AmbientCapabilities=CAP_NET_ADMIN)"
    )]
    Privilege,
    /// The library refused.
    #[error("WireGuard does not start: {0}")]
    Device(String),
}

/// Runs the device until it is ended. Call it early in `main`, before any thread was started and without a runtime: signals
/// are blocked for the threads that come after.
///
/// # Errors
/// [`WgDeviceError`] says why it did not start; the text is in the log as well, for a starter that cannot see the terminal.
pub fn run(interface: &str) -> Result<(), WgDeviceError> {
    check_name(interface)?;
    let _lock = prepare(interface)?;
    log::start(log_path(interface));
    let outcome = carry(interface);
    match &outcome {
        Ok(()) => tracing::info!(interface, "ended"),
        Err(error) => tracing::error!(interface, "{error}"),
    }
    outcome
}

/// Whether a process carries this interface, or is about to.
#[must_use]
pub fn is_running(interface: &str) -> bool {
    lock::is_held(&lock_path(interface))
}

/// Ends the process that carries this interface, and the interface with it: for the demo, which leaves nothing behind. Waits
/// until it has ended, a few seconds at most; one that does not run is fine.
pub fn end(interface: &str) {
    let _ = fs::remove_file(Path::new(RUN_DIR).join(format!("{interface}.sock")));
    let begin = Instant::now();
    while is_running(interface) && begin.elapsed() < LINGER {
        thread::sleep(POLL);
    }
}

/// The last line of its log.
#[must_use]
pub fn last_words(interface: &str) -> Option<String> {
    log::last_line(&log_path(interface))
}

fn lock_path(interface: &str) -> PathBuf {
    Path::new(RUN_DIR).join(format!("{interface}.lock"))
}

fn log_path(interface: &str) -> PathBuf {
    Path::new(RUN_DIR).join(format!("{interface}.log"))
}

/// The library takes a number for an open file, so a name of digits will not do.
fn check_name(interface: &str) -> Result<(), WgDeviceError> {
    let fits = (1..=NAME_BYTES_MAX).contains(&interface.len())
        && !matches!(interface, "." | "..")
        && interface.parse::<i32>().is_err()
        && interface.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if fits { Ok(()) } else { Err(WgDeviceError::Name(interface.to_owned())) }
}

fn prepare(interface: &str) -> Result<lock::Lock, WgDeviceError> {
    // A session of its own, so that neither Ctrl-C nor the end of the starter's terminal reaches it. Refused to the leader
    // of a group, that is, when a shell started it: then whoever sits there may end it.
    let _ = nix::unistd::setsid();
    // The socket lets anyone who can open it read all keys.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let _ = std::env::set_current_dir("/");
    let _ = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let directory = |cause| WgDeviceError::Directory { path: RUN_DIR.into(), cause };
    fs::create_dir_all(RUN_DIR).map_err(directory)?;
    lock::take(&lock_path(interface), LINGER, POLL)
        .map_err(directory)?
        .ok_or_else(|| WgDeviceError::Running(interface.to_owned()))
}

fn carry(interface: &str) -> Result<(), WgDeviceError> {
    wait_until_free(interface)?;
    std::panic::set_hook(Box::new(|panic| {
        // A thread that dies in the middle leaves the device's lock taken; everything after it would wait for ever.
        tracing::error!("the library panicked, so the process ends: {panic}");
        std::process::exit(EXIT_BROKEN);
    }));
    let mut device = open(interface)?;
    tracing::info!(interface, pid = std::process::id(), "carries packets");
    watchdog::start(Path::new(RUN_DIR).join(format!("{interface}.sock")));
    device.wait();
    Ok(())
}

/// The library would join an interface that exists instead of refusing.
fn wait_until_free(interface: &str) -> Result<(), WgDeviceError> {
    let deadline = Instant::now() + LINGER;
    while link_exists(interface).map_err(|cause| WgDeviceError::Device(cause.to_string()))? {
        if Instant::now() > deadline {
            return Err(WgDeviceError::Taken(interface.to_owned()));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn open(interface: &str) -> Result<DeviceHandle, WgDeviceError> {
    let tun = fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun");
    drop(tun.map_err(WgDeviceError::NoTun)?);
    let config = DeviceConfig {
        n_threads: thread::available_parallelism().map_or(THREADS_MIN, usize::from).clamp(THREADS_MIN, THREADS_MAX),
        // The library asks for a stream socket of UDP, which the kernel refuses, for every packet.
        use_connected_socket: false,
        ..DeviceConfig::default()
    };
    DeviceHandle::new(interface, config).map_err(|error| {
        let text = error.to_string();
        // The library keeps the cause in some variants only.
        if text.contains("os error 1)") { WgDeviceError::Privilege } else { WgDeviceError::Device(text) }
    })
}

#[cfg(test)]
mod tests;
