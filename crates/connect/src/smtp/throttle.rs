//! No more than so many mails to one person within an hour.

use std::collections::BTreeMap;

use model::time::{Timestamp, seconds_after};

/// The time looked at, in seconds.
const WINDOW_S: i64 = 3_600;
/// Most people remembered; beyond it those whose hour is over are forgotten.
const PEOPLE_MAX: usize = 100_000;

/// Counts mails by receiver.
#[derive(Debug)]
pub struct Throttle {
    most: u32,
    /// By a digest of the address: when its hour began, and how many mails since.
    seen: BTreeMap<[u8; 32], (Timestamp, u32)>,
}

impl Throttle {
    /// At most so many mails an hour to one address.
    pub fn new(most: u32) -> Self {
        Self { most, seen: BTreeMap::new() }
    }

    /// Counts a mail that goes out now. `Err`: when the next one may.
    pub fn take(&mut self, address: [u8; 32], now: Timestamp) -> Result<(), Timestamp> {
        if self.seen.len() >= PEOPLE_MAX {
            self.seen.retain(|_, (began, _)| now.as_second() - began.as_second() < WINDOW_S);
        }
        let (began, count) = self.seen.entry(address).or_insert((now, 0));
        if now.as_second() - began.as_second() >= WINDOW_S {
            (*began, *count) = (now, 0);
        }
        if *count >= self.most {
            return Err(seconds_after(*began, WINDOW_S).unwrap_or(now));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_mail_within_the_hour_waits_for_its_end() {
        let mut throttle = Throttle::new(3);
        let at = |second| Timestamp::from_second(second).unwrap();
        let (ada, bob) = ([1; 32], [2; 32]);
        for second in [0, 10, 20] {
            assert_eq!(throttle.take(ada, at(second)), Ok(()));
        }
        assert_eq!(throttle.take(ada, at(30)), Err(at(3_600)));
        assert_eq!(throttle.take(bob, at(30)), Ok(()), "others are not held up");
        assert_eq!(throttle.take(ada, at(3_600)), Ok(()));
    }
}
