//! What the whole month must have come to.

use crate::history::{Month, Notice, Wishes, retell};
use crate::play::Play;
use crate::rows::{AuditRow, Rows, UserLine, read};
use std::collections::BTreeMap;

/// Most differences that are shown.
const SHOWN_MAX: usize = 12;

pub(crate) async fn check(play: &mut Play) {
    let audit: Vec<AuditRow> = read(
        &mut play.stage,
        "SELECT id, at, user_id, action, subject, details, inbox_seq FROM audit
         WHERE action LIKE 'service.%' OR action LIKE 'user.%' OR action = 'node.set_state' ORDER BY id",
    )
    .await;
    let rows = Rows::read(&mut play.stage).await;
    decided(play, &rows, &audit);
    servers(&rows, &audit);
    users(play).await;
    nothing_left(play).await;
    let month = Month {
        times: &play.times,
        audit: &audit,
        ledger: &play.ledger,
        services: &rows.services,
        wishes: &play.wishes,
    };
    let expected = retell(&month);
    play.notices.sort_unstable();
    same(&expected, &play.notices);
    numbers(play, &rows, &expected);
}

/// The notices that came are just those that the rules want.
fn same(expected: &[Notice], came: &[Notice]) {
    let missing: Vec<&Notice> = expected.iter().filter(|notice| came.binary_search(notice).is_err()).collect();
    let wrong: Vec<&Notice> = came.iter().filter(|notice| expected.binary_search(notice).is_err()).collect();
    let some = |notices: &[&Notice]| {
        let lines =
            notices.iter().take(SHOWN_MAX).map(|(at, user, service, kind)| format!("{at} {kind} {service} of {user}"));
        lines.collect::<Vec<_>>().join("\n  ")
    };
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "{} notices did not come:\n  {}\n{} came against the rules:\n  {}",
        missing.len(),
        some(&missing),
        wrong.len(),
        some(&wrong)
    );
    assert_eq!(expected.len(), came.len(), "each notice came once");
}

/// Whatever was decided stands in the audit trail, with who did it, and people were told of it.
fn decided(play: &Play, rows: &Rows, audit: &[AuditRow]) {
    let mut of: BTreeMap<i64, BTreeMap<&str, usize>> = BTreeMap::new();
    for row in audit.iter().filter(|row| row.action.starts_with("service.")) {
        *of.entry(row.about()).or_default().entry(row.action.as_str()).or_default() += 1;
        let own = ["begin_trial", "begin_free", "grant", "renew", "rotate", "move", "revoke", "rename"];
        if own.iter().any(|action| row.action.ends_with(action)) {
            assert!(row.user_id.is_some() && row.inbox_seq.is_some(), "somebody did it: {row:?}");
            let by_owner = row.user_id == Some(rows.services[&row.about()].user_id);
            assert_eq!(row.action != "service.grant", by_owner, "its owner, or an admin who grants: {row:?}");
        }
    }
    for service in rows.services.values() {
        let counts = of.remove(&service.id).unwrap_or_default();
        let count = |action: &str| counts.get(action).copied().unwrap_or(0);
        let begun = [count("service.begin_trial"), count("service.begin_free"), count("service.grant")];
        let kinds = [service.trial, service.free, service.granted].map(usize::from);
        assert_eq!(begun, kinds, "{service:?}");
        assert_eq!(count("service.activate"), usize::from(service.ends_at.is_some()), "{service:?}");
        assert_eq!(count("service.revoke"), usize::from(service.status == "revoked"), "{service:?}");
        assert_eq!(count("service.expire"), usize::from(service.status == "expired"), "{service:?}");
        let keys = rows.peers.iter().chain(&rows.keys).filter(|key| key.service_id == service.id);
        let (all, told) = keys.fold((0, 0), |(all, told), key| (all + 1, told + usize::from(key.told_at.is_some())));
        assert_eq!(all, 1 + count("service.rotate") + count("service.move"), "keys of {service:?}");
        // Whoever blocked the bot at some time may have missed some of it.
        let always = play.wishes[&service.user_id].iter().all(|(_, wishes)| !wishes.blocked);
        let shown = play.shown.get(&service.id).copied().unwrap_or_default();
        let (came, due) =
            ([shown.ready, shown.renewed, shown.revoked], [told, count("service.renew"), count("service.revoke")]);
        let told = if always { came == due } else { came.iter().zip(due).all(|(came, due)| *came <= due) };
        assert!(told, "ready, renewed, revoked: {came:?} came of {due:?}: {service:?}");
    }
}

/// New services came only to servers that took any.
fn servers(rows: &Rows, audit: &[AuditRow]) {
    let mut states: BTreeMap<i64, String> = BTreeMap::new();
    for row in audit {
        let to = match row.action.as_str() {
            "node.set_state" => {
                let after = row.details["after"].as_str().unwrap().to_owned();
                let before = states.insert(row.about(), after).unwrap_or_else(|| "active".to_owned());
                assert_eq!(row.details["before"], before, "{row:?}");
                continue;
            }
            "service.begin_trial" | "service.begin_free" | "service.grant" => &row.details["node"],
            "service.move" => &row.details["to"],
            _ => continue,
        };
        let state = to.as_i64().and_then(|node| states.get(&node));
        assert!(state.is_none_or(|state| state == "active"), "a server that takes nothing new got something: {row:?}");
    }
    for node in &rows.nodes {
        let state = states.get(&i64::from(node.id)).map_or("active", String::as_str);
        assert_eq!(node.state, state, "{}", node.name);
    }
}

/// People's rows say what they want; messages are written in the language that stands there.
async fn users(play: &mut Play) {
    let users: Vec<UserLine> = read(
        &mut play.stage,
        "SELECT id, language, tz, quiet_from, quiet_to, reminders, blocked_at IS NOT NULL AS blocked FROM users",
    )
    .await;
    for user in users {
        let (_, wishes) = play.wishes[&user.id].last().unwrap();
        let quiet = user.quiet_from.zip(user.quiet_to).unwrap_or(crate::history::QUIET);
        let row =
            Wishes { language: user.language, zone: user.tz, quiet, reminders: user.reminders, blocked: user.blocked };
        assert_eq!(row, *wishes, "user {}", user.id);
    }
}

async fn nothing_left(play: &mut Play) {
    let sql = "SELECT concat_ws(' ',
            (SELECT count(*) FROM dead_letters),
            (SELECT count(*) FROM inbox WHERE done_at IS NULL OR outcome <> 'handled'),
            (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL),
            (SELECT count(*) FROM outbox o JOIN users u ON u.id = o.chat_id WHERE o.failed_at IS NOT NULL AND NOT EXISTS (
                SELECT FROM audit a WHERE a.subject = 'user/' || o.chat_id AND a.action LIKE 'user.%block%')),
            (SELECT count(*) FROM leases l WHERE state = 'quarantined' AND EXISTS (
                SELECT FROM services s WHERE s.id = l.service_id AND s.status IN ('expired', 'revoked')
                  AND s.ended_at + interval '24 hours' <> l.quarantine_until))
         ) AS t";
    let left = play.stage.reader.text(sql).await;
    assert_eq!(
        left, "0 0 0 0 0",
        "dead letters, unhandled updates, unsent and failed messages, rests of another length"
    );
    let handled = play.stage.reader.text("SELECT count(*)::text AS t FROM inbox").await;
    assert_eq!(handled, play.updates.to_string(), "every update was stored once");
}

/// A month in which nothing happened would prove nothing.
fn numbers(play: &Play, rows: &Rows, notices: &[Notice]) {
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for service in rows.services.values() {
        *statuses.entry(service.status.as_str()).or_default() += 1;
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (.., kind) in notices {
        *kinds.entry(kind).or_default() += 1;
    }
    let renewals: u32 = rows.services.values().map(|service| service.period - 1).sum();
    eprintln!(
        "{} updates, {} services {statuses:?}, {renewals} renewals, {} leases, {} peers, {} keys, notices {kinds:?}, {} deaths; \
         sweeps, servers, people, checks took {:.1?}",
        play.updates,
        rows.services.len(),
        rows.leases.len(),
        rows.peers.len(),
        rows.keys.len(),
        play.deaths,
        play.spent
    );
    // Smaller months may miss something.
    if play.people.len() > 500 && play.times.len() > 200 {
        for kind in ["three_days", "one_day", "two_hours", "ended", "quota_near", "over_quota"] {
            assert!(kinds.get(kind).is_some_and(|count| *count > 10), "hardly any {kind}: {kinds:?}");
        }
        for status in ["active", "suspended", "expired", "revoked"] {
            assert!(statuses.get(status).is_some_and(|count| *count > 10), "hardly any {status}: {statuses:?}");
        }
        assert!(renewals > 50, "{renewals} renewals");
    }
}
