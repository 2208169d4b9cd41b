//! What an idempotency key is stored and found by.

use sha2::{Digest, Sha256};

/// The first 16 bytes of a key's SHA-256: short, and in no client's hand to make two alike.
pub(crate) fn digest(key: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(key.as_bytes())[..16]);
    digest
}

/// The first eight bytes of a digest.
pub(crate) fn mark_of(digest: &[u8; 16]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

/// What [`Write::key_marks`](crate::Write::key_marks) has for a key: the first eight bytes of its SHA-256.
pub fn key_mark(key: &str) -> u64 {
    mark_of(&digest(key))
}
