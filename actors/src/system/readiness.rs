//! What must be right before this process can serve.

use crate::env::Env;
use crate::leader::Role;
use std::time::Duration;

/// Longest wait for the database's answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Name, whether it is right, and why not or what was seen.
pub(super) async fn look(env: &Env, role: Role, polls: bool) -> Vec<(String, bool, String)> {
    let mut checks = vec![database(env).await, leadership(role)];
    let directory = &env.directory;
    let mut actors = vec![("inbox", directory.inbox.is_up())];
    if matches!(role, Role::Leader(_)) {
        actors.extend([
            ("outbox", directory.outbox.is_up()),
            ("router", directory.router.is_up()),
            ("committer", directory.committer.is_up()),
        ]);
        if polls {
            actors.push(("poller", directory.poller.is_up()));
        }
    }
    checks.extend(actors.into_iter().map(|(name, up)| {
        let reason = if up { "works" } else { "is being started" };
        (name.to_owned(), up, reason.to_owned())
    }));
    checks
}

async fn database(env: &Env) -> (String, bool, String) {
    let (ok, reason) = match tokio::time::timeout(PING_TIMEOUT, env.store.ping()).await {
        Ok(Ok(())) => (true, "answers".to_owned()),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_) => (false, format!("does not answer within {} s", PING_TIMEOUT.as_secs())),
    };
    ("database".to_owned(), ok, reason)
}

fn leadership(role: Role) -> (String, bool, String) {
    let (ok, reason) = match role {
        Role::Starting => (false, "it is not known yet who leads".to_owned()),
        Role::Leader(epoch) => (true, format!("this process leads in epoch {}", epoch.0)),
        Role::Standby => (true, "another process leads; this one stands by".to_owned()),
        Role::Stopping => (false, "this process is stopping".to_owned()),
    };
    ("leadership".to_owned(), ok, reason)
}
