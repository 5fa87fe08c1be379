//! Updates that could not be handled: given up with an apology, put back by an admin.

#[cfg(test)]
mod tests;

use super::queue::{self, NewMessage};
use super::{Conn, Result, Store, alerting, audit};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::Epoch;
use crate::schema::{dead_letters, inbox};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use usipipo_domain::alert::AlertKind;
use usipipo_domain::ids::{DeadLetterId, InboxSeq, UserId};
use usipipo_domain::outgoing::{Body, OutboxMessage, Outgoing, Place, Priority};
use usipipo_domain::screen::Screen;

/// Longest error text kept, in characters.
const ERROR_MAX_CHARS: usize = 2_000;
/// Tries to draw a code that no open letter has.
const CODE_TRIES: usize = 8;
/// Nothing that can be mistaken for something else when read aloud.
const CODE_LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_DIGITS: &[u8] = b"23456789";

/// A code such as `K7Q2` that a user can quote.
fn code() -> Result<String> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Broken(format!("no random bytes: {error}")))?;
    let alphabets = [CODE_LETTERS, CODE_DIGITS, CODE_LETTERS, CODE_DIGITS];
    let pick = |(byte, alphabet): (u8, &[u8])| alphabet.get(usize::from(byte) % alphabet.len()).copied();
    Ok(bytes.into_iter().zip(alphabets).filter_map(pick).map(char::from).collect())
}

async fn unused_code(conn: &mut Conn) -> TxResult<String> {
    let mut drawn = code()?;
    for _ in 0..CODE_TRIES {
        let open = dead_letters::table.filter(dead_letters::code.eq(&drawn).and(dead_letters::replayed_at.is_null()));
        if !diesel::select(diesel::dsl::exists(open)).get_result::<bool>(conn).await? {
            break;
        }
        drawn = code()?;
    }
    Ok(drawn)
}

#[derive(Queryable)]
struct Undone {
    bot_id: i64,
    update_id: Option<i64>,
    user_id: Option<i64>,
    lane: String,
    raw: Vec<u8>,
    attempts: i16,
}

impl Store {
    /// Moves a row to the dead letters; `apologise` queues an apology with the returned code to its user. Raises the alert,
    /// which is told to `tell`. A row that is a dead letter already gives its code again and queues nothing; for one that was
    /// handled meanwhile the code is empty.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when the epoch is over, or the database does not answer.
    pub async fn bury(
        &self,
        epoch: Epoch,
        seq: InboxSeq,
        error: &str,
        apologise: bool,
        tell: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<(String, Vec<OutboxMessage>)> {
        // PostgreSQL's text holds no NUL.
        let error: String = error.chars().filter(|c| *c != '\0').take(ERROR_MAX_CHARS).collect();
        self.fenced("bury", epoch, async |conn| {
            let undone: Option<Undone> = inbox::table
                .filter(inbox::seq.eq(seq.0).and(inbox::done_at.is_null()))
                .select((inbox::bot_id, inbox::update_id, inbox::user_id, inbox::lane, inbox::raw, inbox::attempts))
                .for_update()
                .get_result(conn)
                .await
                .optional()?;
            let Some(row) = undone else {
                let known: Option<String> = dead_letters::table
                    .filter(dead_letters::seq.eq(seq.0))
                    .order(dead_letters::id.desc())
                    .select(dead_letters::code)
                    .first(conn)
                    .await
                    .optional()?;
                return Ok((known.unwrap_or_default(), Vec::new()));
            };
            let code = unused_code(conn).await?;
            let id: i64 = diesel::insert_into(dead_letters::table)
                .values((
                    dead_letters::seq.eq(seq.0),
                    dead_letters::bot_id.eq(row.bot_id),
                    dead_letters::update_id.eq(row.update_id),
                    dead_letters::user_id.eq(row.user_id),
                    dead_letters::lane.eq(&row.lane),
                    dead_letters::raw.eq(&row.raw),
                    dead_letters::error.eq(&error),
                    dead_letters::code.eq(&code),
                    dead_letters::attempts.eq(row.attempts),
                    dead_letters::created_at.eq(now),
                ))
                .returning(dead_letters::id)
                .get_result(conn)
                .await?;
            diesel::update(inbox::table.find(seq.0))
                .set((inbox::done_at.eq(now), inbox::outcome.eq("dead")))
                .execute(conn)
                .await?;
            let entry = audit::Entry {
                user: None,
                action: "update.bury",
                subject: format!("dead_letter/{id}"),
                details: json!({ "code": code, "lane": row.lane, "attempts": row.attempts }),
                seq: Some(seq),
            };
            audit::write(conn, &[entry], now).await?;

            let mut messages = Vec::new();
            if let Some(user) = row.user_id.map(UserId).filter(|_| apologise) {
                let screen = Screen::Apology { code: code.clone() };
                let content = Outgoing::new(Body::Screen { screen, place: Place::New });
                let apology = NewMessage::once(user, Priority::Reply, content, format!("apology/{id}"));
                messages = queue::insert(conn, vec![apology], now).await?;
            }
            let open: i64 =
                dead_letters::table.filter(dead_letters::replayed_at.is_null()).count().get_result(conn).await?;
            let kind = AlertKind::DeadLetter { count: u32::try_from(open).unwrap_or(u32::MAX) };
            messages.extend(alerting::raise_in(conn, &kind, tell, now).await?);
            Ok((code, messages))
        })
        .await
    }
}

/// What became of a replay.
pub(super) enum Replay {
    /// The update is undone again.
    Replayed(Option<UserId>),
    /// There is no such letter, or it was put back before.
    Nothing,
}

#[derive(Queryable)]
struct Letter {
    seq: i64,
    bot_id: i64,
    user_id: Option<i64>,
    lane: String,
    raw: Vec<u8>,
}

/// Puts a dead letter back into the inbox, once, with its attempts counted anew.
pub(super) async fn replay_in(
    conn: &mut Conn,
    id: DeadLetterId,
    by: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Replay> {
    let letter: Option<Letter> = diesel::update(dead_letters::table)
        // An emptied letter (`Store::tidy`) has nothing to handle.
        .filter(
            dead_letters::id.eq(id.0).and(dead_letters::replayed_at.is_null()).and(dead_letters::raw.ne(Vec::new())),
        )
        .set((dead_letters::replayed_at.eq(now), dead_letters::replayed_by.eq(by.0)))
        .returning((
            dead_letters::seq,
            dead_letters::bot_id,
            dead_letters::user_id,
            dead_letters::lane,
            dead_letters::raw,
        ))
        .get_result(conn)
        .await
        .optional()?;
    let Some(letter) = letter else { return Ok(Replay::Nothing) };
    // The inbox empties and deletes its rows by their own age; the letter has its own copy.
    let revived = diesel::update(inbox::table.filter(inbox::seq.eq(letter.seq).and(inbox::outcome.eq("dead"))))
        .set((
            inbox::raw.eq(&letter.raw),
            inbox::attempts.eq(0_i16),
            inbox::done_at.eq(None::<DateTime<Utc>>),
            inbox::outcome.eq(None::<String>),
        ))
        .execute(conn)
        .await?;
    if revived == 0 {
        diesel::insert_into(inbox::table)
            .values((
                inbox::bot_id.eq(letter.bot_id),
                inbox::user_id.eq(letter.user_id),
                inbox::lane.eq(&letter.lane),
                inbox::raw.eq(&letter.raw),
                inbox::received_at.eq(now),
            ))
            .execute(conn)
            .await?;
    }
    let user = letter.user_id.map(UserId).filter(|_| letter.lane == "session");
    Ok(Replay::Replayed(user))
}
