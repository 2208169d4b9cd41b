//! Pages to print and to send: text and one table, on A4, in Helvetica as every reader has it.
//!
//! The letters are those of Windows-1252 (western Europe), which need no font to be carried along. Others are written in Latin letters
//! (`deunicode`: Łódź as Lodz, Токио as Tokio), and the sheet says so.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// Page size and margin, in points.
const WIDE: f32 = 595.0;
const HIGH: f32 = 842.0;
const MARGIN: f32 = 56.0;
const LINE: f32 = 15.0;
const SIZE: f32 = 9.5;
/// Most rows of a table that are written.
pub const ROWS_MAX: usize = 5_000;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub head: &'static str,
    /// Its part of the width, from 0 to 1.
    pub share: f32,
    /// Numbers: written to the right.
    pub right: bool,
}

/// What is to be printed.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// Above everything.
    pub title: String,
    /// Lines under it.
    pub lines: Vec<String>,
    /// The table's columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// Lines under the table, to the right.
    pub sums: Vec<String>,
    /// Lines at the end.
    pub notes: Vec<String>,
}

/// Letters as Windows-1252 writes them.
fn coded(text: &str) -> Vec<u8> {
    const HIGH: [(char, u8); 27] = [
        ('€', 0x80),
        ('‚', 0x82),
        ('ƒ', 0x83),
        ('„', 0x84),
        ('…', 0x85),
        ('†', 0x86),
        ('‡', 0x87),
        ('ˆ', 0x88),
        ('‰', 0x89),
        ('Š', 0x8a),
        ('‹', 0x8b),
        ('Œ', 0x8c),
        ('Ž', 0x8e),
        ('‘', 0x91),
        ('’', 0x92),
        ('“', 0x93),
        ('”', 0x94),
        ('•', 0x95),
        ('–', 0x96),
        ('—', 0x97),
        ('˜', 0x98),
        ('™', 0x99),
        ('š', 0x9a),
        ('›', 0x9b),
        ('œ', 0x9c),
        ('ž', 0x9e),
        ('Ÿ', 0x9f),
    ];
    let mut codes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match u32::from(letter) {
            code @ (0x20..=0x7e | 0xa0..=0xff) => codes.push(code as u8),
            _ => match HIGH.iter().find(|known| known.0 == letter) {
                Some(known) => codes.push(known.1),
                // What has no Latin letters at all stays a question mark; what follows a letter of its own is parted from it by a blank.
                None => codes.extend(deunicode::deunicode_char(letter).unwrap_or("?").bytes()),
            },
        }
    }
    codes
}

/// Whether a text has letters that are written in others.
fn is_changed(text: &str) -> bool {
    text.chars().any(|letter| {
        let code = u32::from(letter);
        !matches!(code, 0x20..=0x7e | 0xa0..=0xff) && !"€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(letter)
    })
}

/// What a sheet says of that.
const CHANGED: &str = "Some letters are written here in Latin ones; the order as CSV has them as they are.";

/// How wide a letter is in Helvetica, in thousandths of its size; those that are not listed are as wide as most.
fn width(code: u8) -> f32 {
    let thousandths = match code {
        b'i' | b'j' | b'l' => 222,
        b' ' | b'.' | b',' | b':' | b';' | b'!' | b'/' | b'I' | b'f' | b't' | b'|' | b'[' | b']' => 278,
        b'(' | b')' | b'r' | b'-' | b'`' => 333,
        b'c' | b'k' | b's' | b'v' | b'x' | b'y' | b'z' | b'J' => 500,
        b'F' | b'T' | b'Z' => 611,
        b'A' | b'B' | b'E' | b'K' | b'P' | b'S' | b'V' | b'X' | b'Y' | b'&' => 667,
        b'C' | b'D' | b'H' | b'N' | b'R' | b'U' | b'w' => 722,
        b'G' | b'O' | b'Q' => 778,
        b'm' | b'M' => 833,
        b'%' => 889,
        b'W' => 944,
        _ => 556,
    };
    thousandths as f32 / 1_000.0
}

fn length(codes: &[u8], size: f32) -> f32 {
    codes.iter().map(|code| width(*code)).sum::<f32>() * size
}

/// As much of a text as fits; what does not ends in three dots.
fn fitting(text: &str, room: f32, size: f32) -> Vec<u8> {
    let mut codes = coded(text);
    if length(&codes, size) <= room {
        return codes;
    }
    while !codes.is_empty() && length(&codes, size) + 3.0 * width(b'.') * size > room {
        codes.pop();
    }
    codes.extend(b"...");
    codes
}

const PLAIN: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// Pages as they are filled from top to bottom.
struct Pages {
    done: Vec<Content>,
    now: Content,
    y: f32,
}

impl Pages {
    fn new() -> Self {
        Self { done: Vec::new(), now: Content::new(), y: HIGH - MARGIN }
    }

    fn turn(&mut self) {
        self.done.push(std::mem::replace(&mut self.now, Content::new()));
        self.y = HIGH - MARGIN;
    }

    /// Goes down; answers whether that began a page.
    fn down(&mut self, by: f32) -> bool {
        if self.y - by < MARGIN {
            self.turn();
            return true;
        }
        self.y -= by;
        false
    }

    fn write(&mut self, x: f32, codes: &[u8], font: Name<'_>, size: f32) {
        self.now.begin_text().set_font(font, size).next_line(x, self.y).show(Str(codes)).end_text();
    }

    fn rule(&mut self) {
        let y = self.y - 4.0;
        self.now.set_line_width(0.5).move_to(MARGIN, y).line_to(WIDE - MARGIN, y).stroke();
    }

    fn row(&mut self, columns: &[Column], cells: &[String], font: Name<'_>) {
        let whole = WIDE - 2.0 * MARGIN;
        let mut x = MARGIN;
        for (column, cell) in columns.iter().zip(cells) {
            let room = whole * column.share;
            let codes = fitting(cell, room - 6.0, SIZE);
            let at = if column.right { x + room - 6.0 - length(&codes, SIZE) } else { x };
            self.write(at, &codes, font, SIZE);
            x += room;
        }
    }
}

/// Writes a sheet as PDF. The same sheet gives the same bytes; rows beyond [`ROWS_MAX`] are left out.
pub fn write(sheet: &Sheet) -> Vec<u8> {
    let whole = WIDE - 2.0 * MARGIN;
    let mut pages = Pages::new();
    pages.down(12.0);
    pages.write(MARGIN, &fitting(&sheet.title, whole, 17.0), BOLD, 17.0);
    pages.down(12.0);
    for line in &sheet.lines {
        pages.down(LINE);
        pages.write(MARGIN, &fitting(line, whole, SIZE), PLAIN, SIZE);
    }
    let heads: Vec<String> = sheet.columns.iter().map(|column| column.head.to_owned()).collect();
    let head = |pages: &mut Pages| {
        pages.down(LINE);
        pages.row(&sheet.columns, &heads, BOLD);
        pages.rule();
    };
    if !sheet.rows.is_empty() {
        pages.down(LINE);
        head(&mut pages);
    }
    for row in sheet.rows.iter().take(ROWS_MAX) {
        if pages.down(LINE) {
            head(&mut pages);
            pages.down(LINE);
        }
        pages.row(&sheet.columns, row, PLAIN);
    }
    if !sheet.sums.is_empty() {
        pages.rule();
    }
    for line in &sheet.sums {
        pages.down(LINE);
        let codes = fitting(line, whole, SIZE);
        pages.write(WIDE - MARGIN - 6.0 - length(&codes, SIZE), &codes, BOLD, SIZE);
    }
    pages.down(LINE);
    let texts = [&sheet.title].into_iter().chain(&sheet.lines).chain(sheet.rows.iter().flatten());
    let is_changed = texts.chain(&sheet.sums).chain(&sheet.notes).any(|text| is_changed(text));
    for line in sheet.notes.iter().map(String::as_str).chain(is_changed.then_some(CHANGED)) {
        pages.down(LINE);
        pages.write(MARGIN, &fitting(line, whole, SIZE), PLAIN, SIZE);
    }
    pages.turn();
    bound(&sheet.title, pages.done)
}

/// Binds pages into a file.
fn bound(title: &str, pages: Vec<Content>) -> Vec<u8> {
    let mut next = 1;
    let mut reference = || {
        let found = Ref::new(next);
        next += 1;
        found
    };
    let (catalog, tree, plain, bold, info) =
        (reference(), reference(), reference(), reference(), reference());
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    let bound: Vec<(Ref, Ref, Content)> =
        pages.into_iter().map(|content| (reference(), reference(), content)).collect();
    let count = i32::try_from(bound.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(bound.iter().map(|page| page.0)).count(count);
    for (page, content, written) in bound {
        let mut leaf = pdf.page(page);
        leaf.media_box(Rect::new(0.0, 0.0, WIDE, HIGH)).parent(tree).contents(content);
        leaf.resources().fonts().pair(PLAIN, plain).pair(BOLD, bold);
        leaf.finish();
        pdf.stream(content, &written.finish());
    }
    for (font, name) in [(plain, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("Shipwhen"));
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(rows: usize) -> Sheet {
        let row = |n: usize| vec![format!("SKU-{n}"), "Ein Stück für 5 €".to_owned(), n.to_string()];
        Sheet {
            title: "Purchase order".to_owned(),
            lines: vec!["To: Pine (Größe)".to_owned()],
            columns: vec![
                Column { head: "SKU", share: 0.3, right: false },
                Column { head: "What", share: 0.5, right: false },
                Column { head: "Units", share: 0.2, right: true },
            ],
            rows: (0..rows).map(row).collect(),
            sums: vec!["Total 12.00 USD".to_owned()],
            notes: vec!["日本".to_owned()],
        }
    }

    fn has(bytes: &[u8], text: &[u8]) -> usize {
        bytes.windows(text.len()).filter(|window| *window == text).count()
    }

    #[test]
    fn a_sheet_is_a_file_with_as_many_pages_as_it_needs() {
        let one = write(&sheet(3));
        assert!(one.starts_with(b"%PDF-") && one.trim_ascii_end().ends_with(b"%%EOF"));
        assert_eq!(has(&one, b"/Type /Page\n") + has(&one, b"/Type/Page\n"), 1);
        assert_eq!(one, write(&sheet(3)), "the same sheet, the same bytes");
        let many = write(&sheet(200));
        let pages = has(&many, b"/MediaBox");
        assert!((4..=6).contains(&pages), "{pages}");
        assert!(has(&many, b"(SKU-0)") == 1 && has(&many, b"(SKU-199)") == 1);
        assert_eq!(has(&many, b"(Units)"), pages, "each page has its header");
        assert!(write(&Sheet::default()).starts_with(b"%PDF-"));
    }

    #[test]
    fn letters_are_coded_and_what_is_too_long_is_cut() {
        assert_eq!(coded("Aé€"), [b'A', 0xe9, 0x80]);
        assert_eq!(coded("Łódź Токио"), coded("Lódz Tokio"));
        assert!(coded("日本").starts_with(b"Ri"), "{:?}", coded("日本"));
        assert_eq!(coded("\u{e000}"), b"?");
        // It is said once, and only where it is so.
        let said = |sheet: &Sheet| has(&write(sheet), b"(Some letters are written here");
        let plain = Sheet { notes: Vec::new(), ..sheet(3) };
        assert_eq!((said(&sheet(3)), said(&plain)), (1, 0));
        assert!(length(&fitting(&"m".repeat(100), 50.0, 10.0), 10.0) <= 50.0);
        assert_eq!(fitting("abc", 50.0, 10.0), b"abc");
        // What would end the text for a reader is written so that it does not.
        let odd = write(&Sheet { title: "a) Tj (b\\".to_owned(), ..Sheet::default() });
        assert_eq!(has(&odd, b"(a) Tj"), 0);
    }
}
