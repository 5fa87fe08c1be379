//! `data_dir/admin.sock`: the running program answers questions of its operator. Only the user who runs it may connect.
//!
//! One request a connection: `tree`, `restart PATH` or `servers` on a line, one line of JSON back.

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use usipipo_actors::supervision::TreeNode;

/// The socket's name in the data directory.
pub const SOCKET: &str = "admin.sock";
/// Longest request, bytes.
const REQUEST_BYTES_MAX: u64 = 256;
/// Longest answer, bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longest time for one request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Connections served at once.
const CONNECTIONS_MAX: usize = 8;

/// The answer to `tree`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeAnswer {
    /// Leader or standby.
    pub role: String,
    /// All actors.
    pub tree: TreeNode,
}

/// The answer to `restart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartAnswer {
    /// Somebody was there and was killed; its supervisor starts it anew.
    pub killed: bool,
}

/// What the program can be asked.
#[async_trait]
pub trait Admin: Send + Sync + 'static {
    /// The actors.
    async fn tree(&self) -> TreeAnswer;

    /// Kills the actor at a path of the tree's names below the root; its supervisor starts it anew, and what it had in hand is
    /// found in the rows.
    async fn restart(&self, path: &str) -> RestartAnswer;

    /// Looks at the rows of servers now, because a command changed them.
    async fn servers(&self);
}

/// Why the program cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody listens.
    #[error(
        "no running program answers at {path}: {cause}; start it with `usipipo run`, or name its settings with --config"
    )]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The answer is none.
    #[error("the program at {path} gave no answer: {cause}; try again, or look at its log")]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The socket cannot be made.
    #[error("{path} cannot be made: {cause}; give the data directory to the user who runs this program")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// The listening socket; removed when dropped.
#[derive(Debug)]
pub struct AdminSocket {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

impl AdminSocket {
    /// Listens in the data directory. If another process answers there already (a standby starts beside the leader), this one
    /// listens under a name with its process id.
    ///
    /// # Errors
    /// [`AdminError::Socket`]
    pub async fn start(data_dir: &Path, admin: Arc<dyn Admin>) -> Result<Self, AdminError> {
        let mut path = data_dir.join(SOCKET);
        if UnixStream::connect(&path).await.is_ok() {
            path = data_dir.join(format!("admin.{}.sock", std::process::id()));
        }
        let wrong = |cause| AdminError::Socket { path: path.clone(), cause };
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(wrong(cause)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(wrong)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(wrong)?;
        let task = tokio::spawn(serve(listener, admin));
        Ok(Self { path, task })
    }
}

async fn serve(listener: UnixListener, admin: Arc<dyn Admin>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let admin = Arc::clone(&admin);
                tokio::spawn(async move {
                    let _permit = permit;
                    // Who does not read the answer does not get it.
                    let _ = tokio::time::timeout(TIMEOUT, answer(stream, admin)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin socket takes no connection");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, admin: Arc<dyn Admin>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(REQUEST_BYTES_MAX)).read_line(&mut line).await?;
    let json = match line.trim() {
        "tree" => serde_json::to_string(&admin.tree().await)?,
        "servers" => {
            admin.servers().await;
            "true".to_owned()
        }
        other => match other.strip_prefix("restart ") {
            Some(path) => serde_json::to_string(&admin.restart(path.trim()).await)?,
            None => r#"{"error":"ask for: tree, restart PATH, servers"}"#.to_owned(),
        },
    };
    write.write_all(json.as_bytes()).await?;
    write.write_all(b"\n").await
}

/// Asks the program whose data directory this is for its actors.
///
/// # Errors
/// [`AdminError::NotRunning`], [`AdminError::NoAnswer`]
pub async fn ask_tree(data_dir: &Path) -> Result<TreeAnswer, AdminError> {
    ask(data_dir, "tree").await
}

/// Asks the program whose data directory this is to start an actor anew.
///
/// # Errors
/// [`AdminError::NotRunning`], [`AdminError::NoAnswer`]
pub async fn ask_restart(data_dir: &Path, actor: &str) -> Result<RestartAnswer, AdminError> {
    ask(data_dir, &format!("restart {actor}")).await
}

/// Tells the program whose data directory this is that its servers changed.
///
/// # Errors
/// [`AdminError::NotRunning`], [`AdminError::NoAnswer`]
pub async fn tell_servers(data_dir: &Path) -> Result<(), AdminError> {
    ask::<bool>(data_dir, "servers").await.map(drop)
}

async fn ask<T: DeserializeOwned>(data_dir: &Path, request: &str) -> Result<T, AdminError> {
    let path = data_dir.join(SOCKET);
    let mut stream =
        UnixStream::connect(&path).await.map_err(|cause| AdminError::NotRunning { path: path.clone(), cause })?;
    let exchange = async {
        stream.write_all(format!("{request}\n").as_bytes()).await?;
        let mut bytes = Vec::new();
        (&mut stream).take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
        io::Result::Ok(bytes)
    };
    let bytes = match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(cause)) => Err(cause.to_string()),
        Err(_) => Err(format!("nothing came within {} s", TIMEOUT.as_secs())),
    };
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|cause| cause.to_string()))
        .map_err(|cause| AdminError::NoAnswer { path, cause })
}
