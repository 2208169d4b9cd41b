//! Whose law holds: by the country that goods are sent to.

use super::Law;
use crate::holidays::Workdays;

/// The laws of the place that goods are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jurisdiction {
    laws: &'static [Law],
    /// ISO 3166-1 alpha-2, where one country is meant.
    country: Option<String>,
}

/// The members of the European Economic Area, by ISO 3166-1 alpha-2 code.
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT",
    "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// The United States and the territories that have codes of their own.
const US: [&str; 6] = ["AS", "GU", "MP", "PR", "US", "VI"];

impl Jurisdiction {
    /// A place of which nothing is known: every law holds.
    pub fn unknown() -> Self {
        Self { laws: &Law::ALL, country: None }
    }

    /// Reads a country (`DE`, `us`), a part of one (`US-CA`), or one of `US`, `EU`, `UK`.
    ///
    /// Anything else is a place whose law is not known here, so every law holds.
    pub fn of(place: &str) -> Self {
        let upper = place.trim().to_ascii_uppercase();
        let code = upper.split('-').next().unwrap_or_default();
        let (laws, country): (&'static [Law], Option<&str>) = match code {
            "EU" | "EEA" => (&[Law::Eu], None),
            "UK" | "GB" => (&[Law::Uk], Some("GB")),
            // Greece, as the institutions of the union write it.
            "EL" => (&[Law::Eu], Some("GR")),
            code if EEA.contains(&code) => (&[Law::Eu], Some(code)),
            code if US.contains(&code) => (&[Law::Us], Some(code)),
            _ => (&Law::ALL, None),
        };
        Self { laws, country: country.map(str::to_owned) }
    }

    /// The laws that hold, in order; never empty.
    pub fn laws(&self) -> &'static [Law] {
        self.laws
    }

    /// Whether no single law is known for it, so that every one holds.
    pub fn is_unknown(&self) -> bool {
        self.laws.len() == Law::ALL.len()
    }

    /// The working days there.
    pub(super) fn workdays(&self) -> Workdays {
        Workdays::of(self.country.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_law_of_their_country() {
        for (place, laws) in [
            ("US", &[Law::Us][..]),
            ("us-ca", &[Law::Us]),
            ("PR", &[Law::Us]),
            ("EU", &[Law::Eu]),
            ("DE", &[Law::Eu]),
            ("EL", &[Law::Eu]),
            ("GB", &[Law::Uk]),
            (" uk ", &[Law::Uk]),
            ("GB-SCT", &[Law::Uk]),
            ("CA", &Law::ALL),
            ("unknown", &Law::ALL),
        ] {
            assert_eq!(Jurisdiction::of(place).laws(), laws, "{place}");
        }
        assert!(Jurisdiction::unknown().is_unknown() && !Jurisdiction::of("FR").is_unknown());
    }

    #[test]
    fn every_country_with_a_law_has_its_holidays() {
        assert!(EEA.into_iter().chain(["GB", "US"]).all(|code| Workdays::of(code).is_known()));
    }
}
