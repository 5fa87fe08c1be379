//! Servers to choose from: for something new, or to move to.

use super::{Ctx, Face, ROWS_PER_PAGE, service};
use crate::telegram::countries;
use crate::telegram::keyboard::Keyboard;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::ids::OfferId;
use usipipo_actors::domain::service::{Product, ServiceCard};
use usipipo_actors::model::ServerChoice;

/// Characters of a place on a button; Telegram cuts longer labels where it likes.
const PLACE_MAX_CHARS: usize = 40;

/// A full server's load, percent.
const FULL: u8 = 100;

/// Whether it answers and has room.
pub(super) const fn takes(server: &ServerChoice) -> bool {
    server.up && server.load_percent < FULL
}

/// For something new.
pub(super) fn to_choose(ctx: Ctx<'_>, offer: OfferId, product: Product, servers: &[ServerChoice], page: u16) -> Face {
    let words = ctx.words;
    let servers: Vec<_> = servers.iter().filter(|server| takes(server)).collect();
    let back = (words.btn_back(), Button::TrialOf(product));
    if servers.is_empty() {
        return (words.servers_none(), Keyboard::default().row([back, ctx.home()]));
    }
    let mut html = words.servers_title(product.as_str());
    html.line(&words.servers_hint());
    let mut keyboard = Keyboard::default().row([(words.btn_best(), Button::Accept { offer })]);
    rows(ctx, &mut keyboard, offer, &servers, page, |page| Button::Servers { offer, page });
    (html, keyboard.row([back, ctx.home()]))
}

/// To move to; the present one is left out.
pub(super) fn to_move(ctx: Ctx<'_>, offer: OfferId, card: &ServiceCard, servers: &[ServerChoice], page: u16) -> Face {
    let words = ctx.words;
    let servers: Vec<_> = servers.iter().filter(|server| takes(server) && server.node != card.node).collect();
    let back = (words.btn_back(), Button::Card { service: card.id });
    let place = service::place_with_flag(ctx, card);
    if servers.is_empty() {
        return (words.move_none(&card.name, place), Keyboard::default().row([back, ctx.home()]));
    }
    let mut html = words.ask_move(&card.name, place);
    html.paragraph(&words.ask_move_hint(card.product.as_str()));
    let mut keyboard = Keyboard::default();
    let service = card.id;
    rows(ctx, &mut keyboard, offer, &servers, page, |page| Button::MovePage { service, offer, page });
    (html, keyboard.row([back, ctx.home()]))
}

fn rows(
    ctx: Ctx<'_>,
    keyboard: &mut Keyboard,
    offer: OfferId,
    servers: &[&ServerChoice],
    page: u16,
    turn: impl Fn(u16) -> Button,
) {
    let pages = u16::try_from(servers.len().div_ceil(usize::from(ROWS_PER_PAGE))).unwrap_or(u16::MAX).max(1);
    let page = page.min(pages - 1);
    let shown = servers.iter().skip(usize::from(page) * usize::from(ROWS_PER_PAGE)).take(usize::from(ROWS_PER_PAGE));
    for server in shown {
        let alike = |other: &&&ServerChoice| (&other.place, &other.country) == (&server.place, &server.country);
        let mut place = service::full_place(ctx, &server.place, &server.country, &server.name);
        if servers.iter().filter(alike).count() > 1 && !server.place.is_empty() {
            place = format!("{} {} ({})", countries::flag(&server.country), server.place, server.name);
        }
        let place: String = place.chars().take(PLACE_MAX_CHARS).collect();
        let label = ctx.words.btn_server(place.trim(), server.load_percent.to_string());
        keyboard.push([(label, Button::AcceptAt { offer, node: server.node })]);
    }
    keyboard.push(ctx.pager(page, pages, turn));
}
