//! Links to status pages and places on waitlists: who holds one may see that order and answer for it, and nobody can make
//! one up.
//!
//! A token is base64url, without padding, of: a format byte (which says what for), the length of the tenant's name and the name, the order's
//! 16 bytes, the last day it works on (days since 1970-01-01, 4 bytes), and the first 16 bytes of HMAC-SHA256 over all
//! of these. It says nothing that is not in it, so it needs no table, and the same order always has the same link.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use model::{
    id::{OrderId, TenantId, WaitId},
    time::{Timestamp, Zone, days_since_epoch, local_date},
};
use sha2::Sha256;

/// For how many days after its order was placed a link works.
pub const DAYS: i32 = 400;

const ORDER: u8 = 1;
const WAIT: u8 = 2;
const MAC_BYTES: usize = 16;

/// Makes the token of an order's link, the same whenever it is made.
pub fn make(secret: &[u8; 32], tenant: &TenantId, order: OrderId, placed_at: Timestamp) -> String {
    signed(secret, ORDER, (tenant, order.bytes()), placed_at)
}

/// Makes the token of a place on a waitlist.
pub fn make_wait(secret: &[u8; 32], tenant: &TenantId, place: WaitId, joined_at: Timestamp) -> String {
    signed(secret, WAIT, (tenant, place.bytes()), joined_at)
}

fn signed(secret: &[u8; 32], format: u8, (tenant, id): (&TenantId, &[u8; 16]), from: Timestamp) -> String {
    let name = tenant.as_str().as_bytes();
    let mut token = Vec::with_capacity(2 + name.len() + 16 + 4 + MAC_BYTES);
    token.push(format);
    // A tenant's name has at most 40 characters, all of them ASCII.
    token.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    token.extend_from_slice(name);
    token.extend_from_slice(id);
    let last_day = today(from).saturating_add(DAYS);
    token.extend_from_slice(&last_day.to_be_bytes());
    let mac = signer(secret, &token).finalize().into_bytes();
    token.extend_from_slice(&mac[..MAC_BYTES]);
    URL_SAFE_NO_PAD.encode(token)
}

/// Reads a token; `None` for one that was not made with this secret, or whose last day is over.
pub fn read(secret: &[u8; 32], token: &str, now: Timestamp) -> Option<(TenantId, OrderId)> {
    let (tenant, id) = verified(secret, ORDER, token, now)?;
    Some((tenant, OrderId::from_bytes(id)))
}

/// The same for a place on a waitlist.
pub fn read_wait(secret: &[u8; 32], token: &str, now: Timestamp) -> Option<(TenantId, WaitId)> {
    let (tenant, id) = verified(secret, WAIT, token, now)?;
    Some((tenant, WaitId::from_bytes(id)))
}

fn verified(secret: &[u8; 32], what: u8, token: &str, now: Timestamp) -> Option<(TenantId, [u8; 16])> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
    // Compares in constant time.
    signer(secret, signed).verify_truncated_left(mac).ok()?;
    let (&[format, length], rest) = signed.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(length))?;
    let (id, last_day) = rest.split_first_chunk::<16>()?;
    let last_day = i32::from_be_bytes(last_day.try_into().ok()?);
    if format != what || today(now) > last_day {
        return None;
    }
    Some((TenantId::new(std::str::from_utf8(name).ok()?).ok()?, *id))
}

fn today(at: Timestamp) -> i32 {
    days_since_epoch(local_date(at, &Zone::utc()))
}

fn signer(secret: &[u8; 32], signed: &[u8]) -> Hmac<Sha256> {
    // A key shorter than a block counts as if zeros filled it up.
    let mut key = [0; 64];
    key[..32].copy_from_slice(secret);
    Hmac::<Sha256>::new(&key.into()).chain_update(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn order() -> OrderId {
        "ord_01920000000070008000000000000002".parse().unwrap()
    }

    #[test]
    fn a_link_finds_its_tenant_and_order_until_its_last_day() {
        let tenant = TenantId::new("north-fork").unwrap();
        let placed = at("2026-11-23T09:00:00Z");
        let token = make(&SECRET, &tenant, order(), placed);
        assert_eq!(token, make(&SECRET, &tenant, order(), placed));
        for (now, works) in
            [("2026-11-23T09:00:00Z", true), ("2027-12-28T23:59:59Z", true), ("2027-12-29T00:00:00Z", false)]
        {
            let found = read(&SECRET, &token, at(now));
            assert_eq!(found, works.then(|| (tenant.clone(), order())), "{now}");
        }
    }

    #[test]
    fn a_link_with_any_bit_changed_finds_nothing() {
        let tenant = TenantId::new("acme").unwrap();
        let now = at("2026-11-23T09:00:00Z");
        let token = make(&SECRET, &tenant, order(), now);
        assert!(read(&[8; 32], &token, now).is_none());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(read(&SECRET, &URL_SAFE_NO_PAD.encode(&changed), now).is_none(), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(
                read(&SECRET, &URL_SAFE_NO_PAD.encode(&bytes[..length]), now).is_none(),
                "length {length}"
            );
        }
        for text in ["", "!", "é", &"A".repeat(10_000)] {
            assert!(read(&SECRET, text, now).is_none());
        }
    }
}
