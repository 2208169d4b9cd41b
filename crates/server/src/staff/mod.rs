//! A shop's own people: who they are, what they may do, and how they sign in.
//!
//! Accounts, invitations and sessions are private records: none of them is in the ledger. A session is a random token in a
//! cookie; stored is its SHA-256, so whoever reads the store can sign in as nobody.

mod door;
mod limit;
mod password;
mod records;

pub use self::{
    door::{Door, DoorError, Visitor},
    limit::Attempts,
    password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN},
    records::User,
};
use serde::{Deserialize, Serialize};

/// What somebody is to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, other people among it.
    Owner,
    /// Everything but other people.
    Operations,
    /// Orders and their customers; looks at the rest.
    Support,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Operations, Self::Support];

    /// The word in records and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operations => "operations",
            Self::Support => "support",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether one in this role may do that.
    pub fn may(self, what: May) -> bool {
        match what {
            May::Look | May::Orders => true,
            May::Goods => self != Self::Support,
            May::People => self == Self::Owner,
        }
    }
}

/// What a page or a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Look at the shop's pages.
    Look,
    /// Change orders.
    Orders,
    /// Change supplies, stock, products.
    Goods,
    /// Invite people and send them away.
    People,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_less_from_one_to_the_next() {
        let may = |role: Role| [May::Look, May::Orders, May::Goods, May::People].map(|what| role.may(what));
        assert_eq!(may(Role::Owner), [true; 4]);
        assert_eq!(may(Role::Operations), [true, true, true, false]);
        assert_eq!(may(Role::Support), [true, true, false, false]);
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
