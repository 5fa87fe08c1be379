#![allow(clippy::unwrap_used)]

use super::*;
use crate::ids::{AlertId, UserId};
use crate::new_server::ServerQuestion;
use crate::promotion::AdTag;
use crate::screen::TrialRefusal;
use crate::service::{Product, ServiceChange};
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        "/[a-z]{1,12}( .{0,12})?".prop_map(|text| Event::Command(Command::parse(&text).unwrap())),
        prop_oneof!["/start", "/vpn", "/proxy", "/trial", "/grant 7 wg-1m", "/plans", "/cancel", "/settings", "/nodes", "/user 7"]
            .prop_map(|text| Event::Command(Command::parse(&text).unwrap())),
        any::<String>().prop_map(Event::Text),
        (
            prop_oneof![
                "1(home|trial|try:outline|px:0|own:1|name:2|rot:2|rev:2|ren:2|mov:2|mvp:2:1:0|srv:1:0|at:1:1|ok:1|x|-|sys|dls:0|again:3|done:4|nq:1:d|nc:1:r|node:1|nadd|nnew:outline|nnew:mtproto|nskip:m|plans|rem:1|qui:0|tz:Mars/X|us:7:2|uq:7:2:e7|uc:7:2:x:0|pro:1|pst:1:3|pq:1|pc:1)",
                "[0-9][a-z]{1,5}:[0-9]{1,3}"
            ],
            any::<Option<i32>>()
        )
            .prop_map(|(data, message)| match Button::decode(&data) {
                Ok(button) => Event::Button(button, message),
                Err(_) => Event::OldButton,
            }),
        Just(Event::OtherKind),
    ]
}

fn outcome(effect: &Effect, pick: u8) -> Outcome {
    let all = [
        Outcome::TrialOffered(OfferId(1), Product::Outline),
        Outcome::TrialChoice(vec![Product::Wireguard, Product::Outline]),
        Outcome::TrialRefused(TrialRefusal::NodeDown, Product::Mtproto),
        Outcome::RenewOffered(ServiceId(2), OfferId(1)),
        Outcome::MoveOffered(ServiceId(2), OfferId(1)),
        Outcome::Renewed(ServiceId(2)),
        Outcome::GrantOffered(UserId(7), "wg-1m".to_owned(), OfferId(1)),
        Outcome::Granted(UserId(7), ServiceId(2)),
        Outcome::NodeChanged(NodeId(1)),
        Outcome::NodeInUse(NodeId(1), 3),
        Outcome::NodeKeysLeft(NodeId(1), 3),
        Outcome::KeyOnItsWay(ServiceId(2)),
        Outcome::ServiceChanged(UserId(7), ServiceId(2)),
        Outcome::ServiceNotChanged(UserId(7), ServiceId(2)),
        Outcome::PromotionBegun(NodeId(1)),
        Outcome::TagRefused(NodeId(1), TagError::Secret),
        Outcome::TagSet(NodeId(1)),
        Outcome::TagCleared(NodeId(1)),
        Outcome::Begun(ServiceId(2)),
        Outcome::AlreadyTaken,
        Outcome::KeyTaken { offer: OfferId(1), service: None },
        Outcome::OfferGone,
        Outcome::NoSuchService,
        Outcome::Saved,
    ];
    match effect {
        Effect::SendFile(service) | Effect::SendQr(service) => Outcome::MaySend(*service),
        Effect::AddServer(_) if pick.is_multiple_of(2) => Outcome::ServerRefused(ServerProblem::NameTaken),
        Effect::AddServer(_) => Outcome::ServerAdded(NodeId(3)),
        _ => all[usize::from(pick) % all.len()].clone(),
    }
}

proptest! {
    /// Whatever happens before, the conversation answers, and /start leads home.
    #[test]
    fn no_sequence_of_events_panics_or_dead_ends(events in proptest::collection::vec((event(), any::<u8>()), 0..40)) {
        let mut state = State::Idle;
        for (event, pick) in &events {
            let step = step(&state, event, Role::User);
            state = match &step.act {
                Act::Do(effect) => {
                    let answer = after(effect, &outcome(effect, *pick), step.place);
                    prop_assert!(!answer.bodies.is_empty() || answer.toast.is_some());
                    answer.state
                }
                Act::Show(_) | Act::Acknowledge => step.state,
            };
        }
        let home = step(&state, &Event::Command(Command::Start(None)), Role::User);
        prop_assert_eq!(home.state, State::Idle);
        prop_assert_eq!(home.act, Act::Show(Screen::Home { new: false }));
    }

    /// No user reaches an admin's screen or effect, whatever they press or type.
    #[test]
    fn the_gate_holds(event in event()) {
        let step = step(&State::Idle, &event, Role::User);
        let admin = matches!(
            step.act,
            Act::Show(
                Screen::System | Screen::Nodes | Screen::Pools | Screen::DeadLetters { .. } | Screen::DeadLetter { .. }
                    | Screen::UserCard { .. } | Screen::UserUsage | Screen::Node { .. } | Screen::AskNode { .. }
                    | Screen::Plans | Screen::GrantUsage | Screen::AskGrant { .. }
            ) | Act::Do(Effect::Replay(_) | Effect::SettleAlert(_) | Effect::OfferGrant { .. } | Effect::ChangeNode { .. })
        );
        prop_assert!(!admin, "{event:?}");
    }
}

#[test]
fn a_question_is_answered_or_left() {
    let ask = step(&State::Idle, &Event::Button(Button::Rename { service: ServiceId(3) }, Some(9)), Role::User);
    assert_eq!(ask.state, State::AwaitName { service: ServiceId(3) });
    let bad = step(&ask.state, &Event::Text("x".repeat(99)), Role::User);
    assert_eq!(bad.state, ask.state);
    let good = step(&ask.state, &Event::Text("  Mi   iPhone ".into()), Role::User);
    assert_eq!(good.act, Act::Do(Effect::Rename { service: ServiceId(3), name: "Mi iPhone".into() }));
    let left = step(&ask.state, &Event::Command(Command::Cancel), Role::User);
    assert_eq!((left.state, left.act), (State::Idle, Act::Show(Screen::Cancelled)));
}

#[test]
fn a_pasted_key_that_is_taken_leaves_the_question_open_for_trials_and_rotations_alike() {
    let (offer, place) = (OfferId(1), Place::New);
    for service in [None, Some(ServiceId(3))] {
        let effect = Effect::Accept { offer, own_key: Some(PublicKey::from_bytes([9; 32])), node: None };
        let answer = after(&effect, &Outcome::KeyTaken { offer, service }, place);
        assert_eq!(answer.state, State::AwaitOwnKey { offer });
        assert_eq!(answer.bodies, [Body::Screen { screen: Screen::KeyTaken { offer, service }, place }]);
        // A sticker now asks again, and each way out leaves the question.
        let asked = step(&answer.state, &Event::OtherKind, Role::User);
        assert_eq!(asked.act, Act::Show(Screen::AskOwnKey { offer, error: None }));
        let left = step(&answer.state, &Event::Command(Command::Cancel), Role::User);
        assert_eq!((left.state, left.act), (State::Idle, Act::Show(Screen::Cancelled)));
        let back = service.map_or(Button::Trial, |service| Button::Card { service });
        assert_eq!(step(&answer.state, &Event::Button(back, Some(1)), Role::User).state, State::Idle);
    }
}

#[test]
fn an_alert_is_settled_by_an_admin_only() {
    let press = Event::Button(Button::Settle { alert: AlertId(4) }, Some(9));
    let settled = step(&State::Idle, &press, Role::Admin);
    assert_eq!(settled.act, Act::Do(Effect::SettleAlert(AlertId(4))));
    let Act::Do(effect) = &settled.act else { panic!("an effect") };
    let answer = after(effect, &Outcome::NothingToSettle, settled.place);
    assert_eq!(answer.toast, Some(Toast::AlreadyDone));
    assert_eq!(step(&State::Idle, &press, Role::User).act, Act::Show(Screen::NotAllowed));
}

fn type_in(state: &State, text: &str) -> Step {
    step(state, &Event::Text(text.to_owned()), Role::Superadmin)
}

#[test]
fn an_admin_adds_a_server_and_its_secret_stays_in_no_state_and_no_screen() {
    let press = |state: &State, button: Button| step(state, &Event::Button(button, Some(9)), Role::Superadmin);
    let kind = press(&State::Idle, Button::AddServerOf(Product::Outline));
    let asked = |step: &Step| match &step.act {
        Act::Show(Screen::AskServer { question, error, .. }) => (*question, error.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&kind), (ServerQuestion::Name, None));
    let bad = type_in(&kind.state, "two words");
    assert_eq!((asked(&bad), &bad.state), ((ServerQuestion::Name, Some(ServerProblem::Name)), &kind.state));
    let country = type_in(&bad.state, "fra");
    assert_eq!(asked(&country).0, ServerQuestion::Country);
    // An old button of another question changes nothing.
    let same = press(&country.state, Button::LeaveServer(ServerQuestion::Capacity));
    assert_eq!((asked(&same).0, &same.state), (ServerQuestion::Country, &country.state));
    let room = press(&country.state, Button::LeaveServer(ServerQuestion::Country));
    let access = press(&room.state, Button::LeaveServer(ServerQuestion::Capacity));
    assert_eq!(asked(&access).0, ServerQuestion::Access);
    let pasted = type_in(&access.state, " s3cret ");
    assert_eq!(pasted.state, access.state);
    let Act::Do(effect @ Effect::AddServer(paste)) = &pasted.act else { panic!("{:?}", pasted.act) };
    assert_eq!(paste.pasted.expose(), "s3cret");
    assert!(!serde_json::to_string(&pasted.state).unwrap().contains("s3cret"));

    let mut sent = paste.clone();
    sent.message = Some(5);
    let sent = Effect::AddServer(sent);
    let refused = after(&sent, &Outcome::ServerRefused(ServerProblem::Unreadable), Place::New);
    assert_eq!(refused.state, access.state, "it is asked for again");
    assert_eq!(refused.bodies.last(), Some(&Body::Delete { message_id: 5 }));
    let taken = after(effect, &Outcome::ServerRefused(ServerProblem::NameTaken), Place::New);
    let renamed = type_in(&taken.state, "fra-2");
    assert_eq!(asked(&renamed), (ServerQuestion::Access, None), "nothing else is asked twice");
    let added = after(&sent, &Outcome::ServerAdded(NodeId(3)), Place::New);
    assert_eq!(added.state, State::Idle);
    assert_eq!(added.bodies.len(), 2);
}

#[test]
fn who_is_no_admin_any_more_adds_no_server() {
    let draft = ServerDraft::new(Product::Outline).unwrap();
    let state = State::AwaitServer { draft };
    let typed = step(&state, &Event::Text("fra".to_owned()), Role::Admin);
    assert_eq!((typed.state, typed.act), (State::Idle, Act::Show(Screen::NotAllowed)));
    for button in
        [Button::AddServer, Button::AddServerOf(Product::Outline), Button::LeaveServer(ServerQuestion::Capacity)]
    {
        let pressed = step(&state, &Event::Button(button, None), Role::Admin);
        assert_eq!(pressed.act, Act::Show(Screen::NotAllowed));
    }
}

#[test]
fn commands_are_read_as_people_type_them() {
    assert_eq!(Command::parse("/START@usipipo_bot  ref-1 "), Some(Command::Start(Some("ref-1".into()))));
    assert_eq!(Command::parse("/user 4503599627370497"), Some(Command::User(Some(UserId(4_503_599_627_370_497)))));
    assert_eq!(Command::parse("/user Ana"), Some(Command::User(None)));
    assert_eq!(Command::parse("/grant 7 WG-1m"), Some(Command::Grant(Some((UserId(7), "wg-1m".into())))));
    assert_eq!(Command::parse("/grant 7"), Some(Command::Grant(None)));
    assert_eq!(Command::parse("/grant 7 wg-1m now"), Some(Command::Grant(None)));
    assert_eq!(Command::parse("/"), Some(Command::Unknown));
    assert_eq!(Command::parse("hola"), None);
}

const NODE: NodeId = NodeId(4);
const TAG: &str = "3f40462915a3e6026a4d790127b95ded";

fn press(button: Button, state: &State, role: Role) -> Step {
    step(state, &Event::Button(button, Some(1)), role)
}

#[test]
fn the_tag_may_be_pasted_at_any_step_of_the_promotion_and_each_step_can_be_left() {
    let begun = after(&Effect::BeginPromotion(NODE), &Outcome::PromotionBegun(NODE), Place::New);
    assert_eq!(begun.state, State::AwaitAdTag { node: NODE });
    for at in PromotionStep::ALL {
        let shown = press(Button::PromotionStep { node: NODE, step: at }, &State::Idle, Role::Superadmin);
        assert_eq!(shown.state, State::AwaitAdTag { node: NODE });
        let pasted = step(&shown.state, &Event::Text(format!("tag: {TAG}")), Role::Superadmin);
        let tags = vec![AdTag::parse(TAG).unwrap()];
        assert_eq!(pasted.act, Act::Do(Effect::SetAdTag { node: NODE, tags }));
        let left = press(Button::Cancel, &shown.state, Role::Superadmin);
        assert_eq!((left.state, left.act), (State::Idle, Act::Show(Screen::Cancelled)));
    }
}

#[test]
fn a_wrong_tag_is_told_and_the_question_stays_open() {
    let state = State::AwaitAdTag { node: NODE };
    for (text, error) in [("hello", TagError::NoTag), (&"0".repeat(32), TagError::Zeros)] {
        let step = step(&state, &Event::Text(text.to_owned()), Role::Superadmin);
        assert_eq!(step.state, state, "{text}");
        assert_eq!(step.act, Act::Show(promotion(NODE, PromotionStep::Tag, Some(error))), "{text}");
    }
    let refused = after(
        &Effect::SetAdTag { node: NODE, tags: Vec::new() },
        &Outcome::TagRefused(NODE, TagError::Secret),
        Place::New,
    );
    assert_eq!(refused.state, state);
}

#[test]
fn fault_25_promotion_and_care_are_for_those_who_may() {
    let (user, service) = (UserId(7), ServiceId(2));
    let care = |change| {
        [Button::AskService { user, service, change }, Button::ChangeService { user, service, change, seen: 0 }]
    };
    let changes =
        [ServiceChange::Pause, ServiceChange::Resume, ServiceChange::Extend { days: 7 }, ServiceChange::Revoke];
    let mut buttons: Vec<Button> = changes.into_iter().flat_map(care).collect();
    buttons.push(Button::UserService { user, service });
    for button in &buttons {
        let refused = press(button.clone(), &State::Idle, Role::User);
        assert_eq!(refused.act, Act::Show(Screen::NotAllowed), "{button:?}");
        assert_ne!(press(button.clone(), &State::Idle, Role::Admin).act, Act::Show(Screen::NotAllowed), "{button:?}");
    }
    for button in [
        Button::Promote { node: NODE },
        Button::PromotionStep { node: NODE, step: PromotionStep::Secret },
        Button::AskUnpromote { node: NODE },
        Button::Unpromote { node: NODE },
    ] {
        for role in [Role::User, Role::Admin] {
            let refused = press(button.clone(), &State::Idle, role);
            assert_eq!(refused.act, Act::Show(Screen::NotAllowed), "{button:?} {role:?}");
        }
    }
    // Who was an admin when the question was asked and is none now.
    let late = step(&State::AwaitAdTag { node: NODE }, &Event::Text(TAG.to_owned()), Role::User);
    assert_eq!((late.state, late.act), (State::Idle, Act::Show(Screen::NotAllowed)));
}
