//! Small pieces between the edges and the tree.

use crate::clock::DemoClock;
use crate::config::{Language, Settings};
use crate::http::{Readiness, ReadyCheck, ReadyReport, Role as HttpRole};
use crate::telegram::render::RenderOptions;
use crate::telegram::webhook::{SinkError, WebhookSink};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::sync::Arc;
use tokio::task::JoinHandle;
use usipipo_actors::domain::ids::{BotId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::lifecycle::GRACE;
use usipipo_actors::domain::permission::Staff;
use usipipo_actors::env::Options;
use usipipo_actors::leader::Role;
use usipipo_actors::limits::{Limits, SendRate};
use usipipo_actors::system::System;

fn language(settings: &Settings) -> Lang {
    match settings.language {
        Language::Es => Lang::Es,
        Language::En => Lang::En,
    }
}

/// What the operator decided.
pub(super) fn options(settings: &Settings, bot: BotId) -> Options {
    let ids = |list: &[i64]| list.iter().copied().map(UserId).collect();
    let rate = settings.telegram.limits;
    let limits = Limits {
        session_idle: settings.sessions.idle,
        sessions_max: usize::try_from(settings.sessions.max_active).unwrap_or(usize::MAX),
        send_rate: (!rate.lift).then_some(SendRate {
            per_second: rate.per_second,
            per_chat_per_second: rate.per_chat_per_second,
            burst: rate.burst,
        }),
        ..Limits::default()
    };
    Options {
        bot,
        staff: Arc::new(Staff::new(ids(&settings.superadmins), ids(&settings.admins))),
        language: language(settings),
        tz: settings.tz.name().to_owned(),
        grace: TimeDelta::from_std(settings.grace).unwrap_or(GRACE),
        quiet: settings.quiet.0,
        services_max: settings.services_max,
        limits,
    }
}

/// What the operator decided about texts.
pub(super) fn render_options(settings: &Settings) -> RenderOptions {
    let days = Limits::default().scrub_after.as_secs() / 86_400;
    RenderOptions {
        language: language(settings),
        tz: settings.tz,
        grace: TimeDelta::from_std(settings.grace).unwrap_or(GRACE),
        quiet: settings.quiet.0,
        keep_messages_days: u16::try_from(days).unwrap_or(u16::MAX),
    }
}

/// Webhooks go to the inbox.
pub(super) struct Intake(pub(super) Arc<System>);

#[async_trait]
impl WebhookSink for Intake {
    async fn accept(&self, raw: Vec<u8>) -> Result<(), SinkError> {
        self.0.accept(vec![raw]).await.map_err(|error| SinkError(error.to_string()))
    }
}

/// `/readyz` asks the tree.
pub(super) struct Ready(pub(super) Arc<System>);

#[async_trait]
impl Readiness for Ready {
    async fn report(&self) -> ReadyReport {
        let role = match self.0.role() {
            Role::Starting => HttpRole::Starting,
            Role::Leader(_) => HttpRole::Leader,
            Role::Standby => HttpRole::Standby,
            Role::Stopping => HttpRole::Stopping,
        };
        let checks = self.0.readiness().await;
        let checks = checks.into_iter().map(|(name, ok, reason)| ReadyCheck { name, ok, reason }).collect();
        ReadyReport::new(role, checks)
    }
}

/// Tells the tree when the demo's clock was moved.
pub(super) fn follow_clock(clock: &Arc<DemoClock>, system: Arc<System>) -> JoinHandle<()> {
    let mut moves = clock.moves();
    tokio::spawn(async move {
        while moves.changed().await.is_ok() {
            system.clock_moved();
        }
    })
}
