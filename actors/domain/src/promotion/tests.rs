#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

const TAG: &str = "3f40462915a3e6026a4d790127b95ded";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn tag(text: &str) -> AdTag {
    AdTag::parse(text).unwrap()
}

#[test]
fn a_tag_is_thirty_two_digits_and_not_all_zero() {
    assert_eq!(tag(&TAG.to_uppercase()).as_str(), TAG);
    for bad in ["", &TAG[1..], &format!("{TAG}0"), &"0".repeat(32), &"g".repeat(32), &"á".repeat(16)] {
        assert_eq!(AdTag::parse(bad), None, "{bad}");
    }
    assert_eq!(tag(SECRET).bytes()[..4], [0x01, 0x23, 0x45, 0x67]);
    assert_eq!(serde_json::from_str::<AdTag>(&format!("\"{TAG}\"")).unwrap(), tag(TAG));
    assert!(serde_json::from_str::<AdTag>("\"zero\"").is_err());
}

#[test]
fn the_tag_is_found_in_the_whole_answer() {
    let answer = format!(
        "Success! Your proxy has been registered. You can now pass your proxy's tag {TAG} to the server, or share \
         https://t.me/proxy?server=192.0.2.1&port=443&secret=dd{SECRET}"
    );
    assert_eq!(tags_in(&answer), Ok(vec![tag(TAG)]));
    assert_eq!(tags_in(&format!("  {TAG}\n{TAG}")), Ok(vec![tag(TAG)]));
    assert_eq!(tags_in("/newproxy"), Err(TagError::NoTag));
    assert_eq!(tags_in(&format!("x{TAG}")), Err(TagError::NoTag));
    assert_eq!(tags_in(&"0".repeat(32)), Err(TagError::Zeros));
    let many: Vec<String> = (1..=9).map(|n| format!("{n:032x}")).collect();
    assert_eq!(tags_in(&many.join(" ")), Err(TagError::Several));
}

#[test]
fn a_secret_of_the_server_is_never_taken_for_the_tag() {
    let secret = tag(SECRET).bytes();
    let is_secret = |bytes: &[u8; 16]| *bytes == secret;
    assert_eq!(choose(vec![tag(SECRET), tag(TAG)], is_secret), Ok(tag(TAG)));
    assert_eq!(choose(vec![tag(SECRET)], is_secret), Err(TagError::Secret));
    assert_eq!(choose(vec![tag(SECRET), tag(TAG)], |_| false), Err(TagError::Several));
}

#[test]
fn steps_lead_there_and_back() {
    for (n, step) in PromotionStep::ALL.into_iter().enumerate() {
        assert_eq!(step.next(), PromotionStep::ALL.get(n + 1).copied());
        assert_eq!(step.next().and_then(PromotionStep::before), step.next().map(|_| step));
    }
}
