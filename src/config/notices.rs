//! `[notices]`: when nobody is written to without need.

use super::read::Setting;
use toml::Value;
use usipipo_actors::domain::lifecycle::QuietHours;

/// Quiet hours of users who have not chosen any, in each one's time zone; `None` inside for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet(pub Option<QuietHours>);

impl Default for Quiet {
    fn default() -> Self {
        Self(Some(QuietHours::default()))
    }
}

impl Setting for Quiet {
    fn read(value: &Value) -> Result<Self, String> {
        let wanted = || "hours such as \"22:00-08:00\", or \"off\"".to_owned();
        let text = value.as_str().ok_or_else(wanted)?.trim();
        if text == "off" {
            return Ok(Self(None));
        }
        let (from, to) = text.split_once('-').ok_or_else(wanted)?;
        let hours = minute(from).zip(minute(to)).and_then(|(from, to)| QuietHours::new(from, to));
        // Equal ends would read as a whole day and mean never.
        hours.filter(|hours| hours.from() != hours.to()).map(|hours| Self(Some(hours))).ok_or_else(wanted)
    }

    fn show(&self) -> Value {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Value::String(match self.0 {
            Some(hours) => format!("{}-{}", clock(hours.from()), clock(hours.to())),
            None => "off".to_owned(),
        })
    }
}

/// `HH:MM` in minutes after midnight.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}
