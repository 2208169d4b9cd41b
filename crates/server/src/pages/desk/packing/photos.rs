//! Photos of what came damaged: kept beside the count, apart from the ledger, and shown to whoever may see the delivery.
//!
//! A photo is two private records: a small one that belongs to the delivery, and its bytes. What a camera writes into a JPEG about
//! the place and the person is cut out before it is kept.

use axum::{
    RequestExt,
    extract::{Multipart, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::{Read, RecordFilter, Shelf};
use model::{
    command::{Command, KeepPrivate},
    id::{LocationId, SupplyId, TenantId},
    record::Record,
    refusal::Rejection,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{super::see_other, Ask, Fail},
    Packer, receive,
};
use crate::{pages::shop::encoded, staff::May};

/// The kind of what is known of a photo; its owner is the delivery.
const NOTE: &str = "damage_photo";
/// The kind of its bytes.
const BYTES: &str = "damage_photo_bytes";
/// Most photos of one receipt.
pub(super) const PHOTOS_MAX: usize = 4;
/// Largest photo, in bytes.
const BYTES_MAX: usize = 2 << 20;
/// Largest form taken, in bytes.
pub(super) const FORM_BYTES_MAX: usize = PHOTOS_MAX * BYTES_MAX + (64 << 10);
/// Photos of one delivery that are listed.
const LISTED: usize = 100;

/// What is known of a photo.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    /// The receipt.
    run: String,
    location: LocationId,
    by: String,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Bytes {
    base64: String,
}

/// The form as it was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    at: String,
    run: String,
    photos: Vec<Vec<u8>>,
}

/// Reads the form. Errors: why it cannot be read.
pub(super) async fn read(request: Request) -> Result<Sent, &'static str> {
    const UNCLEAR: &str = "The photos did not arrive whole. Please send them again.";
    let mut form: Multipart = request.extract().await.map_err(|_| UNCLEAR)?;
    let mut sent = Sent::default();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return Ok(sent),
            Err(_) => return Err(UNCLEAR),
        };
        match field.name() {
            Some("at") => sent.at = field.text().await.map_err(|_| UNCLEAR)?,
            Some("run") => sent.run = field.text().await.map_err(|_| UNCLEAR)?,
            Some("photo") => {
                let bytes = field.bytes().await.map_err(|_| UNCLEAR)?;
                // A browser sends an empty file where none is chosen.
                if !bytes.is_empty() {
                    sent.photos.push(bytes.to_vec());
                }
            }
            _ => return Err(UNCLEAR),
        }
    }
}

/// `POST /packing/photos`: keeps photos of one receipt.
pub(super) fn add(ask: &Ask, sent: Result<Sent, &'static str>) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::Pack)?;
    let Ok(sent) = sent else { return Err(Fail::Form) };
    let packer = Packer::of(ask, visitor, &sent.at)?.ok_or(Fail::NotFound)?;
    let supply = receive::delivery_of(ask, &packer, &sent.run)?;
    let again = |problem: &str| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        receive::shown(ask, &packer, &sent.run, Some(problem.to_owned()), status)
    };
    if sent.photos.is_empty() {
        return again("Please choose a photo.");
    }
    let mut kept = Vec::new();
    for bytes in &sent.photos {
        if bytes.len() > BYTES_MAX {
            return again("A photo has more than 2 MB. Please make it smaller.");
        }
        let Some(media) = media(bytes) else {
            return again("That is no photo that is kept here: JPEG, PNG or WebP, please.");
        };
        kept.push(if media == "image/jpeg" { without_notes(bytes) } else { bytes.clone() });
    }
    for bytes in kept {
        if !keep(ask, &packer, (&sent.run, supply), &bytes)? {
            return again("Four photos of one receipt are kept, and so many are there.");
        }
    }
    see_other(&address(&packer, &sent.run))
}

/// Where a receipt is shown.
fn address(packer: &Packer, run: &str) -> String {
    format!("/packing/receipts/{}?at={}", encoded(run), encoded(packer.at.as_str()))
}

/// Keeps a photo under the first number that is free; `false`: none is.
fn keep(ask: &Ask, packer: &Packer, (run, supply): (&str, SupplyId), bytes: &[u8]) -> Result<bool, Fail> {
    let (by, location) = (packer.who(), packer.at.clone());
    let note = Note { run: run.to_owned(), location, by, at: ask.now };
    let defect = |error: serde_json::Error| Fail::Defect(error.to_string());
    for nth in 1..=PHOTOS_MAX {
        let id = format!("{run}-{nth}");
        let known = Record::new(NOTE, &id, &note).map_err(defect)?;
        let known = Record { owner: supply.to_string().into(), ..known };
        let bytes = Record::new(BYTES, &id, &Bytes { base64: STANDARD.encode(bytes) }).map_err(defect)?;
        let unless = vec![(NOTE.into(), id.as_str().into())];
        let wish = KeepPrivate { unless, records: vec![known, bytes], ..KeepPrivate::default() };
        match ask.command(packer.tenant(), Command::KeepPrivate(wish), None)? {
            Ok(_) => return Ok(true),
            Err(Rejection::Stale) => {}
            Err(rejection) => return Err(Fail::Defect(format!("a photo was refused: {rejection:?}"))),
        }
    }
    Ok(false)
}

/// Photos of a delivery: the receipt and where each is shown.
pub(super) fn of_delivery(
    reader: &mut dyn Read,
    tenant: &TenantId,
    supply: SupplyId,
) -> Result<Vec<(String, String)>, Fail> {
    let owner = supply.to_string();
    let filter = RecordFilter { owner: Some(&owner), state: None };
    let records = reader.record_page(tenant, Shelf::Private, NOTE, &filter, (None, LISTED))?;
    let photo = |record: &Record| {
        let note: Note = record.read().ok().flatten()?;
        Some((note.run, format!("/packing/photos/{}", encoded(&record.id))))
    };
    Ok(records.iter().filter_map(photo).collect())
}

/// `GET /packing/photos/{id}`: to whoever may look at the shop, or packs where it was taken.
pub(super) fn show(ask: &Ask, id: &str) -> Result<Response, Fail> {
    let visitor = match ask.staff(May::Look) {
        Err(Fail::Forbidden) => ask.staff(May::Pack)?,
        other => other?,
    };
    let mut reader = ask.app.engine.store().reader()?;
    let notes = reader.records(&visitor.tenant, Shelf::Private, NOTE, &[id])?;
    let note: Note = notes.first().and_then(|record| record.read().ok().flatten()).ok_or(Fail::NotFound)?;
    let found = reader.records(&visitor.tenant, Shelf::Private, BYTES, &[id])?;
    drop(reader);
    if !visitor.role.may(May::Look) {
        // Not there for somebody who packs elsewhere.
        Packer::of(ask, visitor, note.location.as_str())?;
    }
    let bytes: Bytes = found.first().and_then(|record| record.read().ok().flatten()).ok_or(Fail::NotFound)?;
    let bytes = STANDARD.decode(bytes.base64).map_err(|error| Fail::Defect(error.to_string()))?;
    let media = media(&bytes).ok_or(Fail::NotFound)?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What kind of picture it is, by its first bytes, whatever it is called.
fn media(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// A JPEG without what applications wrote into it (EXIF, XMP, comments), but for which side is up; as it is where it is put
/// together in another way.
fn without_notes(bytes: &[u8]) -> Vec<u8> {
    let (mut kept, mut turned) = (vec![0xFF, 0xD8], None);
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let Some(segment) = bytes.get(at..end).filter(|segment| segment.len() >= 4) else {
            return bytes.to_vec();
        };
        // APP1 to APP15 but for the colour profile (APP2) and Adobe's colour transform (APP14), and comments.
        let is_note = matches!(marker, 0xE1 | 0xE3..=0xED | 0xEF | 0xFE);
        if marker == 0xE1 && turned.is_none() {
            turned = segment.get(4..).and_then(orientation);
            // As EXIF has it: right after JFIF's own segment, where there is one.
            kept.extend(turned.iter().flat_map(|way| upright(*way)));
        }
        if !is_note {
            kept.extend_from_slice(segment);
        }
        at = end;
        if marker == 0xDA {
            break;
        }
    }
    kept.extend_from_slice(bytes.get(at..).unwrap_or_default());
    kept
}

/// Which side of a picture is up, 2 to 8, as a note of a camera says: the tag 0x0112 of its first list of tags (EXIF 2.32, 4.6).
/// `None`: it says nothing, or what most pictures say.
fn orientation(note: &[u8]) -> Option<u8> {
    let tiff = note.strip_prefix(b"Exif\0\0")?;
    let is_little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let two = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at.checked_add(1)?)?];
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let four = |at: usize| {
        let (first, second) = (usize::from(two(at)?), usize::from(two(at.checked_add(2)?)?));
        Some(if is_little { second << 16 | first } else { first << 16 | second })
    };
    let list = four(4)?;
    let entries = (0..usize::from(two(list)?)).map(|nth| list + 2 + nth * 12);
    let entry = entries.into_iter().find(|at| two(*at) == Some(0x0112))?;
    // One number of two bytes, which stands in the entry itself.
    let way = (two(entry + 2)? == 3).then(|| two(entry + 8)).flatten()?;
    u8::try_from(way).ok().filter(|way| (2..=8).contains(way))
}

/// A note that says which side is up and nothing else.
fn upright(way: u8) -> [u8; 36] {
    let mut note = *b"\xFF\xE1\0\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    note[29] = way;
    note
}

#[cfg(test)]
mod tests {
    use super::{media, orientation, without_notes};

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], body].concat()
    }

    /// A camera's note in one byte order: its maker, which side is up, and where the picture was taken.
    fn camera(is_little: bool, way: u16) -> Vec<u8> {
        let two = |number: u16| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let four = |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
        let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
            [&two(tag)[..], &two(kind), &four(count), &value].concat()
        };
        let [high, low] = two(way);
        let tiff = [
            if is_little { &b"II"[..] } else { b"MM" },
            &two(42),
            &four(8),
            &two(3),
            &entry(0x010F, 2, 5, four(50)),
            &entry(0x0112, 3, 1, [high, low, 0, 0]),
            &entry(0x8825, 4, 1, four(55)),
            &four(0),
            b"ACME\0",
            b"48.2 N 16.4 E",
        ];
        segment(0xE1, &[b"Exif\0\0", &tiff.concat()[..]].concat())
    }

    #[test]
    fn which_side_is_up_stays_in_either_byte_order() {
        let start = [0xFF, 0xD8];
        let jfif = segment(0xE0, b"JFIF\0");
        let scan = [segment(0xDA, b"\x01"), b"pixels\xFF\xD9".to_vec()].concat();
        for is_little in [true, false] {
            let whole = [&start[..], &jfif, &camera(is_little, 6), &scan].concat();
            let kept = without_notes(&whole);
            assert!(kept.starts_with(&[&start[..], &jfif].concat()) && kept.ends_with(&scan));
            let note = &kept[2 + jfif.len()..kept.len() - scan.len()];
            assert_eq!((&note[..2], note.len()), (&[0xFF, 0xE1][..], 36));
            assert_eq!(usize::from(u16::from_be_bytes([note[2], note[3]])), note.len() - 2);
            assert_eq!(orientation(&note[4..]), Some(6), "as a reader finds it");
            assert!(!kept.windows(4).any(|part| part == b"ACME" || part == b"48.2"));
            assert_eq!(without_notes(&kept), kept, "what is cleaned already stays");
            // Upright is what is taken without a word; anything else is no way to turn a picture.
            for way in [0, 1, 9, 600] {
                let whole = [&start[..], &jfif, &camera(is_little, way), &scan].concat();
                assert_eq!(without_notes(&whole), [&start[..], &jfif, &scan].concat(), "{way}");
            }
        }
    }

    #[test]
    fn a_note_that_is_cut_short_or_points_anywhere_says_nothing() {
        let note = camera(true, 6).split_off(4);
        for end in 0..note.len() {
            let found = orientation(&note[..end]);
            assert!(found.is_none() || end >= 6 + 8 + 2 + 12 + 10, "{end}");
        }
        let mut astray = note.clone();
        astray[10..14].fill(0xFF);
        assert_eq!(orientation(&astray), None);
        assert_eq!(orientation(b"http://ns.adobe.com/xap/1.0/\0"), None);
    }

    #[test]
    fn a_picture_is_told_by_its_bytes() {
        assert_eq!(media(&[0xFF, 0xD8, 0xFF, 0xE0]), Some("image/jpeg"));
        assert_eq!(media(b"\x89PNG\r\n\x1a\n"), Some("image/png"));
        assert_eq!(media(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"GIF89a", b"%PDF-1.7", b""] {
            assert_eq!(media(other), None);
        }
    }

    #[test]
    fn where_and_by_whom_is_cut_out() {
        let start = [0xFF, 0xD8];
        let (jfif, exif, colours) =
            (segment(0xE0, b"JFIF\0"), segment(0xE1, b"Exif\0\0GPS"), segment(0xE2, b"ICC"));
        let scan = [segment(0xDA, b"\x01"), b"pixels \xFF\xE1 are left alone\xFF\xD9".to_vec()].concat();
        let whole = [&start[..], &jfif, &exif, &colours, &scan].concat();
        assert_eq!(without_notes(&whole), [&start[..], &jfif, &colours, &scan].concat());
        // What is cut off in the middle of a segment is kept as it came.
        let broken = [&start[..], &[0xFF, 0xE1, 0xFF, 0xFF, 1]].concat();
        assert_eq!(without_notes(&broken), broken);
    }
}
