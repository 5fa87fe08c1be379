#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        "/[a-z]{1,12}( .{0,12})?".prop_map(|text| Event::Command(Command::parse(&text).unwrap())),
        prop_oneof!["/start", "/vpn", "/proxy", "/trial", "/grant 7 wg-1m", "/plans", "/cancel", "/settings", "/nodes", "/user 7"]
            .prop_map(|text| Event::Command(Command::parse(&text).unwrap())),
        any::<String>().prop_map(Event::Text),
        (
            prop_oneof![
                "1(home|trial|try:outline|px:0|own:1|name:2|rot:2|rev:2|ren:2|mov:2|mvp:2:1:0|srv:1:0|at:1:1|ok:1|x|-|sys|dls:0|again:3|done:4|nq:1:d|nc:1:r|node:1|plans|rem:1|qui:0|tz:Mars/X)",
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
        Outcome::Begun(ServiceId(2)),
        Outcome::AlreadyTaken,
        Outcome::KeyTaken { offer: OfferId(1), service: None },
        Outcome::OfferGone,
        Outcome::NoSuchService,
        Outcome::Saved,
    ];
    match effect {
        Effect::SendFile(service) | Effect::SendQr(service) => Outcome::MaySend(*service),
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
