//! The list of commands that Telegram shows.

use super::KIND;
use crate::env::Env;
use crate::ports::messenger::SendError;
use crate::timer::backoff;
use std::sync::Arc;
use std::time::Duration;

/// First wait before commands are announced again; doubles.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// Longest such wait.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Tells Telegram the commands, until it listens.
pub(super) async fn announce(env: Arc<Env>) {
    let mut wait = None;
    while let Err(error) = env.messenger.announce_commands().await {
        let pause = match &error {
            SendError::RetryAfter(asked) => *asked,
            SendError::Rejected(_) | SendError::Unreachable(_) => {
                tracing::error!(actor = KIND, %error, "Telegram refuses the list of commands");
                return;
            }
            SendError::Unavailable(_) | SendError::Render(_) => backoff(wait, WAIT_MIN, WAIT_MAX),
        };
        tracing::warn!(actor = KIND, %error, ?pause, "the commands could not be announced; trying again");
        wait = Some(pause.min(WAIT_MAX));
        tokio::time::sleep(pause).await;
    }
}
