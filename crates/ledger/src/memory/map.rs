//! A sorted table of which any number of states can be kept: a copy shares all rows with the original, and a change to
//! either copies what is on the way to one row.

use std::ops::Bound::{Excluded, Unbounded};

use rpds::RedBlackTreeMapSync;

/// Rows by key, in the order of their keys. Looking up and changing one costs O(log n), copying all O(1).
#[derive(Clone)]
pub(super) struct Map<K: Ord, V>(RedBlackTreeMapSync<K, V>);

impl<K: Ord, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(RedBlackTreeMapSync::new_sync())
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Puts a row in the place of the one with the same key.
    pub(super) fn put(&mut self, key: K, value: V) {
        self.0.insert_mut(key, value);
    }

    pub(super) fn drop(&mut self, key: &K) {
        self.0.remove_mut(key);
    }

    pub(super) fn last(&self) -> Option<(&K, &V)> {
        self.0.last()
    }

    pub(super) fn len(&self) -> usize {
        self.0.size()
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// Rows behind a key that need not be there; all of them for `None`.
    pub(super) fn after(&self, key: Option<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let from = key.map_or(Unbounded, Excluded);
        self.0.range((from, Unbounded))
    }

    /// Rows before a key that need not be there, the last of them first; all of them for `None`.
    pub(super) fn before(&self, key: Option<K>) -> impl Iterator<Item = (&K, &V)> {
        let to = key.map_or(Unbounded, Excluded);
        self.0.range((Unbounded, to)).rev()
    }
}

impl<A: Ord + Clone, B: Ord + Clone, V: Clone> Map<(A, B), V> {
    /// Rows whose keys begin so and that stand behind one of them.
    pub(super) fn of<'m>(&'m self, first: &'m A, after: B) -> impl Iterator<Item = (&'m B, &'m V)> {
        let rows = self.after(Some((first.clone(), after)));
        rows.map_while(move |((of, rest), value)| (of == first).then_some((rest, value)))
    }

    /// Rows whose keys begin so and that stand before one of them, the last of them first.
    pub(super) fn of_before<'m>(&'m self, first: &'m A, before: B) -> impl Iterator<Item = (&'m B, &'m V)> {
        let rows = self.before(Some((first.clone(), before)));
        rows.map_while(move |((of, rest), value)| (of == first).then_some((rest, value)))
    }
}
