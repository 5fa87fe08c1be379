#![allow(clippy::unwrap_used)]

use super::*;
use crate::telegram::fake::{ADMIN, ANA, NOBODY, World, alert, card, now, suspended};
use crate::telegram::html::tests::check;
use crate::telegram::keyboard::{Action, Key};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use std::fmt::Write as _;
use usipipo_actors::domain::alert::AlertKind;
use usipipo_actors::domain::callback::CALLBACK_DATA_MAX_BYTES;
use usipipo_actors::domain::dialogue::{Act, Event, State, step};
use usipipo_actors::domain::ids::{DeadLetterId, NodeId, OfferId};
use usipipo_actors::domain::plan::{PlanKind, PlanSpec};
use usipipo_actors::domain::promotion::PromotionStep;
use usipipo_actors::domain::screen::{Os, TrialRefusal};
use usipipo_actors::domain::service::{NameError, NodeChange, ServiceCard, ServiceStatus, SuspendReason};
use usipipo_actors::domain::wg::KeyError;

mod notices;
mod sample;

use sample::{Sample, samples};

fn screen_of(sample: &Sample, lang: Lang) -> Rendered {
    let world = (sample.world)(lang);
    let rendered = render(world, sample.user, &sample.screen);
    assert_sendable(&rendered.html, &rendered.keyboard, &format!("{} in {lang:?}", sample.name));
    rendered
}

fn render(world: World, user: UserId, screen: &Screen) -> Rendered {
    block_on(async move {
        let renderer = world.renderer();
        let reader = renderer.reader(user).await.unwrap();
        renderer.screen(&reader, screen, now()).await.unwrap()
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// What Telegram and our own rules ask of every message.
fn assert_sendable(html: &Html, keyboard: &Keyboard, name: &str) {
    let units = check(html.as_str()).unwrap_or_else(|error| panic!("{name}: {error}\n{html}"));
    assert!((1..=MESSAGE_MAX_UNITS).contains(&units), "{name}: {units} units");
    assert!(!keyboard.rows.is_empty() && keyboard.rows.len() <= 12, "{name}: {} rows", keyboard.rows.len());
    for key in keyboard.rows.iter().flatten() {
        assert!(!key.label.trim().is_empty() && key.label.encode_utf16().count() <= 64, "{name}: {:?}", key.label);
        let button = match &key.action {
            Action::Press(button) => button,
            Action::Open(link) => {
                assert!(link.expose().starts_with("https://"), "{name}: {}", key.label);
                continue;
            }
            // Telegram's limit.
            Action::Copy(text) => {
                assert!((1..=256).contains(&text.expose_secret().chars().count()), "{name}: {}", key.label);
                continue;
            }
        };
        let data = button.encode();
        assert!((1..=CALLBACK_DATA_MAX_BYTES).contains(&data.len()), "{name}: {data}");
        assert_eq!(Button::decode(&data).as_ref(), Ok(button), "{name}");
        // It answers a question, so it means something only while that is asked.
        if matches!(button, Button::LeaveServer(_)) {
            continue;
        }
        let step = step(&State::Idle, &Event::Button(button.clone(), Some(1)), Role::Superadmin);
        assert_ne!(step.act, Act::Show(Screen::OldButton), "{name}: {data}");
    }
    // A row of which nothing is left would be a button less without anybody knowing.
    assert_eq!(keyboard.markup().inline_keyboard.len(), keyboard.rows.len(), "{name}");
    let mut buttons = keyboard.rows.iter().flatten().filter_map(Key::button);
    assert!(
        buttons.any(|button| matches!(button, Button::Home | Button::Vpn { page: 0 } | Button::Card { .. })),
        "{name}: no way on"
    );
}

/// Signs that are drawn in colour; a flag is two of them in a row.
fn emoji_in(line: &str) -> usize {
    let flag = |c: char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&c);
    let flags = line.chars().filter(|c| flag(*c)).count() / 2;
    let signs = line.chars().filter(|c| {
        ('\u{1f300}'..='\u{1faff}').contains(c)
            || matches!(
                *c,
                '✅' | '❌'
                    | '⚠'
                    | '⏳'
                    | '⚙'
                    | '❓'
                    | '✏'
                    | '⬅'
                    | '✖'
                    | '✈'
                    | '⏩'
                    | '⏰'
                    | '⚡'
                    | '⏸'
                    | '▶'
                    | '⚪'
            )
    });
    flags + signs.count()
}

fn picture(html: &str, keyboard: &Keyboard) -> String {
    let mut picture = format!("{html}\n");
    for row in &keyboard.rows {
        for key in row {
            let leads_to = match &key.action {
                Action::Press(button) => button.encode(),
                Action::Open(link) => link.expose().to_owned(),
                Action::Copy(text) => format!("copies {}", text.expose_secret()),
            };
            let _ = write!(picture, "[{} → {leads_to}] ", key.label);
        }
        picture.truncate(picture.trim_end().len());
        picture.push('\n');
    }
    picture
}

fn assert_snapshot(name: &str, picture: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, picture));
}

#[test]
fn every_screen_in_every_language() {
    for sample in samples() {
        let mut pictures = Vec::new();
        for lang in Lang::ALL {
            let Rendered { html, keyboard, shown } = screen_of(&sample, lang);
            for line in html.as_str().lines().chain(keyboard.rows.iter().flatten().map(|key| key.label.as_str())) {
                assert!(emoji_in(line) <= 1, "{}: {line}", sample.name);
            }
            let shown = if shown == sample.screen { String::new() } else { format!("(is {shown:?})\n") };
            pictures.push(format!("{shown}{}", picture(html.as_str(), &keyboard)));
        }
        assert_ne!(pictures[0], pictures[1], "{}: one language is missing", sample.name);
        assert_snapshot(sample.name, &pictures.join("\n— — —\n\n"));
    }
}

#[test]
fn alerts_in_every_language() {
    let node = || "us-1".to_owned();
    let kinds = [
        ("alert_node_down", AlertKind::NodeDown { node: node(), error: "no answer <timeout>".to_owned() }),
        ("alert_foreign_peers", AlertKind::ForeignPeers { node: node(), count: 2 }),
        (
            "alert_pool_nearly_full",
            AlertKind::PoolNearlyFull { node: node(), purpose: "trial".to_owned(), free: 12, total: 4_093 },
        ),
        (
            "alert_actor_quarantined",
            AlertKind::ActorQuarantined { actor: "session".to_owned(), cause: "panic".to_owned() },
        ),
        ("alert_dead_letter", AlertKind::DeadLetter { count: 1 }),
        ("alert_telegram_refuses", AlertKind::TelegramRefuses { error: "Unauthorized".to_owned() }),
        ("alert_unexpected_payment", AlertKind::UnexpectedPayment { charge: "stx_1".to_owned() }),
        ("alert_provisioning_late", AlertKind::ProvisioningLate { count: 3 }),
        (
            "alert_server_nearly_full",
            AlertKind::ServerNearlyFull { node: "nl-1".to_owned(), used: 950, capacity: 1_000 },
        ),
        ("alert_probe_failing", AlertKind::ProbeFailing { node: node(), error: "no answer".to_owned() }),
        ("alert_secret_unreadable", AlertKind::SecretUnreadable { node: node(), service: ServiceId(12) }),
    ];
    for (name, kind) in kinds {
        let mut pictures = Vec::new();
        for (lang, resolved) in [(Lang::Es, false), (Lang::Es, true), (Lang::En, false), (Lang::En, true)] {
            let notice = block_on(async {
                let renderer = World { alert: alert(kind.clone()), ..World::new(lang) }.renderer();
                let reader = renderer.reader(ADMIN).await.unwrap();
                renderer.alert(&reader, AlertId(1), resolved, now()).await.unwrap().unwrap()
            });
            assert_sendable(&notice.html, &notice.keyboard, name);
            pictures.push(picture(notice.html.as_str(), &notice.keyboard));
        }
        assert_snapshot(name, &pictures.join("\n— — —\n\n"));
    }
}

#[test]
fn who_had_the_trial_is_shown_the_free_plan_of_the_product() {
    let mut plans = PlanSpec::defaults();
    let free = |plan: &PlanSpec| plan.product == Product::Wireguard && plan.kind == PlanKind::Trial;
    let trial = plans.iter().find(|plan| free(plan)).unwrap().clone();
    plans.push(PlanSpec { code: "wg-free".to_owned(), kind: PlanKind::Free, days: 77, ..trial });
    let shown = |used: &[Product]| {
        let (free, used) = (vec![Product::Wireguard], used.to_vec());
        let world = World { free, used, plans: plans.clone(), ..World::new(Lang::En) };
        let choice = Screen::TrialChoice { products: vec![Product::Wireguard] };
        render(world, ANA, &choice).html.as_str().to_owned()
    };
    assert!(!shown(&[]).contains("77"), "{}", shown(&[]));
    assert!(shown(&[Product::Wireguard]).contains("77"), "{}", shown(&[Product::Wireguard]));
}

#[test]
fn a_full_server_is_not_among_those_to_choose_from() {
    let shown = |load_percent| {
        let mut world = World::new(Lang::En);
        world.servers.retain(|server| server.up);
        world.servers.truncate(1);
        world.servers[0].load_percent = load_percent;
        let keyboard = render(world, ANA, &Screen::Servers { offer: OfferId(1), page: 0 }).keyboard;
        let node = |key: &Key| matches!(key.action, Action::Press(Button::AcceptAt { .. }));
        keyboard.rows.iter().flatten().filter(|key| node(key)).count()
    };
    assert_eq!((shown(99), shown(100)), (1, 0));
}

#[test]
fn somebody_who_is_no_admin_any_more_gets_no_alert() {
    let notice = block_on(async {
        let renderer = World { alert: alert(AlertKind::DeadLetter { count: 1 }), ..World::new(Lang::Es) }.renderer();
        let reader = renderer.reader(ANA).await.unwrap();
        renderer.alert(&reader, AlertId(1), false, now()).await.unwrap()
    });
    assert_eq!(notice, None);
}

#[test]
fn fault_25_an_admins_screen_is_not_rendered_for_others() {
    let node = NodeId(1);
    for screen in [
        Screen::System,
        Screen::Nodes,
        Screen::Node { node },
        Screen::AskNode { node, change: NodeChange::Drain },
        Screen::NodeInUse { node, services: 1 },
        Screen::NodeKeysLeft { node, keys: 1 },
        Screen::Plans,
        Screen::GrantUsage,
        Screen::GrantUnknown { user: ADMIN, plan: "wg-1m".to_owned() },
        Screen::AskGrant { user: ADMIN, plan: "wg-1m".to_owned(), offer: OfferId(1) },
        Screen::Granted { user: ADMIN, service: ServiceId(1) },
        Screen::Pools,
        Screen::UserCard { user: ADMIN },
        Screen::UserUsage,
        Screen::UserService { user: ADMIN, service: ServiceId(1) },
        Screen::AskService { user: ADMIN, service: ServiceId(1), change: ServiceChange::Revoke },
        Screen::Promotion { node: NodeId(5), step: PromotionStep::Secret, error: None },
        Screen::Promoted { node: NodeId(5) },
        Screen::AskUnpromote { node: NodeId(5) },
    ] {
        assert_eq!(render(World::new(Lang::Es), ANA, &screen).shown, Screen::NotAllowed, "{screen:?}");
    }
}

#[test]
fn a_stranger_gets_the_operators_language() {
    let world = World { user: None, ..World::new(Lang::En) };
    let rendered = render(world, UserId(i64::MAX), &Screen::SlowDown);
    assert!(rendered.html.as_str().contains("Vas más rápido"));
}

#[test]
fn the_list_of_zones_opens_where_ones_own_is() {
    let mut world = World::new(Lang::Es);
    world.user.as_mut().unwrap().tz = "Europe/Madrid".to_owned();
    let settings = render(world.clone(), ANA, &Screen::Settings);
    let page = settings.keyboard.rows.iter().flatten().find_map(|key| match key.button() {
        Some(Button::TimeZones { page }) => Some(*page),
        _ => None,
    });
    let zones = render(world, ANA, &Screen::TimeZones { page: page.unwrap() });
    let marked: Vec<_> = zones.keyboard.rows.iter().flatten().filter(|key| key.label.starts_with('✔')).collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0].button(), Some(&Button::TimeZone("Europe/Madrid".to_owned())));
}

fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[<>&\"a-zá😀\u{202e}\u{5d0}\u{0}]{0,60}",
        Just("<&😀\u{200f}א".repeat(2_000)),
        Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever stands in the rows, the message is one that Telegram takes.
    #[test]
    fn fault_22_any_text_in_the_rows_makes_a_message(
        texts in proptest::collection::vec(nasty(), 8), used in any::<u64>(), quota in any::<Option<u64>>(),
        days in -400_i64..4_000, english in any::<bool>(), id in any::<i64>(),
    ) {
        let mut world = World::new(if english { Lang::En } else { Lang::Es });
        {
            let user = world.user.as_mut().unwrap();
            user.first_name = texts[0].clone();
            user.last_name = Some(texts[1].clone());
            user.username = Some(texts[2].clone());
            user.tz = texts[3].clone();
        }
        let mut service = card(id, &texts[4].chars().take(24).collect::<String>(), ServiceStatus::Active);
        if service.name.trim().is_empty() {
            service.name = "x".to_owned();
        }
        service.node_place = texts[5].clone();
        service.node_country = texts[3].clone();
        service.used_down = used;
        service.quota_bytes = quota;
        service.ends_at = Some(now() + TimeDelta::days(days));
        world.services = vec![service; 8];
        for server in &mut world.servers {
            server.place = texts[5].clone();
            server.country = texts[3].clone();
        }
        for node in &mut world.nodes {
            node.place = texts[6].clone();
            node.country = texts[3].clone();
            node.error = Some(texts[7].clone());
        }
        world.letters[0].excerpt = texts[7].clone();
        world.letters[0].error = texts[6].clone();
        let service = ServiceId(id);
        for screen in [
            Screen::Home { new: true }, Screen::Home { new: false }, Screen::Vpn { page: 0 }, Screen::Card { service },
            Screen::Ready { service }, Screen::AskName { service, error: None }, Screen::Profile, Screen::Status, Screen::Nodes,
            Screen::Node { node: NodeId(1) }, Screen::Servers { offer: OfferId(1), page: 0 },
            Screen::AskMove { service, offer: OfferId(1), page: 0 }, Screen::Granted { user: UserId(id), service },
            Screen::AskGrant { user: UserId(id), plan: texts[7].clone(), offer: OfferId(1) },
            Screen::DeadLetter { id: DeadLetterId(1) }, Screen::UserCard { user: UserId(id) }, Screen::Settings,
            Screen::Apology { code: texts[2].clone() }, Screen::HowTo { service, os: Os::Pc },
        ] {
            let rendered = render(world.clone(), ADMIN, &screen);
            assert_sendable(&rendered.html, &rendered.keyboard, &format!("{screen:?}"));
        }
    }
}
