//! Steps of conversations: everything that one update causes, in one transaction.
//!
//! The steps of a group share a transaction. What most steps do — show something — costs the same few statements for the
//! whole group; what has to be decided with rows at hand ([`Act::Do`]) is done step by step, offers taken in savepoints, so
//! that a refusal undoes nothing of the others. New services of a group begin together where nothing stands against them.

mod accept;
mod batch;
mod care;
mod effects;
mod keys;
mod keys_together;
mod locks;
mod moving;
mod offers;
mod promotion;
mod settings;
#[cfg(test)]
mod tests;
mod trial;

use super::queue::{self, NewMessage};
use super::{Conn, Result, Store, audit};
use crate::StoreError;
use crate::error::TxResult;
use crate::model::{Epoch, StepCommit, StepDone, StepRefusal};
use chrono::{DateTime, Utc};
use effects::{Book, Done};
use std::collections::BTreeSet;
use usipipo_domain::dialogue::{self, Act, Answer, State};
use usipipo_domain::outgoing::{Body, Outgoing, Place, Priority, Toast};
use usipipo_domain::screen::Screen;

pub(super) use effects::LIVE;
pub(super) use offers::free_choices;

type Outcomes = Vec<std::result::Result<StepDone, StepRefusal>>;

/// A step that is committed, before its messages have numbers.
struct Carried {
    /// Its place in the group.
    index: usize,
    state: State,
    messages: Vec<Outgoing>,
    done: Done,
}

impl Store {
    /// Commits steps of several users in one transaction; one step's refusal does not touch the others. The result is in the
    /// order of `steps`.
    ///
    /// When the database refuses the whole group for a reason that may lie in one step, each is tried alone, and the one at
    /// fault gets [`StepRefusal::Broken`].
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when the epoch is over; [`StoreError::Unavailable`] when the database does not answer: then
    /// nobody knows whether the group was committed, and it is to be committed again ([`StepRefusal::AlreadyDone`] if it was).
    pub async fn commit_steps(&self, epoch: Epoch, steps: Vec<StepCommit>) -> Result<Outcomes> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        match self.commit_group(epoch, &steps).await {
            Err(StoreError::Broken(error)) if steps.len() > 1 => {
                tracing::warn!(steps = steps.len(), error, "a group of steps was refused; committing them one by one");
            }
            Err(StoreError::Broken(error)) => return Ok(vec![Err(StepRefusal::Broken(error))]),
            other => return other,
        }
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in &steps {
            match self.commit_group(epoch, std::slice::from_ref(step)).await {
                Ok(outcome) => outcomes.extend(outcome),
                Err(StoreError::Broken(error)) => outcomes.push(Err(StepRefusal::Broken(error))),
                Err(error) => return Err(error),
            }
        }
        Ok(outcomes)
    }

    async fn commit_group(&self, epoch: Epoch, steps: &[StepCommit]) -> Result<Outcomes> {
        // Boxed: with the effects' futures inside, it is too large to be part of every caller's.
        Box::pin(self.fenced("commit_steps", epoch, async |conn| self.carry_out(conn, steps).await)).await
    }

    async fn carry_out(&self, conn: &mut Conn, steps: &[StepCommit]) -> TxResult<Outcomes> {
        let mut undone: BTreeSet<i64> = batch::lock_undone(conn, steps).await?;
        let mut outcomes: Outcomes = steps.iter().map(|_| Err(StepRefusal::AlreadyDone)).collect();
        // In the order of users, so that two groups lock users' rows in the same order; one user's steps stay in order.
        let mut order: Vec<(usize, &StepCommit)> = steps.iter().enumerate().collect();
        order.retain(|(_, step)| undone.remove(&step.seq.0));
        order.sort_by_key(|(_, step)| step.user);

        locks::take(conn, &order).await?;
        batch::touch_users(conn, &order).await?;
        let mut begun = Box::pin(trial::begin_together(conn, &self.vault, &order)).await?;
        begun.append(&mut Box::pin(keys_together::begin_together(conn, &self.vault, &order)).await?);
        let book = Book::default();
        let mut carried = Vec::with_capacity(order.len());
        for (index, step) in order {
            let result = match (begun.remove(&index), &step.step.act) {
                (Some((outcome, done)), Act::Do(effect)) => {
                    Ok((dialogue::after(effect, &outcome, step.step.place), done))
                }
                _ => self.carry_out_one(conn, &book, step).await?,
            };
            match result {
                Ok((answer, done)) => {
                    let Answer { state, mut bodies, toast } = answer;
                    if bodies.is_empty() && step.callback_id.is_none() && toast.is_some() {
                        // A toast needs a button press; someone who typed must not be met with silence.
                        bodies.push(Body::Screen { screen: Screen::OfferGone, place: Place::New });
                    }
                    let messages = outgoing(step.callback_id.as_deref(), bodies, toast);
                    carried.push(Carried { index, state, messages, done });
                }
                Err(refusal) => {
                    if let Some(outcome) = outcomes.get_mut(index) {
                        *outcome = Err(refusal);
                    }
                }
            }
        }
        audit::write_each(conn, &book.take()).await?;
        batch::keep_states(conn, steps, &carried).await?;
        batch::finish(conn, steps, &carried).await?;
        queue_messages(conn, steps, carried, &mut outcomes).await?;
        Ok(outcomes)
    }

    async fn carry_out_one(
        &self,
        conn: &mut Conn,
        book: &Book,
        step: &StepCommit,
    ) -> TxResult<std::result::Result<(Answer, Done), StepRefusal>> {
        let state = step.step.state.clone();
        let answer = match &step.step.act {
            Act::Show(screen) => {
                let body = Body::Screen { screen: screen.clone(), place: step.step.place };
                Answer { state, bodies: vec![body], toast: None }
            }
            Act::Acknowledge => Answer { state, bodies: Vec::new(), toast: None },
            Act::Do(effect) => {
                // Boxed: rare, and much larger than the rest.
                return Ok(match Box::pin(effects::carry_out(conn, &self.vault, book, step, effect)).await? {
                    Ok((outcome, done)) => Ok((dialogue::after(effect, &outcome, step.step.place), done)),
                    Err(refusal) => Err(refusal),
                });
            }
        };
        Ok(Ok((answer, Done::default())))
    }
}

/// One row for each body; the first also answers the button press.
fn outgoing(callback_id: Option<&str>, bodies: Vec<Body>, toast: Option<Toast>) -> Vec<Outgoing> {
    let mut callback_id = callback_id.map(str::to_owned);
    let mut toast = toast.filter(|_| callback_id.is_some());
    if bodies.is_empty() {
        return match callback_id {
            Some(_) => vec![Outgoing { callback_id, toast, body: None }],
            None => Vec::new(),
        };
    }
    bodies
        .into_iter()
        .map(|body| Outgoing { callback_id: callback_id.take(), toast: toast.take(), body: Some(body) })
        .collect()
}

async fn queue_messages(
    conn: &mut Conn,
    steps: &[StepCommit],
    carried: Vec<Carried>,
    outcomes: &mut Outcomes,
) -> TxResult<()> {
    let mut owners = Vec::new();
    let mut messages = Vec::new();
    let mut latest = DateTime::<Utc>::UNIX_EPOCH;
    for Carried { index, state, messages: contents, done } in carried {
        let (Some(step), Some(outcome)) = (steps.get(index), outcomes.get_mut(index)) else { continue };
        latest = latest.max(step.now);
        for content in contents {
            owners.push(index);
            messages.push(NewMessage::new(step.user, Priority::Reply, content));
        }
        *outcome = Ok(StepDone {
            state,
            messages: done.messages,
            wake: done.wake,
            address_used: done.address_used,
            replayed: done.replayed,
        });
    }
    for (number, message) in queue::insert_indexed(conn, messages, latest).await? {
        let owner = owners.get(number).and_then(|index| outcomes.get_mut(*index));
        if let Some(Ok(done)) = owner {
            done.messages.push(message);
        }
    }
    Ok(())
}
