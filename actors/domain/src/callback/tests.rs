#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

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
            Just(Button::Nothing),
        ],
        page.prop_map(|page| Button::Vpn { page }),
        page.prop_map(|page| Button::TimeZones { page }),
        page.prop_map(|page| Button::DeadLetters { page }),
        any::<i64>().prop_map(|id| Button::DeadLetter { id: DeadLetterId(id) }),
        any::<i64>().prop_map(|id| Button::Replay { id: DeadLetterId(id) }),
        any::<i64>().prop_map(|id| Button::User { user: UserId(id) }),
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
