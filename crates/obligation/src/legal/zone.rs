//! The buyer's calendar: days are those of the place that goods go to.

use model::time::Zone;

/// The time zone of each place whose law is known: of a country with several, the one whose days end first, so that no
/// deadline there is missed.
const ZONES: &[(&str, &str)] = &[
    ("AS", "Pacific/Pago_Pago"),
    ("AT", "Europe/Vienna"),
    ("BE", "Europe/Brussels"),
    ("BG", "Europe/Sofia"),
    ("CY", "Asia/Nicosia"),
    ("CZ", "Europe/Prague"),
    ("DE", "Europe/Berlin"),
    ("DK", "Europe/Copenhagen"),
    ("EE", "Europe/Tallinn"),
    ("ES", "Europe/Madrid"),
    ("FI", "Europe/Helsinki"),
    ("FR", "Europe/Paris"),
    ("GB", "Europe/London"),
    ("GR", "Europe/Athens"),
    ("GU", "Pacific/Guam"),
    ("HR", "Europe/Zagreb"),
    ("HU", "Europe/Budapest"),
    ("IE", "Europe/Dublin"),
    ("IS", "Atlantic/Reykjavik"),
    ("IT", "Europe/Rome"),
    ("LI", "Europe/Vaduz"),
    ("LT", "Europe/Vilnius"),
    ("LU", "Europe/Luxembourg"),
    ("LV", "Europe/Riga"),
    ("MP", "Pacific/Saipan"),
    ("MT", "Europe/Malta"),
    ("NL", "Europe/Amsterdam"),
    ("NO", "Europe/Oslo"),
    ("PL", "Europe/Warsaw"),
    ("PR", "America/Puerto_Rico"),
    ("PT", "Europe/Lisbon"),
    ("RO", "Europe/Bucharest"),
    ("SE", "Europe/Stockholm"),
    ("SI", "Europe/Ljubljana"),
    ("SK", "Europe/Bratislava"),
    ("US", "America/New_York"),
    ("VI", "America/St_Thomas"),
];

/// The time zone by which a buyer's days are counted; `None`: not known for that country.
pub fn zone_of(country: &str) -> Option<Zone> {
    let country = country.to_ascii_uppercase();
    let found = ZONES.iter().find(|(code, _)| *code == country)?;
    Zone::new(found.1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_is_in_the_database() {
        for (country, zone) in ZONES {
            assert_eq!(zone_of(country).map(|zone| zone.name().to_owned()).as_deref(), Some(*zone));
        }
        assert!(zone_of("XX").is_none());
    }
}
