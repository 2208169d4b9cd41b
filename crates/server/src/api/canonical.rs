//! JSON in its one form: what two texts share that mean the same.
//!
//! No blanks, objects sorted by field, texts and numbers as [`serde_json`] writes them; of a field that stands twice, the
//! last. Written straight from the text: a tree of values that is sorted and printed costs four times as much, and this is
//! done for every order.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Serialize,
    de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor},
};

/// Appends a JSON text in its one form. `without`: a field that is left out where it stands in the outermost object.
///
/// Errors: it is not JSON. What was appended until then stays.
pub(crate) fn append(out: &mut Vec<u8>, text: &[u8], without: Option<&str>) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    Form { out, without }.deserialize(&mut json)?;
    json.end()
}

/// Writes the one form of what it reads.
struct Form<'a> {
    out: &'a mut Vec<u8>,
    without: Option<&'a str>,
}

impl Form<'_> {
    fn scalar<E: Error>(self, value: &(impl Serialize + ?Sized)) -> Result<(), E> {
        serde_json::to_writer(self.out, value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Form<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Form<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar(&())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(&value)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<(), E> {
        as_it_stands(self.out, value);
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.out.push(b'[');
        let begin = self.out.len();
        loop {
            let end = self.out.len();
            if end > begin {
                self.out.push(b',');
            }
            if items.next_element_seed(Form { out: self.out, without: None })?.is_none() {
                self.out.truncate(end);
                self.out.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Form { out, without } = self;
        out.push(b'{');
        let begin = out.len();
        let mut written: Vec<(Cow<'de, str>, Range<usize>)> = Vec::with_capacity(8);
        while let Some(name) = fields.next_key_seed(Name)? {
            let from = out.len();
            match &name {
                Cow::Borrowed(name) => as_it_stands(out, name),
                Cow::Owned(name) => serde_json::to_writer(&mut *out, name).map_err(A::Error::custom)?,
            }
            out.push(b':');
            fields.next_value_seed(Form { out, without: None })?;
            if without == Some(&*name) {
                out.truncate(from);
            } else {
                written.push((name, from..out.len()));
            }
        }
        // Stable: of those with one name the last stays last.
        written.sort_by(|(one, _), (other, _)| one.cmp(other));
        let end = out.len();
        for (at, (name, field)) in written.iter().enumerate() {
            if written.get(at + 1).is_some_and(|(next, _)| next == name) {
                continue;
            }
            if out.len() > end {
                out.push(b',');
            }
            out.extend_from_within(field.clone());
        }
        out.drain(begin..end);
        out.push(b'}');
        Ok(())
    }
}

/// Writes a text that was read without undoing an escape: it has nothing in it that needs one.
fn as_it_stands(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Reads a field's name, from where it stands if it can.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn check(text: &str, without: Option<&str>, expect: &str) {
        let mut out = b"before ".to_vec();
        append(&mut out, text.as_bytes(), without).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("before {expect}"));
    }

    #[test]
    fn the_form_is_that_of_a_sorted_tree() {
        for text in [
            r#" { "b" : [ 1 , -2, 0, -0, 2.50, 1e3, 18446744073709551615, -9223372036854775808, 1e-7 ], "a":null } "#,
            r#"{"lines":[{"sku":"MUG","quantity":1},{"quantity":2,"sku":"CUP"}],"customer":{"name":"é \u00e9 \" \\ \n \u0007 / \ud83d\ude00","email":""}}"#,
            r#"{"\u0061":1,"B":2,"a\"":3,"a!":4,"":5,"é":6,"ab":7}"#,
            "{\"del\u{7f}\":\"\u{7f} \u{2028} \u{fffd}\"}",
            r#"{"a":{},"b":[],"c":[[],{}],"d":[{"z":true,"y":false}]}"#,
            r#"{"a":1,"b":2,"a":{"x":3},"a":4}"#,
            "[]",
            "{}",
            "7",
            r#""text""#,
            "null",
        ] {
            let tree: Value = serde_json::from_str(text).unwrap();
            check(text, None, &tree.to_string());
        }
    }

    #[test]
    fn a_field_is_left_out_of_the_outermost_object_alone() {
        check(r#"{"k":1,"a":{"k":2},"b":[{"k":3}]}"#, Some("k"), r#"{"a":{"k":2},"b":[{"k":3}]}"#);
        check(r#"{"k":[1,{"k":2}]}"#, Some("k"), "{}");
        check(r#"[{"k":1}]"#, Some("k"), r#"[{"k":1}]"#);
    }

    #[test]
    fn what_is_no_json_has_no_form() {
        let deep = "[".repeat(10_000);
        for text in ["", "{", "[1,]", r#"{"a":1,}"#, "1 2", "nul", &deep] {
            assert!(append(&mut Vec::new(), text.as_bytes(), None).is_err(), "{text:.20}");
        }
    }
}
