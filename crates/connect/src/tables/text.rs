//! Text cells: encoding, and the guard against cells that a spreadsheet would run as a formula.

use std::borrow::Cow;

/// Characters that make a spreadsheet read a cell as a formula (or hide one behind a blank).
///
/// Source: OWASP, "CSV Injection".
const TRIGGERS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Returns a text cell as it is written: with an apostrophe in front when it starts with `=`, `+`, `-`, `@`, tab or
/// carriage return, or with apostrophes and then one of these.
///
/// The second half is what makes [`unguard`] exact: `'=1` as a title leaves as `''=1` and comes back as `'=1`. Numbers
/// are never guarded: −4 is a quantity, not a formula.
#[must_use]
pub fn guard(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches('\'').starts_with(TRIGGERS) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns a text cell without the apostrophe that [`guard`] put there; any other apostrophe stays.
#[must_use]
pub fn unguard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(TRIGGERS) => rest,
        _ => text,
    }
}

/// What Windows-1252 has at 0x80–0x9F; NUL where it has nothing.
///
/// Source: Unicode consortium, MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT.
const WINDOWS_1252_HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// Reads bytes as Windows-1252, the encoding of "CSV" as Excel saves it in Western Europe and America.
///
/// `None` if a byte has no meaning there.
pub(crate) fn windows_1252(bytes: &[u8]) -> Option<String> {
    let read = |byte: &u8| match *byte {
        high @ 0x80..=0x9f => Some(WINDOWS_1252_HIGH[usize::from(high - 0x80)]).filter(|c| *c != '\0'),
        other => Some(char::from(other)),
    };
    bytes.iter().map(read).collect()
}

/// Splits a list in one cell at its commas; `\,` is a comma within an entry (as WooCommerce writes it) and `\\` a
/// backslash.
///
/// Shape: trimmed, never empty entries, in the cell's order.
#[must_use]
pub fn split_list(cell: &str) -> Vec<String> {
    let mut entries = vec![String::new()];
    let mut chars = cell.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ',' => entries.push(String::new()),
            '\\' if matches!(chars.peek(), Some(',' | '\\')) => {
                if let (Some(entry), Some(escaped)) = (entries.last_mut(), chars.next()) {
                    entry.push(escaped);
                }
            }
            other => {
                if let Some(entry) = entries.last_mut() {
                    entry.push(other);
                }
            }
        }
    }
    entries.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Writes a list into one cell so that [`split_list`] gives it back.
#[must_use]
pub fn join_list(entries: &[String]) -> String {
    let escaped: Vec<_> =
        entries.iter().map(|entry| entry.replace('\\', "\\\\").replace(',', "\\,")).collect();
    escaped.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_leave_as_text() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+44 20", "'+44 20"),
            ("-4", "'-4"),
            ("@sum", "'@sum"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=1", "''=1"),
            ("O'Neill", "O'Neill"),
            ("'tis", "'tis"),
            ("", ""),
        ] {
            assert_eq!(guard(text), cell);
            assert_eq!(unguard(cell), text);
        }
    }

    #[test]
    fn windows_1252_gives_the_euro_sign_and_refuses_holes() {
        assert_eq!(windows_1252(b"caf\xe9 \x80 5").as_deref(), Some("café € 5"));
        assert_eq!(windows_1252(b"\x81"), None);
    }

    #[test]
    fn lists_split_at_plain_commas() {
        assert_eq!(split_list("red, XL ,, a\\,b , c\\\\"), ["red", "XL", "a,b", "c\\"]);
        assert_eq!(split_list(" "), Vec::<String>::new());
        assert_eq!(split_list("5\\6"), ["5\\6"]);
    }

    proptest! {
        #[test]
        fn guard_is_undone_exactly(text in "['=+@\t\rab-]{0,6}") {
            let cell = guard(&text);
            prop_assert_eq!(unguard(&cell), text.as_str());
        }

        #[test]
        fn lists_come_back(entries in proptest::collection::vec("[a,\\\\b]{1,5}", 0..4)) {
            prop_assert_eq!(split_list(&join_list(&entries)), entries);
        }
    }
}
