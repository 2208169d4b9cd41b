//! Countries by name: ISO 3166-1 alpha-2, sorted by code in `assets/countries.txt` (from the public-domain `iso3166.tab`
//! of the time zone database).

const LIST: &str = include_str!("../../assets/countries.txt");

/// An entry of the list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) is_chosen: bool,
    /// Whether the shop names this country itself: such stand first.
    pub(super) is_served: bool,
}

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    LIST.lines().filter_map(|line| line.split_once(' '))
}

/// The code as the list has it, where it is a country's.
pub(super) fn known(code: &str) -> Option<&'static str> {
    all().map(|(known, _)| known).find(|known| known.eq_ignore_ascii_case(code.trim()))
}

/// Every country, those that the shop names first and in its order, the others by name.
pub(super) fn choices(served: &[&str], chosen: Option<&str>) -> Vec<Choice> {
    let place = |code: &str| served.iter().position(|served| *served == code);
    let mut choices: Vec<Choice> = all()
        .map(|(code, name)| Choice {
            code,
            name,
            is_chosen: chosen == Some(code),
            is_served: place(code).is_some(),
        })
        .collect();
    choices.sort_by_key(|choice| (place(choice.code).unwrap_or(usize::MAX), choice.name));
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shops_own_countries_stand_first() {
        assert_eq!(all().count(), 249);
        assert_eq!(known(" us"), Some("US"));
        assert_eq!(known("XX"), None);
        let choices = choices(&["US", "CA"], Some("CA"));
        let first: Vec<_> = choices.iter().take(3).map(|choice| (choice.code, choice.is_chosen)).collect();
        assert_eq!(first, [("US", false), ("CA", true), ("AF", false)]);
    }
}
