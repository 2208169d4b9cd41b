//! Who looks at a page of the shop's own people, and whether a form came from such a page.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use model::id::TenantId;

use super::{
    Ask,
    cart::{self, Cart},
    error::Fail,
};
use crate::{
    App,
    staff::{Door, DoorError, May, Role, Visitor, account_id},
};

/// The cookie with a session: the tenant, a dot, the token.
const COOKIE: &str = "shipwhen_session";
/// For how long a browser keeps it, in seconds; the store has the last word.
const KEPT_S: u32 = 14 * 86_400;

/// What of a request says who sent it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sender {
    session: Option<(TenantId, String)>,
    /// The path asked for, to come back to after signing in.
    pub(super) path: String,
    /// What is in the cart of the sample shop.
    pub(super) cart: Cart,
    /// What the browser says of the page that sent a form.
    is_own: Option<bool>,
}

impl Sender {
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Self {
        Self {
            session: session(headers),
            path: String::new(),
            cart: cart::read(headers),
            is_own: is_own(app, headers),
        }
    }
}

impl Ask {
    pub(super) fn door(&self) -> Door<'_> {
        let App { engine, stamps, secret, .. } = &*self.app;
        Door { engine, stamps, secret, now: self.now }
    }

    /// The session's tenant and token.
    pub(super) fn session(&self) -> Option<&(TenantId, String)> {
        self.sender.session.as_ref()
    }

    /// Who looks: whoever is signed in, else, in the sample shop, anybody.
    pub(super) fn visitor(&self) -> Result<Option<Visitor>, Fail> {
        if let Some((tenant, token)) = self.session()
            && let Some(visitor) = self.door().visitor(tenant, token)?
        {
            if let Some(user) = &visitor.user {
                self.account.get_or_init(|| user.email.clone());
            }
            return Ok(Some(visitor));
        }
        let demo = self.app.demo.clone();
        Ok(demo.map(|tenant| Visitor { tenant, user: None, role: Role::Owner }))
    }

    /// How the ledger names whoever acts: an account's own word, which is neither a name nor an address.
    pub(super) fn who(&self, tenant: &TenantId) -> Result<Option<Arc<str>>, Fail> {
        let Some(account) = self.account.get() else { return Ok(None) };
        let found = self.app.engine.store().reader()?.tenant(tenant)?;
        Ok(found.map(|found| account_id(&found.salt, account)))
    }

    /// The one who looks, if they may do that.
    pub(super) fn staff(&self, what: May) -> Result<Visitor, Fail> {
        let visitor = self.visitor()?.ok_or_else(|| Fail::SignIn(self.sender.path.clone()))?;
        if visitor.role.may(what) { Ok(visitor) } else { Err(Fail::Forbidden) }
    }

    /// The same for a form that changes something: it must come from a page of this server.
    pub(super) fn staff_form(&self, what: May) -> Result<Visitor, Fail> {
        self.own_form()?;
        self.staff(what)
    }

    /// Refuses a form that another site's page sent. A browser says where a form comes from; what says nothing is no browser,
    /// and brings a cookie only on purpose: that is refused too.
    pub(super) fn own_form(&self) -> Result<(), Fail> {
        match self.sender.is_own {
            Some(true) => Ok(()),
            None if self.sender.session.is_none() => Ok(()),
            _ => Err(Fail::Foreign),
        }
    }
}

impl From<DoorError> for Fail {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Store(error) => error.into(),
            DoorError::Engine(failure) => Self::Engine(failure),
            DoorError::Input(_) => Self::Form,
            DoorError::Defect(text) => Self::Defect(text),
        }
    }
}

fn session(headers: &HeaderMap) -> Option<(TenantId, String)> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let (tenant, token) = value.split_once('.')?;
    Some((TenantId::new(tenant).ok()?, token.to_owned()))
}

/// Whether a browser says that a page of this server sent the request; `None`: it says nothing.
fn is_own(app: &App, headers: &HeaderMap) -> Option<bool> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return Some(site == "same-origin" || site == "none");
    }
    let origin = text("origin")?;
    let (_, host) = origin.split_once("://").unwrap_or(("", ""));
    Some(!host.is_empty() && (origin == app.url() || text("host") == Some(host)))
}

/// Sets the cookie of a session, or takes it away.
pub(super) fn cookie(app: &App, session: Option<(&TenantId, &str)>) -> Option<HeaderValue> {
    let secure = if app.url().starts_with("https://") { "; Secure" } else { "" };
    let text = match session {
        Some((tenant, token)) => {
            format!("{COOKIE}={tenant}.{token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_S}{secure}")
        }
        None => format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}"),
    };
    HeaderValue::from_str(&text).ok()
}
