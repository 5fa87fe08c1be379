#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

#[test]
fn only_names_of_our_form_are_ours() {
    let name = Username { service: ServiceId(42), number: 3 };
    assert_eq!(name.to_string(), "u42-3");
    assert_eq!(Username::parse("u42-3"), Some(name));
    for foreign in
        ["", "u", "u42", "u42-", "u-3", "U42-3", "u042-3", "u42-03", "u+42-3", "u-42-3", "u0-1", "u4 2-3", SENTINEL]
    {
        assert_eq!(Username::parse(foreign), None, "{foreign}");
    }
}

#[test]
fn the_secret_is_found_in_every_kind_of_link() {
    let key = SecretKey::new([0xdd; 16]);
    let hex = "dd".repeat(16);
    for text in [hex.clone(), format!("dd{hex}"), format!("ee{hex}6578616d706c652e636f6d")] {
        let link = format!("tg://proxy?server=h&port=443&secret={text}");
        assert_eq!(secret_of(&link), Some(key.clone()), "{link}");
    }
    for wrong in ["", "tg://proxy", "tg://proxy?secret=", "tg://proxy?secret=ddéé", "tg://proxy?secret=zz", "x?port=1"]
    {
        assert_eq!(secret_of(wrong), None, "{wrong}");
    }
}

#[test]
fn a_patch_takes_limits_away_that_are_none_and_leaves_the_rest() {
    assert_eq!(UserPatch::default().json(), json!({}));
    let expires_at = Some("2026-12-01T10:00:00.987Z".parse().unwrap());
    let limits = UserLimits { max_tcp_conns: Some(5), expires_at, ..UserLimits::default() };
    let patch = UserPatch { limits: Some(limits), ..UserPatch::default() };
    assert_eq!(
        patch.json(),
        json!({
            "max_tcp_conns": 5, "max_unique_ips": null, "expiration_rfc3339": "2026-12-01T10:00:00Z",
            "data_quota_bytes": null, "rate_limit_up_bps": null, "rate_limit_down_bps": null, "user_ad_tag": null,
        })
    );
}

#[test]
fn limits_are_compared_as_the_server_keeps_them() {
    let at = |text: &str| UserLimits { expires_at: Some(text.parse().unwrap()), ..UserLimits::default() };
    assert!(at("2026-12-01T10:00:00.987Z").same(&at("2026-12-01T10:00:00Z")));
    assert!(!at("2026-12-01T10:00:01Z").same(&at("2026-12-01T10:00:00Z")));
    assert!(!at("2026-12-01T10:00:01Z").same(&UserLimits::default()));
}
