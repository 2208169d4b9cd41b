//! `shipwhen users`.

use std::process::ExitCode;

use model::id::LocationId;
use serde::Serialize;
use server::staff::{Door, DoorError, Role};

use crate::{
    cli::{UsersArgs, UsersCommand},
    config::{Settings, Usage},
    house::{House, now, stamps},
    output,
    serve::LISTEN_DEFAULT,
};

#[derive(Serialize)]
struct Invited<'a> {
    link: &'a str,
    tenant: &'a str,
    role: &'a str,
}

pub(crate) fn run(settings: &Settings, args: &UsersArgs) -> anyhow::Result<ExitCode> {
    let UsersCommand::Create { email, name, role, location, public_url } = &args.command;
    let role = Role::parse(role)
        .ok_or_else(|| Usage(format!("{role:?} is no role: take owner, operations, support or partner")))?;
    let locations = location.iter().map(|id| LocationId::new(id)).collect::<Result<Vec<_>, _>>();
    let locations = locations.map_err(|error| Usage(format!("that is no location: {error}")))?;
    let house = House::open(settings)?;
    let tenant = house.tenant_or_new(settings)?;
    let secret = house.store.reader()?.secret()?;
    let (engine, stamps) = (house.engine()?, stamps()?);
    let door = Door { engine: &engine, stamps: &stamps, secret: &secret, now: now() };
    let path = door.invite_to(&tenant.id, email, name, role, locations).map_err(|error| match error {
        DoorError::Input(problem) => anyhow::Error::from(Usage(problem)),
        other => other.into(),
    })?;
    let url = public_url.clone().or_else(|| settings.file.public_url.clone());
    let url = url
        .unwrap_or_else(|| format!("http://{}", settings.file.listen.as_deref().unwrap_or(LISTEN_DEFAULT)));
    let link = format!("{}{path}", url.trim_end_matches('/'));
    if settings.json {
        output::json(&Invited { link: &link, tenant: tenant.id.as_str(), role: role.as_str() });
    } else {
        output::line(&link);
        output::note(&format!(
            "whoever opens it joins {} as {}; it works once, for three days",
            tenant.id,
            role.as_str()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
