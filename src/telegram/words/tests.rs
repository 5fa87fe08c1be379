#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use usipipo_actors::domain::lang::Lang;

fn here(lang: Lang) -> Here {
    Here { words: Words(lang), tz: Tz::America__Havana, now: "2026-11-24T14:41:00Z".parse().unwrap() }
}

#[test]
fn time_left_is_said_in_its_unit() {
    let es = here(Lang::Es);
    let left = |delta| es.left(es.now + delta);
    assert_eq!(left(TimeDelta::days(7) - TimeDelta::seconds(5)), "quedan 7 días");
    assert_eq!(left(TimeDelta::hours(48)), "quedan 2 días");
    assert_eq!(left(TimeDelta::hours(47)), "quedan 47 horas");
    assert_eq!(left(TimeDelta::minutes(90)), "quedan 2 horas");
    assert_eq!(left(TimeDelta::minutes(89)), "quedan 89 minutos");
    assert_eq!(left(TimeDelta::minutes(1)), "queda 1 minuto");
    assert_eq!(left(TimeDelta::seconds(-3)), "queda menos de un minuto");
    assert_eq!(here(Lang::En).left(es.now + TimeDelta::days(3)), "3 days left");
}

#[test]
fn the_past_is_relative_when_near_and_a_date_when_far() {
    let es = here(Lang::Es);
    let ago = |delta| es.ago(es.now - delta);
    assert_eq!(ago(TimeDelta::seconds(-20)), "hace un momento");
    assert_eq!(ago(TimeDelta::minutes(3)), "hace 3 min");
    assert_eq!(ago(TimeDelta::hours(5)), "hace 5 h");
    assert_eq!(ago(TimeDelta::hours(30)), "hace 1 día");
    assert_eq!(ago(TimeDelta::days(21)), "3 nov");
    assert_eq!(ago(TimeDelta::days(400)), "20 oct 2025");
    assert_eq!(here(Lang::En).ago(es.now - TimeDelta::days(400)), "Oct 20, 2025");
}

#[test]
fn dates_are_in_the_zone_and_language_of_the_reader() {
    let end: DateTime<Utc> = "2026-12-01T14:41:00Z".parse().unwrap();
    assert_eq!(here(Lang::Es).date(end), "1 dic, 09:41");
    assert_eq!(here(Lang::En).date(end), "Dec 1, 09:41");
    assert_eq!(here(Lang::Es).date("2027-01-01T04:00:00Z".parse().unwrap()), "31 dic, 23:00");
    assert_eq!(here(Lang::Es).date("2027-01-01T06:00:00Z".parse().unwrap()), "1 ene 2027");
}

#[test]
fn sizes_have_two_digits() {
    for (bytes, said) in [
        (0, "0 MB"),
        (1, "0.1 MB"),
        (1_240_000, "1.2 MB"),
        (350_400_000, "350 MB"),
        (999_400_000, "999 MB"),
        (999_600_000, "1 GB"),
        (1_200_000_000, "1.2 GB"),
        (9_960_000_000, "10 GB"),
        (12_500_000_000, "13 GB"),
        (5_000_000_000, "5 GB"),
    ] {
        assert_eq!(size(bytes), said, "{bytes}");
    }
    assert_eq!(size_of(Words(Lang::Es), 1_200_000_000, 5_000_000_000), "1.2 de 5 GB");
    assert_eq!(size_of(Words(Lang::En), 350_000_000, 5_000_000_000), "350 MB of 5 GB");
    assert_eq!(size_of(Words(Lang::En), 0, 5_000_000_000), "0 of 5 GB");
}

#[test]
fn shares_and_large_numbers() {
    assert_eq!(bar(0), "░░░░░░░░░░");
    assert_eq!(bar(1), "▓░░░░░░░░░");
    assert_eq!(bar(24), "▓▓▓░░░░░░░");
    assert_eq!(bar(100), "▓▓▓▓▓▓▓▓▓▓");
    assert_eq!(grouped(Words(Lang::Es), 999), "999");
    assert_eq!(grouped(Words(Lang::Es), 1_234_567), "1\u{202f}234\u{202f}567");
    assert_eq!(grouped(Words(Lang::En), 1_234_567), "1,234,567");
}

#[test]
fn days_are_bars_as_high_as_their_share_of_the_highest() {
    assert_eq!(sparkline(&[]), "");
    assert_eq!(sparkline(&[0, 0, 0]), "▁▁▁");
    assert_eq!(sparkline(&[0, 1, 25, 26, 51, 76, 100]), "▁▂▂▃▅▇▇");
    assert_eq!(sparkline(&[u64::MAX, 1, 0]), "▇▂▁");
}

#[test]
fn money_and_clocks() {
    assert_eq!(dollars(100), "$1.00");
    assert_eq!(dollars(1_905), "$19.05");
    assert_eq!(dollars(5), "$0.05");
    assert_eq!(clock(0), "00:00");
    assert_eq!(clock(22 * 60 + 5), "22:05");
}

proptest! {
    #[test]
    fn nothing_overflows(bytes in any::<u64>(), percent in any::<u8>(), seconds in -4_000_000_000_i64..4_000_000_000) {
        prop_assert!(size(bytes).chars().count() <= 14);
        prop_assert_eq!(bar(percent).chars().count(), 10);
        let _ = grouped(Words(Lang::En), bytes);
        prop_assert_eq!(sparkline(&[bytes, 0, bytes / 2]).chars().count(), 3);
        let here = here(Lang::Es);
        let moment = here.now + TimeDelta::seconds(seconds);
        let _ = (here.left(moment), here.ago(moment), here.since(moment), here.date(moment));
    }
}
