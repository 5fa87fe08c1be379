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
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::sync::Arc;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::{AlertId, ServiceId, UserId};
use usipipo_actors::domain::lang::Lang;
use usipipo_actors::domain::lifecycle::{QuietHours, Reminder};
use usipipo_actors::domain::permission::{Permission, Role, Staff};
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::{Product, ServiceChange};
use usipipo_actors::model::{ClientConfig, Viewer};

mod about;
mod alert;
mod care;
mod change;
mod face;
mod flow;
mod free;
mod home;
mod letters;
mod new_server;
mod nodes;
mod notice;
mod person;
mod plans;
mod promotion;
mod servers;
mod service;
mod status;
mod system;
mod thing;

pub(crate) use thing::address;

/// Rows of a list on one page; more are paged.
const ROWS_PER_PAGE: u16 = 8;

/// What the operator decides about the texts.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// For people we do not know yet.
    pub language: Lang,
    /// For people we do not know yet.
    pub tz: Tz,
    /// How long after its end a renewal brings a service back as it was.
    pub grace: TimeDelta,
    /// Quiet hours of people who chose none; `None` for never.
    pub quiet: Option<QuietHours>,
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

    /// Who may do what.
    pub(crate) fn staff(&self) -> &Staff {
        &self.staff
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

    /// Renders the notice that a service's time is over; `None` when it works again.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn ended(&self, reader: &Reader, service: ServiceId, now: DateTime<Utc>) -> DataResult<Option<Notice>> {
        let card = self.data.card(reader.id, service).await?;
        Ok(notice::ended(self.ctx(reader, now), card.as_ref()).map(Notice::new))
    }

    /// Renders the notice that a service ends soon; `None` when that is no longer so.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn reminder(
        &self,
        reader: &Reader,
        service: ServiceId,
        reminder: Reminder,
        now: DateTime<Utc>,
    ) -> DataResult<Option<Notice>> {
        let card = self.data.card(reader.id, service).await?;
        Ok(card.and_then(|card| notice::reminder(self.ctx(reader, now), &card, reminder)).map(Notice::new))
    }

    /// Renders the notice that most of a service's traffic is used; `None` when that is no longer so.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn quota_near(
        &self,
        reader: &Reader,
        service: ServiceId,
        now: DateTime<Utc>,
    ) -> DataResult<Option<Notice>> {
        let card = self.data.card(reader.id, service).await?;
        Ok(card.and_then(|card| notice::quota_near(self.ctx(reader, now), &card)).map(Notice::new))
    }

    /// Renders the notice that a service's traffic is used up; `None` when it works again.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn over_quota(
        &self,
        reader: &Reader,
        service: ServiceId,
        now: DateTime<Utc>,
    ) -> DataResult<Option<Notice>> {
        let card = self.data.card(reader.id, service).await?;
        Ok(notice::over_quota(self.ctx(reader, now), card.as_ref()).map(Notice::new))
    }

    /// Renders the notice that an admin changed a service.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn cared(
        &self,
        reader: &Reader,
        service: ServiceId,
        change: ServiceChange,
        now: DateTime<Utc>,
    ) -> DataResult<Option<Notice>> {
        let card = self.data.card(reader.id, service).await?;
        Ok(card.map(|card| Notice::new(notice::cared(self.ctx(reader, now), &card, change))))
    }

    /// Renders a link with its buttons; `None` for a service that is a file.
    pub(crate) fn link(&self, reader: &Reader, config: &ClientConfig, now: DateTime<Utc>) -> Option<Notice> {
        thing::link(self.ctx(reader, now), config).map(Notice::new)
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
        Ok(Some(Notice::new(self.alert_face(self.ctx(reader, now), alert, resolved).await?)))
    }

    fn ctx<'a>(&'a self, reader: &'a Reader, now: DateTime<Utc>) -> Ctx<'a> {
        let here = Here { words: reader.words, tz: reader.tz, now };
        Ctx { words: reader.words, here, role: reader.role, reader, options: &self.options }
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

impl Notice {
    fn new((html, keyboard): Face) -> Self {
        Self { html: html.cut(MESSAGE_MAX_UNITS), keyboard }
    }
}

/// The permission that a screen needs.
const fn permission(screen: &Screen) -> Option<Permission> {
    match screen {
        Screen::System => Some(Permission::SystemRead),
        Screen::Nodes | Screen::Node { .. } => Some(Permission::NodesRead),
        Screen::AskNode { .. }
        | Screen::NodeInUse { .. }
        | Screen::NodeKeysLeft { .. }
        | Screen::Promotion { .. }
        | Screen::Promoted { .. }
        | Screen::AskUnpromote { .. }
        | Screen::AddServer
        | Screen::AskServer { .. }
        | Screen::ServerAdded { .. } => Some(Permission::NodesManage),
        Screen::Plans
        | Screen::GrantUsage
        | Screen::GrantUnknown { .. }
        | Screen::AskGrant { .. }
        | Screen::Granted { .. } => Some(Permission::ServicesGrant),
        Screen::Pools => Some(Permission::PoolsRead),
        Screen::DeadLetters { .. } | Screen::DeadLetter { .. } => Some(Permission::DeadLettersRead),
        Screen::DeadLetterReplayed { .. } => Some(Permission::DeadLettersReplay),
        Screen::AlertSettled { .. } => Some(Permission::AlertsSettle),
        Screen::UserCard { .. } | Screen::UserUsage | Screen::UserService { .. } => Some(Permission::UsersRead),
        Screen::AskService { change, .. } => Some(change.permission()),
        _ => None,
    }
}

impl Ctx<'_> {
    fn home(self) -> (String, Button) {
        (self.words.btn_home(), Button::Home)
    }

    fn my_vpn(self) -> (String, Button) {
        (self.words.btn_my_vpn(), Button::Vpn { page: 0 })
    }

    /// The list in which a product stands.
    fn mine(self, product: Product) -> (String, Button) {
        match product {
            Product::Wireguard | Product::Outline => self.my_vpn(),
            Product::Mtproto => (self.words.btn_my_proxies(), Button::Proxy { page: 0 }),
        }
    }

    /// Both lists.
    fn lists(self) -> [(String, Button); 2] {
        [self.mine(Product::Wireguard), self.mine(Product::Mtproto)]
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
