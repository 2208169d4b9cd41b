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
    records::{User, account_id},
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
    /// Somebody of another house who packs for the shop: what was released at their locations, and nothing else.
    Partner,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Operations, Self::Support, Self::Partner];

    /// The word in records and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operations => "operations",
            Self::Support => "support",
            Self::Partner => "partner",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether one in this role may do that.
    pub fn may(self, what: May) -> bool {
        match what {
            May::Look | May::Orders => self != Self::Partner,
            May::Goods => matches!(self, Self::Owner | Self::Operations),
            May::Pack => self != Self::Support,
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
    /// Receive, prepare, pack and send at a location.
    Pack,
    /// Invite people and send them away.
    People,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_less_from_one_to_the_next() {
        let all = [May::Look, May::Orders, May::Goods, May::Pack, May::People];
        let may = |role: Role| all.map(|what| role.may(what));
        assert_eq!(may(Role::Owner), [true; 5]);
        assert_eq!(may(Role::Operations), [true, true, true, true, false]);
        assert_eq!(may(Role::Support), [true, true, false, false, false]);
        assert_eq!(may(Role::Partner), [false, false, false, true, false]);
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
