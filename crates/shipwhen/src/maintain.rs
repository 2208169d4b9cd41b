//! `shipwhen verify`, `backup` and `restore`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use ledger::{Tenant, sqlite::FILE};
use model::id::TenantId;
use serde::Serialize;

use crate::{
    cli::FileArgs,
    config::{Place, Settings, Usage},
    house::House,
    output,
};

/// What `verify` answers.
#[derive(Default, Serialize)]
pub(crate) struct Verified {
    pub(crate) events: u64,
    skus: u64,
    open_lines: u64,
    /// The first thousand of each tenant.
    violations: Vec<Found>,
    pub(crate) violations_found: u64,
}

#[derive(Serialize)]
pub(crate) struct Found {
    tenant: TenantId,
    kind: String,
    detail: String,
}

/// Replays the ledger of the tenant (or of every tenant) and checks every table and invariant.
pub(crate) fn verify(settings: &Settings) -> anyhow::Result<ExitCode> {
    let house = House::open_existing(settings)?;
    let tenants = match &settings.tenant {
        Some(_) => vec![house.tenant(settings)?],
        None => house.store.reader()?.tenants()?,
    };
    let total = check(&house, &tenants)?;
    if settings.json {
        output::json(&total);
    } else {
        for violation in &total.violations {
            output::line(&format!("{}: {}", violation.kind, violation.detail));
        }
        output::line(&format!(
            "{} events, {} skus, {} open lines, {} violations",
            total.events, total.skus, total.open_lines, total.violations_found
        ));
    }
    Ok(if total.violations_found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks these tenants of a store.
pub(crate) fn check(house: &House, tenants: &[Tenant]) -> anyhow::Result<Verified> {
    let scratch = tempfile::tempdir().context("no place for the replay")?;
    let mut total = Verified::default();
    for tenant in tenants {
        let bar = output::progress(None, "events replayed");
        let report = ledger::verify::verify(&*house.store, &tenant.id, scratch.path(), &mut |done| {
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        total.events += report.events;
        total.skus += report.skus;
        total.open_lines += report.open_lines;
        total.violations_found += report.violations_found;
        total.violations.extend(report.violations.into_iter().map(|violation| Found {
            tenant: tenant.id.clone(),
            kind: violation.kind.to_string(),
            detail: violation.detail.to_string(),
        }));
    }
    Ok(total)
}

/// Writes a consistent copy.
pub(crate) fn backup(settings: &Settings, args: &FileArgs) -> anyhow::Result<ExitCode> {
    if args.file.exists() {
        bail!("{} exists already: a backup never overwrites", args.file.display());
    }
    if let Place::Postgres(_) = settings.store {
        return Err(Usage(
            "a PostgreSQL database is backed up with PostgreSQL's own tools, also while it is served: \
             pg_dump --format=custom, or base backups with archived logs"
                .to_owned(),
        )
        .into());
    }
    let house = House::open_existing(settings)?;
    house.store.backup(&args.file)?;
    output::note(&format!("written to {}", args.file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Makes a store from a backup.
pub(crate) fn restore(settings: &Settings, args: &FileArgs) -> anyhow::Result<ExitCode> {
    let Place::Sqlite(dir) = &settings.store else {
        return Err(Usage(
            "restore takes a backup of a SQLite store into a directory; PostgreSQL is restored with its own tools"
                .to_owned(),
        )
        .into());
    };
    let target = dir.join(FILE);
    if target.exists() {
        bail!("there is a store in {} already: restore never overwrites", dir.display());
    }
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    // Copied beside its place and moved there: a restore that is killed leaves no half store behind.
    let part = dir.join(format!("{FILE}.restoring"));
    std::fs::copy(&args.file, &part).with_context(|| format!("{} cannot be copied", args.file.display()))?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(&part, &target)?;
    let house = House::open_existing(settings)?;
    let tenants = house.store.reader()?.tenants()?;
    output::note(&format!("restored, with {} tenants", tenants.len()));
    Ok(ExitCode::SUCCESS)
}
