use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const PARSER: TelegramParser = TelegramParser;

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn message(id: i64, text: &str) -> Value {
    json!({
        "update_id": 7,
        "message": {
            "message_id": 3, "date": 1, "text": text,
            "chat": {"id": id, "type": "private"},
            "from": {"id": id, "is_bot": false, "first_name": "Ana", "language_code": "es"},
        }
    })
}

#[test]
fn fault_24_ids_beyond_32_and_52_bits_are_read_whole() {
    for id in [1, 2_147_483_649, 4_503_599_627_370_497, i64::MAX] {
        let raw = PARSER.peek(bytes(&message(id, "/trial")));
        assert_eq!((raw.update_id, raw.user, raw.lane), (Some(7), Some(UserId(id)), Lane::Session));
        let update = PARSER.session(&raw.raw).unwrap().unwrap();
        assert_eq!(update.from.id, UserId(id));
        assert_eq!(update.event, Event::Command(Command::Trial));
    }
}

#[test]
fn a_press_names_its_button_and_message() {
    let press = |data: &str, message: Value| {
        json!({"update_id": 8, "callback_query": {
            "id": "42", "from": {"id": 5, "is_bot": false, "first_name": "Ana"}, "message": message, "chat_instance": "1", "data": data
        }})
    };
    let there = json!({"message_id": 9, "date": 5, "chat": {"id": 5, "type": "private"}});
    let update = PARSER.session(&bytes(&press("1card:3", there.clone()))).unwrap().unwrap();
    let card = Button::Card { service: usipipo_actors::domain::ids::ServiceId(3) };
    assert_eq!((update.event, update.callback_id.as_deref()), (Event::Button(card, Some(9)), Some("42")));
    let update = PARSER.session(&bytes(&press("from another bot", there))).unwrap().unwrap();
    assert_eq!(update.event, Event::OldButton);
}

#[test]
fn payments_and_blocks_never_take_the_way_of_a_session() {
    let mut paid = message(5, "");
    paid["message"]["successful_payment"] =
        json!({"telegram_payment_charge_id": "c1", "currency": "XTR", "total_amount": 1});
    let checkout = json!({"update_id": 9, "pre_checkout_query": {"id": "q", "from": {"id": 5, "is_bot": false, "first_name": "A"}}});
    let blocked = json!({"update_id": 9, "my_chat_member": {
        "chat": {"id": 5, "type": "private"}, "from": {"id": 5, "is_bot": false, "first_name": "A"}, "date": 1,
        "old_chat_member": {"status": "member"}, "new_chat_member": {"status": "kicked", "until_date": 0}
    }});
    for (update, lane) in [(&paid, Lane::Payments), (&checkout, Lane::Payments), (&blocked, Lane::Membership)] {
        assert_eq!(PARSER.peek(bytes(update)).lane, lane, "{update}");
    }
    let user = UserId(5);
    assert_eq!(PARSER.payment(&bytes(&paid)).unwrap(), PaymentUpdate::Paid { charge_id: "c1".into(), user });
    assert_eq!(PARSER.payment(&bytes(&checkout)).unwrap(), PaymentUpdate::PreCheckout { query_id: "q".into(), user });
    assert_eq!(PARSER.membership(&bytes(&blocked)).unwrap(), MembershipUpdate { user, blocked: true });
}

#[test]
fn fault_31_an_unknown_kind_and_a_broken_update_are_kept_and_their_ids_found() {
    let unknown = PARSER.peek(br#"{"update_id": 11, "hologram": {"from": {"id": 5}}}"#.to_vec());
    assert_eq!((unknown.update_id, unknown.lane), (Some(11), Lane::Ignored));
    let broken = PARSER.peek(br#"{"update_id": 12, "message": {"text": "#.to_vec());
    assert_eq!((broken.update_id, broken.lane), (Some(12), Lane::Ignored));
    let nothing = PARSER.peek(vec![0, 255, 1]);
    assert_eq!((nothing.update_id, nothing.lane), (None, Lane::Ignored));
    assert_eq!(nothing.raw, [0, 255, 1]);
}

#[test]
fn fault_31_nul_and_half_surrogates_do_not_reach_the_database() {
    let raw =
        br#"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":5,"type":"private"},"text":"a\u0000\ud83d",
        "from":{"id":5,"is_bot":false,"first_name":"A\u0000na\ud83d","username":"x\u0000"}}}"#;
    let update = PARSER.session(raw).unwrap().unwrap();
    assert!(!update.from.first_name.contains('\0') && update.from.first_name.starts_with("Ana"));
    assert_eq!(update.from.username.as_deref(), Some("x"));
    assert!(matches!(update.event, Event::Text(_)));
}

#[test]
fn groups_channels_and_other_bots_are_not_talked_to() {
    let mut group = message(5, "/start");
    group["message"]["chat"] = json!({"id": -100, "type": "supergroup"});
    assert_eq!(PARSER.peek(bytes(&group)).lane, Lane::Ignored);
    let mut bot = message(5, "/start");
    bot["message"]["from"]["is_bot"] = json!(true);
    assert_eq!(PARSER.session(&bytes(&bot)).unwrap(), None);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![
            "[a-z_]{1,8}",
            Just("update_id".to_owned()),
            Just("message".to_owned()),
            Just("callback_query".to_owned()),
            Just("from".to_owned()),
            Just("chat".to_owned()),
            Just("id".to_owned()),
            Just("text".to_owned()),
            Just("data".to_owned()),
            Just("type".to_owned()),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(key, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn read_all(raw: &[u8]) {
    let peeked = PARSER.peek(raw.to_vec());
    assert_eq!(peeked.raw, raw);
    let _ = PARSER.session(raw);
    let _ = PARSER.payment(raw);
    let _ = PARSER.membership(raw);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&raw);
    }

    #[test]
    fn any_json_is_survived(value in json_value()) {
        read_all(&bytes(&value));
    }

    #[test]
    fn a_real_update_cut_or_changed_anywhere_is_survived(cut in 0usize..220, at in 0usize..220, byte in any::<u8>()) {
        let mut raw = bytes(&message(4_503_599_627_370_497, "/start <b>ñ</b>"));
        if let Some(place) = raw.get_mut(at) {
            *place = byte;
        }
        raw.truncate(raw.len().saturating_sub(cut));
        read_all(&raw);
    }
}
