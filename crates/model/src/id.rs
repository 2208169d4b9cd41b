//! Ids, each its own type: texts that people choose (SKU, location, channel, tenant) and 16-byte ids that order
//! by the time they were made.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty or blank.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// The text has more characters than allowed.
    #[error("{what} is longer than {max} characters")]
    TooLong {
        /// Which id.
        what: &'static str,
        /// The most characters allowed.
        max: usize,
    },
    /// A character that this id may not hold.
    #[error("{what} must not contain {character:?}")]
    Character {
        /// Which id.
        what: &'static str,
        /// The offending character.
        character: char,
    },
    /// The text does not have the form of this id.
    #[error("{text:?} is not a {what} (expected {prefix} and 32 hexadecimal digits)")]
    Form {
        /// Which id.
        what: &'static str,
        /// The prefix this id starts with.
        prefix: &'static str,
        /// The offending text, cut to 60 characters.
        text: String,
    },
}

fn check_text(
    what: &'static str,
    text: &str,
    max: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<Arc<str>, IdError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(IdError::Empty(what));
    }
    // A byte is at least a character, so the cheap test comes first.
    if text.len() > max && text.chars().count() > max {
        return Err(IdError::TooLong { what, max });
    }
    match text.chars().find(|&c| c.is_control() || !allowed(c)) {
        Some(character) => Err(IdError::Character { what, character }),
        None => Ok(Arc::from(text)),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes the text, without blanks around it.
            ///
            /// Errors: empty, too long, or a character that is not allowed.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check_text($what, text, $max, $allowed).map(Self)
            }

            /// Takes a text that this program itself stored: it was checked when it came in.
            pub fn stored(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        // Compares and hashes as its text does.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(D::Error::custom)
            }
        }
    };
}

text_id!(
    /// A merchant: whose data this is. Lower-case letters, digits and `-`, as it stands in API keys.
    TenantId, "tenant", 40, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
text_id!(
    /// What is sold, by the merchant's own code.
    Sku, "sku", 128, |_| true
);
text_id!(
    /// A place that ships.
    LocationId, "location", 64, |_| true
);
text_id!(
    /// Where a thing is sold: `default`, or a name such as `web` or `wholesale`.
    Channel, "channel", 64, |_| true
);

impl Channel {
    /// The channel whose policy holds where no other is set.
    pub const DEFAULT: &'static str = "default";
}

impl Default for Channel {
    fn default() -> Self {
        Self::stored(Self::DEFAULT)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The 16 bytes, in the order in which ids sort.
            pub fn bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Takes 16 stored bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = Uuid::encode_buffer();
                f.write_str($prefix)?;
                f.write_str(self.0.simple().encode_lower(&mut buffer))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| IdError::Form {
                        what: $what,
                        prefix: $prefix,
                        text: text.chars().take(60).collect(),
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}

uuid_id!(
    /// An order. Orders sort by the time they were placed: that is the order of every queue.
    OrderId, "order id", "ord_"
);
uuid_id!(
    /// A supply.
    SupplyId, "supply id", "sup_"
);
uuid_id!(
    /// A hold.
    HoldId, "hold id", "hld_"
);
uuid_id!(
    /// A place on a waitlist. Places sort by the time they were taken.
    WaitId, "waitlist id", "wl_"
);
uuid_id!(
    /// A re-allocation run.
    RunId, "run id", "run_"
);
uuid_id!(
    /// A release: what was handed over to fulfilment at once, at one location.
    ReleaseId, "release id", "rel_"
);

/// The id of one step of a command: a command that is gone on with later, or that leads to more than one decision,
/// gives each its own. Its last two bytes stay free for what the step opens.
pub fn step_of(command: Uuid, step: u16) -> Uuid {
    let mut bytes = *command.as_bytes();
    let [high, low] = step.to_be_bytes();
    [bytes[12], bytes[13], bytes[14], bytes[15]] = [high, low, 0, 0];
    Uuid::from_bytes(bytes)
}

impl RunId {
    /// The run of a command, the same in all its steps.
    pub fn of(command: Uuid) -> Self {
        Self(step_of(command, 0))
    }
}

impl SupplyId {
    /// The id of the `n`-th supply that a step opens by itself, from 1.
    pub fn opened_by(command: Uuid, n: u32) -> Self {
        // The last four bytes of a command's id are kept free for steps and for this.
        let mut bytes = *command.as_bytes();
        for (byte, low) in bytes[12..].iter_mut().zip(n.to_be_bytes()) {
            *byte ^= low;
        }
        Self(Uuid::from_bytes(bytes))
    }
}

/// One line of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    /// The order.
    pub order: OrderId,
    /// The line's number in it, from 1.
    pub no: u16,
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.order, self.no)
    }
}

impl FromStr for LineId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let form =
            || IdError::Form { what: "line id", prefix: "ord_", text: text.chars().take(60).collect() };
        let (order, no) = text.rsplit_once('-').ok_or_else(form)?;
        Ok(Self { order: order.parse()?, no: no.parse().map_err(|_| form())? })
    }
}

impl Serialize for LineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Who a customer is, without saying who: a keyed digest of the lower-cased e-mail address.
///
/// The ledger and every table but the contacts know a customer by this alone, so erasing the contact leaves totals
/// and limits as they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey(pub [u8; 16]);

impl fmt::Display for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = Uuid::encode_buffer();
        f.write_str(Uuid::from_bytes(self.0).simple().encode_lower(&mut buffer))
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for CustomerKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(Uuid::from_bytes(self.0).simple().encode_lower(&mut buffer))
    }
}

impl<'de> Deserialize<'de> for CustomerKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Uuid::try_parse(&text).map(|uuid| Self(*uuid.as_bytes())).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_checked() {
        assert_eq!(Sku::new(" A-1 ").unwrap().as_str(), "A-1");
        assert_eq!(Sku::new("  "), Err(IdError::Empty("sku")));
        assert_eq!(Sku::new("a\nb"), Err(IdError::Character { what: "sku", character: '\n' }));
        assert_eq!(Sku::new(&"é".repeat(128)).unwrap().as_str().chars().count(), 128);
        assert_eq!(Sku::new(&"x".repeat(129)), Err(IdError::TooLong { what: "sku", max: 128 }));
        assert_eq!(TenantId::new("Acme"), Err(IdError::Character { what: "tenant", character: 'A' }));
    }

    #[test]
    fn ids_read_back_what_they_print() {
        let order = OrderId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_002a));
        assert_eq!(order.to_string().parse(), Ok(order));
        let line = LineId { order, no: 7 };
        assert_eq!(line.to_string().parse(), Ok(line));
        assert!("ord_12".parse::<OrderId>().is_err());
        assert!("sup_01920000000070008000000000000002".parse::<OrderId>().is_err());
    }

    #[test]
    fn supplies_opened_by_one_command_differ() {
        let command = Uuid::from_u128(42);
        assert_ne!(SupplyId::opened_by(command, 0), SupplyId::opened_by(command, 1));
    }
}
