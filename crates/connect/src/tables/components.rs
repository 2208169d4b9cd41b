//! What a kit is made of, in one cell: `KETTLE:1 CUP:2`.

use super::error::{ValueError, quoted};

/// One thing in a kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its SKU.
    pub sku: String,
    /// How many units of it are in one kit, from 1.
    pub units: i64,
}

/// Reads components apart by blanks, each a SKU, a colon and its units. A blank within a SKU has a backslash in front of
/// it (`BLUE\ CUP:2`), and so has a backslash; a colon needs none, for the last one of a component counts.
///
/// Shape: in the cell's order; empty for an empty cell.
/// Errors: `bad_components` for what is not of this form, `quantity_too_large`.
pub(crate) fn parse(cell: &str) -> Result<Vec<Component>, ValueError> {
    split(cell).iter().map(|entry| component(entry)).collect()
}

/// Splits at blanks and takes the backslashes off.
fn split(cell: &str) -> Vec<String> {
    let mut entries = vec![String::new()];
    let mut chars = cell.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next_if(|next| needs_escape(*next)) } else { None };
        match (escaped, entries.last_mut()) {
            (None, _) if c.is_whitespace() => entries.push(String::new()),
            (escaped, Some(entry)) => entry.push(escaped.unwrap_or(c)),
            (_, None) => {}
        }
    }
    entries.retain(|entry| !entry.is_empty());
    entries
}

fn needs_escape(c: char) -> bool {
    c == '\\' || c.is_whitespace()
}

fn component(entry: &str) -> Result<Component, ValueError> {
    let bad = |why: &str| ValueError::new("bad_components", format!("{} {why}", quoted(entry)));
    let (sku, units) = entry
        .rsplit_once(':')
        .ok_or_else(|| bad("does not say how many: each component is written SKU:UNITS, as in CUP:2"))?;
    if sku.trim().is_empty() {
        return Err(bad("has no SKU before its colon"));
    }
    if units.is_empty() || !units.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad("does not end in a whole number of units, as CUP:2 does"));
    }
    match units.parse() {
        Ok(0) => Err(bad("is none of it: a kit has one unit of each component at least")),
        Ok(units) => Ok(Component { sku: sku.trim().to_owned(), units }),
        Err(_) => Err(ValueError::new("quantity_too_large", format!("{} is beyond any kit", quoted(entry)))),
    }
}

/// Writes components so that [`parse`] gives them back.
pub(crate) fn join(components: &[Component]) -> String {
    let entry = |component: &Component| {
        let mut text = String::with_capacity(component.sku.len() + 4);
        for c in component.sku.chars() {
            if needs_escape(c) {
                text.push('\\');
            }
            text.push(c);
        }
        format!("{text}:{}", component.units)
    };
    components.iter().map(entry).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(sku: &str, units: i64) -> Component {
        Component { sku: sku.to_owned(), units }
    }

    #[test]
    fn components_are_read_from_one_cell() {
        assert_eq!(parse("A:1 B:2").unwrap(), [part("A", 1), part("B", 2)]);
        assert_eq!(parse("  A:10\n B:2 ").unwrap(), [part("A", 10), part("B", 2)]);
        assert_eq!(
            parse(r"BLUE\ CUP:2 a\\b:1 c\d:1").unwrap(),
            [part("BLUE CUP", 2), part(r"a\b", 1), part(r"c\d", 1)]
        );
        assert_eq!(parse("LID:BIG:3").unwrap(), [part("LID:BIG", 3)]);
        assert_eq!(parse(" ").unwrap(), []);
    }

    #[test]
    fn what_is_no_component_is_named() {
        for (cell, code, detail) in [
            ("A:1 CUP", "bad_components", "\"CUP\" does not say how many"),
            ("BLUE CUP:2", "bad_components", "\"BLUE\" does not say how many"),
            (":2", "bad_components", "\":2\" has no SKU"),
            ("A:two", "bad_components", "\"A:two\" does not end in a whole number"),
            ("A:", "bad_components", "\"A:\" does not end in a whole number"),
            ("A:1.5", "bad_components", "\"A:1.5\" does not end in a whole number"),
            ("A:-1", "bad_components", "\"A:-1\" does not end in a whole number"),
            ("A:0", "bad_components", "\"A:0\" is none of it"),
            ("A:99999999999999999999", "quantity_too_large", "\"A:99999999999999999999\" is beyond any kit"),
        ] {
            let error = parse(cell).unwrap_err();
            assert_eq!(error.code, code, "{cell}");
            assert!(error.detail.starts_with(detail), "{cell}: {}", error.detail);
        }
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split_again(
            parts in proptest::collection::vec(("[a:\\\\é-][a :\\\\\u{a0}]{0,4}[b:\\\\]", 1..i64::MAX), 0..4),
        ) {
            let parts: Vec<_> = parts.iter().map(|(sku, units)| part(sku, *units)).collect();
            prop_assert_eq!(parse(&join(&parts)).unwrap(), parts);
        }
    }
}
