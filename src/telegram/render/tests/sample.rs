//! Every screen, in every state of the rows that changes it.

use super::*;
use usipipo_actors::domain::service::Product;

mod care;
mod kinds;
mod staff;

pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) screen: Screen,
    pub(super) world: fn(Lang) -> World,
    pub(super) user: UserId,
}

const SERVICE: ServiceId = ServiceId(1);
const OFFER: OfferId = OfferId(i64::MAX);

fn with_one(lang: Lang, service: ServiceCard) -> World {
    World::with(lang, vec![service])
}

fn active() -> ServiceCard {
    card(1, "iPhone", ServiceStatus::Active)
}

fn own(name: &'static str, screen: Screen, world: fn(Lang) -> World) -> Sample {
    Sample { name, screen, world, user: ANA }
}

fn plain(name: &'static str, screen: Screen) -> Sample {
    own(name, screen, World::new)
}

fn admin(name: &'static str, screen: Screen) -> Sample {
    Sample { name, screen, world: World::new, user: ADMIN }
}

/// Fails to compile when a screen is added, until it has a sample below.
fn has_a_sample(screen: &Screen) {
    match screen {
        Screen::Home { .. } | Screen::Vpn { .. } | Screen::TrialOffer { .. } | Screen::TrialRefused { .. } => {}
        Screen::Preparing { .. } | Screen::Waiting { .. } | Screen::Ready { .. } | Screen::Failed { .. } => {}
        Screen::Card { .. } | Screen::HowTo { .. } | Screen::AskName { .. } | Screen::AskOwnKey { .. } => {}
        Screen::AskRotate { .. } | Screen::KeyTaken { .. } | Screen::AskRevoke { .. } | Screen::Revoked { .. } => {}
        Screen::OfferGone | Screen::NoSuchService | Screen::Profile | Screen::Status | Screen::Help => {}
        Screen::Settings | Screen::Languages | Screen::TimeZones { .. } | Screen::Privacy | Screen::Terms => {}
        Screen::Cancelled | Screen::NothingToCancel | Screen::UnknownCommand | Screen::UnexpectedText => {}
        Screen::UnexpectedKind | Screen::OldButton | Screen::NotAllowed | Screen::SlowDown => {}
        Screen::Apology { .. } | Screen::System | Screen::Nodes | Screen::Pools | Screen::DeadLetters { .. } => {}
        Screen::DeadLetter { .. } | Screen::DeadLetterReplayed { .. } | Screen::UserCard { .. } | Screen::UserUsage => {
        }
        Screen::AlertSettled { .. } | Screen::Proxy { .. } | Screen::TrialChoice { .. } | Screen::Servers { .. } => {}
        Screen::UserService { .. } | Screen::AskService { .. } => {}
        Screen::Promotion { .. } | Screen::Promoted { .. } | Screen::AskUnpromote { .. } => {}
        Screen::AskRenew { .. } | Screen::Renewed { .. } | Screen::AskMove { .. } | Screen::Node { .. } => {}
        Screen::AddServer | Screen::AskServer { .. } | Screen::ServerAdded { .. } => {}
        Screen::NodeKeysLeft { .. } | Screen::KeyOnItsWay { .. } => {}
        Screen::AskNode { .. } | Screen::NodeInUse { .. } | Screen::Plans | Screen::GrantUsage => {}
        Screen::GrantUnknown { .. } | Screen::AskGrant { .. } | Screen::Granted { .. } => {}
    }
}

pub(super) fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    all.extend(home_and_list());
    all.extend(flow());
    all.extend(cards());
    all.extend(changes());
    all.extend(person_and_rules());
    all.extend(small());
    all.extend(admins());
    all.extend(kinds::samples());
    all.extend(staff::samples());
    all.extend(care::samples());
    let mut kinds: Vec<_> = all.iter().map(|sample| std::mem::discriminant(&sample.screen)).collect();
    all.iter().for_each(|sample| has_a_sample(&sample.screen));
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    kinds.dedup();
    assert_eq!(kinds.len(), 68, "every variant of Screen has a sample");
    all
}

fn home_and_list() -> Vec<Sample> {
    let many = |lang| {
        let mut services: Vec<_> = (1..=18).map(|id| card(id, &format!("VPN {id}"), ServiceStatus::Active)).collect();
        services[1].used_down = 4_000_000_000;
        World::with(lang, services)
    };
    vec![
        own("home_new", Screen::Home { new: true }, |lang| World {
            free: vec![Product::Wireguard],
            ..World::with(lang, Vec::new())
        }),
        own("home_empty", Screen::Home { new: false }, |lang| World {
            free: vec![Product::Wireguard],
            ..World::with(lang, Vec::new())
        }),
        own("home_mixed", Screen::Home { new: false }, |lang| {
            let pending = card(2, "Portátil", ServiceStatus::Pending);
            let revoked = card(4, "Vieja", ServiceStatus::Revoked);
            World::with(lang, vec![active(), pending, suspended(3, "Tablet", SuspendReason::Quota), revoked])
        }),
        own("home_many", Screen::Home { new: false }, many),
        Sample { name: "home_admin", screen: Screen::Home { new: false }, world: World::new, user: ADMIN },
        own("vpn_empty", Screen::Vpn { page: 0 }, |lang| World {
            free: vec![Product::Wireguard],
            ..World::with(lang, Vec::new())
        }),
        own("vpn_first_page", Screen::Vpn { page: 0 }, many),
        own("vpn_middle_page", Screen::Vpn { page: 1 }, many),
        own("vpn_beyond_the_last_page", Screen::Vpn { page: 900 }, many),
    ]
}

fn flow() -> Vec<Sample> {
    let refused = |reason| Screen::TrialRefused { reason, product: Product::Wireguard };
    let used = |service| refused(TrialRefusal::AlreadyUsed { at: now() - TimeDelta::days(21), service });
    vec![
        plain("trial_offer", Screen::TrialOffer { offer: OFFER, product: Product::Wireguard }),
        plain("trial_used", used(None)),
        plain("trial_used_still_there", used(Some(SERVICE))),
        plain("trial_pool_full", refused(TrialRefusal::PoolFull)),
        plain("trial_no_node", refused(TrialRefusal::NoNode)),
        own("preparing", Screen::Preparing { service: SERVICE }, |lang| {
            with_one(lang, card(1, "iPhone", ServiceStatus::Pending))
        }),
        own("waiting", Screen::Waiting { service: SERVICE }, |lang| {
            with_one(lang, card(1, "iPhone", ServiceStatus::Pending))
        }),
        plain("waiting_for_a_new_key", Screen::Waiting { service: SERVICE }),
        plain("ready", Screen::Ready { service: SERVICE }),
        own("ready_still_pending", Screen::Ready { service: SERVICE }, |lang| {
            with_one(lang, card(1, "iPhone", ServiceStatus::Pending))
        }),
        own("ready_config_only", Screen::Ready { service: SERVICE }, |lang| {
            with_one(lang, ServiceCard { node_config_only: true, ..active() })
        }),
        own("ready_own_key", Screen::Ready { service: SERVICE }, |lang| {
            with_one(lang, ServiceCard { own_key: true, ..active() })
        }),
        own("ready_revoked_meanwhile", Screen::Ready { service: SERVICE }, |lang| {
            with_one(lang, card(1, "iPhone", ServiceStatus::Revoked))
        }),
        own("failed", Screen::Failed { service: SERVICE }, |lang| {
            with_one(lang, card(1, "iPhone", ServiceStatus::Failed))
        }),
        plain("howto_ios", Screen::HowTo { service: SERVICE, os: Os::Ios }),
        plain("howto_android", Screen::HowTo { service: SERVICE, os: Os::Android }),
        plain("howto_pc", Screen::HowTo { service: SERVICE, os: Os::Pc }),
    ]
}

fn cards() -> Vec<Sample> {
    let screen = || Screen::Card { service: SERVICE };
    vec![
        plain("card_active", screen()),
        own("card_unused_own_key_unlimited", screen(), |lang| {
            let service =
                ServiceCard { own_key: true, trial: false, quota_bytes: None, last_handshake: None, ..active() };
            with_one(lang, ServiceCard { used_up: 0, used_down: 0, ..service })
        }),
        own("card_pending", screen(), |lang| with_one(lang, card(1, "iPhone", ServiceStatus::Pending))),
        own("card_node_down", screen(), |lang| with_one(lang, ServiceCard { node_up: false, ..active() })),
        own("card_config_only", screen(), |lang| with_one(lang, ServiceCard { node_config_only: true, ..active() })),
        own("card_expired_trial", screen(), |lang| with_one(lang, suspended(1, "iPhone", SuspendReason::Expiry))),
        own("card_quota_used", screen(), |lang| with_one(lang, suspended(1, "iPhone", SuspendReason::Quota))),
        own("card_paused_by_admin", screen(), |lang| with_one(lang, suspended(1, "iPhone", SuspendReason::Admin))),
        own("card_suspended_for_everything", screen(), |lang| {
            let reasons = vec![SuspendReason::Quota, SuspendReason::Admin, SuspendReason::Expiry];
            with_one(lang, ServiceCard { reasons, ..suspended(1, "iPhone", SuspendReason::Admin) })
        }),
        own("card_quota_used_before_its_end", screen(), |lang| {
            let ends_at = active().ends_at;
            let used_down = 4_800_000_000;
            with_one(lang, ServiceCard { ends_at, used_down, ..suspended(1, "iPhone", SuspendReason::Quota) })
        }),
        own("card_revoked", screen(), |lang| with_one(lang, card(1, "iPhone", ServiceStatus::Revoked))),
        own("card_failed", screen(), |lang| with_one(lang, card(1, "iPhone", ServiceStatus::Failed))),
        own("card_over_grace", screen(), |lang| with_one(lang, card(1, "iPhone", ServiceStatus::Expired))),
        own("card_of_somebody_else", screen(), |lang| World::with(lang, Vec::new())),
    ]
}

fn changes() -> Vec<Sample> {
    let ask_name = |error| Screen::AskName { service: SERVICE, error };
    let ask_key = |error| Screen::AskOwnKey { offer: OFFER, error };
    vec![
        plain("ask_name", ask_name(None)),
        plain("ask_name_empty", ask_name(Some(NameError::Empty))),
        plain("ask_name_too_long", ask_name(Some(NameError::TooLong))),
        plain("ask_own_key", ask_key(None)),
        plain("ask_own_key_not_a_key", ask_key(Some(KeyError::NotAKey))),
        plain("ask_own_key_low_order", ask_key(Some(KeyError::LowOrder))),
        plain("ask_rotate", Screen::AskRotate { service: SERVICE, offer: OFFER }),
        plain("key_taken", Screen::KeyTaken { offer: OFFER, service: Some(SERVICE) }),
        plain("key_taken_for_a_trial", Screen::KeyTaken { offer: OFFER, service: None }),
        plain("ask_revoke_trial", Screen::AskRevoke { service: SERVICE, offer: OFFER }),
        own("ask_revoke_paid", Screen::AskRevoke { service: SERVICE, offer: OFFER }, |lang| {
            with_one(lang, ServiceCard { trial: false, ..active() })
        }),
        own("revoked", Screen::Revoked { service: SERVICE }, |lang| {
            with_one(lang, card(1, "iPhone", ServiceStatus::Revoked))
        }),
        own("revoked_and_gone", Screen::Revoked { service: SERVICE }, |lang| World::with(lang, Vec::new())),
    ]
}

fn person_and_rules() -> Vec<Sample> {
    vec![
        plain("profile", Screen::Profile),
        admin("profile_admin", Screen::Profile),
        plain("status_good", Screen::Status),
        own("status_none", Screen::Status, |lang| World::with(lang, Vec::new())),
        own("status_bad", Screen::Status, |lang| {
            let down = ServiceCard { node_up: false, ..active() };
            World::with(
                lang,
                vec![down, ServiceCard { node_config_only: true, ..card(2, "Tablet", ServiceStatus::Active) }],
            )
        }),
        plain("help", Screen::Help),
        admin("help_admin", Screen::Help),
        plain("settings", Screen::Settings),
        plain("languages", Screen::Languages),
        plain("time_zones_first", Screen::TimeZones { page: 0 }),
        plain("time_zones_last", Screen::TimeZones { page: 4 }),
        plain("privacy", Screen::Privacy),
        plain("terms", Screen::Terms),
    ]
}

fn small() -> Vec<Sample> {
    vec![
        plain("offer_gone", Screen::OfferGone),
        plain("no_such_service", Screen::NoSuchService),
        plain("cancelled", Screen::Cancelled),
        plain("nothing_to_cancel", Screen::NothingToCancel),
        plain("unknown_command", Screen::UnknownCommand),
        plain("unexpected_text", Screen::UnexpectedText),
        plain("unexpected_kind", Screen::UnexpectedKind),
        plain("old_button", Screen::OldButton),
        plain("not_allowed", Screen::NotAllowed),
        plain("slow_down", Screen::SlowDown),
        plain("apology", Screen::Apology { code: "K7Q2".to_owned() }),
    ]
}

/// Two replies wait, one of which is this screen's.
fn one_of_each(lang: Lang) -> World {
    let mut world = World::new(lang);
    let statuses = ["pending", "active", "suspended", "expired", "revoked", "failed"];
    world.stats.services = statuses.map(|status| (status.to_owned(), 1)).to_vec();
    world.stats.outbox_waiting = vec![("reply".to_owned(), 2), ("delivery".to_owned(), 1), ("notice".to_owned(), 1)];
    let moment = Some(std::time::Duration::from_millis(300));
    (world.stats.inbox_undone, world.stats.inbox_oldest) = (1, moment);
    (world.stats.outbox_oldest, world.stats.pending_oldest) = (moment, moment);
    world
}

fn settled(lang: Lang) -> World {
    World { alert: alert(AlertKind::UnexpectedPayment { charge: "stx_1".to_owned() }), ..World::new(lang) }
}

fn admins() -> Vec<Sample> {
    let quiet = |lang| World {
        stats: Default::default(),
        nodes: Vec::new(),
        plans: Vec::new(),
        pools: Vec::new(),
        letters: Vec::new(),
        ..World::new(lang)
    };
    let calm = |name, screen| Sample { name, screen, world: quiet, user: ADMIN };
    vec![
        admin("system", Screen::System),
        calm("system_quiet", Screen::System),
        Sample { name: "system_one_of_each", screen: Screen::System, world: one_of_each, user: ADMIN },
        Sample {
            name: "alert_settled",
            screen: Screen::AlertSettled { alert: AlertId(1) },
            world: settled,
            user: ADMIN,
        },
        calm("plans_none", Screen::Plans),
        admin("nodes", Screen::Nodes),
        calm("nodes_none", Screen::Nodes),
        admin("pools", Screen::Pools),
        calm("pools_none", Screen::Pools),
        admin("dead_letters", Screen::DeadLetters { page: 0 }),
        calm("dead_letters_none", Screen::DeadLetters { page: 0 }),
        admin("dead_letter", Screen::DeadLetter { id: DeadLetterId(1) }),
        admin("dead_letter_replayed_before", Screen::DeadLetter { id: DeadLetterId(3) }),
        admin("dead_letter_gone", Screen::DeadLetter { id: DeadLetterId(99) }),
        admin("dead_letter_replayed", Screen::DeadLetterReplayed { id: DeadLetterId(1) }),
        admin("user_card", Screen::UserCard { user: ANA }),
        admin("user_card_unknown", Screen::UserCard { user: NOBODY }),
        admin("user_usage", Screen::UserUsage),
    ]
}
