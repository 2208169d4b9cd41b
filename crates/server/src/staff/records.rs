//! What is kept of people: private records, and the tokens they are found by.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use model::{id::LocationId, time::Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Role;

/// The kind of an account; its id is the e-mail address in lower case.
pub(super) const USER: &str = "staff_user";
/// The kind of an invitation; its id is the token's SHA-256.
pub(super) const INVITATION: &str = "staff_invitation";
/// The kind of a session; its id is the token's SHA-256, its owner the account.
pub(super) const SESSION: &str = "staff_session";

/// One of the shop's people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The e-mail address in lower case.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where a partner packs; empty for everybody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<LocationId>,
    /// The password as Argon2id writes it down; none until the invitation is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// When they were first invited.
    pub created_at: Timestamp,
}

/// An invitation to choose a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Invitation {
    pub(super) email: String,
    pub(super) expires_at: Timestamp,
}

/// Somebody is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) email: String,
    pub(super) expires_at: Timestamp,
}

/// How the ledger names an account: a salted hash of its address, as of a customer, so that whoever is removed is nobody there.
pub fn account_id(salt: &[u8; 32], email: &str) -> Arc<str> {
    let digest = Sha256::new().chain_update(salt).chain_update("staff:").chain_update(email).finalize();
    let id: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("usr_{id}").into()
}

/// A token nobody can guess: a keyed hash of an id that is used once, under the installation's secret.
pub(super) fn token(secret: &[u8; 32], what: &str, id: Uuid) -> String {
    let mut key = [0; 64];
    key[..32].copy_from_slice(secret);
    let mac =
        Hmac::<Sha256>::new(&key.into()).chain_update(what).chain_update([0]).chain_update(id.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// What a token is stored as.
pub(super) fn stored(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
