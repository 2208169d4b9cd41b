//! The door: inviting, signing in, being known, signing out.

use engine::{Detail, Engine, Failure, Request, Stamps};
use ledger::{RecordFilter, Shelf, StoreError};
use model::{
    command::{Command, KeepPrivate},
    id::{LocationId, TenantId},
    limits::NAME_CHARS_MAX,
    record::Record,
    refusal::Rejection,
    time::Timestamp,
};
use serde::de::DeserializeOwned;

use super::{
    Role,
    password::{hashed, is_right, problem},
    records::{INVITATION, Invitation, SESSION, Session, USER, User, stored, token},
};

/// For how long a session lasts, in seconds: two weeks.
const SESSION_S: i64 = 14 * 86_400;
/// For how long an invitation lasts, in seconds: three days.
const INVITATION_S: i64 = 3 * 86_400;
/// Most people of one shop.
const USERS_MAX: usize = 500;
/// Most sessions of one account; who signs in once more ends the oldest.
const SESSIONS_MAX: usize = 20;

/// Why something at the door failed.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// What was entered will not do; why, in a sentence.
    #[error("{0}")]
    Input(String),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The engine gave no answer.
    #[error("the engine gave no answer")]
    Engine(#[from] Failure),
    /// A record cannot be read or written, or a hash cannot be made: a defect.
    #[error("a defect: {0}")]
    Defect(String),
}

impl From<serde_json::Error> for DoorError {
    fn from(error: serde_json::Error) -> Self {
        Self::Defect(error.to_string())
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Whose shop.
    pub tenant: TenantId,
    /// Who; `None`: whoever looks at the sample shop.
    pub user: Option<User>,
    /// What they may do.
    pub role: Role,
}

/// What the door works with. Everything here blocks.
pub struct Door<'a> {
    /// Keeps records.
    pub engine: &'a Engine,
    /// Names commands, and makes each token another.
    pub stamps: &'a Stamps,
    /// The installation's secret.
    pub secret: &'a [u8; 32],
    /// The moment.
    pub now: Timestamp,
}

impl Door<'_> {
    /// Invites somebody to choose a password, or to choose a new one; returns the path of the one-time link.
    ///
    /// Errors: the address or the name will not do.
    pub fn invite(
        &self,
        tenant: &TenantId,
        email: &str,
        name: &str,
        role: Role,
    ) -> Result<String, DoorError> {
        self.invite_to(tenant, email, name, role, Vec::new())
    }

    /// The same for somebody who works at some locations: a partner at one or more, anybody else at none.
    ///
    /// Errors: the address, the name or the locations will not do.
    pub fn invite_to(
        &self,
        tenant: &TenantId,
        email: &str,
        name: &str,
        role: Role,
        locations: Vec<LocationId>,
    ) -> Result<String, DoorError> {
        let email = address(email)?;
        let locations = self.places(tenant, role, locations)?;
        let name = name.trim();
        if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(DoorError::Input("The name is too long or holds a control character.".to_owned()));
        }
        let known: Option<User> = self.read(tenant, USER, &email)?;
        if known.is_none() && self.users(tenant)?.len() >= USERS_MAX {
            return Err(DoorError::Input(format!("A shop has at most {USERS_MAX} people.")));
        }
        let user = User {
            name: if name.is_empty() { email.split('@').next().unwrap_or_default() } else { name }.to_owned(),
            role,
            locations,
            password: known.as_ref().and_then(|known| known.password.clone()),
            created_at: known.map_or(self.now, |known| known.created_at),
            email: email.clone(),
        };
        let token = self.token("invitation");
        let invitation = Invitation { email: email.clone(), expires_at: self.later(INVITATION_S) };
        let invitation = Record {
            owner: email.as_str().into(),
            due: Some(invitation.expires_at),
            ..Record::new(INVITATION, &stored(&token), &invitation)?
        };
        // An earlier link of the same person works no more.
        let mut records = self.gone(tenant, INVITATION, &email, 0)?;
        records.extend([Record::new(USER, &email, &user)?, invitation]);
        self.keep(tenant, KeepPrivate { records, ..KeepPrivate::default() })?
            .map_err(|rejection| DoorError::Defect(format!("an invitation was refused: {rejection:?}")))?;
        Ok(format!("/join/{tenant}/{token}"))
    }

    /// Where somebody works, as it is kept.
    fn places(
        &self,
        tenant: &TenantId,
        role: Role,
        mut wanted: Vec<LocationId>,
    ) -> Result<Vec<LocationId>, DoorError> {
        wanted.sort_unstable();
        wanted.dedup();
        match (role, wanted.is_empty()) {
            (Role::Partner, false) => {
                let known = self.engine.store().reader()?.locations(tenant)?;
                match wanted.iter().find(|id| !known.iter().any(|(known, _)| known == *id)) {
                    Some(id) => Err(DoorError::Input(format!("There is no location {id}."))),
                    None => Ok(wanted),
                }
            }
            (Role::Partner, true) => {
                Err(DoorError::Input("Please say at which locations the partner packs.".to_owned()))
            }
            (_, true) => Ok(wanted),
            (_, false) => Err(DoorError::Input("Only a partner is bound to locations.".to_owned())),
        }
    }

    /// Who an invitation is for; `None`: it is none, used, or over.
    pub fn invited(&self, tenant: &TenantId, token: &str) -> Result<Option<User>, DoorError> {
        let invitation: Option<Invitation> = self.read(tenant, INVITATION, &stored(token))?;
        match invitation.filter(|invitation| self.now < invitation.expires_at) {
            Some(invitation) => self.read(tenant, USER, &invitation.email),
            None => Ok(None),
        }
    }

    /// Takes an invitation: sets the password, ends every session, and signs in. Returns the session's token; `None`: the
    /// invitation is none, used, or over.
    ///
    /// Errors: the password will not do.
    pub fn join(
        &self,
        tenant: &TenantId,
        invitation: &str,
        password: &str,
    ) -> Result<Option<String>, DoorError> {
        if let Some(problem) = problem(password) {
            return Err(DoorError::Input(problem));
        }
        let Some(user) = self.invited(tenant, invitation)? else { return Ok(None) };
        let salt = *self.stamps.next(self.now).as_bytes();
        let hash = hashed(password, &salt);
        let hash = hash.ok_or_else(|| DoorError::Defect("a password could not be hashed".to_owned()))?;
        let email = user.email.clone();
        let mut records = self.gone(tenant, SESSION, &email, 0)?;
        let (token, session) = self.session_of(&email)?;
        records.extend([
            Record::new(USER, &email, &User { password: Some(hash), ..user })?,
            Record::gone(INVITATION, &stored(invitation)),
            session,
        ]);
        let only_if = vec![(INVITATION.into(), stored(invitation).into()), (USER.into(), email.into())];
        // Whoever used the link in the same instant was first.
        let kept = self.keep(tenant, KeepPrivate { only_if, records, ..KeepPrivate::default() })?;
        Ok(kept.is_ok().then_some(token))
    }

    /// Signs in; returns the session's token. `None`: the address or the password is wrong, and nothing says which.
    pub fn sign_in(
        &self,
        tenant: &TenantId,
        email: &str,
        password: &str,
    ) -> Result<Option<String>, DoorError> {
        let email = email.trim().to_lowercase();
        let user: Option<User> = match self.engine.store().reader()?.tenant(tenant)? {
            Some(_) => self.read(tenant, USER, &email)?,
            None => None,
        };
        let kept = user.as_ref().and_then(|user| user.password.as_deref());
        if !is_right(password, kept) {
            return Ok(None);
        }
        let mut records = self.gone(tenant, SESSION, &email, SESSIONS_MAX - 1)?;
        let (token, session) = self.session_of(&email)?;
        records.push(session);
        let only_if = vec![(USER.into(), email.into())];
        let kept = self.keep(tenant, KeepPrivate { only_if, records, ..KeepPrivate::default() })?;
        Ok(kept.is_ok().then_some(token))
    }

    /// Who holds a session's token.
    pub fn visitor(&self, tenant: &TenantId, token: &str) -> Result<Option<Visitor>, DoorError> {
        let session: Option<Session> = self.read(tenant, SESSION, &stored(token))?;
        let Some(session) = session.filter(|session| self.now < session.expires_at) else { return Ok(None) };
        let user: Option<User> = self.read(tenant, USER, &session.email)?;
        Ok(user.map(|user| Visitor { tenant: tenant.clone(), role: user.role, user: Some(user) }))
    }

    /// Ends a session.
    pub fn sign_out(&self, tenant: &TenantId, token: &str) -> Result<(), DoorError> {
        let records = vec![Record::gone(SESSION, &stored(token))];
        let _ = self.keep(tenant, KeepPrivate { records, ..KeepPrivate::default() })?;
        Ok(())
    }

    /// Everybody, by address.
    pub fn users(&self, tenant: &TenantId) -> Result<Vec<User>, DoorError> {
        let filter = RecordFilter::default();
        let mut reader = self.engine.store().reader()?;
        let records = reader.record_page(tenant, Shelf::Private, USER, &filter, (None, USERS_MAX))?;
        let users: Result<Vec<Option<User>>, _> = records.iter().map(Record::read).collect();
        Ok(users?.into_iter().flatten().collect())
    }

    /// Sends somebody away: the account, its sessions and its invitations are gone at once. `false`: there is nobody of that
    /// address, or it is the last owner who can sign in.
    pub fn remove(&self, tenant: &TenantId, email: &str) -> Result<bool, DoorError> {
        let users = self.users(tenant)?;
        let Some(user) = users.iter().find(|user| user.email == email) else { return Ok(false) };
        let is_owner = |user: &&User| user.role == Role::Owner && user.password.is_some();
        if is_owner(&user) && users.iter().filter(is_owner).count() < 2 {
            return Ok(false);
        }
        let mut records = self.gone(tenant, SESSION, email, 0)?;
        records.extend(self.gone(tenant, INVITATION, email, 0)?);
        records.push(Record::gone(USER, email));
        let kept = self.keep(tenant, KeepPrivate { records, ..KeepPrivate::default() })?;
        Ok(kept.is_ok())
    }

    fn token(&self, what: &str) -> String {
        token(self.secret, what, self.stamps.next(self.now))
    }

    fn later(&self, seconds: i64) -> Timestamp {
        Timestamp::from_second(self.now.as_second() + seconds).unwrap_or(Timestamp::MAX)
    }

    fn session_of(&self, email: &str) -> Result<(String, Record), DoorError> {
        let token = self.token("session");
        let session = Session { email: email.to_owned(), expires_at: self.later(SESSION_S) };
        let due = Some(session.expires_at);
        let record = Record { owner: email.into(), due, ..Record::new(SESSION, &stored(&token), &session)? };
        Ok((token, record))
    }

    /// The word that an account's records of a kind are gone: those that are over, and the first to end beyond so many.
    fn gone(
        &self,
        tenant: &TenantId,
        kind: &str,
        email: &str,
        keep: usize,
    ) -> Result<Vec<Record>, DoorError> {
        let filter = RecordFilter { owner: Some(email), state: None };
        let mut reader = self.engine.store().reader()?;
        let mut found = reader.record_page(tenant, Shelf::Private, kind, &filter, (None, 1_000))?;
        found.sort_by_key(|record| std::cmp::Reverse(record.due));
        let is_over = |record: &Record| record.due.is_none_or(|due| due <= self.now);
        let gone = found.iter().enumerate().filter(|(nth, record)| *nth >= keep || is_over(record));
        Ok(gone.map(|(_, record)| Record::gone(kind, &record.id)).collect())
    }

    fn read<T: DeserializeOwned>(
        &self,
        tenant: &TenantId,
        kind: &str,
        id: &str,
    ) -> Result<Option<T>, DoorError> {
        let found = self.engine.store().reader()?.records(tenant, Shelf::Private, kind, &[id])?;
        Ok(found.first().map(Record::read).transpose()?.flatten())
    }

    fn keep(&self, tenant: &TenantId, wish: KeepPrivate) -> Result<Result<(), Rejection>, DoorError> {
        let request = Request {
            tenant: tenant.clone(),
            now: self.now,
            id: self.stamps.next(self.now),
            command: Command::KeepPrivate(wish),
            key: None,
            detail: Detail::Done,
        };
        Ok(self.engine.run_blocking(request)?.outcome.map(drop))
    }
}

fn address(text: &str) -> Result<String, DoorError> {
    let email = text.trim().to_lowercase();
    let halves = email.split_once('@').filter(|(user, host)| !user.is_empty() && !host.is_empty());
    let is_sound = halves.is_some_and(|(_, host)| !host.contains('@'))
        && email.chars().count() <= NAME_CHARS_MAX
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_sound {
        Ok(email)
    } else {
        Err(DoorError::Input("Please enter an e-mail address such as ada@example.com.".to_owned()))
    }
}
