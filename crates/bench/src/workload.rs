//! One hot SKU that is backordered, and orders of one unit of it.

use std::{
    collections::VecDeque,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{Answer, Engine, Key, Request, Stamps};
use ledger::{Store, Tenant, sqlite::SqliteStore};
use model::{
    command::{AddSupply, AskLine, Command, Contact, PlaceOrder, PutItem, PutLocation, PutPolicy},
    id::{Channel, LocationId, Sku, SupplyId, TenantId},
    item::{Cap, Item, Policy, WhenOut},
    location::LocationSettings,
    money::{Currency, Money},
    supply::SupplyKind,
    time::{Timestamp, days_after, local_date},
};

/// Enough units that no run ends them.
const UNITS: i64 = 900_000_000;

/// A shop with one hot SKU on an engine of its own.
pub(crate) struct Shop {
    pub engine: Arc<Engine>,
    pub tenant: TenantId,
    stamps: Stamps,
    count: u64,
    /// 2026-11-23T09:00Z and so many seconds.
    pub now: Timestamp,
}

/// How long each of some orders took, from asking to the durable answer.
pub(crate) struct Run {
    pub orders: usize,
    pub took: Duration,
    pub latencies: Vec<Duration>,
}

impl Run {
    /// Orders a second.
    pub(crate) fn rate(&self) -> f64 {
        self.orders as f64 / self.took.as_secs_f64()
    }

    /// Adds the orders of another run beside this one.
    pub(crate) fn join(&mut self, other: Self) {
        self.orders += other.orders;
        self.latencies.extend(other.latencies);
    }

    /// The latency that so many of a hundred orders kept.
    pub(crate) fn percentile(&mut self, percent: usize) -> Duration {
        self.latencies.sort_unstable();
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

impl Shop {
    /// Opens a new shop in a directory.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        Self::on(Arc::new(SqliteStore::open(dir)?))
    }

    /// Opens a new shop in a store.
    pub(crate) fn on(store: Arc<dyn Store>) -> anyhow::Result<Self> {
        let tenant = Tenant { id: TenantId::new("bench")?, created_at: start()?, salt: [7; 32] };
        {
            let mut writer = store.writer()?;
            writer.create_tenant(&tenant)?;
            writer.commit()?;
        }
        let mut shop = Self::join(store, 0)?;
        shop.stock()?;
        Ok(shop)
    }

    /// A new shop beside others on one engine, whose store this is.
    pub(crate) fn beside(engine: &Arc<Engine>, store: &dyn Store, name: &str) -> anyhow::Result<Self> {
        let tenant = Tenant { id: TenantId::new(name)?, created_at: start()?, salt: [7; 32] };
        let mut writer = store.writer()?;
        writer.create_tenant(&tenant)?;
        writer.commit()?;
        let (engine, stamps) = (Arc::clone(engine), Stamps::new([1; 32]));
        let mut shop = Self { engine, tenant: tenant.id, stamps, count: 0, now: start()? };
        shop.stock()?;
        Ok(shop)
    }

    /// A node on a shop that is open; its orders and ids are those of no other node.
    pub(crate) fn join(store: Arc<dyn Store>, node: u8) -> anyhow::Result<Self> {
        Ok(Self {
            engine: Arc::new(Engine::start(store)?),
            tenant: TenantId::new("bench")?,
            stamps: Stamps::new([node + 1; 32]),
            count: u64::from(node) << 40,
            now: start()?,
        })
    }

    fn stock(&mut self) -> anyhow::Result<()> {
        let (location, settings) = (LocationId::new("main")?, LocationSettings::default());
        self.run(Command::PutLocation(PutLocation { location, settings, if_match: None }))?;
        self.sell(&sku(), UNITS).map(drop)
    }

    /// Describes a SKU that is backordered, with a supply of so many units; answers that.
    pub(crate) fn sell(&mut self, sku: &Sku, units: i64) -> anyhow::Result<SupplyId> {
        let [item, policy, supply] = self.selling(sku, units)?;
        self.run(item)?;
        self.run(policy)?;
        match self.run(supply)? {
            Answer::SupplyAdded(entered) => Ok(entered.view.supply.id),
            other => anyhow::bail!("a supply was answered with {other:?}"),
        }
    }

    /// The commands that do.
    pub(crate) fn selling(&self, sku: &Sku, units: i64) -> anyhow::Result<[Command; 3]> {
        let location = LocationId::new("main")?;
        let (sku, channel) = (sku.clone(), Channel::default());
        let item = item(sku.clone());
        let policy =
            Policy { when_out: WhenOut::Backorder, backorder_cap: Cap::Unlimited, ..Policy::default() };
        let today = local_date(self.now, &model::time::Zone::utc());
        Ok([
            Command::PutItem(PutItem { item, if_match: None }),
            Command::PutPolicy(PutPolicy { sku: sku.clone(), channel, policy, if_match: None }),
            Command::AddSupply(AddSupply {
                sku,
                location,
                kind: SupplyKind::PurchaseOrder,
                quantity: units,
                expected_on: days_after(today, 30),
                supplier: None,
                reference: None,
                promise_buffer_days: None,
            }),
        ])
    }

    /// Runs a command that is not refused.
    pub(crate) fn run(&mut self, command: Command) -> anyhow::Result<Answer> {
        let request = self.request(command, None);
        let answered = self.engine.run_blocking(request)?;
        answered.outcome.map_err(|rejection| anyhow::anyhow!("refused: {rejection:?}"))
    }

    /// A request of this node.
    pub(crate) fn request(&self, command: Command, key: Option<Key>) -> Request {
        Request {
            tenant: self.tenant.clone(),
            now: self.now,
            id: self.stamps.next(self.now),
            command,
            key,
            detail: engine::Detail::Full,
        }
    }

    /// An order of one unit with everything a shop sends: customer, reference, idempotency key.
    pub(crate) fn order_of(&mut self, sku: &Sku) -> Request {
        self.count += 1;
        let n = self.count;
        let email: Arc<str> = format!("buyer{n}@example.com").into();
        let wish = PlaceOrder {
            reference: Some(format!("S-{n}").into()),
            customer: Some(server::app::customer_key(&[7; 32], &email)),
            contact: Contact { email: Some(email), name: Some("A Buyer".into()), ..Contact::default() },
            country: Some("US".into()),
            lines: vec![AskLine { sku: sku.clone(), quantity: 1, unit_price: None }],
            ..PlaceOrder::default()
        };
        let mut request = [0; 32];
        request[..8].copy_from_slice(&n.to_be_bytes());
        // Keys come in no order, as clients make them at random.
        let scattered = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let key = Key { key: format!("{scattered:016x}-{n:x}").into(), request };
        self.request(Command::PlaceOrder(Box::new(wish)), Some(key))
    }

    /// Places so many orders, always so many of them in flight.
    pub(crate) fn place(&mut self, orders: usize, in_flight: usize) -> anyhow::Result<Run> {
        self.place_of(&sku(), orders, in_flight)
    }

    /// The same of another SKU.
    pub(crate) fn place_of(&mut self, sku: &Sku, orders: usize, in_flight: usize) -> anyhow::Result<Run> {
        let mut numbers = 0..orders;
        self.place_while(sku, in_flight, || numbers.next().is_some())
    }

    /// Places orders as long as there are to be more, always so many of them in flight.
    pub(crate) fn place_while(
        &mut self,
        sku: &Sku,
        in_flight: usize,
        mut more: impl FnMut() -> bool,
    ) -> anyhow::Result<Run> {
        let (mut latencies, mut orders) = (Vec::new(), 0);
        let mut waiting = VecDeque::with_capacity(in_flight);
        let begun = Instant::now();
        while more() {
            if waiting.len() == in_flight {
                latencies.push(answer(&mut waiting)?);
            }
            let request = self.order_of(sku);
            waiting.push_back((Instant::now(), self.engine.send(request)?));
            orders += 1;
        }
        while !waiting.is_empty() {
            latencies.push(answer(&mut waiting)?);
        }
        Ok(Run { orders, took: begun.elapsed(), latencies })
    }

    /// Places orders at a steady rate, whether or not those before are answered: each counts from the moment it was to be
    /// sent.
    pub(crate) fn place_steadily(&mut self, a_second: f64, orders: usize) -> anyhow::Result<Run> {
        let mut latencies = Vec::with_capacity(orders);
        let mut waiting: VecDeque<Waiting> = VecDeque::new();
        let begun = Instant::now();
        for n in 0..orders {
            let due = begun + Duration::from_secs_f64(n as f64 / a_second);
            loop {
                take_answered(&mut waiting, &mut latencies)?;
                let now = Instant::now();
                if now >= due {
                    break;
                }
                std::thread::park_timeout((due - now).min(Duration::from_micros(500)));
            }
            let request = self.order_of(&sku());
            waiting.push_back((due, self.engine.send(request)?));
        }
        while !waiting.is_empty() {
            latencies.push(answer(&mut waiting)?);
        }
        Ok(Run { orders, took: begun.elapsed(), latencies })
    }
}

/// Takes every answer that is there, in order.
fn take_answered(waiting: &mut VecDeque<Waiting>, latencies: &mut Vec<Duration>) -> anyhow::Result<()> {
    while let Some((sent, answer)) = waiting.front_mut() {
        match answer.try_recv() {
            Err(tokio::sync::oneshot::error::TryRecvError::Empty) => return Ok(()),
            answered => {
                answered??.outcome.map_err(|rejection| anyhow::anyhow!("refused: {rejection:?}"))?;
                latencies.push(sent.elapsed());
                waiting.pop_front();
            }
        }
    }
    Ok(())
}

type Waiting = (Instant, tokio::sync::oneshot::Receiver<Result<engine::Answered, engine::Failure>>);

pub(crate) fn answer(waiting: &mut VecDeque<Waiting>) -> anyhow::Result<Duration> {
    let Some((sent, answer)) = waiting.pop_front() else { return Ok(Duration::ZERO) };
    let answered = answer.blocking_recv()??;
    answered.outcome.map_err(|rejection| anyhow::anyhow!("refused: {rejection:?}"))?;
    Ok(sent.elapsed())
}

/// A SKU as shops describe one.
pub(crate) fn item(sku: Sku) -> Item {
    Item {
        sku,
        title: "A thing that everybody wants".into(),
        price: Some(Money::new(4_900, Currency::USD)),
        unit_cost: None,
        components: Vec::new(),
        barcode: None,
        supplier: None,
        tags: Vec::new(),
        substitutes: Vec::new(),
        discontinued: false,
    }
}

/// The SKU that everybody wants.
pub(crate) fn sku() -> Sku {
    Sku::stored("HOT-1")
}

fn start() -> anyhow::Result<Timestamp> {
    Ok("2026-11-23T09:00:00Z".parse()?)
}
