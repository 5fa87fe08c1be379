//! Screens as Telegram shows them: HTML and buttons, in the reader's language and time zone, from what the rows say at the
//! moment of sending.
//!
//! [`Renderer`] reads what a screen needs, one or two queries, and the modules below turn it into text without waiting for
//! anything. A screen that the rows contradict becomes the one that fits: "ready" while the server still works on it says
//! "preparing", a card of somebody else's service says that there is no such service.

use crate::telegram::data::{DataResult, ScreenData};
use crate::telegram::html::{Html, MESSAGE_MAX_UNITS};
use crate::telegram::keyboard::Keyboard;
use crate::telegram::texts::Words;
use crate::telegram::words::Here;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::sync::Arc;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{AlertId, ServiceId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::permission::{Permission, Role, Staff};
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::{ServiceCard, TrialTerms};
use usipipo_actors::model::Viewer;

mod about;
mod alert;
mod change;
mod flow;
mod home;
mod letters;
mod person;
mod service;
mod system;

/// Rows of a list on one page; more are paged.
const ROWS_PER_PAGE: u16 = 8;
/// Services of one person that a summary looks at; nobody can have more that are alive.
const SUMMARY_ROWS: u16 = 50;

/// What the operator decides about the texts.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// For people we do not know yet.
    pub language: Lang,
    /// For people we do not know yet.
    pub tz: Tz,
    /// What a trial gives.
    pub trial: TrialTerms,
    /// Days after which the content of received messages is erased.
    pub keep_messages_days: u16,
}

/// Whom a message is for.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Their id, also the chat's.
    pub id: UserId,
    /// Their row and current screen; `None` for somebody who never wrote.
    pub viewer: Option<Viewer>,
    /// What they may see.
    pub role: Role,
    pub(crate) words: Words,
    pub(crate) tz: Tz,
}

/// A message ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text, within Telegram's length.
    pub html: Html,
    /// The buttons.
    pub keyboard: Keyboard,
    /// The screen that it really is.
    pub shown: Screen,
}

/// Turns screens into messages.
pub struct Renderer {
    pub(crate) data: Arc<dyn ScreenData>,
    staff: Arc<Staff>,
    options: RenderOptions,
}

/// What every screen is made with.
#[derive(Debug, Clone, Copy)]
struct Ctx<'a> {
    words: Words,
    here: Here,
    role: Role,
    reader: &'a Reader,
    options: &'a RenderOptions,
}

/// Text and buttons of a screen.
type Face = (Html, Keyboard);

impl Renderer {
    /// A renderer over these reads.
    #[must_use]
    pub fn new(data: Arc<dyn ScreenData>, staff: Arc<Staff>, options: RenderOptions) -> Self {
        Self { data, staff, options }
    }

    /// The language for people we do not know.
    #[must_use]
    pub const fn language(&self) -> Lang {
        self.options.language
    }

    /// Looks up whom a message is for.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn reader(&self, id: UserId) -> DataResult<Reader> {
        Ok(self.reader_of(id, self.data.viewer(id).await?))
    }

    /// Whom a message is for, when their row is at hand or cannot be had.
    #[must_use]
    pub fn reader_of(&self, id: UserId, viewer: Option<Viewer>) -> Reader {
        let user = viewer.as_ref().map(|viewer| &viewer.user);
        let words = Words(user.map_or(self.options.language, |user| user.lang));
        let tz = user.and_then(|user| user.tz.parse().ok()).unwrap_or(self.options.tz);
        Reader { id, role: self.staff.role_of(id), words, tz, viewer }
    }

    /// Renders a screen.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn screen(&self, reader: &Reader, screen: &Screen, now: DateTime<Utc>) -> DataResult<Rendered> {
        let ctx = self.ctx(reader, now);
        let (shown, (html, keyboard)) = match permission(screen) {
            // The gate stood before the step; this catches a role that ended since.
            Some(needed) if !reader.role.holds(needed) => (Screen::NotAllowed, about::not_allowed(ctx)),
            _ => self.face(ctx, screen).await?,
        };
        Ok(Rendered { html: html.cut(MESSAGE_MAX_UNITS), keyboard, shown })
    }

    /// Renders the notice that a service's time is over.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn ended(&self, reader: &Reader, service: ServiceId, now: DateTime<Utc>) -> DataResult<Notice> {
        let card = self.data.card(reader.id, service).await?;
        let (html, keyboard) = flow::ended(self.ctx(reader, now), card.as_ref());
        Ok(Notice { html: html.cut(MESSAGE_MAX_UNITS), keyboard })
    }

    /// Renders the notice that a service's traffic is used up.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn over_quota(&self, reader: &Reader, service: ServiceId, now: DateTime<Utc>) -> DataResult<Notice> {
        let card = self.data.card(reader.id, service).await?;
        let (html, keyboard) = flow::over_quota(self.ctx(reader, now), card.as_ref());
        Ok(Notice { html: html.cut(MESSAGE_MAX_UNITS), keyboard })
    }

    /// Renders an alert; `None` for somebody who is no longer to be told.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn alert(
        &self,
        reader: &Reader,
        alert: AlertId,
        resolved: bool,
        now: DateTime<Utc>,
    ) -> DataResult<Option<Notice>> {
        if !reader.role.holds(Permission::AlertsReceive) {
            return Ok(None);
        }
        let row = self.data.alert(alert).await?;
        let (html, keyboard) = alert::message(self.ctx(reader, now), row.as_ref(), resolved);
        Ok(Some(Notice { html: html.cut(MESSAGE_MAX_UNITS), keyboard }))
    }

    fn ctx<'a>(&'a self, reader: &'a Reader, now: DateTime<Utc>) -> Ctx<'a> {
        let here = Here { words: reader.words, tz: reader.tz, now };
        Ctx { words: reader.words, here, role: reader.role, reader, options: &self.options }
    }

    async fn face(&self, ctx: Ctx<'_>, screen: &Screen) -> DataResult<(Screen, Face)> {
        let id = ctx.reader.id;
        let face = match screen {
            Screen::Home { new } => {
                let services = self.data.services_of(id, 0, ROWS_PER_PAGE).await?;
                // A trial that is still listed answers the question without another query.
                let trial = !services.rows.iter().any(|card| card.trial) && self.data.trial_taken(id).await?.is_none();
                home::home(ctx, *new, &services, trial)
            }
            Screen::Vpn { page } => {
                let services = self.data.services_of(id, *page, ROWS_PER_PAGE).await?;
                let trial = services.total == 0 && self.data.trial_taken(id).await?.is_none();
                service::list(ctx, &services, trial)
            }
            Screen::Profile => {
                let services = self.data.services_of(id, 0, SUMMARY_ROWS).await?;
                person::profile(ctx, &services.rows)
            }
            Screen::Status => {
                let services = self.data.services_of(id, 0, SUMMARY_ROWS).await?;
                person::status(ctx, &services.rows)
            }
            Screen::System => system::system(ctx, &self.data.system_stats(ctx.here.now).await?),
            Screen::Nodes => system::nodes(ctx, &self.data.node_overviews().await?),
            Screen::Pools => system::pools(ctx, &self.data.pool_overviews(ctx.here.now).await?),
            Screen::DeadLetters { page } => letters::list(ctx, &self.data.dead_letters(*page, ROWS_PER_PAGE).await?),
            Screen::DeadLetter { id } => letters::letter(ctx, self.data.dead_letter(*id).await?.as_ref()),
            Screen::AlertSettled { alert } => alert::message(ctx, self.data.alert(*alert).await?.as_ref(), true),
            Screen::UserCard { user } => {
                let viewer = self.data.viewer(*user).await?;
                let services = self.data.services_of(*user, 0, ROWS_PER_PAGE).await?;
                let person = (*user, self.staff.role_of(*user));
                letters::user_card(ctx, person, viewer.as_ref(), &services.rows)
            }
            _ => match screen.service() {
                Some(service) => {
                    let card = self.data.card(id, service).await?;
                    return Ok(of_service(ctx, screen, card.as_ref()));
                }
                None => plain(ctx, screen),
            },
        };
        Ok((screen.clone(), face))
    }
}

/// Text and buttons of a message that is no screen: nothing takes its place later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The text, within Telegram's length.
    pub html: Html,
    /// The buttons.
    pub keyboard: Keyboard,
}

/// The permission that a screen needs.
const fn permission(screen: &Screen) -> Option<Permission> {
    match screen {
        Screen::System => Some(Permission::SystemRead),
        Screen::Nodes => Some(Permission::NodesRead),
        Screen::Pools => Some(Permission::PoolsRead),
        Screen::DeadLetters { .. } | Screen::DeadLetter { .. } => Some(Permission::DeadLettersRead),
        Screen::DeadLetterReplayed { .. } => Some(Permission::DeadLettersReplay),
        Screen::AlertSettled { .. } => Some(Permission::AlertsSettle),
        Screen::UserCard { .. } | Screen::UserUsage => Some(Permission::UsersRead),
        _ => None,
    }
}

/// Screens about one service.
fn of_service(ctx: Ctx<'_>, screen: &Screen, card: Option<&ServiceCard>) -> (Screen, Face) {
    let Some(card) = card else {
        return match screen {
            // What it says stays true when the row is gone already.
            Screen::Revoked { .. } => (screen.clone(), change::revoked(ctx, None)),
            _ => (Screen::NoSuchService, about::no_such_service(ctx)),
        };
    };
    let face = match screen {
        Screen::Preparing { .. } => flow::preparing(ctx, card),
        Screen::Waiting { .. } => flow::waiting(ctx, card),
        Screen::Ready { service } => return flow::ready(ctx, *service, card),
        Screen::Failed { .. } => flow::failed(ctx, card),
        Screen::HowTo { os, .. } => flow::how_to(ctx, card, *os),
        Screen::AskName { error, .. } => change::ask_name(ctx, card, *error),
        Screen::AskRotate { offer, .. } => change::ask_rotate(ctx, card, *offer),
        Screen::AskRevoke { offer, .. } => change::ask_revoke(ctx, card, *offer),
        Screen::Revoked { .. } => change::revoked(ctx, Some(card)),
        _ => service::card(ctx, card),
    };
    (screen.clone(), face)
}

/// Screens that need no rows besides the reader's.
fn plain(ctx: Ctx<'_>, screen: &Screen) -> Face {
    match screen {
        Screen::TrialOffer { offer } => flow::trial_offer(ctx, *offer),
        Screen::TrialRefused { reason } => flow::trial_refused(ctx, *reason),
        Screen::AskOwnKey { offer: _, error } => change::ask_own_key(ctx, *error),
        Screen::KeyTaken { offer: _, service } => change::key_taken(ctx, *service),
        Screen::Help => about::help(ctx),
        Screen::Settings => person::settings(ctx),
        Screen::Languages => person::languages(ctx),
        Screen::TimeZones { page } => person::zones(ctx, *page),
        Screen::Privacy => about::privacy(ctx),
        Screen::Terms => about::terms(ctx),
        Screen::UserUsage => letters::user_usage(ctx),
        Screen::DeadLetterReplayed { id } => letters::replayed(ctx, *id),
        Screen::Apology { code } => about::apology(ctx, code),
        other => about::small(ctx, other),
    }
}

impl Ctx<'_> {
    fn home(self) -> (String, Button) {
        (self.words.btn_home(), Button::Home)
    }

    fn my_vpn(self) -> (String, Button) {
        (self.words.btn_my_vpn(), Button::Vpn { page: 0 })
    }

    fn trial(self) -> (String, Button) {
        (self.words.btn_trial(u32::from(self.options.trial.days)), Button::Trial)
    }

    /// Previous page, "2 of 5", next page; nothing for a single one.
    fn pager(self, page: u16, pages: u16, button: impl Fn(u16) -> Button) -> Vec<(String, Button)> {
        if pages <= 1 {
            return Vec::new();
        }
        let label = self.words.btn_page(u32::from(page) + 1, u32::from(pages));
        let mut row = Vec::with_capacity(3);
        if let Some(previous) = page.checked_sub(1) {
            row.push((self.words.btn_previous(), button(previous)));
        }
        row.push((label, Button::Nothing));
        if page + 1 < pages {
            row.push((self.words.btn_next(), button(page + 1)));
        }
        row
    }
}

#[cfg(test)]
mod tests;
