//! Notices of time and traffic, and the thing itself where it is a link.

use super::*;
use crate::telegram::fake::{mtproto, outline};

const SERVICE: ServiceId = ServiceId(1);

fn with(lang: Lang, card: ServiceCard) -> World {
    World::with(lang, vec![card])
}

/// What one of the renderer's functions makes of a world, for Ana.
fn noticed(world: World, make: impl AsyncFnOnce(&Renderer, &Reader) -> Option<Notice>) -> Option<Notice> {
    block_on(async {
        let renderer = world.renderer();
        let reader = renderer.reader(ANA).await.unwrap();
        make(&renderer, &reader).await
    })
}

fn ended(world: World) -> Option<Notice> {
    noticed(world, async |renderer, reader| renderer.ended(reader, SERVICE, now()).await.unwrap())
}

fn over_quota(world: World) -> Option<Notice> {
    noticed(world, async |renderer, reader| renderer.over_quota(reader, SERVICE, now()).await.unwrap())
}

fn quota_near(world: World) -> Option<Notice> {
    noticed(world, async |renderer, reader| renderer.quota_near(reader, SERVICE, now()).await.unwrap())
}

fn reminder(world: World, reminder: Reminder) -> Option<Notice> {
    noticed(world, async |renderer, reader| renderer.reminder(reader, SERVICE, reminder, now()).await.unwrap())
}

fn link(world: World) -> Option<Notice> {
    noticed(world, async |renderer, reader| {
        let config = renderer.data.client_config(ANA, SERVICE).await.unwrap()?;
        renderer.link(reader, &config, now())
    })
}

/// A picture of it in every language, for each of the cards.
fn assert_notices(name: &str, cards: &[Option<ServiceCard>], make: impl Fn(World) -> Option<Notice>) {
    let mut pictures = Vec::new();
    for lang in Lang::ALL {
        for card in cards {
            let world = World::with(lang, card.iter().cloned().collect());
            let notice = make(world).unwrap_or_else(|| panic!("{name}: nothing for {card:?}"));
            assert_sendable(&notice.html, &notice.keyboard, name);
            for line in notice.html.as_str().lines() {
                assert!(emoji_in(line) <= 1, "{name}: {line}");
            }
            pictures.push(picture(notice.html.as_str(), &notice.keyboard));
        }
    }
    assert_snapshot(name, &pictures.join("\n— — —\n\n"));
}

fn ends_in(card: ServiceCard, left: TimeDelta) -> ServiceCard {
    ServiceCard { ends_at: Some(now() + left), ..card }
}

/// A free proxy with a quota, of which most is used.
fn nearly_used() -> ServiceCard {
    let quota_bytes = Some(1_200_000_000);
    ServiceCard { quota_bytes, ..mtproto(1, "Proxy 1", ServiceStatus::Active) }
}

fn ended_proxy(reasons: &[SuspendReason]) -> ServiceCard {
    let base = mtproto(1, "Proxy 1", ServiceStatus::Suspended);
    ServiceCard { reasons: reasons.to_vec(), ..ends_in(base, TimeDelta::hours(-3)) }
}

#[test]
fn ends_in_every_language() {
    let trial = suspended(1, "iPhone", SuspendReason::Expiry);
    let expired = ends_in(mtproto(1, "Proxy 1", ServiceStatus::Expired), TimeDelta::hours(-48));
    let free = ended_proxy(&[SuspendReason::Expiry]);
    assert_notices("notice_ended", &[Some(trial), Some(free), Some(expired), None], ended);
}

#[test]
fn used_up_traffic_in_every_language() {
    let trial = suspended(1, "iPhone", SuspendReason::Quota);
    let free = ends_in(nearly_used(), TimeDelta::days(3));
    let free = ServiceCard { status: ServiceStatus::Suspended, reasons: vec![SuspendReason::Quota], ..free };
    assert_notices("notice_over_quota", &[Some(trial), Some(free), None], over_quota);
}

#[test]
fn little_traffic_in_every_language() {
    let trial = ServiceCard { used_down: 4_100_000_000, ..card(1, "iPhone", ServiceStatus::Active) };
    assert_notices("notice_quota_near", &[Some(trial), Some(nearly_used())], quota_near);
}

#[test]
fn reminders_in_every_language() {
    let trial = card(1, "iPhone", ServiceStatus::Active);
    let granted = ServiceCard { trial: false, ..outline(1, "Portátil", ServiceStatus::Active) };
    let free = mtproto(1, "Proxy 1", ServiceStatus::Active);
    let minute = TimeDelta::minutes(1);
    assert_notices("notice_reminder_3_days", &[Some(ends_in(trial, TimeDelta::days(3)))], |world| {
        reminder(world, Reminder::ThreeDays)
    });
    assert_notices("notice_reminder_1_day", &[Some(ends_in(granted, TimeDelta::days(1) - minute))], |world| {
        reminder(world, Reminder::OneDay)
    });
    assert_notices("notice_reminder_2_hours", &[Some(ends_in(free, TimeDelta::hours(2) - minute))], |world| {
        reminder(world, Reminder::TwoHours)
    });
}

#[test]
fn a_reminder_that_waited_too_long_is_not_sent() {
    let free = || mtproto(1, "Proxy 1", ServiceStatus::Active);
    // Renewed meanwhile.
    assert_eq!(reminder(with(Lang::Es, ends_in(free(), TimeDelta::days(30))), Reminder::ThreeDays), None);
    // Over meanwhile: another message says so.
    assert_eq!(reminder(with(Lang::Es, ends_in(free(), TimeDelta::seconds(-1))), Reminder::TwoHours), None);
    let revoked = mtproto(1, "Proxy 1", ServiceStatus::Revoked);
    assert_eq!(reminder(with(Lang::Es, ends_in(revoked, TimeDelta::hours(1))), Reminder::TwoHours), None);
    assert_eq!(reminder(World::with(Lang::Es, Vec::new()), Reminder::TwoHours), None);
    // Sent before the quiet hours in which it would have fallen.
    assert!(reminder(with(Lang::Es, ends_in(free(), TimeDelta::hours(11))), Reminder::TwoHours).is_some());
}

#[test]
fn what_waited_for_the_morning_and_works_again_is_not_told_as_over() {
    let works = || mtproto(1, "Proxy 1", ServiceStatus::Active);
    assert_eq!(ended(with(Lang::Es, works())), None);
    assert_eq!(over_quota(with(Lang::Es, works())), None);
}

#[test]
fn what_an_admin_did_in_every_language() {
    let changes = [
        ("notice_paused", ServiceChange::Pause),
        ("notice_resumed", ServiceChange::Resume),
        ("notice_extended_one", ServiceChange::Extend { days: 1 }),
        ("notice_extended", ServiceChange::Extend { days: 30 }),
        ("notice_revoked", ServiceChange::Revoke),
    ];
    for (name, change) in changes {
        assert_notices(name, &[Some(mtproto(1, "Proxy 1", ServiceStatus::Active))], |world| {
            noticed(world, async |renderer, reader| renderer.cared(reader, SERVICE, change, now()).await.unwrap())
        });
    }
}

#[test]
fn a_notice_of_little_traffic_that_waited_too_long_is_not_sent() {
    let renewed = ServiceCard { used_before: 1_000_000_000, ..nearly_used() };
    assert_eq!(quota_near(with(Lang::Es, renewed)), None);
    assert_eq!(quota_near(with(Lang::Es, ServiceCard { quota_bytes: None, ..nearly_used() })), None);
}

#[test]
fn links_in_every_language() {
    assert_notices("link_outline", &[Some(outline(1, "Mi Outline & yo", ServiceStatus::Active))], link);
    let proxy = [Some(mtproto(1, "Proxy 1", ServiceStatus::Active))];
    assert_notices("link_proxy", &proxy, link);
    let disguised = |world| link(World { domain: Some("www.example.com".to_owned()), ..world });
    assert_notices("link_proxy_disguised", &proxy, disguised);
    assert_eq!(link(with(Lang::Es, card(1, "iPhone", ServiceStatus::Active))), None, "a file is no link");
}

#[test]
fn a_link_can_be_read_back_from_what_is_sent() {
    let config = |card: ServiceCard| {
        block_on(async { with(Lang::Es, card).renderer().data.client_config(ANA, SERVICE).await.unwrap().unwrap() })
    };
    let outline = address(&config(outline(1, "Mi Outline", ServiceStatus::Active))).unwrap();
    let link = crate::outline::AccessLink::parse(outline.expose_secret()).unwrap();
    assert_eq!((link.host.as_str(), link.port, link.name.as_str()), ("nl1.example.com", 8388, "Mi Outline"));
    assert_eq!(link.password.expose_secret(), "anOutlinePassword12345");
    let proxy = address(&config(mtproto(1, "Proxy 1", ServiceStatus::Active))).unwrap();
    let secret = format!("dd{}", "ab".repeat(16));
    assert_eq!(proxy.expose_secret(), format!("https://t.me/proxy?server=de1.example.com&port=443&secret={secret}"));
    assert!(address(&config(card(1, "iPhone", ServiceStatus::Active))).is_none());
}

#[test]
fn what_is_printed_of_a_message_shows_no_secret_of_its_buttons() {
    let notice = link(with(Lang::Es, mtproto(1, "Proxy 1", ServiceStatus::Active))).unwrap();
    assert!(!format!("{:?}", notice.keyboard).contains("abab"));
}
