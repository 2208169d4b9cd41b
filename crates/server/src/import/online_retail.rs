//! `online-retail`: a year of a real shop, replayed in time order against supply made by a stated rule.
//!
//! The file has invoices and no purchases, so the supply is made up, by this rule, the same each time:
//!
//! - **Opening stock.** A SKU that is seen first has twenty times the units of that line on the shelf, at least 240.
//! - **Weekly purchase orders.** Each Monday a SKU whose stock, on hand and on order less what is promised, covers less than four
//!   weeks of what it sold a week lately (the mean of the last four weeks, or of as many as it is known) is ordered up to ten
//!   weeks, in sixes, at least twelve, due in 14 days.
//! - **Lateness.** Six of ten orders come on the day, the others 2, 4, 7 and 9 days late, by a hash of SKU and week.
//! - **Terms.** Everything is sold on backorder without a cap; what is not inbound is promised in 28 days.
//!
//! An invoice is one order (of at most 500 lines, else several). What is on hand ships at once, the rest when it is received. A
//! negative quantity calls off what of the customer's latest purchases has not shipped, and returns the rest to stock. Every
//! command has an id and a key of its own made from its place in the file: the same file again changes nothing, and an import
//! that was killed goes on where it stood.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
};

use connect::tables::online_retail::{self, InvoiceLine, LineClass};
use engine::{Answer, Answered, Failure, Key, Stamps};
use model::{
    Units,
    command::{
        AddSupply, Adjust, AskLine, CancelOrder, Command, PlaceOrder, PutItem, PutPolicy, Receive, Ship,
    },
    event::AdjustReason,
    id::{Channel, CustomerKey, LineId, LocationId, OrderId, Sku, SupplyId},
    item::{Cap, Item, Policy, WhenOut},
    limits::LINES_MAX,
    location::LocationSettings,
    money::{Currency, Money},
    refusal::Rejection,
    supply::SupplyKind,
    time::{Date, Time, Timestamp, Weekday, Zone, days_after},
};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{OrSay, Outcome, session::Session};

const OPENING_FACTOR: Units = 20;
const OPENING_MIN: Units = 240;
const WEEKS_REMEMBERED: usize = 4;
const WEEKS_MIN: Units = 4;
const WEEKS_TARGET: Units = 10;
const PACK: Units = 6;
const ORDER_MIN: Units = 12;
const SUPPLY_DAYS: u16 = 14;
const LATE_DAYS: [u16; 10] = [0, 0, 0, 0, 0, 0, 2, 4, 7, 9];
const LEAD_TIME_DAYS: u16 = 28;

/// Replays the file.
pub(super) fn replay(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    let mut lines = online_retail::read(source)?;
    let mut replay = Replay::start(session)?;
    while let Some(line) = lines.next() {
        match line {
            Err(error) => replay.session.unread(&error),
            Ok(line) => replay.line(&line)?,
        }
    }
    replay.end()
}

type Answering = oneshot::Receiver<Result<Answered, Failure>>;

/// A purchase that may come back.
struct Bought {
    line: LineId,
    left: Units,
}

/// What the rule knows of a SKU.
struct Book {
    sku: Sku,
    /// On hand and on order less what is promised.
    position: Units,
    /// Units sold, by week, the current one first.
    sold: [Units; WEEKS_REMEMBERED],
    /// Mondays it has seen, up to those remembered.
    weeks: usize,
}

/// An invoice whose rows are still coming.
struct Invoice {
    number: String,
    row: u64,
    at: Timestamp,
    customer: Option<u32>,
    country: Option<&'static str>,
    lines: Vec<AskLine>,
}

/// A command whose answer decides what comes next, looked at by the end of the day.
enum Open {
    /// A receipt: the orders it serves ship.
    Receipt(Answering),
    /// Units called off, or else returned; with the row, and how many rows this decides over.
    Return { row: (u64, u64), units: Units, line: LineId, sku: Sku, answer: Answering },
    /// Stock written off, or else more than there was.
    WriteOff { answer: Answering },
}

struct Replay<'a> {
    session: &'a mut Session,
    zone: Zone,
    location: LocationId,
    stamps: Stamps,
    ordinal: u64,
    day: Option<Date>,
    books: BTreeMap<String, Book>,
    bought: HashMap<(u32, Sku), Vec<Bought>>,
    receipts: BTreeMap<Date, Vec<SupplyId>>,
    invoice: Option<Invoice>,
    open: Vec<Open>,
    beyond_stock: u64,
    unmatched: u64,
    not_goods: u64,
}

impl<'a> Replay<'a> {
    fn start(session: &'a mut Session) -> Outcome<Self> {
        let zone = Zone::new("Europe/London").or_say("the shop's time zone")?;
        let location = LocationId::stored("warehouse");
        let settings = LocationSettings {
            name: "Warehouse".to_owned(),
            time_zone: zone.clone(),
            ..LocationSettings::default()
        };
        session.ensure_location_as(1, &location, settings)?;
        session.settle()?;
        // The same ids each time, and by nobody guessed: the salt is random, secret and the tenant's own.
        let seed = Sha256::new().chain_update(b"online-retail").chain_update(session.tenant.salt).finalize();
        Ok(Self {
            session,
            zone,
            location,
            stamps: Stamps::new(seed.into()),
            ordinal: 0,
            day: None,
            books: BTreeMap::new(),
            bought: HashMap::new(),
            receipts: BTreeMap::new(),
            invoice: None,
            open: Vec::new(),
            beyond_stock: 0,
            unmatched: 0,
            not_goods: 0,
        })
    }

    fn line(&mut self, line: &InvoiceLine<'_>) -> Outcome<()> {
        self.session.row();
        if self.session.dry_run {
            let goods = line.class != LineClass::NotGoods;
            self.session.report.imported += u64::from(goods);
            self.session.report.skipped += u64::from(!goods);
            return Ok(());
        }
        let date = line.at.date();
        if self.day != Some(date) {
            self.close_invoice()?;
            self.begin_day(date)?;
        }
        if self.invoice.as_ref().is_some_and(|invoice| *invoice.number != *line.invoice) {
            self.close_invoice()?;
        }
        let at = self.instant(date, line.at.time())?;
        match line.class {
            LineClass::NotGoods => {
                self.not_goods += 1;
                self.session.report.skipped += 1;
            }
            LineClass::Sale => self.sale(line, at)?,
            LineClass::Return => self.take_back(line, at)?,
            LineClass::StockCorrection => self.correct(line, at)?,
        }
        Ok(())
    }

    fn instant(&self, date: Date, time: Time) -> Outcome<Timestamp> {
        self.zone.first_instant(date, time).or_say("a time that does not exist")
    }

    fn sale(&mut self, line: &InvoiceLine<'_>, at: Timestamp) -> Outcome<()> {
        let sku = self.know(line, at)?;
        let Some(book) = self.books.get_mut(&*line.stock_code) else { return Ok(()) };
        book.position -= line.quantity;
        book.sold[0] += line.quantity;
        let ask = AskLine { sku, quantity: line.quantity, unit_price: Some(pounds(line.unit_price_pence)) };
        let invoice = self.invoice.get_or_insert_with(|| Invoice {
            number: line.invoice.to_string(),
            row: line.row,
            at,
            customer: line.customer,
            country: country(&line.country),
            lines: Vec::new(),
        });
        invoice.lines.push(ask);
        if invoice.lines.len() == LINES_MAX {
            self.close_invoice()?;
        }
        Ok(())
    }

    /// Sends the invoice in hand as an order, and ships what of it is here.
    fn close_invoice(&mut self) -> Outcome<()> {
        let Some(invoice) = self.invoice.take() else { return Ok(()) };
        let (id, key) = self.own(invoice.at, &invoice.number);
        let order = OrderId(id);
        for (at, line) in invoice.lines.iter().enumerate() {
            let Some(customer) = invoice.customer else { break };
            let no = u16::try_from(at + 1).unwrap_or(u16::MAX);
            let bought = Bought { line: LineId { order, no }, left: line.quantity };
            self.bought.entry((customer, line.sku.clone())).or_default().push(bought);
        }
        // Every row of the invoice goes in with it.
        let rows = invoice.lines.len() as u64;
        let wish = PlaceOrder {
            reference: Some(invoice.number.as_str().into()),
            customer: invoice.customer.map(|customer| self.customer(customer)),
            country: invoice.country.map(Into::into),
            lines: invoice.lines,
            ..PlaceOrder::default()
        };
        self.session.send_as(
            invoice.row,
            rows,
            invoice.at,
            Some((id, key)),
            Command::PlaceOrder(Box::new(wish)),
        )?;
        self.ship(order, invoice.at)
    }

    fn ship(&mut self, order: OrderId, at: Timestamp) -> Outcome<()> {
        let (id, key) = self.own(at, &order.to_string());
        let wish = Ship {
            order,
            lines: Vec::new(),
            tracking: None,
            carrier: None,
            tracking_url: None,
            shipped_at: at,
        };
        self.session.send_as(0, 0, at, Some((id, key)), Command::Ship(wish)).map(drop)
    }

    fn take_back(&mut self, line: &InvoiceLine<'_>, at: Timestamp) -> Outcome<()> {
        let sku = self.know(line, at)?;
        let mut left = -line.quantity;
        if let Some(book) = self.books.get_mut(&*line.stock_code) {
            book.position += left;
        }
        let mut back = Vec::new();
        if let Some(bought) = line.customer.and_then(|customer| self.bought.get_mut(&(customer, sku.clone())))
        {
            while left > 0
                && let Some(last) = bought.last_mut()
            {
                let units = last.left.min(left);
                back.push((last.line, units));
                left -= units;
                last.left -= units;
                if last.left == 0 {
                    bought.pop();
                }
            }
        }
        // One command decides over the row: the last.
        let last = if left > 0 { back.len() } else { back.len().saturating_sub(1) };
        for (nth, (id, units)) in back.into_iter().enumerate() {
            let wish = CancelOrder {
                order: id.order,
                lines: vec![(id, Some(units))],
                reason: Some("returned or cancelled".into()),
                placed_by: None,
                by_customer: true,
            };
            let answer = self.ask(at, &line.invoice, Command::CancelOrder(wish))?;
            let row = (line.row, u64::from(nth == last));
            self.open.push(Open::Return { row, units, line: id, sku: sku.clone(), answer });
        }
        if left > 0 {
            self.unmatched += 1;
            self.back_to_stock((line.row, 1), at, &sku, left)?;
        }
        Ok(())
    }

    fn count(&mut self, rows: u64, skipped: bool) {
        let report = &mut self.session.report;
        *if skipped { &mut report.skipped } else { &mut report.imported } += rows;
    }

    fn back_to_stock(&mut self, row: (u64, u64), at: Timestamp, sku: &Sku, units: Units) -> Outcome<()> {
        self.adjust(row, at, sku, units, AdjustReason::ReturnToStock)
    }

    fn adjust(
        &mut self,
        (row, rows): (u64, u64),
        at: Timestamp,
        sku: &Sku,
        delta: Units,
        reason: AdjustReason,
    ) -> Outcome<()> {
        let own = self.own(at, sku.as_str());
        let location = self.location.clone();
        let wish =
            Adjust { sku: sku.clone(), location, delta, reason, line: None, quarantine: false, note: None };
        self.session.send_as(row, rows, at, Some(own), Command::Adjust(wish)).map(drop)
    }

    fn correct(&mut self, line: &InvoiceLine<'_>, at: Timestamp) -> Outcome<()> {
        let sku = self.know(line, at)?;
        if line.quantity >= 0 {
            if let Some(book) = self.books.get_mut(&*line.stock_code) {
                book.position += line.quantity;
            }
            return self.adjust((line.row, 1), at, &sku, line.quantity, AdjustReason::Count);
        }
        let location = self.location.clone();
        let wish = Adjust {
            sku,
            location,
            delta: line.quantity,
            reason: AdjustReason::Loss,
            line: None,
            quarantine: false,
            note: None,
        };
        let answer = self.ask(at, &line.invoice, Command::Adjust(wish))?;
        self.open.push(Open::WriteOff { answer });
        Ok(())
    }

    /// Describes a SKU that is seen first, and stocks it.
    fn know(&mut self, line: &InvoiceLine<'_>, at: Timestamp) -> Outcome<Sku> {
        if let Some(book) = self.books.get(&*line.stock_code) {
            return Ok(book.sku.clone());
        }
        let sku = Sku::new(&line.stock_code).or_say("a stock code")?;
        let title = line.description.trim();
        let price = (line.unit_price_pence > 0).then(|| pounds(line.unit_price_pence));
        let item = Item {
            sku: sku.clone(),
            title: if title.is_empty() { sku.as_str().into() } else { title.into() },
            price,
            unit_cost: None,
            components: Vec::new(),
            barcode: None,
            supplier: None,
            tags: Vec::new(),
            substitutes: Vec::new(),
            discontinued: false,
        };
        let policy = Policy {
            when_out: WhenOut::Backorder,
            backorder_cap: Cap::Unlimited,
            lead_time_days: Some(LEAD_TIME_DAYS),
            ..Policy::default()
        };
        let opening = (OPENING_FACTOR * line.quantity.abs()).max(OPENING_MIN);
        let own = self.own(at, sku.as_str());
        self.session.send_as(
            line.row,
            0,
            at,
            Some(own),
            Command::PutItem(PutItem { item, if_match: None }),
        )?;
        let own = self.own(at, sku.as_str());
        let put = PutPolicy { sku: sku.clone(), channel: Channel::default(), policy, if_match: None };
        self.session.send_as(line.row, 0, at, Some(own), Command::PutPolicy(put))?;
        self.adjust((line.row, 0), at, &sku, opening, AdjustReason::OpeningStock)?;
        let book = Book { sku: sku.clone(), position: opening, sold: [0; WEEKS_REMEMBERED], weeks: 0 };
        self.books.insert(line.stock_code.to_string(), book);
        Ok(sku)
    }

    /// Ends the days before a date: answers are looked at, goods come in, Mondays order.
    fn begin_day(&mut self, date: Date) -> Outcome<()> {
        let mut day = match self.day {
            Some(last) => days_after(last, 1).or_say("the calendar ended")?,
            None => date,
        };
        while day <= date {
            let early = self.instant(day, Time::midnight())?;
            self.look(early)?;
            for supply in self.receipts.remove(&day).unwrap_or_default() {
                let wish = Receive::whole(supply);
                let answer = self.ask(early, &supply.to_string(), Command::Receive(wish))?;
                self.open.push(Open::Receipt(answer));
            }
            self.look(early)?;
            if day.weekday() == Weekday::Monday {
                self.order_supplies(day, early)?;
            }
            day = days_after(day, 1).or_say("the calendar ended")?;
        }
        self.day = Some(date);
        Ok(())
    }

    /// Orders what the rule asks for.
    fn order_supplies(&mut self, day: Date, at: Timestamp) -> Outcome<()> {
        let mut wanted = Vec::new();
        for (code, book) in &mut self.books {
            book.weeks = (book.weeks + 1).min(WEEKS_REMEMBERED);
            let weekly = book.sold.iter().sum::<Units>().unsigned_abs().div_ceil(book.weeks as u64);
            let weekly = Units::try_from(weekly).unwrap_or(Units::MAX);
            book.sold.rotate_right(1);
            book.sold[0] = 0;
            if book.position >= WEEKS_MIN * weekly {
                continue;
            }
            let missing = (WEEKS_TARGET * weekly - book.position).max(ORDER_MIN);
            let quantity = (missing + PACK - 1) / PACK * PACK;
            book.position += quantity;
            wanted.push((code.clone(), book.sku.clone(), quantity));
        }
        let due = days_after(day, SUPPLY_DAYS).or_say("the calendar ended")?;
        for (code, sku, quantity) in wanted {
            let reference = format!("{day}/{code}");
            let late = LATE_DAYS[usize::from(Sha256::digest(reference.as_bytes())[0]) % LATE_DAYS.len()];
            let (id, key) = self.own(at, &reference);
            let wish = AddSupply {
                sku,
                location: self.location.clone(),
                kind: SupplyKind::PurchaseOrder,
                quantity,
                expected_on: Some(due),
                supplier: None,
                reference: Some(reference.into()),
                promise_buffer_days: None,
            };
            self.session.send_as(0, 0, at, Some((id, key)), Command::AddSupply(wish))?;
            let comes = days_after(due, late).or_say("the calendar ended")?;
            self.receipts.entry(comes).or_default().push(SupplyId(id));
        }
        Ok(())
    }

    /// Looks at the answers that are open, and does what they ask for.
    fn look(&mut self, at: Timestamp) -> Outcome<()> {
        for open in std::mem::take(&mut self.open) {
            match open {
                Open::Receipt(answer) => {
                    let Ok(Answer::SupplyChanged(change)) =
                        answer.blocking_recv().or_say("no answer")??.outcome
                    else {
                        continue;
                    };
                    let mut orders: Vec<OrderId> =
                        change.lines.unwrap_or_default().into_iter().map(|line| line.order).collect();
                    orders.dedup();
                    for order in orders {
                        self.ship(order, at)?;
                    }
                }
                Open::Return { row, units, line, sku, answer } => {
                    // What has shipped cannot be called off: that much came back.
                    let answered = answer.blocking_recv().or_say("no answer")??;
                    let Err(Rejection::Refused(refusal)) = answered.outcome else {
                        self.count(row.1, answered.replayed || answered.outcome.is_err());
                        continue;
                    };
                    let still_open = refusal.available.unwrap_or(0).clamp(0, units);
                    let (row, rows) = row;
                    if still_open > 0 {
                        let (id, key) = self.own(at, &line.to_string());
                        let wish = CancelOrder {
                            order: line.order,
                            lines: vec![(line, Some(still_open))],
                            reason: Some("returned or cancelled".into()),
                            placed_by: None,
                            by_customer: true,
                        };
                        self.session.send_as(row, rows, at, Some((id, key)), Command::CancelOrder(wish))?;
                    }
                    if units > still_open {
                        // The cancel before decides over the row, if there was one.
                        let rows = if still_open > 0 { 0 } else { rows };
                        self.back_to_stock((row, rows), at, &sku, units - still_open)?;
                    }
                }
                Open::WriteOff { answer } => {
                    let answered = answer.blocking_recv().or_say("no answer")??;
                    self.beyond_stock += u64::from(answered.outcome.is_err());
                    self.count(1, answered.replayed || answered.outcome.is_err());
                }
            }
        }
        Ok(())
    }

    fn end(mut self) -> Outcome<()> {
        self.close_invoice()?;
        if let Some(day) = self.day {
            let late = self.instant(day, Time::constant(23, 59, 0, 0))?;
            self.look(late)?;
        }
        self.session.settle()?;
        let notes = [
            (self.not_goods, "rows are postage, fees and samples and move no goods"),
            (self.unmatched, "returns are of goods bought before the file begins"),
            (
                self.beyond_stock,
                "corrections write off more than the made-up opening stock has, and were left out",
            ),
        ];
        let said = notes.iter().filter(|(count, _)| *count > 0);
        self.session.report.notes.extend(said.map(|(count, what)| format!("{count} {what}")));
        Ok(())
    }

    fn customer(&self, number: u32) -> CustomerKey {
        crate::app::customer_key(&self.session.tenant.salt, &format!("online-retail:{number}"))
    }

    /// The id and key of the next command: the same ones each time the file is replayed.
    fn own(&mut self, at: Timestamp, what: &str) -> (Uuid, Key) {
        self.ordinal += 1;
        let key = format!("import:online-retail:{}", self.ordinal);
        let request =
            Sha256::new().chain_update(key.as_bytes()).chain_update(what.as_bytes()).finalize().into();
        (self.stamps.next(at), Key { key: key.into(), request })
    }

    fn ask(&mut self, at: Timestamp, what: &str, command: Command) -> Outcome<Answering> {
        let (id, key) = self.own(at, what);
        self.session.ask(at, id, key, command)
    }
}

fn pounds(pence: i64) -> Money {
    Money::new(pence, Currency::GBP)
}

/// The code of a country as the file names it; `None` for what is no country.
fn country(name: &str) -> Option<&'static str> {
    const CODES: [(&str, &str); 38] = [
        ("Australia", "AU"),
        ("Austria", "AT"),
        ("Bahrain", "BH"),
        ("Belgium", "BE"),
        ("Bermuda", "BM"),
        ("Brazil", "BR"),
        ("Canada", "CA"),
        ("Channel Islands", "GG"),
        ("Cyprus", "CY"),
        ("Denmark", "DK"),
        ("EIRE", "IE"),
        ("Finland", "FI"),
        ("France", "FR"),
        ("Germany", "DE"),
        ("Greece", "GR"),
        ("Hong Kong", "HK"),
        ("Iceland", "IS"),
        ("Israel", "IL"),
        ("Italy", "IT"),
        ("Japan", "JP"),
        ("Korea", "KR"),
        ("Lebanon", "LB"),
        ("Lithuania", "LT"),
        ("Malta", "MT"),
        ("Netherlands", "NL"),
        ("Nigeria", "NG"),
        ("Norway", "NO"),
        ("Poland", "PL"),
        ("Portugal", "PT"),
        ("RSA", "ZA"),
        ("Singapore", "SG"),
        ("Spain", "ES"),
        ("Sweden", "SE"),
        ("Switzerland", "CH"),
        ("Thailand", "TH"),
        ("USA", "US"),
        ("United Arab Emirates", "AE"),
        ("United Kingdom", "GB"),
    ];
    CODES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}
