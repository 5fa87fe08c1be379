#![allow(clippy::unwrap_used)]

use super::*;
use crate::service::EXTEND_MAX_DAYS;
use proptest::prelude::*;

fn node_change() -> impl Strategy<Value = NodeChange> {
    prop_oneof![
        Just(NodeChange::Activate),
        Just(NodeChange::Drain),
        Just(NodeChange::Maintain),
        Just(NodeChange::Remove),
        Just(NodeChange::Forget)
    ]
}

fn service_change() -> impl Strategy<Value = ServiceChange> {
    prop_oneof![
        Just(ServiceChange::Pause),
        Just(ServiceChange::Resume),
        Just(ServiceChange::Revoke),
        (1..=EXTEND_MAX_DAYS).prop_map(|days| ServiceChange::Extend { days }),
    ]
}

/// Buttons with which admins help users and promote proxies. Times are those of the years until 2286.
fn care() -> impl Strategy<Value = Button> {
    let ids = || (0..=i64::MAX, 0..=i64::MAX).prop_map(|(user, service)| (UserId(user), ServiceId(service)));
    prop_oneof![
        ids().prop_map(|(user, service)| Button::UserService { user, service }),
        (ids(), service_change()).prop_map(|((user, service), change)| Button::AskService { user, service, change }),
        (ids(), service_change(), 0..10_000_000_000_i64)
            .prop_map(|((user, service), change, seen)| Button::ChangeService { user, service, change, seen }),
        any::<i32>().prop_map(|id| Button::Promote { node: NodeId(id) }),
        (any::<i32>(), proptest::sample::select(PromotionStep::ALL.to_vec()))
            .prop_map(|(id, step)| Button::PromotionStep { node: NodeId(id), step }),
        any::<i32>().prop_map(|id| Button::AskUnpromote { node: NodeId(id) }),
        any::<i32>().prop_map(|id| Button::Unpromote { node: NodeId(id) }),
    ]
}

fn button() -> impl Strategy<Value = Button> {
    let service = any::<i64>().prop_map(ServiceId);
    let offer = any::<i64>().prop_map(OfferId);
    let page = any::<u16>();
    prop_oneof![
        prop_oneof![
            Just(Button::Home),
            Just(Button::Trial),
            Just(Button::Profile),
            Just(Button::Status),
            Just(Button::Help),
            Just(Button::Settings),
            Just(Button::Languages),
            Just(Button::Privacy),
            Just(Button::Terms),
            Just(Button::Cancel),
            Just(Button::System),
            Just(Button::Nodes),
            Just(Button::Pools),
            Just(Button::Plans),
            Just(Button::AddServer),
            Just(Button::Nothing),
        ],
        prop_oneof![Just(Product::Wireguard), Just(Product::Outline), Just(Product::Mtproto)].prop_map(Button::TrialOf),
        any::<u16>().prop_map(|page| Button::Proxy { page }),
        (any::<i64>(), any::<u16>()).prop_map(|(id, page)| Button::Servers { offer: OfferId(id), page }),
        (any::<i64>(), any::<i32>()).prop_map(|(id, node)| Button::AcceptAt { offer: OfferId(id), node: NodeId(node) }),
        any::<i64>().prop_map(|id| Button::Renew { service: ServiceId(id) }),
        any::<i64>().prop_map(|id| Button::Move { service: ServiceId(id) }),
        (any::<i64>(), any::<i64>(), any::<u16>()).prop_map(|(id, offer, page)| Button::MovePage {
            service: ServiceId(id),
            offer: OfferId(offer),
            page
        }),
        prop_oneof![Just(Product::Outline), Just(Product::Mtproto)].prop_map(Button::AddServerOf),
        prop_oneof![
            Just(ServerQuestion::Name),
            Just(ServerQuestion::Country),
            Just(ServerQuestion::Capacity),
            Just(ServerQuestion::Place),
            Just(ServerQuestion::Domain),
            Just(ServerQuestion::Access)
        ]
        .prop_map(Button::LeaveServer),
        any::<bool>().prop_map(|on| Button::Reminders { on }),
        care(),
        any::<bool>().prop_map(|on| Button::Quiet { on }),
        any::<i32>().prop_map(|id| Button::Node { node: NodeId(id) }),
        (any::<i32>(), node_change()).prop_map(|(id, change)| Button::AskNode { node: NodeId(id), change }),
        (any::<i32>(), node_change()).prop_map(|(id, change)| Button::ChangeNode { node: NodeId(id), change }),
        page.prop_map(|page| Button::Vpn { page }),
        page.prop_map(|page| Button::TimeZones { page }),
        page.prop_map(|page| Button::DeadLetters { page }),
        any::<i64>().prop_map(|id| Button::DeadLetter { id: DeadLetterId(id) }),
        any::<i64>().prop_map(|id| Button::Replay { id: DeadLetterId(id) }),
        any::<i64>().prop_map(|id| Button::User { user: UserId(id) }),
        any::<i64>().prop_map(|id| Button::Settle { alert: AlertId(id) }),
        offer.prop_map(|offer| Button::Accept { offer }),
        any::<i64>().prop_map(|id| Button::OwnKey { offer: OfferId(id) }),
        service.prop_map(|service| Button::Card { service }),
        any::<i64>().prop_map(|id| Button::File { service: ServiceId(id) }),
        any::<i64>().prop_map(|id| Button::Qr { service: ServiceId(id) }),
        any::<i64>().prop_map(|id| Button::Rename { service: ServiceId(id) }),
        any::<i64>().prop_map(|id| Button::Rotate { service: ServiceId(id) }),
        any::<i64>().prop_map(|id| Button::Revoke { service: ServiceId(id) }),
        (any::<i64>(), prop_oneof![Just(Os::Ios), Just(Os::Android), Just(Os::Pc)])
            .prop_map(|(id, os)| Button::HowTo { service: ServiceId(id), os }),
        prop_oneof![Just(Lang::Es), Just(Lang::En)].prop_map(Button::Language),
        proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()).prop_map(|tz| Button::TimeZone(tz.name().to_owned())),
    ]
}

proptest! {
    #[test]
    fn every_button_fits_and_comes_back(button in button()) {
        let data = button.encode();
        prop_assert!(data.len() <= CALLBACK_DATA_MAX_BYTES, "{data}");
        prop_assert_eq!(Button::decode(&data), Ok(button));
    }

    #[test]
    fn any_text_is_survived(data in ".{0,80}") {
        if let Ok(button) = Button::decode(&data) {
            prop_assert_eq!(Button::decode(&button.encode()), Ok(button));
        }
    }
}

#[test]
fn other_versions_are_told_from_forgeries() {
    assert_eq!(Button::decode("0card:1"), Err(ButtonError::OtherVersion));
    assert_eq!(Button::decode("2home"), Err(ButtonError::OtherVersion));
    for forged in ["", "home", "1card", "1card:x", "1card:1:2", "1card:99999999999999999999", "1DROP TABLE", "1lang:xx"]
    {
        assert_eq!(Button::decode(forged), Err(ButtonError::Unknown), "{forged}");
    }
}
