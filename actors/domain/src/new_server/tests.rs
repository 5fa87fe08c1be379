#![allow(clippy::unwrap_used)]

use super::*;

fn draft(product: Product) -> ServerDraft {
    ServerDraft::new(product).unwrap()
}

#[test]
fn an_outline_server_is_asked_for_its_name_place_and_room_and_then_for_the_secret() {
    let mut server = draft(Product::Outline);
    for (question, answer) in [
        (ServerQuestion::Name, "fra-1"),
        (ServerQuestion::Country, "de  Frankfurt am Main"),
        (ServerQuestion::Capacity, "200"),
    ] {
        assert_eq!(server.next(), question);
        server = server.answer(answer).unwrap();
    }
    assert_eq!(server.next(), ServerQuestion::Access);
    assert_eq!(server.country, Some(("DE".to_owned(), "Frankfurt am Main".to_owned())));
    assert_eq!(server.capacity, Some(200));
}

#[test]
fn a_proxy_is_also_asked_where_its_users_connect_and_which_site_it_pretends_to_be() {
    let server = draft(Product::Mtproto).answer("ams").unwrap().leave(ServerQuestion::Country).unwrap();
    let server = server.leave(ServerQuestion::Capacity).unwrap();
    assert_eq!(server.capacity, Some(TELEMT_CAPACITY));
    assert_eq!(server.next(), ServerQuestion::Place);
    assert_eq!(server.clone().leave(ServerQuestion::Place), None, "nobody else knows it");
    let server = server.answer("[2001:db8::1]:443").unwrap();
    assert_eq!(server.place, Some(("[2001:db8::1]".to_owned(), 443)));
    let server = server.answer("WWW.example.com").unwrap();
    assert_eq!((server.domain.as_deref(), server.next()), (Some("www.example.com"), ServerQuestion::Access));
}

#[test]
fn a_wireguard_server_is_not_added_like_this() {
    assert_eq!(ServerDraft::new(Product::Wireguard), None);
}

#[test]
fn an_old_button_answers_no_other_question() {
    let server = draft(Product::Outline);
    assert_eq!(server.clone().leave(ServerQuestion::Capacity), None);
    assert_eq!(server.clone().leave(ServerQuestion::Name), None);
    assert_eq!(server.leave(ServerQuestion::Access), None);
}

#[test]
fn wrong_answers_leave_the_question_open() {
    let named = |text: &str| draft(Product::Mtproto).answer(text);
    for wrong in ["", "a b", "a/b", "añ\u{0}", &"x".repeat(33)] {
        assert_eq!(named(wrong), Err(ServerProblem::Name), "{wrong:?}");
    }
    assert!(named("Ñandú-1").is_ok());
    let server = named("x").unwrap();
    for wrong in ["", "D", "DEU", "1E Berlin", "DE a\nb"] {
        assert_eq!(server.clone().answer(wrong), Err(ServerProblem::Country), "{wrong:?}");
    }
    let server = server.answer("NL").unwrap();
    for wrong in ["", "0", "-1", "501", "many", "99999999999"] {
        assert_eq!(server.clone().answer(wrong), Err(ServerProblem::Capacity), "{wrong:?}");
    }
    let server = server.answer("500").unwrap();
    for wrong in
        ["", "example.com", "example.com:0", "example.com:65536", "a b:443", "2001:db8::1:443", ":443", "[x]:1"]
    {
        assert_eq!(server.clone().answer(wrong), Err(ServerProblem::Place), "{wrong:?}");
    }
    let server = server.answer("example.com:443").unwrap();
    for wrong in ["", "localhost", "https://example.com", "ñ.com"] {
        assert_eq!(server.clone().answer(wrong), Err(ServerProblem::Domain), "{wrong:?}");
    }
    let server = server.leave(ServerQuestion::Domain).unwrap();
    assert_eq!(server.answer("anything"), Err(ServerProblem::Unreadable), "only the server can judge it");
}

#[test]
fn a_draft_survives_being_stored() {
    let server = draft(Product::Mtproto).answer("x").unwrap().leave(ServerQuestion::Country).unwrap();
    let stored = serde_json::to_value(&server).unwrap();
    assert_eq!(serde_json::from_value::<ServerDraft>(stored).unwrap(), server);
}

#[test]
fn what_was_pasted_is_not_shown_by_debug() {
    let paste =
        ServerPaste { draft: draft(Product::Outline), pasted: Hidden::new("s3cret"), message: None, checked: None };
    assert!(!format!("{paste:?}").contains("s3cret"));
}
