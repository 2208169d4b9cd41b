//! `shipwhen move`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::{
    cli::MoveArgs,
    config::{Place, Settings, Usage},
    house::House,
    maintain::check,
    output,
};

/// What `move` answers.
#[derive(Serialize)]
struct Moved {
    tenants: u64,
    rows: u64,
    /// Of those, rows that this run put: fewer than all where it went on with an earlier one.
    put: u64,
    removed: u64,
    /// Entries of the ledger replayed on each side.
    events_verified: u64,
}

/// Copies a store into another one and checks both.
pub(crate) fn run(settings: &Settings, args: &MoveArgs) -> anyhow::Result<ExitCode> {
    let (from, to) = (Place::read(&args.from)?, Place::read(&args.to)?);
    if from == to {
        return Err(Usage("--from and --to are the same store".to_owned()).into());
    }
    let source = House::existing(&from)?;
    let tenants = source.store.reader()?.tenants()?;
    let before = check(&source, &tenants).with_context(|| format!("{from} cannot be checked"))?;
    if before.violations_found > 0 {
        bail!("there is something wrong with {from}, which `shipwhen verify` lists: nothing was moved");
    }
    let target = House::to_fill(&to)?;
    let bar = output::progress(None, "rows compared");
    let copied =
        ledger::transfer::copy(&*source.store, &*target.store, &mut *target.store.filler()?, &mut |rows| {
            bar.set_position(rows);
        })
        .with_context(|| format!("{from} is not moved to {to}"))?;
    bar.finish_and_clear();
    let after = check(&target, &tenants).with_context(|| format!("{to} cannot be checked"))?;
    if after.violations_found > 0 || after.events != before.events {
        bail!("the copy in {to} is not sound: do not use it, and report this");
    }
    let moved = Moved {
        tenants: copied.tenants,
        rows: copied.rows,
        put: copied.put,
        removed: copied.removed,
        events_verified: after.events,
    };
    if settings.json {
        output::json(&moved);
    } else {
        output::line(&format!(
            "{} tenants and {} rows are in {to}, {} of them put there now; {} events verified on both sides",
            moved.tenants, moved.rows, moved.put, moved.events_verified
        ));
    }
    Ok(ExitCode::SUCCESS)
}
