//! How often somebody may try to sign in: so many wrong passwords for one account, then a wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::time::Timestamp;

/// Wrong passwords in a row before one has to wait.
const TRIES: u32 = 8;
/// For how long, in seconds; also how long a try is remembered.
const WAIT_S: i64 = 900;
/// Most accounts remembered. Beyond it nobody new may try until some are forgotten: made-up names must not fill memory.
const REMEMBERED_MAX: usize = 10_000;

/// Wrong passwords by account.
#[derive(Debug, Default)]
pub struct Attempts {
    wrong: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Attempts {
    /// Counts a try as wrong before it is looked at, so that many at once count too. `false`: not now.
    pub fn begin(&self, account: &str, now: Timestamp) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |since: Timestamp| now.as_second() - since.as_second() >= WAIT_S;
        if wrong.len() >= REMEMBERED_MAX && !wrong.contains_key(account) {
            wrong.retain(|_, (_, since)| !is_over(*since));
            if wrong.len() >= REMEMBERED_MAX {
                return false;
            }
        }
        let (tries, since) = wrong.entry(account.to_owned()).or_insert((0, now));
        if is_over(*since) {
            *tries = 0;
        }
        if *tries >= TRIES {
            return false;
        }
        (*tries, *since) = (*tries + 1, now);
        true
    }

    /// Forgets an account's tries: the password was right.
    pub fn succeeded(&self, account: &str) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_some_wrong_passwords_one_waits_and_then_may_try_again() {
        let attempts = Attempts::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for try_no in 0..i64::from(TRIES) {
            assert!(attempts.begin("ada", at(try_no)));
        }
        let last = i64::from(TRIES) - 1;
        assert!(!attempts.begin("ada", at(last + WAIT_S - 1)));
        assert!(attempts.begin("grace", at(last)));
        assert!(attempts.begin("ada", at(last + WAIT_S)));
        attempts.succeeded("ada");
        assert!(attempts.begin("ada", at(last + WAIT_S)));
    }

    #[test]
    fn made_up_names_do_not_fill_memory() {
        let attempts = Attempts::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for name in 0..REMEMBERED_MAX {
            assert!(attempts.begin(&name.to_string(), at(0)));
        }
        assert!(!attempts.begin("ada", at(WAIT_S - 1)));
        assert!(attempts.begin("ada", at(WAIT_S)));
    }
}
