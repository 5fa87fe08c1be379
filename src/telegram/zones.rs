//! The time zones a person can choose from: about forty, Cuba and Latin America first, since most users live there.
//! Telegram tells nobody's zone; whose city is missing picks one with the same time.

use chrono_tz::Tz;

/// Zones on one page of the list.
pub(crate) const PER_PAGE: usize = 8;

/// Zone and the key of its city's name in the Fluent files.
pub(crate) const ZONES: [(Tz, &str); 40] = [
    (Tz::America__Havana, "tz-america-havana"),
    (Tz::America__Mexico_City, "tz-america-mexico-city"),
    (Tz::America__Cancun, "tz-america-cancun"),
    (Tz::America__Tijuana, "tz-america-tijuana"),
    (Tz::America__Guatemala, "tz-america-guatemala"),
    (Tz::America__Tegucigalpa, "tz-america-tegucigalpa"),
    (Tz::America__El_Salvador, "tz-america-el-salvador"),
    (Tz::America__Managua, "tz-america-managua"),
    (Tz::America__Costa_Rica, "tz-america-costa-rica"),
    (Tz::America__Panama, "tz-america-panama"),
    (Tz::America__Santo_Domingo, "tz-america-santo-domingo"),
    (Tz::America__Puerto_Rico, "tz-america-puerto-rico"),
    (Tz::America__Bogota, "tz-america-bogota"),
    (Tz::America__Caracas, "tz-america-caracas"),
    (Tz::America__Guayaquil, "tz-america-guayaquil"),
    (Tz::America__Lima, "tz-america-lima"),
    (Tz::America__La_Paz, "tz-america-la-paz"),
    (Tz::America__Asuncion, "tz-america-asuncion"),
    (Tz::America__Santiago, "tz-america-santiago"),
    (Tz::America__Argentina__Buenos_Aires, "tz-america-buenos-aires"),
    (Tz::America__Montevideo, "tz-america-montevideo"),
    (Tz::America__Sao_Paulo, "tz-america-sao-paulo"),
    (Tz::America__New_York, "tz-america-new-york"),
    (Tz::America__Chicago, "tz-america-chicago"),
    (Tz::America__Denver, "tz-america-denver"),
    (Tz::America__Los_Angeles, "tz-america-los-angeles"),
    (Tz::America__Toronto, "tz-america-toronto"),
    (Tz::Atlantic__Canary, "tz-atlantic-canary"),
    (Tz::Europe__Madrid, "tz-europe-madrid"),
    (Tz::Europe__Lisbon, "tz-europe-lisbon"),
    (Tz::Europe__London, "tz-europe-london"),
    (Tz::Europe__Paris, "tz-europe-paris"),
    (Tz::Europe__Rome, "tz-europe-rome"),
    (Tz::Europe__Berlin, "tz-europe-berlin"),
    (Tz::Europe__Moscow, "tz-europe-moscow"),
    (Tz::Europe__Istanbul, "tz-europe-istanbul"),
    (Tz::Africa__Luanda, "tz-africa-luanda"),
    (Tz::Asia__Dubai, "tz-asia-dubai"),
    (Tz::Asia__Kolkata, "tz-asia-kolkata"),
    (Tz::Asia__Shanghai, "tz-asia-shanghai"),
];

/// The page of the list that holds the zone; the first one for a zone that is not on it.
pub(crate) fn page_of(tz: Tz) -> u16 {
    let place = ZONES.iter().position(|(zone, _)| *zone == tz).unwrap_or(0);
    u16::try_from(place / PER_PAGE).unwrap_or(0)
}

/// The key of the zone's city, if it is on the list.
pub(crate) fn key_of(tz: Tz) -> Option<&'static str> {
    ZONES.iter().find(|(zone, _)| *zone == tz).map(|(_, key)| *key)
}
