//! An engine on a store in a directory that goes away with it.

use std::sync::Arc;

use engine::{Answer, Answered, Detail, Engine, Failure, Key, Request, Stamps};
use ledger::{Store, Tenant, postgres::PostgresStore, sqlite::SqliteStore, verify::verify};
use model::{
    command::{Command, PutItem, PutLocation, PutPolicy},
    id::{Channel, LocationId, TenantId},
    item::Policy,
    location::LocationSettings,
    refusal::Rejection,
    time::Timestamp,
};
use testkit::{
    ask::{instant, sku},
    core::{CoreShop, item},
    postgres::Cluster,
};

/// A shop with an engine that can be stopped and started again.
pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) store: Arc<dyn Store>,
    engine: Option<Engine>,
    stamps: Stamps,
    pub(crate) tenant: TenantId,
    /// The time of the next command.
    pub(crate) now: Timestamp,
}

impl World {
    /// A shop without anything, on Monday, 3 August 2026, 9:00 UTC.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(dir.path()).unwrap());
        Self::on(store, dir)
    }

    /// The same on a store of its own.
    pub(crate) fn on(store: Arc<dyn Store>, dir: tempfile::TempDir) -> Self {
        let engine = Some(Engine::start(Arc::clone(&store)).unwrap());
        let tenant = TenantId::new("acme").unwrap();
        let now = instant("2026-08-03T09:00:00Z");
        let world = Self { dir, store, engine, stamps: Stamps::new([1; 32]), tenant, now };
        world.add_tenant("acme");
        world
    }

    pub(crate) fn add_tenant(&self, name: &str) {
        let id = TenantId::new(name).unwrap();
        let mut writer = self.store.writer().unwrap();
        writer.create_tenant(&Tenant { id, created_at: self.now, salt: [7; 32] }).unwrap();
        writer.commit().unwrap();
    }

    /// A shop like [`World::open`] in a PostgreSQL database, and the database's address.
    pub(crate) fn on_postgres(cluster: &Cluster) -> (Self, String) {
        let url = cluster.database();
        let store = Arc::new(PostgresStore::open(&url).unwrap());
        let mut world = Self::on(store, tempfile::tempdir().unwrap());
        world.opens();
        (world, url)
    }

    /// Shops beside each other in a PostgreSQL database, on an engine with so many lanes; and the database's address. The first
    /// of them is at hand ([`World::tenant`]).
    pub(crate) fn in_lanes(cluster: &Cluster, lanes: usize, tenants: &[TenantId]) -> (Self, String) {
        let url = cluster.database();
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&url).unwrap());
        let engine = Some(Engine::start_in(Arc::clone(&store), lanes).unwrap());
        let now = instant("2026-08-03T09:00:00Z");
        let (dir, stamps) = (tempfile::tempdir().unwrap(), Stamps::new([1; 32]));
        let mut world = Self { dir, store, engine, stamps, tenant: tenants[0].clone(), now };
        for tenant in tenants.iter().rev() {
            world.add_tenant(tenant.as_str());
            world.tenant = tenant.clone();
            world.opens();
        }
        (world, url)
    }

    /// The same with one location that works every day and needs no time for anything.
    pub(crate) fn open() -> Self {
        let mut world = Self::new();
        world.opens();
        world
    }

    /// The same on a store of its own.
    pub(crate) fn opened_on(store: Arc<dyn Store>) -> Self {
        let mut world = Self::on(store, tempfile::tempdir().unwrap());
        world.opens();
        world
    }

    fn opens(&mut self) {
        let calendar = model::calendar::Calendar::every_day();
        self.location(CoreShop::MAIN, LocationSettings { calendar, ..LocationSettings::default() });
    }

    /// Where the store is.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Stops the engine, as when its process ends.
    pub(crate) fn stop(&mut self) {
        self.engine = None;
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn request(&self, command: Command) -> Request {
        let id = self.stamps.next(self.now);
        let tenant = self.tenant.clone();
        Request { tenant, now: self.now, id, command, key: None, detail: Detail::Full }
    }

    /// Runs a command under an idempotency key.
    pub(crate) fn run_as(&self, key: &str, command: Command) -> Answered {
        let key = Some(Key { key: key.into(), request: [9; 32] });
        self.engine().run_blocking(Request { key, ..self.request(command) }).unwrap()
    }

    /// Runs commands that cannot be refused, in this order and many in one transaction; with keys where they have one.
    pub(crate) fn must_all(
        &self,
        commands: impl IntoIterator<Item = (Option<String>, Command)>,
    ) -> Vec<Answer> {
        let send = |(key, command): (Option<String>, Command)| {
            let key = key.map(|key| Key { key: key.into(), request: [9; 32] });
            self.engine().send(Request { key, ..self.request(command) }).unwrap()
        };
        let answers: Vec<_> = commands.into_iter().map(send).collect();
        answers.into_iter().map(|answer| answer.blocking_recv().unwrap().unwrap().outcome.unwrap()).collect()
    }

    /// Runs a command.
    pub(crate) fn run(&self, command: Command) -> Result<Answer, Rejection> {
        self.engine().run_blocking(self.request(command)).unwrap().outcome
    }

    /// Runs a command that cannot be refused.
    pub(crate) fn must(&self, command: Command) -> Answer {
        self.run(command).unwrap()
    }

    pub(crate) fn run_due(&self) {
        self.try_due().unwrap();
    }

    pub(crate) fn try_due(&self) -> Result<usize, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.engine().run_due(self.now))
    }

    pub(crate) fn location(&mut self, name: &str, settings: LocationSettings) {
        let location = LocationId::stored(name);
        self.must(Command::PutLocation(PutLocation { location, settings, if_match: None }));
    }

    pub(crate) fn sells_as(&self, code: &str, policy: Policy) {
        self.must(Command::PutItem(PutItem { item: item(code), if_match: None }));
        self.policy(code, Channel::DEFAULT, policy);
    }

    pub(crate) fn policy(&self, code: &str, channel: &str, policy: Policy) {
        let channel = Channel::stored(channel);
        self.must(Command::PutPolicy(PutPolicy { sku: sku(code), channel, policy, if_match: None }));
    }

    /// Nothing kept is at odds with anything else.
    pub(crate) fn verify(&self) {
        let report = verify(&*self.store, &self.tenant, self.dir.path(), &mut |_| {}).unwrap();
        assert_eq!(report.violations, []);
    }
}
