//! The statements that a whole group shares.

use super::Carried;
use crate::error::TxResult;
use crate::model::{StepCommit, UserTouch};
use crate::schema::inbox;
use crate::store::Conn;
use crate::store::sql::Planned;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use std::collections::{BTreeMap, BTreeSet};
use usipipo_domain::dialogue::{STATE_VERSION, State};
use usipipo_domain::ids::UserId;

/// PostgreSQL's text and jsonb hold no NUL, but Telegram's names may.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// Locks the group's updates, in their order, and says which of them are still to be handled. They are found by their numbers
/// alone: the index of undone rows is full of entries of rows that were done a moment ago, and going through them takes longer
/// than all the rest of the step.
pub(super) async fn lock_undone(conn: &mut Conn, steps: &[StepCommit]) -> TxResult<BTreeSet<i64>> {
    let seqs: Vec<i64> = steps.iter().map(|step| step.seq.0).collect();
    let rows: Vec<(i64, Option<DateTime<Utc>>)> = inbox::table
        .filter(inbox::seq.eq_any(seqs))
        .order(inbox::seq)
        .select((inbox::seq, inbox::done_at))
        .for_update()
        .load(conn)
        .await?;
    Ok(rows.into_iter().filter(|(_, done_at)| done_at.is_none()).map(|(seq, _)| seq).collect())
}

const TOUCH: &str = "
    INSERT INTO users AS u (id, first_name, last_name, username, language, tz, referral, created_at, last_seen_at)
    SELECT id, first_name, last_name, username, language, tz, referral, at, at
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
         AS t (id, first_name, last_name, username, language, tz, referral, at)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE
    SET first_name = excluded.first_name, last_name = excluded.last_name, username = excluded.username,
        last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at), blocked_at = NULL";

/// Creates and renews the rows of users, those with a [`UserTouch`].
pub(super) async fn touch_users(conn: &mut Conn, order: &[(usize, &StepCommit)]) -> TxResult<()> {
    // One statement may touch a row once only.
    let mut latest: BTreeMap<UserId, (&UserTouch, DateTime<Utc>)> = BTreeMap::new();
    for (_, step) in order {
        if let Some(touch) = &step.touch {
            latest.insert(step.user, (touch, step.now));
        }
    }
    if latest.is_empty() {
        return Ok(());
    }
    let touches = || latest.values().map(|(touch, _)| *touch);
    let query = diesel::sql_query(TOUCH)
        .bind::<Array<BigInt>, _>(latest.keys().map(|user| user.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(touches().map(|touch| storable(&touch.first_name)).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            touches().map(|touch| touch.last_name.as_deref().map(storable)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<Text>>, _>(
            touches().map(|touch| touch.username.as_deref().map(storable)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(touches().map(|touch| touch.lang.code()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(touches().map(|touch| storable(&touch.tz)).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            touches().map(|touch| touch.referral.as_deref().map(storable)).collect::<Vec<_>>(),
        )
        .bind::<Array<Timestamptz>, _>(latest.values().map(|(_, now)| *now).collect::<Vec<_>>());
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}

/// Someone without a row has no state to keep (the join): their steps carry a touch, or show something only.
const KEEP: &str = "
    INSERT INTO dialogues (user_id, version, state)
    SELECT t.user_id, $3, t.state FROM unnest($1, $2) AS t (user_id, state) JOIN users ON users.id = t.user_id
    ORDER BY t.user_id
    ON CONFLICT (user_id) DO UPDATE SET version = excluded.version, state = excluded.state";

/// Keeps the states that changed.
pub(super) async fn keep_states(conn: &mut Conn, steps: &[StepCommit], carried: &[Carried]) -> TxResult<()> {
    let mut changed: BTreeMap<UserId, (&State, &State)> = BTreeMap::new();
    for carried in carried {
        let Some(step) = steps.get(carried.index) else { continue };
        changed
            .entry(step.user)
            .and_modify(|(_, state)| *state = &carried.state)
            .or_insert((&step.before, &carried.state));
    }
    changed.retain(|_, (before, state)| before != state);
    if changed.is_empty() {
        return Ok(());
    }
    let states = changed.values().map(|(_, state)| serde_json::to_value(state)).collect::<Result<Vec<_>, _>>()?;
    let query = diesel::sql_query(KEEP)
        .bind::<Array<BigInt>, _>(changed.keys().map(|user| user.0).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(states)
        .bind::<SmallInt, _>(STATE_VERSION);
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}

const FINISH: &str = "
    UPDATE inbox SET done_at = t.at, outcome = 'handled' FROM unnest($1, $2) AS t (seq, at) WHERE inbox.seq = t.seq";

/// Marks the updates of committed steps as done.
pub(super) async fn finish(conn: &mut Conn, steps: &[StepCommit], carried: &[Carried]) -> TxResult<()> {
    let (seqs, times): (Vec<i64>, Vec<DateTime<Utc>>) =
        carried.iter().filter_map(|carried| steps.get(carried.index)).map(|step| (step.seq.0, step.now)).unzip();
    if seqs.is_empty() {
        return Ok(());
    }
    let query = diesel::sql_query(FINISH).bind::<Array<BigInt>, _>(seqs).bind::<Array<Timestamptz>, _>(times);
    RunQueryDsl::execute(Planned(query), conn).await?;
    Ok(())
}
