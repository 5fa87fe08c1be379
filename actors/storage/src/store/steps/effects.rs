//! What a step does besides showing something, with its audit row; taking an offer in a savepoint of its own.

use super::{accept, care, offers, promotion, settings};
use crate::error::{TxError, TxResult, unique_violation};
use crate::model::{StepCommit, StepRefusal};
use crate::schema::{services, users};
use crate::store::{Conn, alerts, audit, dead};
use crate::{StoreError, Vault};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};
use usipipo_domain::dialogue::{Effect, Outcome};
use usipipo_domain::ids::{NodeId, OfferId, ServiceId, UserId};
use usipipo_domain::outgoing::OutboxMessage;

/// What an effect leaves to do after the commit.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) wake: Vec<NodeId>,
    pub(super) address_used: bool,
    pub(super) replayed: Option<UserId>,
    /// Messages to others than the step's user, queued already.
    pub(super) messages: Vec<OutboxMessage>,
}

/// Why an effect was undone.
#[derive(Debug)]
pub(super) enum EffectError {
    /// The session has to prepare something else.
    Refused(StepRefusal),
    /// Somebody was faster; the name of the index that says so.
    Taken(String),
    Tx(TxError),
}

impl From<diesel::result::Error> for EffectError {
    fn from(error: diesel::result::Error) -> Self {
        match unique_violation(&error) {
            Some(constraint) => Self::Taken(constraint.to_owned()),
            None => Self::Tx(error.into()),
        }
    }
}

impl From<TxError> for EffectError {
    fn from(error: TxError) -> Self {
        Self::Tx(error)
    }
}

impl From<StoreError> for EffectError {
    fn from(error: StoreError) -> Self {
        Self::Tx(error.into())
    }
}

pub(super) type EffectResult<T> = Result<T, EffectError>;

/// Everything an effect may look at.
#[derive(Clone, Copy)]
pub(super) struct Ctx<'a> {
    pub(super) vault: &'a Vault,
    pub(super) step: &'a StepCommit,
    pub(super) book: &'a Book,
}

/// Audit rows of a group's steps, written together before the commit.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Vec<(audit::Entry, DateTime<Utc>)>>);

impl Book {
    fn entries(&self) -> MutexGuard<'_, Vec<(audit::Entry, DateTime<Utc>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything noted so far.
    pub(super) fn take(&self) -> Vec<(audit::Entry, DateTime<Utc>)> {
        std::mem::take(&mut *self.entries())
    }
}

impl Ctx<'_> {
    /// Notes what the user did; its audit row is written with those of the whole group.
    pub(super) fn audit(self, action: &'static str, subject: String, details: serde_json::Value) {
        let entry = audit::Entry { user: Some(self.step.user), action, subject, details, seq: Some(self.step.seq) };
        self.book.entries().push((entry, self.step.now));
    }
}

/// Carries out one effect. The outer error ends the whole group's transaction, the inner one only undoes this effect.
pub(super) async fn carry_out(
    conn: &mut Conn,
    vault: &Vault,
    book: &Book,
    step: &StepCommit,
    effect: &Effect,
) -> TxResult<Result<(Outcome, Done), StepRefusal>> {
    let ctx = Ctx { vault, step, book };
    let noted = book.entries().len();
    // Only taking an offer can meet a refusal halfway. Whatever else goes wrong ends the transaction, and the group's steps
    // are committed one by one.
    let done = match effect {
        Effect::Accept { .. } => conn.transaction(async |conn| dispatch(conn, ctx, effect).await).await,
        _ => dispatch(conn, ctx, effect).await,
    };
    let in_savepoint = matches!(effect, Effect::Accept { .. });
    let error = match done {
        Ok(done) => return Ok(Ok(done)),
        Err(error) => error,
    };
    // What is undone was not done.
    book.entries().truncate(noted);
    match error {
        EffectError::Refused(refusal) => Ok(Err(refusal)),
        EffectError::Taken(constraint) if !in_savepoint => {
            Err(StoreError::Broken(format!("unique {constraint}")).into())
        }
        EffectError::Taken(constraint) => match (constraint.as_str(), effect) {
            ("leases_v4" | "leases_v6", _) => Ok(Err(StepRefusal::AddressTaken)),
            ("peers_key", Effect::Accept { offer, .. }) => Ok(Ok(nothing(accept::key_taken(conn, *offer).await?))),
            ("trials_pkey" | "services_free", Effect::Accept { offer, .. }) => {
                match accept::lost_race(conn, step.user, *offer, constraint == "services_free").await? {
                    Some(outcome) => Ok(Ok(nothing(outcome))),
                    None => Err(TxError::Conflict("what was free was taken and undone".to_owned())),
                }
            }
            (other, _) => Ok(Err(StepRefusal::Broken(format!("unique {other}")))),
        },
        EffectError::Tx(TxError::Store(StoreError::Broken(message))) if in_savepoint => {
            Ok(Err(StepRefusal::Broken(message)))
        }
        EffectError::Tx(error) => Err(error),
    }
}

async fn dispatch(conn: &mut Conn, ctx: Ctx<'_>, effect: &Effect) -> EffectResult<(Outcome, Done)> {
    let outcome = match effect {
        Effect::OfferTrial(product) => offers::offer_trial(conn, ctx, *product).await?,
        Effect::OfferRotate(service) => offers::offer_rotate(conn, ctx, *service).await?,
        Effect::OfferRevoke(service) => offers::offer_revoke(conn, ctx, *service).await?,
        Effect::Accept { offer, own_key, .. } => return accept::accept(conn, ctx, *offer, own_key.as_ref()).await,
        Effect::Rename { service, name } => rename(conn, ctx, *service, name).await?,
        Effect::SendFile(service) => may_send(conn, ctx, *service, "service.send_file").await?,
        Effect::SendQr(service) => may_send(conn, ctx, *service, "service.send_qr").await?,
        Effect::OfferRenew(service) => offers::offer_renew(conn, ctx, *service).await?,
        Effect::OfferMove(service) => offers::offer_move(conn, ctx, *service).await?,
        Effect::OfferGrant { user, plan } => offers::offer_grant(conn, ctx, *user, plan).await?,
        Effect::ChangeNode { node, change } => return settings::change_node(conn, ctx, *node, *change).await,
        Effect::ChangeService { user, service, change, seen } => {
            return care::change(conn, ctx, (*user, *service), *change, *seen).await;
        }
        Effect::BeginPromotion(node) => promotion::begin(conn, ctx, *node).await?,
        Effect::SetAdTag { node, tags } => return promotion::set_tag(conn, ctx, *node, tags).await,
        Effect::ClearAdTag(node) => return promotion::clear_tag(conn, ctx, *node).await,
        Effect::AddServer(paste) => return settings::add_server(conn, ctx, paste).await,
        Effect::SetReminders(on) => settings::set_reminders(conn, ctx, *on).await?,
        Effect::SetQuiet(on) => settings::set_quiet(conn, ctx, *on).await?,
        Effect::SetLanguage(lang) => {
            let user = ctx.step.user;
            diesel::update(users::table.find(user.0)).set(users::language.eq(lang.code())).execute(conn).await?;
            ctx.audit("user.set_language", format!("user/{user}"), json!({ "language": lang.code() }));
            Outcome::Saved
        }
        Effect::SetTimeZone(tz) => {
            let user = ctx.step.user;
            diesel::update(users::table.find(user.0)).set(users::tz.eq(tz.name())).execute(conn).await?;
            settings::plan_reminders_anew(conn, ctx).await?;
            ctx.audit("user.set_time_zone", format!("user/{user}"), json!({ "tz": tz.name() }));
            Outcome::Saved
        }
        Effect::Replay(id) => match dead::replay_in(conn, *id, ctx.step.user, ctx.step.now).await? {
            dead::Replay::Replayed(user) => {
                ctx.audit("dead_letter.replay", format!("dead_letter/{id}"), json!({}));
                return Ok((Outcome::Replayed(*id), Done { replayed: user, ..Done::default() }));
            }
            dead::Replay::Nothing => Outcome::NothingToReplay,
        },
        Effect::SettleAlert(alert) => {
            let Some(messages) = alerts::settle_in(conn, *alert, ctx.step.user, ctx.step.now).await? else {
                return Ok(nothing(Outcome::NothingToSettle));
            };
            ctx.audit("alert.settle", format!("alert/{alert}"), json!({}));
            return Ok((Outcome::AlertSettled(*alert), Done { messages, ..Done::default() }));
        }
    };
    Ok((outcome, Done::default()))
}

/// A service of the user that still holds its address.
pub(in crate::store) const LIVE: [&str; 3] = ["pending", "active", "suspended"];
/// One that works or will, so that its config is of use.
pub(super) const USABLE: [&str; 2] = ["pending", "active"];

async fn rename(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId, name: &str) -> EffectResult<Outcome> {
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let renamed = diesel::update(services::table.filter(own.and(services::status.eq_any(LIVE))))
        .set(services::name.eq(name))
        .execute(conn)
        .await?;
    if renamed == 0 {
        return Ok(Outcome::NoSuchService);
    }
    ctx.audit("service.rename", format!("service/{service}"), json!({}));
    Ok(Outcome::Renamed(service))
}

async fn may_send(conn: &mut Conn, ctx: Ctx<'_>, service: ServiceId, action: &'static str) -> EffectResult<Outcome> {
    let own = services::id.eq(service.0).and(services::user_id.eq(ctx.step.user.0));
    let usable = services::table.filter(own.and(services::status.eq_any(USABLE)));
    if !diesel::select(diesel::dsl::exists(usable)).get_result::<bool>(conn).await? {
        return Ok(Outcome::NoSuchService);
    }
    ctx.audit(action, format!("service/{service}"), json!({}));
    Ok(Outcome::MaySend(service))
}

/// An outcome with nothing left to do.
pub(super) fn nothing(outcome: Outcome) -> (Outcome, Done) {
    (outcome, Done::default())
}

/// The subject of audit rows about an offer.
pub(super) fn offer_subject(offer: OfferId) -> String {
    format!("offer/{offer}")
}
