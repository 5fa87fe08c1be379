//! How updates reach us, and who we are.

use super::{Api, ApiError, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use usipipo_actors::domain::ids::BotId;

/// Kinds of updates that we ask for; Telegram keeps the others to itself.
pub(crate) const ALLOWED_UPDATES: [&str; 4] = ["message", "callback_query", "pre_checkout_query", "my_chat_member"];

/// The bot's own account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// Its id.
    pub id: i64,
    /// Its name, without the at sign.
    #[serde(default)]
    pub username: String,
}

impl Me {
    /// As our rows write it.
    #[must_use]
    pub const fn bot_id(&self) -> BotId {
        BotId(self.id)
    }
}

/// What Telegram knows of the webhook (Bot API, `WebhookInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WebhookInfo {
    /// Where updates are sent; empty when they are polled.
    pub url: String,
    /// Updates that wait at Telegram.
    #[serde(default)]
    pub pending_update_count: u64,
    /// Why the last one that failed could not be brought, in Telegram's words.
    #[serde(default)]
    pub last_error_message: Option<String>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct SetWebhook<'a> {
    url: &'a str,
    secret_token: &'a str,
    allowed_updates: [&'a str; 4],
}

#[derive(Serialize)]
struct DeleteWebhook {
    drop_pending_updates: bool,
}

impl Api {
    /// Asks who we are, which also proves the token.
    ///
    /// # Errors
    /// [`ApiError`]
    pub async fn get_me(&self) -> Result<Me, ApiError> {
        let me = self.call(Method::GetMe, &Nothing {}).await?;
        me.ok_or_else(|| ApiError::Unavailable("getMe was answered without an id".to_owned()))
    }

    /// Has updates sent to `url`, with the secret in a header of each request. Waiting updates are kept.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::Refused`] says what Telegram does not like about the address.
    pub async fn set_webhook(&self, url: &str, secret: &SecretString) -> Result<(), ApiError> {
        let secret_token = secret.expose_secret();
        let payload = SetWebhook { url, secret_token, allowed_updates: ALLOWED_UPDATES };
        self.call::<bool>(Method::SetWebhook, &payload).await.map(|_| ())
    }

    /// Asks where updates are sent. Changes nothing.
    ///
    /// # Errors
    /// [`ApiError`]
    pub async fn webhook_info(&self) -> Result<WebhookInfo, ApiError> {
        let info = self.call(Method::GetWebhookInfo, &Nothing {}).await?;
        info.ok_or_else(|| ApiError::Unavailable("getWebhookInfo was answered without an address".to_owned()))
    }

    /// Goes back to polling. Waiting updates are kept.
    ///
    /// # Errors
    /// [`ApiError`]
    pub async fn delete_webhook(&self) -> Result<(), ApiError> {
        self.call::<bool>(Method::DeleteWebhook, &DeleteWebhook { drop_pending_updates: false }).await.map(|_| ())
    }
}
