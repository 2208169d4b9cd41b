//! A shop at random on the real engine, over a store in memory that fails at every step there is: before a transaction is
//! written, before it is kept and after, and before it is on disk, when all is lost that was not; with conflicts, commits whose
//! outcome nobody knows, processes that end, commits that take so long that the request comes again, and requests that come
//! twice. Two engines share the store, as two processes do.
//!
//! Where the engines have several lanes, each has a merchant of its own, and they share the clock.
//!
//! Everything follows from one seed: the shop, the faults and the order in which things happen. One command is under way at a
//! time, so threads cannot change what comes of it. The judge ([`crate::judge`]), who keeps simpler books, is told each
//! command with the ledger entries that it led to; in the end the checker replays the ledger.

mod faults;

use std::{collections::BTreeSet, fmt, sync::Arc, thread, time::Duration};

use engine::{Answered, Detail, Engine, Failure, Key, Request, Stamps};
use ledger::{Store, Tenant, memory::MemoryStore, memory::Moment, verify::verify};
use model::{command::Command, event::Event, id::TenantId, state::Touched, time::Timestamp};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tokio::sync::oneshot::error::TryRecvError;

use self::faults::{Fault, Plan};
use crate::{core::CoreShop, judge::Judge, random};

/// Commands of one run, beside those that set the shop up.
const STEPS: usize = 40;
/// How often a request is sent before it counts as never answered.
const TRIES: usize = 6;
const NODES: usize = 2;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Commands that had an effect.
    pub accepted: u64,
    /// Commands that were refused.
    pub refused: u64,
    /// Faults that happened.
    pub faults: u64,
    /// Of those, ends of a process.
    pub crashes: u64,
    /// Requests that were answered from what was kept.
    pub replayed: u64,
    /// Entries of the ledger.
    pub events: u64,
    /// A checksum of the ledger: two runs of one seed agree in it.
    pub ledger: u64,
}

impl Summary {
    /// Adds another run.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.faults += other.faults;
        self.crashes += other.crashes;
        self.replayed += other.replayed;
        self.events += other.events;
        self.ledger = self.ledger.rotate_left(7) ^ other.ledger;
    }
}

/// What is wrong, and the seed that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Makes the same run again.
    pub seed: u64,
    /// The step at which it was seen.
    pub step: usize,
    /// What it is.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, step {}: {}", self.seed, self.step, self.what)
    }
}

/// SplitMix64, one for each purpose, so that a change of one does not change the other.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}

/// Runs one seed. Errors: what the judge, the checker or a client found wrong.
pub fn run(seed: u64) -> Result<Summary, Wrong> {
    run_in(seed, 1)
}

/// The same on engines with so many lanes.
pub fn run_in(seed: u64, lanes: usize) -> Result<Summary, Wrong> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let wrong = |step: usize| move |what: String| Wrong { seed, step, what };
    let tree = random::steps(STEPS..STEPS + 1).new_tree(&mut runner);
    let steps = tree.map_err(|error| wrong(0)(error.to_string()))?.current();
    let mut world = World::new(seed, lanes).map_err(wrong(0))?;
    for at in 0..world.merchants.len() {
        world.at = at;
        for command in std::mem::take(&mut world.here().setup) {
            world.step(&command).map_err(wrong(0))?;
        }
    }
    for (at, step) in steps.iter().enumerate() {
        world.choose();
        let Some(command) = random::command(&mut world.here().shop, step) else { continue };
        if !matches!(command, Command::GoOn) {
            world.step(&command).map_err(|what| wrong(at + 1)(format!("{what}\nafter {command:?}")))?;
        }
    }
    world.end().map_err(wrong(steps.len()))?;
    Ok(world.summary)
}

struct World {
    plan: Arc<Plan>,
    store: MemoryStore,
    nodes: Vec<Option<Engine>>,
    lanes: usize,
    /// One of each lane, and whose turn it is.
    merchants: Vec<Merchant>,
    at: usize,
    stamps: Stamps,
    draws: Draws,
    /// Whose turn is next.
    turns: Draws,
    keys: u64,
    summary: Summary,
}

/// One tenant, with what is known of it.
struct Merchant {
    tenant: TenantId,
    /// The shop as the ledger makes it.
    shop: CoreShop,
    setup: Vec<Command>,
    judge: Judge,
    last_event: i64,
}

impl Merchant {
    fn new(tenant: TenantId) -> Self {
        let (shop, setup) = random::shop(usize::MAX);
        Self { tenant, shop, setup, judge: Judge::default(), last_event: 0 }
    }

    /// Ledger entries since the last look, done to the shop.
    fn news(&mut self, store: &MemoryStore, summary: &mut Summary) -> Result<Vec<Event>, String> {
        let mut reader = store.reader().map_err(said)?;
        let rows = reader.events(&self.tenant, self.last_event, usize::MAX).map_err(said)?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let event = Event::read(&row.kind, &row.data).map_err(said)?;
            let event = event.ok_or_else(|| format!("an entry of the unknown kind {}", row.kind))?;
            self.shop.shop.apply(&event, &mut Touched::default()).map_err(said)?;
            self.shop.events.push(event.clone());
            events.push(event);
            self.last_event = row.seq;
            summary.events += 1;
            for byte in row.data.bytes() {
                // FNV-1a.
                summary.ledger = (summary.ledger ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Ok(events)
    }

    fn witness(
        &mut self,
        command: &Command,
        outcome: Result<&[Event], &model::refusal::Rejection>,
    ) -> Result<(), String> {
        self.judge.witness(command, self.shop.now, outcome, &self.shop.shop, &BTreeSet::new())
    }
}

/// A tenant for each lane of an engine.
fn tenants(engine: &Engine) -> Result<Vec<TenantId>, String> {
    let mut names = std::iter::once("acme".to_owned()).chain((0..).map(|n| format!("shop-{n}")));
    let mut found: Vec<Option<TenantId>> = vec![None; engine.lanes()];
    while found.iter().any(Option::is_none) {
        let tenant = TenantId::new(&names.next().unwrap_or_default()).map_err(said)?;
        found[engine.lane_of(&tenant)].get_or_insert(tenant);
    }
    Ok(found.into_iter().flatten().collect())
}

/// How a request went.
struct Went {
    answered: Answered,
    /// The fault that was set happened.
    met: Option<Fault>,
}

fn said(error: impl fmt::Display) -> String {
    error.to_string()
}

impl World {
    fn new(seed: u64, lanes: usize) -> Result<Self, String> {
        let plan = Arc::<Plan>::default();
        let store = plan.store();
        let spread = Engine::start_in(Arc::new(MemoryStore::new([5; 32])), lanes).map_err(said)?;
        let merchants: Vec<Merchant> = tenants(&spread)?.into_iter().map(Merchant::new).collect();
        drop(spread);
        let mut writer = store.writer().map_err(said)?;
        for merchant in &merchants {
            let (id, created_at) = (merchant.tenant.clone(), merchant.shop.now);
            writer.create_tenant(&Tenant { id, created_at, salt: [7; 32] }).map_err(said)?;
        }
        writer.commit().map_err(said)?;
        drop(writer);
        let mut stamp = [3; 32];
        stamp[..8].copy_from_slice(&seed.to_be_bytes());
        let mut world = Self {
            plan,
            store,
            nodes: (0..NODES).map(|_| None).collect(),
            lanes,
            merchants,
            at: 0,
            stamps: Stamps::new(stamp),
            draws: Draws(seed ^ 0xfa17),
            turns: Draws(seed ^ 0x1a9e),
            keys: 0,
            summary: Summary::default(),
        };
        (0..NODES).try_for_each(|node| world.start(node))?;
        Ok(world)
    }

    fn here(&mut self) -> &mut Merchant {
        &mut self.merchants[self.at]
    }

    /// Gives the turn to one of the merchants, at the time that it is.
    fn choose(&mut self) {
        let now = self.merchants.iter().map(|merchant| merchant.shop.now).max();
        self.at = match self.merchants.len() {
            1 => 0,
            many => usize::try_from(self.turns.below(many as u64)).unwrap_or(0),
        };
        let here = self.here();
        here.shop.now = now.unwrap_or(here.shop.now);
    }

    fn start(&mut self, node: usize) -> Result<(), String> {
        // What ended goes first: it may still hold the store.
        self.nodes[node] = None;
        self.plan.restart();
        self.nodes[node] = Some(Engine::start_in(Arc::new(self.store.clone()), self.lanes).map_err(said)?);
        self.drain(node)
    }

    fn node(&self, node: usize) -> Result<&Engine, String> {
        self.nodes[node].as_ref().ok_or_else(|| "a node is missing".to_owned())
    }

    fn drain(&self, node: usize) -> Result<(), String> {
        // One lane after the other, so that no fault has two to meet.
        (0..self.lanes).try_for_each(|lane| wait(self.node(node)?.drain_in(lane)).map_err(said))
    }

    fn fault(&mut self) -> Option<Fault> {
        const MOMENTS: [Moment; 4] = [Moment::Write, Moment::Commit, Moment::Committed, Moment::Flush];
        let moment = MOMENTS[usize::try_from(self.draws.below(4)).unwrap_or(0)];
        Some(match self.draws.below(10) {
            0 if moment != Moment::Committed => Fault::Lost(moment),
            1 if matches!(moment, Moment::Write | Moment::Commit) => Fault::Conflict(moment),
            2 => Fault::Unknown,
            3 => Fault::Crash(moment),
            4 => Fault::Delay,
            _ => return None,
        })
    }

    /// Sends one command, whatever goes wrong, until it is answered; then sees what came of it.
    fn step(&mut self, command: &Command) -> Result<(), String> {
        self.keys += 1;
        let key: Arc<str> = format!("key-{}", self.keys).into();
        let node = usize::try_from(self.draws.below(NODES as u64)).unwrap_or(0);
        if matches!(command, Command::RunDue) {
            return self.run_due(node);
        }
        let fault = self.fault();
        let went = self.insist(node, &key, command, fault)?;
        // Nobody was told of what was kept: it must have been found, and not have been done again.
        let was_kept =
            matches!(went.met, Some(Fault::Unknown | Fault::Crash(Moment::Committed | Moment::Flush)));
        if went.met == Some(Fault::Lost(Moment::Flush)) && went.answered.replayed {
            return Err(format!("answered from what was lost: {:?}", went.answered));
        }
        if was_kept && went.answered.outcome.is_ok() && !went.answered.replayed {
            return Err(format!("done twice: {:?}", went.answered));
        }
        self.work_on(node)?;
        if went.answered.outcome.is_ok() && self.draws.below(3) == 0 {
            let other = usize::try_from(self.draws.below(NODES as u64)).unwrap_or(0);
            let again = self.insist(other, &key, command, None)?.answered;
            if !again.replayed || again.outcome != went.answered.outcome {
                return Err(format!("asked again: {again:?}, not {:?}", went.answered));
            }
            self.work_on(other)?;
        }
        let merchant = &mut self.merchants[self.at];
        let events = merchant.news(&self.store, &mut self.summary)?;
        match &went.answered.outcome {
            Ok(_) => {
                self.summary.accepted += 1;
                merchant.witness(command, Ok(&events))
            }
            Err(rejection) => {
                self.summary.refused += 1;
                merchant.witness(command, Err(rejection))
            }
        }
    }

    /// Does what is due, on one node.
    fn run_due(&mut self, node: usize) -> Result<(), String> {
        let now = self.here().shop.now;
        for lane in 0..self.lanes {
            self.run_due_in(node, lane, now)?;
        }
        self.work_on(node)?;
        self.summary.accepted += 1;
        for merchant in &mut self.merchants {
            merchant.shop.now = now;
            let events = merchant.news(&self.store, &mut self.summary)?;
            merchant.witness(&Command::RunDue, Ok(&events))?;
        }
        Ok(())
    }

    /// Does what is due in one lane; a fault may meet that too.
    fn run_due_in(&mut self, node: usize, lane: usize, now: Timestamp) -> Result<(), String> {
        let fault = self.fault().filter(|fault| *fault != Fault::Delay);
        self.plan.set(fault);
        let mut tries = 0;
        while let Err(failure) = wait(self.node(node)?.run_due_in(lane, now)) {
            tries += 1;
            if tries == TRIES {
                return Err(format!("timers are never worked: {failure}"));
            }
            self.recover(node)?;
        }
        self.count(fault);
        Ok(())
    }

    /// Goes on with work that was left behind; a fault may meet that too.
    fn work_on(&mut self, node: usize) -> Result<(), String> {
        let fault = if self.draws.below(4) == 0 { self.fault() } else { None };
        let fault = fault.filter(|fault| *fault != Fault::Delay);
        self.plan.set(fault);
        let mut tries = 0;
        while self.drain(node).is_err() {
            tries += 1;
            if tries == TRIES {
                return Err("work that was left is never done".to_owned());
            }
            self.recover(node)?;
        }
        self.count(fault);
        Ok(())
    }

    fn count(&mut self, fault: Option<Fault>) -> Option<Fault> {
        let fault = fault.filter(|_| !self.plan.take())?;
        self.summary.faults += 1;
        self.summary.crashes += u64::from(matches!(fault, Fault::Crash(_)));
        Some(fault)
    }

    /// After a failure: a process that ended is started again.
    fn recover(&mut self, node: usize) -> Result<(), String> {
        if self.plan.has_ended() { self.start(node) } else { Ok(()) }
    }

    /// Sends a request with the same key until it is answered.
    fn insist(
        &mut self,
        node: usize,
        key: &Arc<str>,
        command: &Command,
        fault: Option<Fault>,
    ) -> Result<Went, String> {
        self.plan.set(fault);
        for _ in 0..TRIES {
            let mut first = self.send(node, key, command)?;
            let mut second = None;
            if fault == Some(Fault::Delay) {
                // Until it waits, or has been answered without writing anything.
                let answered = loop {
                    match first.try_recv() {
                        Ok(answered) => break Some(answered),
                        Err(TryRecvError::Closed) => return Err("nobody answers".to_owned()),
                        Err(TryRecvError::Empty) if self.plan.waits() => break None,
                        Err(TryRecvError::Empty) => thread::park_timeout(Duration::from_micros(50)),
                    }
                };
                if let Some(answered) = answered {
                    let met = self.count(fault);
                    return Ok(Went { answered: answered.map_err(said)?, met });
                }
                second = Some(self.send(node, key, command)?);
                self.plan.go_on();
            }
            match first.blocking_recv().map_err(said)? {
                Ok(answered) => {
                    if let Some(second) = second {
                        let second = second.blocking_recv().map_err(said)?.map_err(said)?;
                        if second.outcome != answered.outcome
                            || (answered.outcome.is_ok() && !second.replayed)
                        {
                            return Err(format!("the second of two at once: {second:?}, not {answered:?}"));
                        }
                    }
                    self.summary.replayed += u64::from(answered.replayed);
                    let met = self.count(fault);
                    return Ok(Went { answered, met });
                }
                Err(Failure::Store(_) | Failure::Stopped) => self.recover(node)?,
                Err(failure) => return Err(said(failure)),
            }
        }
        Err("never answered".to_owned())
    }

    fn send(
        &self,
        node: usize,
        key: &Arc<str>,
        command: &Command,
    ) -> Result<tokio::sync::oneshot::Receiver<Result<Answered, Failure>>, String> {
        let merchant = &self.merchants[self.at];
        let now = merchant.shop.now;
        let request = Request {
            tenant: merchant.tenant.clone(),
            now,
            id: self.stamps.next(now),
            command: command.clone(),
            key: Some(Key { key: Arc::clone(key), request: [9; 32] }),
            detail: Detail::Full,
        };
        self.node(node)?.send(request).map_err(said)
    }

    /// Ends every process, and checks the store.
    fn end(&mut self) -> Result<(), String> {
        self.nodes.clear();
        let scratch = tempfile::tempdir().map_err(said)?;
        for merchant in &self.merchants {
            let scratch = scratch.path().join(merchant.tenant.as_str());
            std::fs::create_dir(&scratch).map_err(said)?;
            let report = verify(&self.store, &merchant.tenant, &scratch, &mut |_| {}).map_err(said)?;
            if let Some(first) = report.violations.first() {
                return Err(format!("{}: {}", first.kind, first.detail));
            }
        }
        Ok(())
    }
}

fn wait<T>(call: impl Future<Output = T>) -> T {
    // Nothing of it needs a runtime's clock or sockets.
    match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(call),
        Err(error) => panic!("no runtime: {error}"),
    }
}
