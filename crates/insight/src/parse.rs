//! Forms of JSON that the plain types do not have: flags as 0 and 1, numbers as keys.

use serde::{Deserialize, Deserializer, de::Error};

/// A list of yes and no, written as 1 and 0 or as true and false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flags(pub Vec<bool>);

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list = Vec::<Flag>::deserialize(from)?;
        Ok(Self(list.into_iter().map(|flag| flag.0).collect()))
    }
}

/// One yes or no.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Truth(bool),
            Number(f64),
        }
        match Form::deserialize(from) {
            Ok(Form::Truth(flag)) => Ok(Self(flag)),
            Ok(Form::Number(0.0)) => Ok(Self(false)),
            Ok(Form::Number(1.0)) => Ok(Self(true)),
            Ok(Form::Number(_)) | Err(_) => Err(D::Error::custom("must be 0, 1, true or false")),
        }
    }
}

/// Writes a number as a key: whole numbers without a fraction.
pub(crate) fn number_key(number: f64) -> String {
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_ones_and_zeros_or_words() {
        let flags: Flags = serde_json::from_str("[1, 0, true, false, 1.0]").unwrap();
        assert_eq!(flags.0, [true, false, true, false, true]);
        for wrong in ["[2]", "[0.5]", "[\"1\"]", "[null]", "1"] {
            assert!(serde_json::from_str::<Flags>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whole_keys_have_no_fraction() {
        assert_eq!((number_key(5.0), number_key(2.5)), ("5".into(), "2.5".into()));
    }
}
