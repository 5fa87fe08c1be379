//! The clocks on people's walls, worked out without the program's help: only the zones that [`crate::people::ZONES`] names.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc};

/// Minutes after midnight.
pub(crate) type Quiet = (i64, i64);

/// Hours east of Greenwich, and from when on; spring 2026.
fn offsets(zone: &str) -> Vec<(DateTime<Utc>, i64)> {
    let at = |month, day, hour| Utc.with_ymd_and_hms(2026, month, day, hour, 0, 0).unwrap();
    match zone {
        // The second Sunday in March at midnight.
        "America/Havana" => vec![(at(3, 8, 5), -4), (at(1, 1, 0), -5)],
        // The last Sunday in March at 01:00 UTC.
        "Europe/Madrid" => vec![(at(3, 29, 1), 2), (at(1, 1, 0), 1)],
        "Asia/Tokyo" => vec![(at(1, 1, 0), 9)],
        "America/Sao_Paulo" => vec![(at(1, 1, 0), -3)],
        other => panic!("nobody chooses {other}"),
    }
}

fn offset(zone: &str, at: DateTime<Utc>) -> TimeDelta {
    let hours = offsets(zone).into_iter().find(|(from, _)| *from <= at).unwrap().1;
    TimeDelta::hours(hours)
}

fn to_utc(zone: &str, local: NaiveDateTime) -> DateTime<Utc> {
    let known = offsets(zone).into_iter().map(|(_, hours)| local.and_utc() - TimeDelta::hours(hours));
    known.into_iter().find(|utc| *utc + offset(zone, *utc) == local.and_utc()).unwrap()
}

/// The quiet hours around a time: their begin and their end.
pub(crate) fn quiet_around((from, to): Quiet, zone: &str, at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if from == to {
        return None;
    }
    let local = (at + offset(zone, at)).naive_utc();
    let minute = i64::from(local.hour() * 60 + local.minute());
    // Hours over midnight begin today or yesterday.
    let today = local.date();
    let begins_on = match (from > to, minute >= from, minute < to) {
        (true, true, _) => today,
        (true, false, true) => today - Days::new(1),
        (false, true, true) => today,
        _ => return None,
    };
    let ends_on = if from > to { begins_on + Days::new(1) } else { begins_on };
    let moment = |minutes: i64| NaiveTime::MIN + TimeDelta::minutes(minutes);
    Some((to_utc(zone, begins_on.and_time(moment(from))), to_utc(zone, ends_on.and_time(moment(to)))))
}
