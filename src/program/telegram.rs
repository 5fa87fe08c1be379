//! Tells Telegram how updates reach us, and checks the token, both with patience: Telegram may be away when we start.

use crate::config::{TelegramMode, TelegramSettings};
use crate::telegram::api::{Api, ApiError};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// First wait after a failure; doubles.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest wait.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Goes on until Telegram has taken it.
pub(super) fn set_up(api: Arc<Api>, settings: TelegramSettings) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut wait = RETRY_MIN;
        loop {
            match attempt(&api, &settings).await {
                Ok(username) => {
                    tracing::info!(bot = username, mode = settings.mode.as_str(), "telegram knows the bot");
                    return;
                }
                Err(error) => {
                    let remedy = match &error {
                        ApiError::Unauthorized(_) => "check telegram.token",
                        ApiError::Refused(_) => "check telegram.webhook_url and telegram.webhook_secret",
                        _ => "trying again",
                    };
                    tracing::warn!(%error, remedy, wait_seconds = wait.as_secs(), "telegram could not be set up");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    })
}

async fn attempt(api: &Api, settings: &TelegramSettings) -> Result<String, ApiError> {
    match (settings.mode, &settings.webhook_url, &settings.webhook_secret) {
        (TelegramMode::Webhook, Some(url), Some(secret)) => api.set_webhook(url, secret).await?,
        // A webhook that was set once keeps updates from being polled.
        _ => api.delete_webhook().await?,
    }
    Ok(api.get_me().await?.username)
}
