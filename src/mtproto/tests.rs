#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// The secret of all the known values: 00 to 0f.
pub(super) fn secret() -> SecretKey {
    SecretKey::new(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

/// Another one.
pub(super) fn other_secret() -> SecretKey {
    SecretKey::new([0x77; KEY_BYTES])
}

/// Bytes of hex digits.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn a_secret_is_never_shown() {
    let secret = Secret { kind: SecretKind::FakeTls { domain: "example.com".to_owned() }, key: other_secret() };
    let target = ProxyTarget { host: "proxy.example".to_owned(), port: 443, secret };
    let shown = format!("{target:?}");
    assert!(shown.contains("SecretKey([hidden])"), "{shown}");
    assert!(!shown.contains("119") && !shown.contains("77"), "{shown}");
}

#[test]
fn every_verdict_says_what_happened_and_what_to_do() {
    let took = Duration::from_millis(42);
    let refused = |sign, or_no_way_to_telegram| Verdict::SecretRefused { sign, or_no_way_to_telegram };
    let accepted = |reached_dc, dc_error| Verdict::Accepted { reached_dc, dc_error, took };
    let all = [
        accepted(true, None),
        accepted(true, Some(-404)),
        accepted(false, None),
        refused(Sign::Silence, true),
        refused(Sign::Closed, false),
        refused(Sign::OtherTls, false),
        refused(Sign::OtherAnswer, false),
        Verdict::Unreachable { trouble: Trouble::NoAddress("no such host".to_owned()) },
        Verdict::Unreachable { trouble: Trouble::NothingListens },
        Verdict::Unreachable { trouble: Trouble::TimedOut },
        Verdict::Unreachable { trouble: Trouble::Network("no route to host".to_owned()) },
        Verdict::ClockSuspect { difference: ClockDifference::About(-200) },
        Verdict::ClockSuspect { difference: ClockDifference::About(200) },
        Verdict::ClockSuspect { difference: ClockDifference::Unknown },
        Verdict::CannotAsk { problem: hello::BadDomain.to_string() },
    ];
    let texts: Vec<String> = all.iter().map(|verdict| format!("{}: {verdict}", verdict.name())).collect();
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(all.iter().filter(|verdict| verdict.works()).count(), 1);
}
