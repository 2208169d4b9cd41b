//! Availability that was asked for in this very second.
//!
//! A page that many people look at asks the same again and again. Within one second the answer is the same as long as the
//! pools are: what a date depends on, cut-offs and midnights, falls on whole minutes. So the same question is answered
//! with the same text, whose `as_of` says for which moment of the second it was made.

use std::{
    hash::BuildHasher,
    sync::{Arc, PoisonError, RwLock},
};

use axum::body::Bytes;
use model::{id::TenantId, state::Shop, time::Timestamp};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::views::{Look, Looks};

const SHARDS: usize = 16;
/// Most questions kept in one shard: beyond it no question is asked often enough to be worth keeping.
const SHARD_MAX: usize = 512;
/// Longest question kept, in bytes.
const QUESTION_BYTES_MAX: usize = 512;
/// Longest answer kept, in bytes.
const ANSWER_BYTES_MAX: usize = 16_384;

/// A question that was asked, and its answer.
pub(crate) struct Asked {
    tenant: TenantId,
    query: Box<str>,
    /// What the answer was made of: it holds as long as this is current.
    pub(crate) shop: Shop,
    /// The answer as it was sent.
    pub(crate) answer: Bytes,
    /// Where a look at it is counted, if it is.
    pub(crate) look: Option<(Arc<Looks>, Look)>,
}

#[derive(Default)]
struct Shard {
    second: i64,
    asked: FxHashMap<u64, Arc<Asked>>,
}

/// Questions of this second.
#[derive(Default)]
pub(crate) struct Recent {
    shards: [RwLock<Shard>; SHARDS],
}

impl Recent {
    /// The same question, asked before in the same second.
    pub(crate) fn again(&self, tenant: &TenantId, query: &str, now: Timestamp) -> Option<Arc<Asked>> {
        let hash = FxBuildHasher.hash_one((tenant.as_str(), query));
        // A poisoned lock still guards sound entries: each change is one insert or a clearing.
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        if shard.second != now.as_second() {
            return None;
        }
        let asked = shard.asked.get(&hash)?;
        (asked.tenant == *tenant && *asked.query == *query).then(|| Arc::clone(asked))
    }

    /// Keeps a question and its answer until the second is over.
    pub(crate) fn note(
        &self,
        tenant: TenantId,
        query: &str,
        now: Timestamp,
        (shop, answer): (Shop, Bytes),
        look: Option<(Arc<Looks>, Look)>,
    ) {
        if query.len() > QUESTION_BYTES_MAX || answer.len() > ANSWER_BYTES_MAX {
            return;
        }
        let hash = FxBuildHasher.hash_one((tenant.as_str(), query));
        let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
        if shard.second != now.as_second() {
            shard.asked.clear();
            shard.second = now.as_second();
        }
        if shard.asked.len() < SHARD_MAX {
            shard.asked.insert(hash, Arc::new(Asked { tenant, query: query.into(), shop, answer, look }));
        }
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        // The high bits: the low ones choose the place within the shard's map.
        &self.shards[usize::try_from(hash >> 48).unwrap_or(0) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_again_for_the_same_question_in_the_same_second() {
        let recent = Recent::default();
        let (acme, rival) = (TenantId::new("acme").unwrap(), TenantId::new("rival").unwrap());
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let known = (Shop::default(), Bytes::from("x"));
        recent.note(acme.clone(), "sku=A", at("2026-11-23T14:00:00.100Z"), known, None);
        let again =
            |tenant: &TenantId, query: &str, now: &str| recent.again(tenant, query, at(now)).is_some();
        assert!(again(&acme, "sku=A", "2026-11-23T14:00:00.999Z"));
        assert!(!again(&acme, "sku=A", "2026-11-23T14:00:01Z"));
        assert!(!again(&acme, "sku=B", "2026-11-23T14:00:00.999Z"));
        assert!(!again(&rival, "sku=A", "2026-11-23T14:00:00.999Z"));
    }
}
