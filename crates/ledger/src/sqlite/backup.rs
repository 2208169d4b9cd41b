//! A consistent copy while others write.

use std::{fs, path::Path};

use rusqlite::{Connection, backup::Backup};

use super::cells::failed;
use crate::StoreError;

/// Copies every page as of one commit, in one step: a step reads one state, so that writers neither wait nor make the
/// copy start again.
pub(super) fn run(from: &Connection, to: &Path) -> Result<(), StoreError> {
    // Claims the name first: SQLite itself would write over whatever is there.
    fs::File::create_new(to).map_err(|error| StoreError::driver("created the backup file", error))?;
    let copied = copy(from, to);
    if copied.is_err() {
        // What failed matters more than half a file that cannot be removed.
        let _ = fs::remove_file(to);
    }
    copied
}

fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    const DOING: &str = "wrote the backup";
    let mut copy = Connection::open(to).map_err(failed(DOING))?;
    let backup = Backup::new(from, &mut copy).map_err(failed(DOING))?;
    let outcome = backup.step(-1).map_err(failed(DOING))?;
    drop(backup);
    if outcome != rusqlite::backup::StepResult::Done {
        return Err(StoreError::driver(DOING, "the database stayed locked"));
    }
    // Back to one plain file: a copy that asks for a log beside it would not be whole when it is moved.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).map_err(failed(DOING))?;
    copy.close().map_err(|(_, error)| failed(DOING)(error))
}
