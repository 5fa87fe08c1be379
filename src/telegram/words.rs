//! Times, sizes and shares as people say them.

use crate::telegram::texts::Words;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use usipipo_actors::domain::lang::Lang;

/// For whom and when: language, time zone, the present moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    pub(crate) words: Words,
    pub(crate) tz: Tz,
    pub(crate) now: DateTime<Utc>,
}

impl Here {
    /// How long until then: "quedan 3 días". Days are rounded to the nearest, so that a trial of seven begins with seven.
    pub(crate) fn left(self, until: DateTime<Utc>) -> String {
        let left = until - self.now;
        let hours = nearest(left, TimeDelta::hours(1));
        if hours >= 48 {
            self.words.t_left_days(nearest(left, TimeDelta::days(1)))
        } else if hours >= 2 {
            self.words.t_left_hours(hours)
        } else if left >= TimeDelta::minutes(1) {
            self.words.t_left_minutes(count(left.num_minutes()))
        } else {
            self.words.t_left_moment()
        }
    }

    /// How long ago: "hace 3 min"; a date when that was over a week ago.
    pub(crate) fn ago(self, then: DateTime<Utc>) -> String {
        let ago = self.now - then;
        if ago < TimeDelta::minutes(1) {
            self.words.t_ago_moment()
        } else if ago < TimeDelta::hours(1) {
            self.words.t_ago_minutes(count(ago.num_minutes()))
        } else if ago < TimeDelta::days(1) {
            self.words.t_ago_hours(count(ago.num_hours()))
        } else if ago < TimeDelta::days(7) {
            self.words.t_ago_days(count(ago.num_days()))
        } else {
            self.day(then)
        }
    }

    /// A length of time in its largest unit: "4 min".
    pub(crate) fn span(self, length: TimeDelta) -> String {
        if length < TimeDelta::minutes(1) {
            self.words.t_span_seconds(count(length.num_seconds()))
        } else if length < TimeDelta::hours(1) {
            self.words.t_span_minutes(count(length.num_minutes()))
        } else if length < TimeDelta::days(2) {
            self.words.t_span_hours(count(length.num_hours()))
        } else {
            self.words.t_span_days(count(length.num_days()))
        }
    }

    /// How long it has lasted.
    pub(crate) fn since(self, begin: DateTime<Utc>) -> String {
        self.span(self.now - begin)
    }

    /// A moment of this year with its time, "1 dic, 09:41"; another year's without.
    pub(crate) fn date(self, moment: DateTime<Utc>) -> String {
        let local = moment.with_timezone(&self.tz);
        if local.year() == self.now.with_timezone(&self.tz).year() {
            let time = local.format("%H:%M").to_string();
            self.words.t_date_time(local.day().to_string(), self.words.t_month(local.month()), time)
        } else {
            self.day(moment)
        }
    }

    /// A day: "3 nov", with the year when it is another one.
    pub(crate) fn day(self, moment: DateTime<Utc>) -> String {
        let local = moment.with_timezone(&self.tz);
        let (day, month) = (local.day().to_string(), self.words.t_month(local.month()));
        if local.year() == self.now.with_timezone(&self.tz).year() {
            self.words.t_date_day(day, month)
        } else {
            self.words.t_date_year(day, month, local.year().to_string())
        }
    }

    /// What the clock shows in a zone.
    pub(crate) fn clock_in(self, tz: Tz) -> String {
        self.now.with_timezone(&tz).format("%H:%M").to_string()
    }
}

/// A number of seconds or so that cannot be negative and fits.
fn count(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

fn nearest(length: TimeDelta, unit: TimeDelta) -> u32 {
    count((length.num_seconds() + unit.num_seconds() / 2).div_euclid(unit.num_seconds()))
}

/// Bytes in MB or GB (powers of ten, as providers sell them) with two digits: "350 MB", "1.2 GB".
pub(crate) fn size(bytes: u64) -> String {
    let (number, unit) = number_and_unit(bytes);
    format!("{number} {unit}")
}

/// "1.2 de 5 GB"; the unit stands once when both have it.
pub(crate) fn size_of(words: Words, used: u64, quota: u64) -> String {
    let (used, used_unit) = number_and_unit(used);
    let (quota, unit) = number_and_unit(quota);
    let used = if used_unit == unit || used == "0" { used } else { format!("{used} {used_unit}") };
    words.t_usage(used, format!("{quota} {unit}"))
}

fn number_and_unit(bytes: u64) -> (String, &'static str) {
    const MEGA: u64 = 1_000_000;
    const GIGA: u64 = 1_000_000_000;
    // Tenths, rounded to the nearest, so that no floating point is needed.
    let tenths = |unit: u64| (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    let digits = |tenths: u128| match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole @ 0..=9, rest) => format!("{whole}.{rest}"),
        (whole, rest) => (whole + u128::from(rest >= 5)).to_string(),
    };
    if bytes > 0 && tenths(MEGA) == 0 {
        ("0.1".to_owned(), "MB")
    } else if tenths(MEGA) < 9_995 {
        (digits(tenths(MEGA)), "MB")
    } else {
        (digits(tenths(GIGA)), "GB")
    }
}

/// A share of a hundred as ten cells; a begun cell is full, so that any use shows.
pub(crate) fn bar(percent: u8) -> String {
    let full = usize::from(percent.min(100)).div_ceil(10);
    "▓".repeat(full) + &"░".repeat(10 - full)
}

/// Days as a row of little bars, the highest of them as high as it gets; a day without traffic is the lowest one, and any
/// traffic at all is higher than that.
pub(crate) fn sparkline(days: &[u64]) -> String {
    const BARS: [char; 4] = ['▂', '▃', '▅', '▇'];
    let most = u128::from(days.iter().copied().max().unwrap_or(0).max(1));
    let bar = |day: &u64| match usize::try_from((u128::from(*day) * 4).div_ceil(most)) {
        Ok(level @ 1..=4) => BARS[level - 1],
        _ => '▁',
    };
    days.iter().map(bar).collect()
}

/// Cents as dollars: "$1.00".
pub(crate) fn dollars(cents: u32) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// Minutes after midnight as a clock shows them: "22:00".
pub(crate) fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A large number in groups of three: "4,054" in English, "4 054" in Spanish.
pub(crate) fn grouped(words: Words, number: u64) -> String {
    let separator = match words.0 {
        Lang::Es => '\u{202f}',
        Lang::En => ',',
    };
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len());
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
