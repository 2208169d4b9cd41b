//! A sorted table of which any number of states can be kept: a copy shares all rows with the original, and a change to
//! either copies the few rows beside the one that changes.

use std::sync::Arc;

/// Most rows of a piece.
const PIECE_MAX: usize = 128;

/// Rows by key, in the order of their keys. Looking up and changing one costs O(log n), copying all O(1); the first change
/// after a copy also copies a pointer for each piece.
#[derive(Clone)]
pub(super) struct Map<K, V> {
    /// One behind the other, none of them empty.
    pieces: Arc<Vec<Piece<K, V>>>,
    len: usize,
}

/// Rows in the order of their keys.
type Piece<K, V> = Arc<Vec<(K, V)>>;

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { pieces: Arc::default(), len: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let (at, found) = self.place(key);
        self.piece(at).get(found.ok()?).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (at, found) = self.place(key);
        let place = found.ok()?;
        Some(&mut self.piece_mut(at)[place].1)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.place(key).1.is_ok()
    }

    /// Puts a row in the place of the one with the same key.
    pub(super) fn put(&mut self, key: K, value: V) {
        let (at, found) = self.place(&key);
        match found {
            Ok(place) => return self.piece_mut(at)[place].1 = value,
            // Rows that come in order fill their pieces.
            Err(0) if self.pieces.is_empty() => self.begin_piece(key, value),
            Err(PIECE_MAX) if at + 1 == self.pieces.len() => self.begin_piece(key, value),
            Err(place) => {
                let piece = self.piece_mut(at);
                piece.insert(place, (key, value));
                if piece.len() > PIECE_MAX {
                    let behind = piece.split_off(PIECE_MAX / 2);
                    Arc::make_mut(&mut self.pieces).insert(at + 1, Arc::new(behind));
                }
            }
        }
        self.len += 1;
    }

    pub(super) fn drop(&mut self, key: &K) {
        let (at, Ok(place)) = self.place(key) else { return };
        let piece = self.piece_mut(at);
        piece.remove(place);
        if piece.is_empty() {
            Arc::make_mut(&mut self.pieces).remove(at);
        }
        self.len -= 1;
    }

    pub(super) fn last(&self) -> Option<(&K, &V)> {
        self.all().next_back()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.after(None)
    }

    /// Rows behind a key that need not be there; all of them for `None`.
    pub(super) fn after(&self, key: Option<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let (at, from) = match key.map(|key| self.place(&key)) {
            None => (0, 0),
            Some((at, Ok(place))) => (at, place + 1),
            Some((at, Err(place))) => (at, place),
        };
        let (first, rest) = (self.piece(at).get(from..), self.pieces.iter().skip(at + 1));
        let rows = first.into_iter().chain(rest.map(|piece| &piece[..])).flatten();
        rows.map(|(key, value)| (key, value))
    }

    /// Rows before a key that need not be there, the last of them first; all of them for `None`.
    pub(super) fn before(&self, key: Option<K>) -> impl Iterator<Item = (&K, &V)> {
        let (at, to) = match key.map(|key| self.place(&key)) {
            None => (self.pieces.len(), 0),
            Some((at, Ok(place) | Err(place))) => (at, place),
        };
        let (rest, last) = (self.pieces.iter().take(at), self.piece(at).get(..to));
        let rows = rest.map(|piece| &piece[..]).chain(last).flatten();
        rows.rev().map(|(key, value)| (key, value))
    }

    /// Where a row with this key is, or would be put: which piece, and where in it.
    fn place(&self, key: &K) -> (usize, Result<usize, usize>) {
        let last = self.pieces.len().saturating_sub(1);
        if self.piece(last).last().is_some_and(|(known, _)| known < key) {
            // Where most that is new comes.
            return (last, Err(self.piece(last).len()));
        }
        let begins_before = |piece: &Piece<K, V>| piece.first().is_some_and(|(first, _)| first <= key);
        let at = self.pieces.partition_point(begins_before).saturating_sub(1);
        (at, self.piece(at).binary_search_by(|(known, _)| known.cmp(key)))
    }

    /// Empty where there is no such piece.
    fn piece(&self, at: usize) -> &[(K, V)] {
        self.pieces.get(at).map(|piece| &piece[..]).unwrap_or_default()
    }

    fn begin_piece(&mut self, key: K, value: V) {
        let mut piece = Vec::with_capacity(PIECE_MAX + 1);
        piece.push((key, value));
        Arc::make_mut(&mut self.pieces).push(Arc::new(piece));
    }

    fn piece_mut(&mut self, at: usize) -> &mut Vec<(K, V)> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.pieces)[at])
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn rows<'r>(rows: impl Iterator<Item = (&'r u16, &'r u32)>) -> Vec<(u16, u32)> {
        rows.map(|(key, value)| (*key, *value)).collect()
    }

    fn check(map: &Map<u16, u32>, expect: &BTreeMap<u16, u32>, key: u16) {
        assert_eq!(rows(map.all()), rows(expect.iter()));
        assert_eq!(rows(map.after(Some(key))), rows(expect.range(key..).filter(|(known, _)| **known != key)));
        assert_eq!(rows(map.before(Some(key))), rows(expect.range(..key).rev()));
        assert_eq!(rows(map.before(None)), rows(expect.iter().rev()));
        assert_eq!((map.len(), map.last()), (expect.len(), expect.last_key_value()));
        assert_eq!((map.get(&key), map.has(&key)), (expect.get(&key), expect.contains_key(&key)));
        assert!(map.pieces.iter().all(|piece| (1..=PIECE_MAX).contains(&piece.len())));
    }

    proptest! {
        #[test]
        fn it_is_as_a_sorted_map_and_copies_stay_as_they_were(
            begin in 0..600_u16,
            steps in prop::collection::vec((0..3_u8, 0..800_u16, any::<u32>()), 0..600),
        ) {
            let (mut map, mut expect) = (Map::default(), BTreeMap::new());
            for key in 100..100 + begin {
                map.put(key, 0);
                expect.insert(key, 0);
            }
            let (copy, was) = (map.clone(), expect.clone());
            for (what, key, value) in &steps {
                match what {
                    0 => map.drop(key),
                    1 => map.put(*key, *value),
                    _ => {
                        if let Some(known) = map.get_mut(key) {
                            *known = *value;
                        }
                    }
                }
                match what {
                    0 => drop(expect.remove(key)),
                    1 => drop(expect.insert(*key, *value)),
                    _ => drop(expect.get_mut(key).map(|known| *known = *value)),
                }
            }
            for key in [0, begin, 150, 400, 900] {
                check(&map, &expect, key);
                check(&copy, &was, key);
            }
        }
    }
}
