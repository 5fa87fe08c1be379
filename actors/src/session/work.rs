//! Working off rows: parse, step, commit.

use super::prepare::{self, Preparation};
use super::{Failure, KIND, Known, Memory, SessionError, SessionMsg, SessionState};
use crate::ask::AskError;
use crate::committer::CommitterMsg;
use crate::lane::{alert_receivers, send};
use crate::leader::LeaderMsg;
use crate::metrics as names;
use crate::ports::updates::{Lane, Person, UserUpdate};
use crate::router::RouterMsg;
use crate::timer::{Timer, backoff};
use chrono::{DateTime, TimeDelta, Utc};
use metrics::{counter, histogram};
use ractor::ActorRef;
use std::time::{Duration, Instant};
use usipipo_domain::dialogue::{self, Act, Command, Effect, Event};
use usipipo_domain::lang::Lang;
use usipipo_domain::screen::Screen;
use usipipo_storage::model::{InboxRow, StepCommit, StepDone, StepRefusal, StepRules, UserTouch};

/// First wait after the database or the committer did not answer; doubles.
const WAIT_MIN: Duration = Duration::from_millis(50);
/// Longest such wait.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Commits of one step that may end without an answer before the session gives up.
const UNANSWERED_MAX: u8 = 5;
/// The user's row says when they were last seen, exact to this.
const SEEN_EXACT_TO: TimeDelta = TimeDelta::hours(1);
/// Telegram's limit for the parameter of a start link, in characters; what people type by hand may be longer.
const REFERRAL_MAX_CHARS: usize = 64;

impl SessionState {
    /// Works off what is in hand, and reports when nothing is left.
    pub(super) async fn work(&mut self, myself: &ActorRef<SessionMsg>) -> Result<(), SessionError> {
        let begun = Instant::now();
        while !self.rows.is_empty() || self.pull.is_some() {
            if begun.elapsed() >= self.shared.duty.env.limits().ask_timeout {
                let _ = myself.cast(SessionMsg::Continue);
                return Ok(());
            }
            let result = if self.rows.is_empty() { self.pull().await } else { self.first_row().await };
            match result {
                Ok(()) => {}
                Err(Failure::Later(error)) => {
                    self.wait(myself, &error);
                    return Ok(());
                }
                Err(Failure::Lost) => {
                    self.quiet = true;
                    self.rows = Default::default();
                    let duty = &self.shared.duty;
                    duty.env.directory.leader.tell(LeaderMsg::LostLead(duty.epoch));
                    return Ok(());
                }
                Err(Failure::Fatal(error)) => return Err(error),
            }
        }
        // Room for a burst is not kept while idle.
        self.rows = Default::default();
        let _ = self.shared.router.cast(RouterMsg::Finished {
            user: self.user,
            serial: self.serial,
            rows: std::mem::take(&mut self.finished),
            more: std::mem::take(&mut self.more),
        });
        Ok(())
    }

    fn wait(&mut self, myself: &ActorRef<SessionMsg>, error: &str) {
        let trial = self.trial.get_or_insert_default();
        let wait = backoff(trial.wait, WAIT_MIN, WAIT_MAX);
        trial.wait = Some(wait);
        tracing::warn!(actor = KIND, user = %self.user, wait_ms = wait.as_millis(), error, "an update waits");
        let myself = myself.clone();
        self.timer = Some(Timer::after(wait, move || {
            let _ = myself.cast(SessionMsg::Continue);
        }));
    }

    async fn pull(&mut self) -> Result<(), Failure> {
        let Some(limit) = self.pull else { return Ok(()) };
        let duty = &self.shared.duty;
        let _permit = self.shared.reads.acquire().await;
        let rows = duty.env.store.take_for_user(duty.epoch, self.user, limit).await?;
        self.pull = None;
        self.trial = None;
        self.more = rows.len() >= limit;
        self.rows = rows.into();
        Ok(())
    }

    async fn first_row(&mut self) -> Result<(), Failure> {
        // It goes back when it is not finished; a crash needs no row, it is in the database.
        let Some(row) = self.rows.pop_front() else { return Ok(()) };
        match self.handle(&row).await {
            Ok(outcome) => {
                self.finished += 1;
                self.trial = None;
                counter!(names::UPDATES_HANDLED, "lane" => Lane::Session.as_str(), "outcome" => outcome).increment(1);
                Ok(())
            }
            Err(failure) => {
                self.rows.push_front(row);
                Err(failure)
            }
        }
    }

    async fn handle(&mut self, row: &InboxRow) -> Result<&'static str, Failure> {
        let duty = self.shared.duty.clone();
        let env = &*duty.env;
        if row.attempts > env.limits().update_attempts_max {
            let cause = self.cause.as_deref().unwrap_or("it was tried too often");
            let (tell, now) = (alert_receivers(env), env.clock.now());
            let (_, messages) = env.store.bury(duty.epoch, row.seq, cause, true, &tell, now).await?;
            tracing::error!(actor = KIND, user = %self.user, seq = %row.seq, "an update is given up");
            send(env, messages);
            return Ok("dead");
        }
        let update = match env.parser.session(&row.raw) {
            Ok(Some(update)) if update.from.id == self.user => update,
            other => {
                if let Err(error) = other {
                    tracing::warn!(actor = KIND, user = %self.user, seq = %row.seq, %error, "an update cannot be read");
                }
                env.store.finish(duty.epoch, &[row.seq], true, env.clock.now()).await?;
                return Ok("ignored");
            }
        };
        self.take_step(row, &update).await
    }

    async fn take_step(&mut self, row: &InboxRow, update: &UserUpdate) -> Result<&'static str, Failure> {
        let mut tries = 0;
        loop {
            let step = self.next_step(row, update).await?;
            let now = step.now;
            let known = step.touch.as_ref().map(|touch| Known::touched(touch, now));
            match self.commit(step).await? {
                Ok(done) => {
                    self.committed(row, done, known, now);
                    return Ok("handled");
                }
                Err(StepRefusal::AlreadyDone) => {
                    // By an earlier incarnation perhaps, so the state may be another; or the answer was so late that it was asked
                    // again, which is just what the durations must show.
                    self.memory = None;
                    self.took(row, now);
                    if let Some(trial) = self.trial.take()
                        && !trial.uncertain
                    {
                        trial.preparation.give_back(&self.shared.duty.env);
                    }
                    return Ok("handled");
                }
                Err(StepRefusal::AddressTaken) => {
                    let env = self.shared.duty.env.clone();
                    self.preparation().taken(&env);
                }
                // Its server may have become full, or is not to get anything new any more.
                Err(StepRefusal::NotPrepared) => {
                    let env = self.shared.duty.env.clone();
                    self.preparation().reject(&env);
                }
                Err(StepRefusal::Broken(error)) => return Err(Failure::Fatal(SessionError::Refused(error))),
            }
            tries += 1;
            if tries >= prepare::TRIES_MAX {
                return Err(Failure::Later("no address or server could be had".to_owned()));
            }
        }
    }

    /// What this update comes to, with everything its commit needs.
    async fn next_step(&mut self, row: &InboxRow, update: &UserUpdate) -> Result<Box<StepCommit>, Failure> {
        let env = self.shared.duty.env.clone();
        if self.memory.is_none() {
            let _permit = self.shared.reads.acquire().await;
            self.memory = Some(Box::new(env.store.session_snapshot(self.user).await?.into()));
        }
        let Some(memory) = self.memory.as_deref() else { return Err(Failure::Later("no memory".to_owned())) };
        let now = env.clock.now();
        let role = env.options.staff.role_of(self.user);
        let mut step = dialogue::step(&memory.state, &update.event, role);
        if let Act::Show(Screen::Home { new }) = &mut step.act {
            *new = memory.known.is_none();
        }
        let touch = touch(memory, update, now, || {
            let lang = update.from.language_code.as_deref().and_then(Lang::from_tag);
            (lang.unwrap_or(env.options.language), env.options.tz.clone())
        });
        let before = memory.state.clone();
        let (mut prepared, mut prepared_key, mut refused) = (None, None, None);
        if let Act::Do(effect) = &step.act
            && prepare::is_needed(effect)
        {
            let mut preparation = std::mem::take(self.preparation());
            let result = preparation.make(&self.shared, self.user, effect, now).await;
            (prepared, prepared_key) = (preparation.prepared.clone(), preparation.key.clone());
            refused = preparation.refused;
            *self.preparation() = preparation;
            result?;
        }
        if let Act::Do(Effect::BeginPromotion(node)) = step.act
            && let Some(tag) = prepare::registered(&env, node).await?
        {
            step.act = Act::Do(Effect::SetAdTag { node, tags: vec![tag] });
        }
        if let Act::Do(Effect::AddServer(paste)) = &mut step.act {
            paste.message = update.message;
            paste.checked = Some(prepare::ask_server(&env, paste).await);
        }
        let callback_id = update.callback_id.clone();
        Ok(Box::new(StepCommit {
            seq: row.seq,
            user: self.user,
            step,
            before,
            callback_id,
            touch,
            prepared,
            prepared_key,
            refused,
            rules: StepRules { services_max: env.options.services_max, quiet: env.options.quiet },
            now,
        }))
    }

    fn preparation(&mut self) -> &mut Preparation {
        &mut self.trial.get_or_insert_default().preparation
    }

    async fn commit(&mut self, step: Box<StepCommit>) -> Result<Result<StepDone, StepRefusal>, Failure> {
        let env = &self.shared.duty.env;
        let timeout = env.limits().ask_timeout;
        let answer = env.directory.committer.ask(timeout, |reply| CommitterMsg::Commit { step, reply }).await;
        let trial = match answer {
            Ok(Ok(result)) => return Ok(result),
            Err(AskError::Away) => return Err(Failure::Later(AskError::Away.to_string())),
            _ => self.trial.get_or_insert_default(),
        };
        // Even an error may have come after the commit.
        trial.uncertain = true;
        match answer {
            Ok(Err(error)) => Err(error.into()),
            Err(AskError::Dropped) if trial.unanswered >= UNANSWERED_MAX => Err(Failure::Fatal(SessionError::NoAnswer)),
            Err(error) => {
                trial.unanswered += u8::from(error == AskError::Dropped);
                Err(Failure::Later(error.to_string()))
            }
            Ok(Ok(result)) => Ok(result),
        }
    }

    fn committed(&mut self, row: &InboxRow, done: StepDone, known: Option<Known>, now: DateTime<Utc>) {
        let env = &self.shared.duty.env;
        if let Some(trial) = self.trial.take() {
            trial.preparation.settle(env, done.address_used);
        }
        if let Some(memory) = &mut self.memory {
            memory.state = done.state;
            if known.is_some() {
                memory.known = known;
            }
        }
        self.took(row, now);
        tracing::debug!(actor = KIND, user = %self.user, seq = %row.seq, "an update is handled");
    }

    fn took(&self, row: &InboxRow, now: DateTime<Utc>) {
        let end = now.max(self.shared.duty.env.clock.now());
        if let Ok(took) = (end - row.received_at).to_std() {
            histogram!(names::UPDATE_SECONDS).record(took);
        }
    }
}

/// What must be written of the user, if anything.
fn touch(
    memory: &Memory,
    update: &UserUpdate,
    now: DateTime<Utc>,
    guess: impl FnOnce() -> (Lang, String),
) -> Option<UserTouch> {
    let from = &update.from;
    if let Some(known) = &memory.known {
        let same = !known.blocked && now - known.last_seen_at < SEEN_EXACT_TO && is_same(known, from);
        if same {
            return None;
        }
    }
    let referral = match &update.event {
        Event::Command(Command::Start(Some(code))) if memory.known.is_none() => {
            Some(code.chars().filter(|c| *c != '\0').take(REFERRAL_MAX_CHARS).collect())
        }
        _ => None,
    };
    let (lang, tz) = guess();
    Some(UserTouch {
        first_name: without_nul(&from.first_name),
        last_name: from.last_name.as_deref().map(without_nul),
        username: from.username.as_deref().map(without_nul),
        lang,
        tz,
        referral,
    })
}

fn is_same(known: &Known, from: &Person) -> bool {
    let same = |known: Option<&str>, told: Option<&str>| {
        known == told || told.is_some_and(|told| told.contains('\0')) && known == told.map(without_nul).as_deref()
    };
    same(Some(&*known.first_name), Some(&*from.first_name))
        && same(known.last_name.as_deref(), from.last_name.as_deref())
        && same(known.username.as_deref(), from.username.as_deref())
}

/// PostgreSQL's texts hold no NUL.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}
