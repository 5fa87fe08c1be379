//! Makes the cluster, and its configuration.

use super::ROLE;
use super::account::Account;
use super::binaries::{self, Binaries};
use super::diagnose;
use super::error::PostgresError;
use super::layout::Layout;
use nix::sys::statvfs::statvfs;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;

/// A new cluster takes about 60 MB.
const FREE_BYTES_MIN: u64 = 128 * 1024 * 1024;
/// Connections kept for a second process's start, administrators and PostgreSQL's own reserve.
const SPARE_CONNECTIONS: u32 = 12;

/// Finds the programs that fit the data, and makes the data if there are none. Under the start lock.
pub(super) async fn ensure(layout: &Layout, account: &Account) -> Result<Binaries, PostgresError> {
    let data = layout.data();
    if data.exists() {
        let owner = fs::metadata(&data).map_err(|cause| PostgresError::directory(&data, cause))?.uid();
        if owner != account.uid.as_raw() {
            return Err(PostgresError::WrongOwner { path: data, user: account.name.clone() });
        }
        let text = fs::read_to_string(data.join("PG_VERSION"))
            .map_err(|cause| PostgresError::directory(data.join("PG_VERSION"), cause))?;
        let bad = || PostgresError::directory(data.join("PG_VERSION"), io::Error::other("it holds no version"));
        let major = text.trim().parse().map_err(|_| bad())?;
        return binaries::choose(binaries::installed(), Some((major, &data)));
    }
    let binaries = binaries::choose(binaries::installed(), None)?;
    make(layout, account, &binaries).await?;
    Ok(binaries)
}

async fn make(layout: &Layout, account: &Account, binaries: &Binaries) -> Result<(), PostgresError> {
    let free = statvfs(&layout.base).map(|stat| stat.blocks_available() * stat.fragment_size()).unwrap_or(u64::MAX);
    if free < FREE_BYTES_MIN {
        return Err(PostgresError::DiskFull { path: layout.data() });
    }
    tracing::info!(path = %layout.data().display(), major = binaries.major, "making the private database");
    // A start that died half-way leaves this behind; nothing was kept there yet.
    let new = layout.base.join("data.new");
    let wrong = |cause| PostgresError::directory(&new, cause);
    match fs::remove_dir_all(&new) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(wrong(cause)),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&new).map_err(wrong)?;
    account.give(&new)?;
    let mut initdb = account.command(&binaries.program("initdb"));
    initdb.arg("-D").arg(&new).args(["-U", ROLE, "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]);
    initdb.args(["--auth=reject", "--no-instructions"]);
    let output = initdb.output().await.map_err(|cause| become_failure(account, cause))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let error = diagnose::init_failure(&String::from_utf8_lossy(&said), layout, account);
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    make_database(layout, account, binaries, &new).await?;
    fs::rename(&new, layout.data()).map_err(wrong)?;
    File::open(&layout.base).and_then(|directory| directory.sync_all()).map_err(wrong)
}

/// Single-user mode: the database exists before anything can connect.
async fn make_database(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    new: &Path,
) -> Result<(), PostgresError> {
    let mut single = account.command(&binaries.program("postgres"));
    single.args(["--single", "-j", "-D"]).arg(new).arg("template1");
    single.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |reason: String| PostgresError::NotMade { reason };
    let mut child = single.spawn().map_err(|cause| become_failure(account, cause))?;
    if let Some(mut stdin) = child.stdin.take() {
        let sql = format!("CREATE DATABASE {ROLE};\n\n");
        stdin.write_all(sql.as_bytes()).await.map_err(|cause| failed(cause.to_string()))?;
    }
    let output = child.wait_with_output().await.map_err(|cause| failed(cause.to_string()))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() && !said.contains("ERROR:") {
        Ok(())
    } else {
        Err(diagnose::init_failure(&said, layout, account))
    }
}

pub(super) fn become_failure(account: &Account, cause: io::Error) -> PostgresError {
    if account.is_other() && cause.kind() == io::ErrorKind::PermissionDenied {
        PostgresError::CannotBecome { user: account.name.clone(), cause }
    } else {
        PostgresError::NotMade { reason: cause.to_string() }
    }
}

/// Writes the configuration. The directory is ours, not the server's, so that a server that went wrong cannot change who
/// may connect. `ALTER SYSTEM` still works: its file lies with the data and wins.
pub(super) fn configure(layout: &Layout, account: &Account, max_connections: u32) -> Result<(), PostgresError> {
    let own = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name);
    let mut users = vec![account.name.clone()];
    users.extend(own.filter(|own| *own != account.name));
    let ident: String = users.iter().map(|user| format!("usipipo {user} {ROLE}\n")).collect();
    let conf = settings(layout, max_connections);
    let files = [
        ("postgresql.conf", conf.as_str()),
        ("pg_hba.conf", "# Written at each start.\nlocal all all peer map=usipipo\n"),
        ("pg_ident.conf", &format!("# Written at each start.\n{ident}")),
    ];
    for (name, text) in files {
        let path = layout.conf().join(name);
        let new = path.with_extension("new");
        // The server is another user and must read them, whatever our umask.
        let readable = fs::Permissions::from_mode(0o644);
        let write = fs::write(&new, text)
            .and_then(|()| fs::set_permissions(&new, readable))
            .and_then(|()| fs::rename(&new, &path));
        write.map_err(|cause| PostgresError::directory(&path, cause))?;
    }
    Ok(())
}

fn settings(layout: &Layout, max_connections: u32) -> String {
    let conf = layout.conf();
    // Two processes may share the server.
    let connections = max_connections * 2 + SPARE_CONNECTIONS;
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "''"));
    let lines = [
        format!("hba_file = {}", quoted(&conf.join("pg_hba.conf"))),
        format!("ident_file = {}", quoted(&conf.join("pg_ident.conf"))),
        "listen_addresses = ''".to_owned(),
        "port = 5432".to_owned(),
        format!("unix_socket_directories = {}", quoted(&layout.socket_dir)),
        "unix_socket_permissions = 0700".to_owned(),
        format!("max_connections = {connections}"),
        "# A small machine.".to_owned(),
        "shared_buffers = 128MB".to_owned(),
        "effective_cache_size = 512MB".to_owned(),
        "maintenance_work_mem = 64MB".to_owned(),
        "max_wal_size = 512MB".to_owned(),
        "wal_compression = on".to_owned(),
        "checkpoint_timeout = 15min".to_owned(),
        "random_page_cost = 1.1".to_owned(),
        "jit = off".to_owned(),
        "max_parallel_workers_per_gather = 0".to_owned(),
        "# What was answered to a user must survive a power cut.".to_owned(),
        "fsync = on".to_owned(),
        "synchronous_commit = on".to_owned(),
        "full_page_writes = on".to_owned(),
        "idle_in_transaction_session_timeout = '60s'".to_owned(),
        "timezone = 'UTC'".to_owned(),
        "lc_messages = 'C'".to_owned(),
        "# A file for each day of the week; no values of rows or parameters, they are people's.".to_owned(),
        "logging_collector = on".to_owned(),
        format!("log_directory = {}", quoted(&layout.log())),
        "log_filename = 'postgresql-%a.log'".to_owned(),
        "log_truncate_on_rotation = on".to_owned(),
        "log_rotation_age = '1d'".to_owned(),
        "log_rotation_size = 0".to_owned(),
        "log_timezone = 'UTC'".to_owned(),
        "log_error_verbosity = terse".to_owned(),
        "log_parameter_max_length = 0".to_owned(),
        "log_parameter_max_length_on_error = 0".to_owned(),
    ];
    format!("# Written at each start; change settings with ALTER SYSTEM.\n{}\n", lines.join("\n"))
}
