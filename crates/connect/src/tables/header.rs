//! Which column stands where.

use super::error::OpenError;

/// A column of a kind: the names it may have, the usual one first.
pub(crate) struct Column {
    pub(crate) names: &'static [&'static str],
    pub(crate) required: bool,
}

pub(crate) const fn required(names: &'static [&'static str]) -> Column {
    Column { names, required: true }
}

pub(crate) const fn optional(names: &'static [&'static str]) -> Column {
    Column { names, required: false }
}

/// Where a column was found, and under which of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) name: &'static str,
}

/// Returns a header name in the form names are compared in: lower case, outer blanks cut, and runs of blanks, `_` and
/// `-` as one blank, so that `On hand`, `on_hand` and `ON-HAND` are one column.
pub(crate) fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for word in
        name.split(|c: char| c.is_whitespace() || c == '_' || c == '-').filter(|word| !word.is_empty())
    {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.chars().flat_map(char::to_lowercase));
    }
    normal
}

/// Finds each column in a header given in [`normal`] form. Where a column has several names, the first that is there
/// counts.
///
/// Shape: as `columns`, `None` for an absent one.
/// Errors: `MissingColumns` names all required ones that are absent; `RepeatedColumn`.
pub(crate) fn find(columns: &[Column], header: &[String]) -> Result<Vec<Option<Place>>, OpenError> {
    let mut places = Vec::with_capacity(columns.len());
    let mut missing = Vec::new();
    for column in columns {
        let place = column.names.iter().find_map(|name| {
            let wanted = normal(name);
            header.iter().position(|found| *found == wanted).map(|index| Place { index, name })
        });
        if let Some(place) = place
            && header[place.index + 1..].contains(&header[place.index])
        {
            return Err(OpenError::RepeatedColumn { name: place.name });
        }
        if place.is_none() && column.required {
            missing.push(column.names[0]);
        }
        places.push(place);
    }
    if missing.is_empty() {
        Ok(places)
    } else {
        Err(OpenError::MissingColumns { missing, found: header.iter().take(20).cloned().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_blanks_and_dashes() {
        for name in ["on_hand", " On  Hand ", "ON-HAND", "on hand\u{a0}"] {
            assert_eq!(normal(name), "on hand");
        }
        assert_eq!(normal("Backorders allowed?"), "backorders allowed?");
    }

    #[test]
    fn columns_are_found_in_any_order_and_all_missing_ones_named() {
        let columns = [required(&["sku"]), required(&["On hand (new)", "on_hand"]), optional(&["Location"])];
        let header: Vec<_> = ["extra", "on hand", "sku"].map(normal).to_vec();
        let places = find(&columns, &header).unwrap();
        assert_eq!(places[0], Some(Place { index: 2, name: "sku" }));
        assert_eq!(places[1], Some(Place { index: 1, name: "on_hand" }));
        assert_eq!(places[2], None);
        let error = find(&columns, &["price".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "missing columns: sku, On hand (new) (found: price)");
        let twice = ["sku", "on hand", "SKU"].map(normal).to_vec();
        assert_eq!(find(&columns, &twice).unwrap_err().to_string(), "column sku appears more than once");
    }
}
