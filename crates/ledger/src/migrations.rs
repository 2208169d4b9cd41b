//! What every engine does to bring its tables up to date.

use sha2::{Digest, Sha256};

use crate::StoreError;

/// A change of the tables: its file's name and what it says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// The migrations that are still to be applied. Errors: others were applied than ours, or ours as they were not.
pub(crate) fn missing<'m>(
    ours: &'m [Migration],
    applied: &[(String, [u8; 32])],
) -> Result<&'m [Migration], StoreError> {
    for (at, (name, sum)) in applied.iter().enumerate() {
        let Some(ours) = ours.get(at).filter(|ours| ours.name == name) else {
            return Err(StoreError::Schema(format!(
                "it has the migration {name}, which this version does not know: a newer version wrote it"
            )));
        };
        if checksum(ours.sql) != *sum {
            return Err(StoreError::Schema(format!(
                "migration {name} is not the one that was applied to it"
            )));
        }
    }
    Ok(&ours[applied.len()..])
}

pub(crate) fn checksum(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A new secret for a store ([`crate::Read::secret`]).
pub(crate) fn secret() -> Result<[u8; 32], StoreError> {
    random("made the store's secret")
}

/// Bytes that nobody can guess.
#[expect(
    clippy::disallowed_methods,
    reason = "a store's own secret and the names of its writers: no caller has them to give"
)]
pub(crate) fn random<const N: usize>(doing: &'static str) -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::driver(doing, error))?;
    Ok(bytes)
}
