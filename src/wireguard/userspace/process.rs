//! Starts `usipipo wg-device`.

use super::super::uapi::{Uapi, UapiError};
use crate::wg_device;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use usipipo_actors::ports::driver::DriverError;

/// It takes a few milliseconds; a busy machine may need longer.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks at a socket that is not there yet.
const POLL: Duration = Duration::from_millis(5);

/// How `wg-device` is started.
#[derive(Debug, Clone)]
pub struct Launcher {
    program: PathBuf,
}

impl Launcher {
    /// Starts this program.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn this_program() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        // After an update the path that we were started from is gone or holds something newer; what we are is still there.
        Ok(Self { program: if program.exists() { program } else { PathBuf::from("/proc/self/exe") } })
    }

    /// Starts another one that knows `wg-device --interface NAME`.
    #[must_use]
    pub const fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Starts it and waits until it answers.
    pub(super) async fn start(&self, interface: &str, uapi: &Uapi) -> Result<(), DriverError> {
        let deadline = Instant::now() + START_TIMEOUT;
        let mut child = None;
        loop {
            match uapi.device().await {
                Ok(_) => {
                    if child.is_some() {
                        tracing::info!(interface, "started WireGuard in a process of its own");
                    }
                    return Ok(());
                }
                Err(UapiError::Absent(_)) => {}
                Err(other) => return Err(other.into()),
            }
            if Instant::now() > deadline {
                let said = wg_device::last_words(interface).unwrap_or_default();
                return Err(DriverError::Unavailable(format!(
                    "`usipipo wg-device --interface {interface}` does not answer {} s after its start; {said}",
                    START_TIMEOUT.as_secs()
                )));
            }
            // One that runs but does not listen yet (another bot started it) or is about to end is waited for.
            if wg_device::is_running(interface) {
                sleep(POLL).await;
                continue;
            }
            match &mut child {
                None => child = Some(self.spawn(interface)?),
                Some(process) => self.look_at(process, interface)?,
            }
            sleep(POLL).await;
        }
    }

    /// Its terminal, environment and directory are not ours: it must outlive us and know none of our secrets.
    fn spawn(&self, interface: &str) -> Result<Child, DriverError> {
        Command::new(&self.program)
            .args(["wg-device", "--interface", interface])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(false)
            .spawn()
            .map_err(|cause| {
                DriverError::Unsupported(format!(
                    "{} cannot be started for {interface}: {cause}",
                    self.program.display()
                ))
            })
    }

    fn look_at(&self, process: &mut Child, interface: &str) -> Result<(), DriverError> {
        match process.try_wait() {
            Ok(Some(status)) => {
                let said = wg_device::last_words(interface).unwrap_or_else(|| "it left no message".to_owned());
                Err(DriverError::Unsupported(format!(
                    "`{} wg-device --interface {interface}` ended with {status}: {said}",
                    self.program.display()
                )))
            }
            _ => Ok(()),
        }
    }
}
