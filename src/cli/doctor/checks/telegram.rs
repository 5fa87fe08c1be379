//! Telegram: it answers, knows the token, sends updates our way, and its clock is ours.

use super::super::Check;
use super::TIMEOUT;
use crate::clock::wall;
use crate::config::{Settings, TelegramMode, TelegramSettings};
use crate::telegram::api::{Api, ApiError, WebhookInfo};
use chrono::TimeDelta;

const SUBJECT: &str = "telegram";
/// A clock that differs by more deserves a look. Telegram tells whole seconds, and an answer may take some.
const SKEW_MAX: TimeDelta = TimeDelta::seconds(30);

pub(super) async fn checks(settings: &Settings, running: bool) -> Vec<Check> {
    let telegram = &settings.telegram;
    let Some(token) = &telegram.token else {
        return vec![Check::bad(SUBJECT, "there is no token", "get one from @BotFather and set telegram.token")];
    };
    let api = match Api::new(token, &telegram.api_url) {
        Ok(api) => api,
        Err(error) => return vec![Check::bad(SUBJECT, error.to_string(), "mend the setting named there")],
    };
    let unreached = || format!("check that this machine reaches {}", telegram.api_url);
    let me = match tokio::time::timeout(TIMEOUT, api.get_me()).await {
        Ok(Ok(me)) => me,
        Ok(Err(ApiError::Unauthorized(text))) => {
            return vec![Check::bad(
                SUBJECT,
                format!("the token is refused: {text}"),
                "copy it again from @BotFather (/mybots, API Token)",
            )];
        }
        Ok(Err(error)) => return vec![Check::bad(SUBJECT, error.to_string(), unreached())],
        Err(_) => {
            return vec![Check::bad(SUBJECT, format!("no answer within {} s", TIMEOUT.as_secs()), unreached())];
        }
    };
    let mode = match telegram.mode {
        TelegramMode::Poll => "polling",
        TelegramMode::Webhook => "webhook",
    };
    let mut checks = vec![Check::good(SUBJECT, format!("@{}, {mode}", me.username))];
    checks.push(match tokio::time::timeout(TIMEOUT, api.webhook_info()).await {
        Ok(Ok(info)) => webhook(telegram, &info, running),
        Ok(Err(error)) => Check::look("updates", format!("cannot be asked about: {error}"), "try again"),
        Err(_) => Check::look("updates", format!("no answer within {} s", TIMEOUT.as_secs()), "try again"),
    });
    if let Ok(Some(theirs)) = tokio::time::timeout(TIMEOUT, api.server_time()).await {
        checks.push(clock(wall() - theirs));
    }
    checks
}

/// Whether updates come the way that is set.
fn webhook(telegram: &TelegramSettings, info: &WebhookInfo, running: bool) -> Check {
    const SUBJECT: &str = "updates";
    let waiting = format!("{} wait at Telegram", info.pending_update_count);
    match (telegram.mode, &telegram.webhook_url) {
        (TelegramMode::Poll, _) if info.url.is_empty() => Check::good(SUBJECT, format!("are polled, {waiting}")),
        (TelegramMode::Poll, _) if running => Check::bad(
            SUBJECT,
            format!("a webhook is set ({}), so nothing can be polled, though the program runs", info.url),
            "another program uses this token: stop it, or make a new token with @BotFather; then start this program anew",
        ),
        (TelegramMode::Poll, _) => Check::look(
            SUBJECT,
            format!("a webhook is set ({}), which keeps them from being polled", info.url),
            "start the program, which takes it away; make sure that no other program uses this token",
        ),
        (TelegramMode::Webhook, Some(ours)) if info.url == *ours => match &info.last_error_message {
            Some(error) => Check::look(
                SUBJECT,
                format!("Telegram could not bring all of them to {ours}: {error}; {waiting}"),
                "check that this address leads to http.listen from outside, with a certificate that Telegram accepts",
            ),
            None => Check::good(SUBJECT, format!("come to {ours}, {waiting}")),
        },
        (TelegramMode::Webhook, _) if running => Check::bad(
            SUBJECT,
            format!("the webhook is {}, not ours, though the program runs", named(&info.url)),
            "another program uses this token: stop it, or make a new token with @BotFather; then start this program anew",
        ),
        (TelegramMode::Webhook, _) => {
            Check::look(SUBJECT, format!("the webhook is {}", named(&info.url)), "start the program, which sets it")
        }
    }
}

const fn named(url: &str) -> &str {
    if url.is_empty() { "not set" } else { url }
}

fn clock(skew: TimeDelta) -> Check {
    const SUBJECT: &str = "clock";
    if skew.abs() <= SKEW_MAX {
        return Check::good(SUBJECT, "agrees with Telegram's");
    }
    let side = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    Check::look(
        SUBJECT,
        format!("is {} s {side} Telegram's, so services end too early or too late", skew.num_seconds().abs()),
        "have this machine's clock set by itself (`timedatectl set-ntp true`)",
    )
}
