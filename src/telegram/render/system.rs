//! Admins: the whole system, address pools.

use super::{Ctx, Face, alert, service};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::grouped;
use chrono::TimeDelta;
use std::time::Duration;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::permission::Permission;
use usipipo_actors::domain::service::{Product, Purpose, ServiceStatus};
use usipipo_actors::model::{PoolOverview, SystemStats};

/// Entries that fit into one message and one look; the rest is counted.
pub(super) const ENTRIES_MAX: usize = 12;
/// Open alerts listed on the system screen.
const ALERTS_MAX: usize = 5;
/// Characters of an error that are shown.
const ERROR_MAX_CHARS: usize = 200;
/// A pool with less than this share free is marked, in percent.
const POOL_LOW_PERCENT: u64 = 10;

/// The first characters of a text that somebody else wrote.
pub(super) fn short(text: &str) -> &str {
    text.char_indices().nth(ERROR_MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// An age that is worth a word: what has just begun is no wait.
fn worth_telling(age: Option<Duration>) -> Option<Duration> {
    age.filter(|age| *age >= Duration::from_secs(1))
}

fn span(ctx: Ctx<'_>, length: Duration) -> String {
    ctx.here.span(TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX))
}

pub(super) fn system(ctx: Ctx<'_>, stats: &SystemStats) -> Face {
    let words = ctx.words;
    let mut html = words.system_title();
    html.line(&words.system_users(grouped(ctx.words, stats.users), grouped(ctx.words, stats.users_day)));
    html.line(&services(ctx, stats));
    if let Some(oldest) = worth_telling(stats.pending_oldest) {
        html.line(&words.system_pending_oldest(span(ctx, oldest)));
    }
    let undone = grouped(ctx.words, stats.inbox_undone);
    html.line(&match worth_telling(stats.inbox_oldest) {
        _ if stats.inbox_undone == 0 => words.system_inbox_none(),
        Some(oldest) => words.system_inbox_oldest(undone, span(ctx, oldest)),
        None => words.system_inbox(undone),
    });
    let waiting = outgoing(ctx, stats);
    html.line(&match worth_telling(stats.outbox_oldest) {
        _ if waiting.is_empty() => words.system_outbox_none(),
        Some(oldest) => words.system_outbox_oldest(waiting, span(ctx, oldest)),
        None => words.system_outbox(waiting),
    });
    if stats.dead_letters > 0 {
        html.line(&words.system_dead(grouped(ctx.words, stats.dead_letters)));
    }
    if stats.alerts.is_empty() {
        html.paragraph(&words.system_alerts_none());
    } else {
        html.paragraph(&words.system_alerts());
        for row in stats.alerts.iter().take(ALERTS_MAX) {
            html.line(&alert::line(ctx, &row.kind));
        }
        more(ctx, &mut html, stats.alerts.len(), ALERTS_MAX);
    }
    let dead = (words.btn_dead_letters(grouped(ctx.words, stats.dead_letters)), Button::DeadLetters { page: 0 });
    let keyboard = Keyboard::default()
        .row([(words.btn_nodes(), Button::Nodes), (words.btn_pools(), Button::Pools)])
        .row_if(ctx.role.holds(Permission::ServicesGrant), || [(words.btn_plans(), Button::Plans)])
        .row([dead, (words.btn_refresh(), Button::System)])
        .row([ctx.home()]);
    (html, keyboard)
}

/// Messages that wait, by kind. The one that this screen goes with waits as well until it is sent; it is no news.
fn outgoing(ctx: Ctx<'_>, stats: &SystemStats) -> String {
    let words = ctx.words;
    let waiting = |name: &str| -> u64 {
        stats.outbox_waiting.iter().filter(|(priority, _)| priority == name).map(|(_, count)| count).sum()
    };
    let (replies, deliveries, notices) = (waiting("reply").saturating_sub(1), waiting("delivery"), waiting("notice"));
    let parts = [
        (replies, words.t_out_replies(replies, grouped(ctx.words, replies))),
        (deliveries, words.t_out_deliveries(deliveries, grouped(ctx.words, deliveries))),
        (notices, words.t_out_notices(notices, grouped(ctx.words, notices))),
    ];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect::<Vec<_>>().join(", ")
}

pub(super) fn more(ctx: Ctx<'_>, html: &mut Html, all: usize, shown: usize) {
    if all > shown {
        html.line(&ctx.words.system_more((all - shown) as u64));
    }
}

/// Services by status, then by product where there are several.
fn services(ctx: Ctx<'_>, stats: &SystemStats) -> Html {
    let all = by_status(ctx, stats.services.iter().map(|(status, n)| (status.as_str(), *n)));
    if all.is_empty() {
        return ctx.words.system_services_none();
    }
    let mut html = ctx.words.system_services(all);
    let of = |product: Product| stats.products.iter().filter(move |(other, ..)| *other == product);
    if Product::ALL.into_iter().filter(|product| of(*product).next().is_some()).count() > 1 {
        for product in Product::ALL {
            let list = by_status(ctx, of(product).map(|(_, status, n)| (ServiceStatus::as_str(*status), *n)));
            if !list.is_empty() {
                html.line(&ctx.words.system_product(service::product(ctx, product), list));
            }
        }
    }
    html
}

fn by_status<'a>(ctx: Ctx<'_>, counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let words = ctx.words;
    let parts = counts.filter(|(_, n)| *n > 0).filter_map(|(status, n)| {
        let count = grouped(ctx.words, n);
        match status {
            "pending" => Some(words.t_status_pending(count)),
            "active" => Some(words.t_status_active(n, count)),
            "suspended" => Some(words.t_status_suspended(count)),
            "expired" => Some(words.t_status_expired(n, count)),
            "revoked" => Some(words.t_status_revoked(n, count)),
            "failed" => Some(words.t_status_failed(n, count)),
            _ => None,
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Under the lists of servers and pools.
pub(super) fn admin_keys(ctx: Ctx<'_>, again: Button) -> Keyboard {
    let words = ctx.words;
    let other = match again {
        Button::Nodes => (words.btn_pools(), Button::Pools),
        _ => (words.btn_nodes(), Button::Nodes),
    };
    Keyboard::default()
        .row([(words.btn_refresh(), again), other])
        .row([(words.btn_system(), Button::System), ctx.home()])
}

pub(super) fn purpose(ctx: Ctx<'_>, purpose: Purpose) -> String {
    match purpose {
        Purpose::Trial => ctx.words.t_purpose_trial(),
        Purpose::Paid => ctx.words.t_purpose_paid(),
    }
}

pub(super) fn pools(ctx: Ctx<'_>, pools: &[PoolOverview]) -> Face {
    let words = ctx.words;
    let mut html = words.pools_title();
    if pools.is_empty() {
        html.line(&words.pools_none());
    }
    for pool in pools.iter().take(ENTRIES_MAX) {
        let room = room(pool);
        let dot = match room {
            Some((0, _)) => "🔴",
            Some((free, total)) if free * 100 < total * POOL_LOW_PERCENT => "🟡",
            _ => "🟢",
        };
        html.paragraph(&words.pool_title(dot, &pool.node_name, purpose(ctx, pool.purpose)));
        let networks = [pool.v4.map(|net| net.to_string()), pool.v6.map(|net| net.to_string())];
        html.line(&words.pool_networks(networks.into_iter().flatten().collect::<Vec<_>>().join(", ")));
        let (live, resting) = (grouped(ctx.words, pool.live), grouped(ctx.words, pool.quarantined));
        html.line(&match room {
            Some((free, total)) => {
                words.pool_counts(free, live, resting, grouped(ctx.words, free), grouped(ctx.words, total))
            }
            None => words.pool_counts_endless(live, resting),
        });
        if let Some((free, _)) = room {
            html.line(&forecast(ctx, free, pool.begun_last_week));
        }
    }
    more(ctx, &mut html, pools.len(), ENTRIES_MAX);
    (html, admin_keys(ctx, Button::Pools))
}

/// Free addresses and all of them; `None` for a pool of IPv6 alone, which nobody fills. The network's own address, the
/// broadcast address and the server's are given to no one.
fn room(pool: &PoolOverview) -> Option<(u64, u64)> {
    let total = u64::from(pool.v4?.size()).saturating_sub(3);
    Some((total.saturating_sub(pool.live).saturating_sub(pool.quarantined), total))
}

/// How long the free addresses last if as many are asked for as in the last seven days and none comes back.
fn forecast(ctx: Ctx<'_>, free: u64, begun_last_week: u64) -> Html {
    match (free * 7).checked_div(begun_last_week) {
        None => ctx.words.pool_forecast_none(),
        Some(days) if days > 365 => ctx.words.pool_forecast_far(),
        Some(days) => ctx.words.pool_forecast_days(days),
    }
}
