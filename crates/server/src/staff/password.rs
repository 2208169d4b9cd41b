//! Passwords, kept as Argon2id (RFC 9106) with the parameters written beside each: they may be raised and old ones still work.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in characters: hashing costs by length too.
pub const PASSWORD_CHARS_MAX: usize = 200;

/// What no password is: who is unknown takes as long as who is known.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2hpcHdoZW4tbm9ib2R5$Yg5mVh4kRfkh5FeKUxJeHjLHqFpZ0jRRqV7yfKq1v9I";

/// Writes a password down under a salt of 16 bytes. `None`: the hasher failed, a defect.
pub(super) fn hashed(password: &str, salt: &[u8; 16]) -> Option<String> {
    let hash: PasswordHash = Argon2::default().hash_password_with_salt(password.as_bytes(), salt).ok()?;
    Some(hash.to_string())
}

/// Whether a password is the one written down. Costs the same where nothing is.
pub(super) fn is_right(password: &str, kept: Option<&str>) -> bool {
    let right = Argon2::default().verify_password(password.as_bytes(), kept.unwrap_or(NOBODY)).is_ok();
    right && kept.is_some()
}

/// Why a password will not do.
pub(super) fn problem(password: &str) -> Option<String> {
    let chars = password.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        return Some(format!(
            "Please take at least {PASSWORD_CHARS_MIN} characters; a few words make a good password."
        ));
    }
    (chars > PASSWORD_CHARS_MAX).then(|| format!("Please take at most {PASSWORD_CHARS_MAX} characters."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_what_was_written_down_of_it_and_nothing_else() {
        let kept = hashed("four words are enough", &[7; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        assert!(is_right("four words are enough", Some(&kept)));
        assert!(!is_right("four words are enougH", Some(&kept)));
        assert!(PasswordHash::new(NOBODY).is_ok(), "else who is unknown is answered sooner");
        assert!(!is_right("four words are enough", None));
        assert!(!is_right("", Some("not a hash")));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless() {
        assert!(problem("123456789").is_some());
        assert!(problem("1234567890").is_none());
        assert!(problem(&"x".repeat(PASSWORD_CHARS_MAX + 1)).is_some());
    }
}
