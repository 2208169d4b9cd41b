//! Writes an answer as JSON. serde_json turns infinity and what is not a number into null alike; here infinity is "inf" and
//! what is not a number an error that names its field.

use std::fmt;

use serde::{Serialize, Serializer, ser};
use serde_json::{Map, Value};

/// Writes an answer.
pub(super) fn write<T: Serialize + ?Sized>(answer: &T) -> Result<Value, Unwritable> {
    answer.serialize(Writer)
}

/// What cannot be written.
#[derive(Debug)]
pub(super) struct Unwritable(String);

impl Unwritable {
    fn within(self, field: &str) -> Self {
        Self(format!("{field}: {}", self.0))
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self(problem.to_string())
    }
}

struct Writer;

/// An object or a list being written.
struct Object {
    fields: Map<String, Value>,
    key: String,
}

struct List(Vec<Value>);

fn no_form<T>(form: &str) -> Result<T, Unwritable> {
    Err(Unwritable(format!("answers have no {form}")))
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Unwritable;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = ser::Impossible<Value, Unwritable>;
    type SerializeMap = Object;
    type SerializeStruct = Object;
    type SerializeStructVariant = ser::Impossible<Value, Unwritable>;

    fn serialize_f64(self, number: f64) -> Result<Value, Unwritable> {
        if number.is_nan() {
            return Err(Unwritable("is not a number".into()));
        }
        Ok(match number {
            f64::INFINITY => "inf".into(),
            f64::NEG_INFINITY => "-inf".into(),
            // Negative zero reads as a mistake.
            _ => (number + 0.0).into(),
        })
    }

    fn serialize_f32(self, number: f32) -> Result<Value, Unwritable> {
        self.serialize_f64(number.into())
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Value, Unwritable> {
        Ok(value.to_string().into())
    }

    fn serialize_str(self, value: &str) -> Result<Value, Unwritable> {
        Ok(value.into())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Unwritable> {
        no_form("bytes")
    }

    fn serialize_none(self) -> Result<Value, Unwritable> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Unwritable> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Unwritable> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Unwritable> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, Unwritable> {
        no_form("variants with data")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Unwritable> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Unwritable> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Unwritable> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        no_form("variants with data")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object, Unwritable> {
        Ok(Object { fields: Map::new(), key: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object, Unwritable> {
        Ok(Object { fields: Map::new(), key: String::new() })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        no_form("variants with data")
    }
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let at = self.0.len();
        self.0.push(write(value).map_err(|problem| problem.within(&format!("[{at}]")))?);
        Ok(())
    }
}

impl ser::SerializeSeq for List {
    type Ok = Value;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unwritable> {
        Ok(self.0.into())
    }
}

impl ser::SerializeTuple for List {
    type Ok = Value;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unwritable> {
        Ok(self.0.into())
    }
}

impl ser::SerializeTupleStruct for List {
    type Ok = Value;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unwritable> {
        Ok(self.0.into())
    }
}

impl Object {
    fn put<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Unwritable> {
        let value = write(value).map_err(|problem| problem.within(&key))?;
        self.fields.insert(key, value);
        Ok(())
    }
}

impl ser::SerializeMap for Object {
    type Ok = Value;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match write(key)? {
            Value::String(key) => self.key = key,
            other => return Err(Unwritable(format!("{other} is no key"))),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let key = std::mem::take(&mut self.key);
        self.put(key, value)
    }

    fn end(self) -> Result<Value, Unwritable> {
        Ok(self.fields.into())
    }
}

impl ser::SerializeStruct for Object {
    type Ok = Value;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.put(key.to_owned(), value)
    }

    fn end(self) -> Result<Value, Unwritable> {
        Ok(self.fields.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Answer {
        list: Vec<f64>,
        gap: Option<f64>,
    }

    #[test]
    fn what_is_not_a_number_is_an_error_that_says_where() {
        let good = Answer { list: vec![1.0, f64::INFINITY, -0.0], gap: None };
        assert_eq!(write(&good).unwrap(), json!({"list": [1.0, "inf", 0.0], "gap": null}));
        let bad = Answer { list: vec![1.0, f64::NAN], gap: Some(0.0) };
        assert_eq!(write(&bad).unwrap_err().to_string(), "list: [1]: is not a number");
    }
}
