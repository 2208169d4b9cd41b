//! Signing in and out, taking an invitation, and the list of a shop's people.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::Response,
};
use model::{
    id::{LocationId, TenantId},
    limits::NAME_CHARS_MAX,
};
use serde::Deserialize;

use super::{Ask, Frame, error::Fail, guard::cookie, page, see_other, words};
use crate::staff::{Attempts, DoorError, May, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Role, User};

/// The sign-in form as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SignIn {
    shop: String,
    email: String,
    password: String,
    next: String,
}

/// Where to go on after signing in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Then {
    next: String,
}

/// A password that was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Joined {
    password: String,
}

/// What a button of the list of people sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    act: String,
    email: String,
    name: String,
    role: String,
    /// Where a partner packs: ids with commas between them.
    locations: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// Whether the shop must be named: there are several.
    asks_shop: bool,
    shop: String,
    email: String,
    next: String,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    name: String,
    email: String,
    href: String,
    chars_min: usize,
    chars_max: usize,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    frame: Frame,
    people: Vec<Person>,
    roles: Vec<(&'static str, &'static str)>,
    /// The ids of the shop's locations.
    locations: String,
    /// The link that was just made, to be handed over.
    link: Option<String>,
    problem: Option<String>,
}

struct Person {
    email: String,
    name: String,
    role: &'static str,
    /// Where they pack.
    places: String,
    is_waiting: bool,
    is_self: bool,
}

/// `GET /sign-in`.
pub(super) fn show_sign_in(ask: &Ask, then: &Then) -> Result<Response, Fail> {
    let sent = SignIn { next: own_path(&then.next).to_owned(), ..SignIn::default() };
    sign_in_page(ask, sent, None, StatusCode::OK)
}

fn sign_in_page(
    ask: &Ask,
    sent: SignIn,
    problem: Option<&'static str>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let asks_shop = only_shop(ask)?.is_none();
    let frame = Frame::new(None, "", false, false);
    let SignIn { shop, email, next, .. } = sent;
    page(status, &SignInPage { frame, asks_shop, shop, email, next, problem })
}

fn only_shop(ask: &Ask) -> Result<Option<TenantId>, Fail> {
    let mut tenants = ask.app.engine.store().reader()?.tenants()?;
    Ok(tenants.pop().filter(|_| tenants.is_empty()).map(|tenant| tenant.id))
}

/// `POST /sign-in`.
pub(super) fn sign_in(ask: &Ask, attempts: &Attempts, mut sent: SignIn) -> Result<Response, Fail> {
    ask.own_form()?;
    sent.next = own_path(&sent.next).to_owned();
    let wrong = Some("The e-mail address or the password is not right.");
    let shop = match only_shop(ask)? {
        Some(shop) => Some(shop),
        None => TenantId::new(sent.shop.trim()).ok(),
    };
    let is_sane =
        sent.email.chars().count() <= NAME_CHARS_MAX && sent.password.chars().count() <= PASSWORD_CHARS_MAX;
    let Some(shop) = shop.filter(|_| is_sane) else {
        return sign_in_page(ask, sent, wrong, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let account = format!("{shop} {}", sent.email.trim().to_lowercase());
    if !attempts.begin(&account, ask.now) {
        let wait = Some("There were too many tries. Please wait a quarter of an hour and try again.");
        return sign_in_page(ask, sent, wait, StatusCode::TOO_MANY_REQUESTS);
    }
    match ask.door().sign_in(&shop, &sent.email, &sent.password)? {
        Some(token) => {
            attempts.succeeded(&account);
            let next = if sent.next.is_empty() { "/" } else { &sent.next };
            signed_in(ask, &shop, &token, next)
        }
        None => sign_in_page(ask, sent, wrong, StatusCode::UNPROCESSABLE_ENTITY),
    }
}

fn signed_in(ask: &Ask, shop: &TenantId, token: &str, next: &str) -> Result<Response, Fail> {
    with_cookie(ask, Some((shop, token)), next)
}

fn with_cookie(ask: &Ask, session: Option<(&TenantId, &str)>, next: &str) -> Result<Response, Fail> {
    let mut response = see_other(next)?;
    let cookie = cookie(&ask.app, session);
    let cookie = cookie.ok_or_else(|| Fail::Defect("a cookie cannot be written".to_owned()))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// A path on this server, or nothing: nobody is sent on to another site from here.
fn own_path(text: &str) -> &str {
    let is_own = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 2_000
        && !text.contains(|c: char| c == '\\' || c.is_control());
    if is_own { text } else { "" }
}

/// `POST /sign-out`.
pub(super) fn sign_out(ask: &Ask) -> Result<Response, Fail> {
    ask.own_form()?;
    if let Some((tenant, token)) = ask.session()
        && ask.door().visitor(tenant, token)?.is_some()
    {
        ask.door().sign_out(tenant, token)?;
    }
    with_cookie(ask, None, "/sign-in")
}

/// `GET /join/{tenant}/{token}`.
pub(super) fn show_join(ask: &Ask, tenant: &str, token: &str) -> Result<Response, Fail> {
    let tenant = TenantId::new(tenant).map_err(|_| Fail::Link)?;
    let user = ask.door().invited(&tenant, token)?.ok_or(Fail::Link)?;
    join_page(&tenant, token, user, None, StatusCode::OK)
}

fn join_page(
    tenant: &TenantId,
    token: &str,
    user: User,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let template = JoinPage {
        frame: Frame::new(Some(tenant), "", false, false),
        name: user.name,
        email: user.email,
        href: format!("/join/{tenant}/{token}"),
        chars_min: PASSWORD_CHARS_MIN,
        chars_max: PASSWORD_CHARS_MAX,
        problem,
    };
    page(status, &template)
}

/// `POST /join/{tenant}/{token}`.
pub(super) fn join(ask: &Ask, tenant: &str, token: &str, sent: &Joined) -> Result<Response, Fail> {
    ask.own_form()?;
    let tenant = TenantId::new(tenant).map_err(|_| Fail::Link)?;
    match ask.door().join(&tenant, token, &sent.password) {
        Ok(Some(session)) => signed_in(ask, &tenant, &session, "/"),
        Ok(None) => Err(Fail::Link),
        Err(DoorError::Input(problem)) => {
            let user = ask.door().invited(&tenant, token)?.ok_or(Fail::Link)?;
            join_page(&tenant, token, user, Some(problem), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /people`.
pub(super) fn show(ask: &Ask) -> Result<Response, Fail> {
    list(ask, None, None, StatusCode::OK)
}

fn list(
    ask: &Ask,
    link: Option<String>,
    problem: Option<String>,
    status: StatusCode,
) -> Result<Response, Fail> {
    let visitor = ask.staff(May::People)?;
    let own = visitor.user.as_ref().map(|user| user.email.clone());
    let people = ask.door().users(&visitor.tenant)?.into_iter().map(|user| Person {
        is_self: own.as_deref() == Some(&*user.email),
        is_waiting: user.password.is_none(),
        role: role(user.role),
        places: user.locations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        name: user.name,
        email: user.email,
    });
    let locations = ask.app.engine.snapshots().locations(&visitor.tenant)?;
    let template = PeoplePage {
        locations: locations.keys().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        people: people.collect(),
        roles: Role::ALL.map(|each| (each.as_str(), role(each))).to_vec(),
        frame: Frame::of(ask, &visitor, "people"),
        link,
        problem,
    };
    page(status, &template)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner: everything",
        Role::Operations => "Operations: everything but people and keys",
        Role::Support => "Support: orders and customers",
        Role::Partner => "Partner: packing at their locations",
    }
}

/// `POST /people`.
pub(super) fn change(ask: &Ask, sent: &Change) -> Result<Response, Fail> {
    let visitor = ask.staff_form(May::People)?;
    if sent.act == "remove" {
        return match ask.door().remove(&visitor.tenant, &sent.email)? {
            true => see_other("/people"),
            false => {
                let problem = "That was not done: a shop keeps at least one owner who can sign in.";
                list(ask, None, Some(problem.to_owned()), StatusCode::CONFLICT)
            }
        };
    }
    let role = Role::parse(&sent.role).ok_or(Fail::Form)?;
    let places = sent.locations.split(',').map(str::trim).filter(|id| !id.is_empty());
    let places: Result<Vec<LocationId>, _> = places.map(LocationId::new).collect();
    let Ok(places) = places else {
        let problem = "Please give locations by their ids, with commas between them.";
        return list(ask, None, Some(problem.to_owned()), StatusCode::UNPROCESSABLE_ENTITY);
    };
    match ask.door().invite_to(&visitor.tenant, &sent.email, &sent.name, role, places) {
        Ok(path) => list(ask, Some(format!("{}{path}", ask.app.url())), None, StatusCode::OK),
        Err(DoorError::Input(problem)) => {
            list(ask, None, Some(words::sentence(&problem)), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_sent_on_to_another_site() {
        for (text, path) in [
            ("/supply?x=1", "/supply?x=1"),
            ("//elsewhere.example", ""),
            ("/\\elsewhere.example", ""),
            ("https://elsewhere.example", ""),
            ("", ""),
            ("/a\nb", ""),
        ] {
            assert_eq!(own_path(text), path, "{text:?}");
        }
    }
}
