//! `GET /v1/cash`: the days ahead from what is ordered, owed and on its way already.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode, response::Response};
use insight::cash_ahead::{Ahead, AheadInput, OpenOrder, OpenPurchase, cash_ahead};
use ledger::{Read, RecordFilter, Shelf, StoreError};
use model::{
    id::{OrderId, SupplyId, TenantId},
    money::{Currency, Money},
    supply::{Supply, SupplyKind},
    time::{Date, Timestamp, Zone, date_from_days, days_since_epoch, local_date},
};
use obligation::payment::kept::{ACCOUNT, Kept};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Histories,
    cash_settings::{self, AMOUNT_MAX, PAYOUT_MAX},
};
use crate::api::{
    auth::{Allowed, DecisionsRead},
    clock::Now,
    params::Params,
    problem::Problem,
    schema,
    state::{Api, json},
};

/// Records and orders read at once.
const PAGE: usize = 500;
/// Most accounts looked at.
const ACCOUNTS_MAX: usize = 50_000;
/// Most supplies looked at.
const SUPPLIES_MAX: usize = 5_000;

/// One day.
#[derive(Serialize, ToSchema)]
#[schema(as = CashDay)]
pub(crate) struct DayOut {
    #[schema(format = Date, value_type = String)]
    pub(crate) date: Date,
    /// The balance at its end, in the middle.
    #[schema(value_type = schema::Money)]
    pub(crate) balance: Money,
    /// Below this in one case of ten.
    #[schema(value_type = schema::Money)]
    pub(crate) p10: Money,
    /// Above this in one case of ten.
    #[schema(value_type = schema::Money)]
    pub(crate) p90: Money,
    /// Paid by customers and not earned yet.
    #[schema(value_type = schema::Money)]
    pub(crate) unearned: Money,
}

/// Cash over the days ahead.
#[derive(Serialize, ToSchema)]
#[schema(as = Cash)]
pub(crate) struct CashOut {
    /// In nine of ten cases the lowest balance is above this.
    #[schema(value_type = schema::Money)]
    pub(crate) lowest_p10: Money,
    /// The lowest balance, in the mean.
    #[schema(value_type = schema::Money)]
    pub(crate) lowest: Money,
    /// The day on which it is lowest in most cases.
    #[schema(format = Date, value_type = String)]
    pub(crate) lowest_on: Date,
    /// How likely the balance falls below zero.
    pub(crate) negative_probability: f64,
    /// Paid by customers and not earned today: a liability.
    #[schema(value_type = schema::Money)]
    pub(crate) unearned: Money,
    /// To go back to customers.
    #[schema(value_type = schema::Money)]
    pub(crate) refunds_due: Money,
    /// To be paid by customers for open orders.
    #[schema(value_type = schema::Money)]
    pub(crate) receivable: Money,
    /// To be paid for goods on their way.
    #[schema(value_type = schema::Money)]
    pub(crate) payable: Money,
    /// Cash today, as it was asked or set.
    #[schema(value_type = schema::Money)]
    pub(crate) opening: Money,
    /// The same shop, had it taken nothing before it sends; null where nothing is prepaid.
    pub(crate) without_prepayment: Option<WithoutOut>,
    /// What it leaves out, and what it rests on.
    pub(crate) notes: Vec<String>,
    /// Every day, today first.
    pub(crate) days: Vec<DayOut>,
}

/// Cash had nothing been taken before goods are sent, the same people ordering and calling off.
#[derive(Serialize, ToSchema)]
#[schema(as = CashWithoutPrepayment)]
pub(crate) struct WithoutOut {
    /// In nine of ten cases the lowest balance would be above this.
    #[schema(value_type = schema::Money)]
    pub(crate) lowest_p10: Money,
    /// The lowest balance, in the mean.
    #[schema(value_type = schema::Money)]
    pub(crate) lowest: Money,
    /// How likely the balance would fall below zero.
    pub(crate) negative_probability: f64,
    /// How much less cash there would be today.
    #[schema(value_type = schema::Money)]
    pub(crate) less_today: Money,
}

/// What is asked with.
struct Asked {
    opening: i64,
    days: i64,
    payout_days: i64,
    supplier_deposit: f64,
    currency: Currency,
    today: Date,
}

#[derive(Default)]
struct Gathered {
    orders: Vec<OpenOrder>,
    purchases: Vec<OpenPurchase>,
    refunds_due: f64,
    receivable: f64,
    payable: f64,
    cancel: (f64, f64),
    notes: Vec<String>,
}

/// Supplies on their way, with what is to be paid for them; answers where each stands in the list.
fn purchases(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    (asked, now): (&Asked, Timestamp),
    into: &mut Gathered,
) -> Result<BTreeMap<SupplyId, usize>, StoreError> {
    let supplies = store.arrivals(tenant, SUPPLIES_MAX)?;
    let mut skus: Vec<_> = supplies.iter().map(|supply| supply.sku.clone()).collect();
    skus.sort_unstable();
    skus.dedup();
    let mut costs = BTreeMap::new();
    for page in skus.chunks(PAGE) {
        for pool in store.pools(tenant, page)? {
            costs.insert(pool.sku().clone(), pool.item.unit_cost);
        }
    }
    let late: BTreeMap<Arc<str>, Vec<i32>> = histories.look(store, tenant, |history| {
        let whole = history.whole(now);
        into.cancel = whole.cancels();
        let of = |supplier: &evidence::Supplier| {
            supplier.receipts.iter().map(|receipt| receipt.late_days).collect()
        };
        history.suppliers().map(|(name, supplier)| (Arc::clone(name), of(supplier))).collect()
    })?;
    let mut places = BTreeMap::new();
    let mut without = 0;
    for supply in &supplies {
        let Supply { id, sku, kind, quantity, expected_on: Some(given), supplier, .. } = supply else {
            continue;
        };
        let cost = costs.get(sku).and_then(Option::as_ref).filter(|cost| cost.currency == asked.currency);
        let is_bought = matches!(kind, SupplyKind::PurchaseOrder | SupplyKind::ProductionRun);
        let due = match cost {
            Some(cost) if is_bought => cost.amount as f64 * *quantity as f64 * (1.0 - asked.supplier_deposit),
            None if is_bought => {
                without += 1;
                0.0
            }
            _ => 0.0,
        };
        into.payable += due;
        places.insert(*id, into.purchases.len());
        into.purchases.push(OpenPurchase {
            given_in_days: f64::from(days_since_epoch(*given) - days_since_epoch(asked.today)),
            due,
            late_days: supplier.as_ref().and_then(|name| late.get(name)).cloned().unwrap_or_default(),
        });
    }
    if without > 0 {
        into.notes
            .push(format!("{without} supplies without a cost in {} count as free", asked.currency.code()));
    }
    if supplies.len() == SUPPLIES_MAX {
        into.notes.push(format!("only the first {SUPPLIES_MAX} supplies are looked at"));
    }
    Ok(places)
}

/// Open orders with what is paid and what is still to be.
fn orders(
    store: &mut dyn Read,
    tenant: &TenantId,
    asked: &Asked,
    places: &BTreeMap<SupplyId, usize>,
    into: &mut Gathered,
) -> Result<(), StoreError> {
    let (mut after, mut seen, mut others): (Option<String>, usize, usize) = (None, 0, 0);
    loop {
        let from = (after.as_deref(), PAGE);
        let page = store.record_page(tenant, Shelf::Ledger, ACCOUNT, &RecordFilter::default(), from)?;
        after = page.last().filter(|_| page.len() == PAGE).map(|record| record.id.to_string());
        seen += page.len();
        let mut open: BTreeMap<OrderId, Kept> = BTreeMap::new();
        for record in &page {
            let Some(kept) = record.read::<Kept>().ok().flatten() else { continue };
            let Ok(id) = record.id.parse::<OrderId>() else { continue };
            if kept.account.currency != asked.currency {
                others += 1;
                continue;
            }
            into.refunds_due += kept
                .account
                .lines
                .values()
                .map(|line| (line.refund_due + line.refunding) as f64)
                .sum::<f64>();
            if kept.account.lines.values().any(|line| line.open > 0) {
                open.insert(id, kept);
            }
        }
        let ids: Vec<OrderId> = open.keys().copied().collect();
        for order in store.orders(tenant, &ids)? {
            let Some(kept) = open.get(&order.id) else { continue };
            for line in &order.lines {
                let Some(money) = kept.account.lines.get(&line.no).filter(|money| money.open > 0) else {
                    continue;
                };
                let prepaid = money.prepaid.max(0);
                let balance = (money.price * money.open - prepaid).max(0) as f64;
                into.receivable += balance;
                // The last of its goods to come decides.
                let purchase = line.pegs.iter().filter_map(|peg| places.get(&peg.supply)).copied();
                let given = |place: &usize| into.purchases[*place].given_in_days;
                let purchase = purchase.max_by(|a, b| given(a).total_cmp(&given(b)));
                let order = OpenOrder { purchase, then_days: 1.0, balance, prepaid: prepaid as f64 };
                into.orders.push(order);
            }
        }
        if after.is_none() || seen >= ACCOUNTS_MAX {
            break;
        }
    }
    if seen >= ACCOUNTS_MAX {
        into.notes.push(format!("only the first {ACCOUNTS_MAX} accounts are looked at"));
    }
    if others > 0 {
        into.notes
            .push(format!("{others} orders in other currencies than {} are left out", asked.currency.code()));
    }
    Ok(())
}

fn shown(asked: &Asked, gathered: Gathered, (ahead, without): (&Ahead, Option<(&Ahead, f64)>)) -> CashOut {
    let currency = asked.currency;
    // Amounts are in minor units all through.
    let minor = |value: f64| Money { amount: value.round() as i64, currency };
    let date = |day: i64| {
        let days = i32::try_from(day).unwrap_or(i32::MAX);
        date_from_days(days_since_epoch(asked.today).saturating_add(days)).unwrap_or(asked.today)
    };
    let day = |day: &insight::cash_ahead::Day| DayOut {
        date: date(day.day),
        balance: minor(day.mean),
        p10: minor(day.p10),
        p90: minor(day.p90),
        unearned: minor(day.unearned),
    };
    let mut notes = vec![
        "New orders and new purchases are not in it: only what is ordered, owed and on its way.".to_owned(),
        "Units are taken to be sent a day after their goods come.".to_owned(),
    ];
    notes.extend(gathered.notes);
    let without = without.map(|(without, opening)| WithoutOut {
        lowest_p10: minor(without.lowest_p10),
        lowest: minor(without.lowest_mean),
        negative_probability: without.negative_probability,
        less_today: minor(asked.opening as f64 - opening),
    });
    CashOut {
        opening: minor(asked.opening as f64),
        without_prepayment: without,
        lowest_p10: minor(ahead.lowest_p10),
        lowest: minor(ahead.lowest_mean),
        lowest_on: date(ahead.lowest_day),
        negative_probability: ahead.negative_probability,
        unearned: minor(ahead.unearned),
        refunds_due: minor(gathered.refunds_due),
        receivable: minor(gathered.receivable),
        payable: minor(gathered.payable),
        notes,
        days: ahead.days.iter().map(day).collect(),
    }
}

/// Read cash over the days ahead
///
/// The balance day by day from what is ordered, owed and on its way: balances when goods are sent, payouts, fees, refunds, cancels,
/// supplies when they come, each as late as its supplier's were. Prepayments for what is not sent yet are a liability.
#[utoipa::path(
    get, path = "/v1/cash", tag = "Decisions", operation_id = "get_cash",
    params(
        ("currency" = String, Query, description = "Which money: amounts in others are left out, and counted"),
        ("opening" = Option<i64>, Query, description = "Cash today, in minor units; as it is set, else 0, unless given"),
        ("days" = Option<i64>, Query, description = "How many days ahead; 90 unless given", minimum = 1, maximum = 730),
        ("payout_days" = Option<i64>, Query, description = "Days until the processor pays out; as it is set, else 2, unless given", minimum = 0, maximum = 60),
        ("supplier_deposit_percent" = Option<i64>, Query, description = "Share of supplies that is paid already; as it is set, else 0, unless given", minimum = 0, maximum = 100),
    ),
    responses((status = 200, description = "The days ahead", body = CashOut)),
    security(("key" = ["decisions:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<DecisionsRead>,
    Now(now): Now,
    mut params: Params,
) -> Result<Response, Problem> {
    let currency = params.text("currency");
    let opening = params.number("opening", -AMOUNT_MAX, AMOUNT_MAX);
    let days = params.number("days", 1, 730).unwrap_or(90);
    let payout_days = params.number("payout_days", 0, PAYOUT_MAX);
    let deposit = params.number("supplier_deposit_percent", 0, 100);
    let currency = match currency.as_deref().map(str::parse::<Currency>) {
        Some(Ok(currency)) => Some(currency),
        Some(Err(_)) => {
            params.checks.wrong(format_args!("currency"), "currency", "not a code of ISO 4217");
            None
        }
        None => {
            params.checks.wrong(format_args!("currency"), "required", "say which money");
            None
        }
    };
    params.finish()?;
    let Some(currency) = currency else {
        return Err(Problem::field("currency", "required", "say which money"));
    };
    let wish = Wish { currency, opening, days, payout_days, deposit };
    let out = api
        .ledger_shows(&allowed.caller, move |histories, store, tenant| {
            look(histories, store, tenant, wish, now)
        })
        .await?;
    json(StatusCode::OK, &out)
}

/// What is to be known of the days ahead.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    currency: Currency,
    opening: Option<i64>,
    days: i64,
    payout_days: Option<i64>,
    deposit: Option<i64>,
}

impl Wish {
    /// From what is set, as a script that says nothing else asks.
    pub(crate) fn plain(currency: Currency, days: i64) -> Self {
        Self { currency, opening: None, days, payout_days: None, deposit: None }
    }
}

/// Adds the days ahead up. Errors: the store fails.
pub(crate) fn look(
    histories: &Histories,
    store: &mut dyn Read,
    tenant: &TenantId,
    wish: Wish,
    now: Timestamp,
) -> Result<CashOut, StoreError> {
    let today = local_date(now, &Zone::utc());
    let set = cash_settings::read(store, tenant, wish.currency)?;
    let asked = Asked {
        opening: wish.opening.unwrap_or(set.opening),
        days: wish.days,
        payout_days: wish.payout_days.unwrap_or(set.payout_days),
        supplier_deposit: wish.deposit.unwrap_or(set.supplier_deposit_percent) as f64 / 100.0,
        currency: wish.currency,
        today,
    };
    let mut gathered = Gathered::default();
    if let (None, Some(at)) = (wish.opening, set.set_at) {
        let days = days_since_epoch(today) - days_since_epoch(local_date(at, &Zone::utc()));
        if days > 0 {
            gathered.notes.push(format!("Cash today is as it was set {days} days ago."));
        }
    }
    let places = purchases(histories, store, tenant, (&asked, now), &mut gathered)?;
    orders(store, tenant, &asked, &places, &mut gathered)?;
    let (cancelled, open_days) = gathered.cancel;
    let input = AheadInput {
        opening: asked.opening as f64,
        days: asked.days,
        payout_days: asked.payout_days,
        payment_share: 0.029,
        payment_fixed: 30.0,
        // As the advisor: one cancellation in 250 unit-days is worth one that was seen.
        cancel_rate: (1.0 + cancelled) / (250.0 + open_days),
        refunds_due: gathered.refunds_due,
        orders: std::mem::take(&mut gathered.orders),
        purchases: std::mem::take(&mut gathered.purchases),
    };
    let add_up = |input: &AheadInput| {
        cash_ahead(input).map_err(|error| StoreError::driver("added the days ahead up", error))
    };
    let ahead = add_up(&input)?;
    // What prepayment changes, on the shop's own figures.
    let other = (ahead.unearned > 0.0).then(|| input.without_prepayment());
    let without = other.as_ref().map(add_up).transpose()?;
    let without = without.as_ref().zip(other.as_ref().map(|other| other.opening));
    Ok(shown(&asked, gathered, (&ahead, without)))
}
