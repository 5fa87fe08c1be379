//! Admins: the whole system, servers, address pools.

use super::{Ctx, Face, alert};
use crate::telegram::html::Html;
use crate::telegram::keyboard::Keyboard;
use crate::telegram::words::grouped;
use chrono::TimeDelta;
use std::time::Duration;
use usipipo_actors::domain::callback::Button;
use usipipo_actors::domain::service::Purpose;
use usipipo_actors::model::{NodeOverview, PoolOverview, SystemStats};

/// Entries that fit into one message and one look; the rest is counted.
const ENTRIES_MAX: usize = 12;
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
    html.line(&words.system_users(grouped(stats.users), grouped(stats.users_day)));
    html.line(&services(ctx, stats));
    if let Some(oldest) = worth_telling(stats.pending_oldest) {
        html.line(&words.system_pending_oldest(span(ctx, oldest)));
    }
    let undone = grouped(stats.inbox_undone);
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
        html.line(&words.system_dead(grouped(stats.dead_letters)));
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
    let dead = (words.btn_dead_letters(grouped(stats.dead_letters)), Button::DeadLetters { page: 0 });
    let keyboard = Keyboard::default()
        .row([(words.btn_nodes(), Button::Nodes), (words.btn_pools(), Button::Pools)])
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
        (replies, words.t_out_replies(replies, grouped(replies))),
        (deliveries, words.t_out_deliveries(deliveries, grouped(deliveries))),
        (notices, words.t_out_notices(notices, grouped(notices))),
    ];
    parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect::<Vec<_>>().join(", ")
}

fn more(ctx: Ctx<'_>, html: &mut Html, all: usize, shown: usize) {
    if all > shown {
        html.line(&ctx.words.system_more((all - shown) as u64));
    }
}

fn services(ctx: Ctx<'_>, stats: &SystemStats) -> Html {
    let words = ctx.words;
    let parts: Vec<String> = stats
        .services
        .iter()
        .filter(|(_, count)| *count > 0)
        .filter_map(|(status, n)| {
            let (n, count) = (*n, grouped(*n));
            match status.as_str() {
                "pending" => Some(words.t_status_pending(count)),
                "active" => Some(words.t_status_active(n, count)),
                "suspended" => Some(words.t_status_suspended(count)),
                "expired" => Some(words.t_status_expired(n, count)),
                "revoked" => Some(words.t_status_revoked(n, count)),
                "failed" => Some(words.t_status_failed(n, count)),
                _ => None,
            }
        })
        .collect();
    if parts.is_empty() { words.system_services_none() } else { words.system_services(parts.join(", ")) }
}

/// Under the lists of servers and pools.
fn admin_keys(ctx: Ctx<'_>, again: Button) -> Keyboard {
    let words = ctx.words;
    let other = match again {
        Button::Nodes => (words.btn_pools(), Button::Pools),
        _ => (words.btn_nodes(), Button::Nodes),
    };
    Keyboard::default()
        .row([(words.btn_refresh(), again), other])
        .row([(words.btn_system(), Button::System), ctx.home()])
}

pub(super) fn nodes(ctx: Ctx<'_>, nodes: &[NodeOverview]) -> Face {
    let words = ctx.words;
    let mut html = words.nodes_title();
    if nodes.is_empty() {
        html.line(&words.nodes_none());
    }
    // Those that need somebody come first.
    let mut nodes: Vec<_> = nodes.iter().collect();
    nodes.sort_by(|a, b| (a.up, &a.name).cmp(&(b.up, &b.name)));
    for node in nodes.iter().take(ENTRIES_MAX) {
        let dot = match (node.up, node.config_only || node.foreign_peers > 0) {
            (false, _) => "🔴",
            (true, true) => "🟡",
            (true, false) => "🟢",
        };
        let place = if node.place.is_empty() { &node.name } else { &node.place };
        html.paragraph(&words.node_title(dot, &node.name, place));
        html.line(&words.node_mode(&node.mode, &node.endpoint));
        html.line(&words.node_counts(
            words.t_status_active(node.active, grouped(node.active)),
            words.t_status_pending(grouped(node.pending)),
        ));
        if node.foreign_peers > 0 {
            html.line(&words.node_foreign(node.foreign_peers));
        }
        if node.config_only {
            html.line(&words.node_config_only());
        }
        match (node.up, node.down_since, node.seen_at) {
            (true, ..) => {}
            (false, Some(since), _) => html.line(&words.node_down(ctx.here.since(since))),
            (false, None, Some(seen)) => html.line(&words.node_down(ctx.here.since(seen))),
            (false, None, None) => html.line(&words.node_never_seen()),
        }
        if let Some(error) = node.error.as_deref().filter(|_| !node.up) {
            html.line(&words.node_error(short(error)));
        }
    }
    more(ctx, &mut html, nodes.len(), ENTRIES_MAX);
    (html, admin_keys(ctx, Button::Nodes))
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
        let (live, resting) = (grouped(pool.live), grouped(pool.quarantined));
        html.line(&match room {
            Some((free, total)) => words.pool_counts(free, live, resting, grouped(free), grouped(total)),
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
