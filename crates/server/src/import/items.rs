//! Tables of articles: our own, Shopify's and WooCommerce's products.

use std::io::Read;

use connect::tables::{
    shopify_products::{self, Status},
    skus::{self, Cap, SkuRow, WhenOut},
    woocommerce_products::{self, WooStock},
};
use model::{
    command::{Command, PutItem, PutPolicy},
    id::{Channel, Sku},
    item::{self, Component, Item, Policy},
    limits::{COMPONENT_UNITS_MAX, DAYS_MAX, NAME_CHARS_MAX, SUPPLY_UNITS_MAX, TEXT_CHARS_MAX},
};

use super::{Outcome, session::Session};

/// Takes in our own list of articles. Kits go in when everything else has: what they are made of may stand below them.
pub(super) fn skus(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    let mut kits = Vec::new();
    for row in skus::read(source, session.currency)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                if row.components.is_empty() {
                    article(session, &row, false)?;
                } else {
                    kits.push(row);
                }
            }
        }
    }
    for row in &kits {
        article(session, row, false)?;
    }
    Ok(())
}

/// Takes in Shopify's product export. Stock in it goes to the default location.
pub(super) fn shopify(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    for row in shopify_products::read(source, session.currency)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                let gone = row.status == Status::Archived;
                let Some(sku) = article(session, &row.article, gone)? else { continue };
                if let Some(count) = row.stock {
                    stock(session, row.article.row, &sku, count.on_hand(), count.owed())?;
                }
            }
        }
    }
    Ok(())
}

/// Takes in WooCommerce's product export. Stock in it goes to the default location.
pub(super) fn woocommerce(session: &mut Session, source: impl Read + Send) -> Outcome<()> {
    for row in woocommerce_products::read(source, session.currency)? {
        match row {
            Err(error) => session.unread(&error),
            Ok(row) => {
                session.row();
                let Some(sku) = article(session, &row.article, false)? else { continue };
                match &row.stock {
                    WooStock::Units(_) => {
                        let count = row.stock.count();
                        let (on_hand, owed) = count.map_or((0, 0), |count| (count.on_hand(), count.owed()));
                        stock(session, row.article.row, &sku, on_hand, owed)?;
                    }
                    WooStock::NotCounted => {}
                    WooStock::OfParent(parent) => session.report.notes.push(format!(
                        "row {}: {sku} shares the stock of {parent}: count each variation by itself, its stock was left alone",
                        row.article.row
                    )),
                }
            }
        }
    }
    Ok(())
}

fn stock(session: &mut Session, row: u64, sku: &Sku, on_hand: i64, owed: i64) -> Outcome<()> {
    if on_hand > SUPPLY_UNITS_MAX || owed > model::limits::LINE_UNITS_MAX {
        session.report.bad(
            row,
            "quantity_too_large",
            None,
            format!("{sku}: more units than one count may have"),
        );
        return Ok(());
    }
    if session.dry_run {
        return Ok(());
    }
    let location = session.default_location(row)?;
    // The article's own command was waited for; a stock that changes is part of the same row.
    let before = session.report.imported;
    session.set_stock(row, sku, &location, on_hand, owed)?;
    session.settle()?;
    session.report.imported = session.report.imported.min(before + 1).max(before);
    Ok(())
}

/// Sends one article with its policy; `None`: the row is bad.
fn article(session: &mut Session, row: &SkuRow, discontinued: bool) -> Outcome<Option<Sku>> {
    let (item, policy) = match described(session, row, discontinued) {
        Ok(described) => described,
        Err((code, column, detail)) => {
            session.report.bad(row.row, code, Some(column), detail);
            return Ok(None);
        }
    };
    let sku = item.sku.clone();
    let known = if session.dry_run { None } else { session.pool(&sku)? };
    // What the file does not say stays as it is.
    let item = match known.as_ref().map(|pool| &pool.item) {
        Some(old) => Item {
            title: if item.title.is_empty() { old.title.clone() } else { item.title },
            price: item.price.or(old.price),
            unit_cost: item.unit_cost.or(old.unit_cost),
            barcode: item.barcode.or_else(|| old.barcode.clone()),
            supplier: item.supplier.or_else(|| old.supplier.clone()),
            tags: if item.tags.is_empty() { old.tags.clone() } else { item.tags },
            substitutes: old.substitutes.clone(),
            components: if item.components.is_empty() { old.components.clone() } else { item.components },
            ..item
        },
        None => item,
    };
    let same_item = known.as_ref().is_some_and(|pool| *pool.item == item);
    let set = known.as_ref().and_then(|pool| pool.policy_set(&Channel::default()).cloned());
    let policy = policy.map(|told| told.over(set.as_deref()));
    let same_policy = policy.as_ref().is_none_or(|policy| set.as_deref() == Some(policy));
    if same_item && same_policy {
        session.report.skipped += 1;
        return Ok(Some(sku));
    }
    let Some(policy) = policy else {
        session.send(row.row, Command::PutItem(PutItem { item, if_match: None }))?;
        return Ok(Some(sku));
    };
    let put = Command::PutPolicy(PutPolicy {
        sku: sku.clone(),
        channel: Channel::default(),
        policy,
        if_match: None,
    });
    if item.is_kit() {
        // A kit may be refused, for what it is made of; then the row has one error, and the policy stays.
        let bad = session.report.errors_total;
        session.send(row.row, Command::PutItem(PutItem { item, if_match: None }))?;
        session.settle()?;
        if session.report.errors_total == bad {
            session.prepare(row.row, put)?;
        }
    } else {
        session.prepare(row.row, Command::PutItem(PutItem { item, if_match: None }))?;
        session.send(row.row, put)?;
    }
    Ok(Some(sku))
}

/// What a row says about how the article is sold.
struct Told {
    when_out: Option<item::WhenOut>,
    cap: Option<item::Cap>,
    lead_time_days: Option<u16>,
}

impl Told {
    /// The policy that was set, with what the row says put over it.
    fn over(self, set: Option<&Policy>) -> Policy {
        let mut policy = set.cloned().unwrap_or_default();
        policy.when_out = self.when_out.unwrap_or(policy.when_out);
        policy.backorder_cap = self.cap.unwrap_or(policy.backorder_cap);
        policy.lead_time_days = self.lead_time_days.or(policy.lead_time_days);
        policy
    }
}

type Bad = (&'static str, &'static str, String);

fn described(session: &Session, row: &SkuRow, discontinued: bool) -> Result<(Item, Option<Told>), Bad> {
    let sku = Sku::new(&row.sku).map_err(|error| ("bad_sku", "sku", error.to_string()))?;
    let title = row.title.clone().unwrap_or_default();
    if title.chars().count() > TEXT_CHARS_MAX {
        return Err(("too_long", "title", format!("a title has at most {TEXT_CHARS_MAX} characters")));
    }
    let name = |text: &Option<String>, column| match text {
        Some(text) if text.chars().count() > NAME_CHARS_MAX => {
            Err(("too_long", column, format!("at most {NAME_CHARS_MAX} characters")))
        }
        Some(text) => Ok(Some(text.as_str().into())),
        None => Ok(None),
    };
    let money = |amount: Option<i64>, column| match amount {
        None => Ok(None),
        Some(amount) => match session.money(amount, row.currency) {
            Some(money) => Ok(Some(money)),
            None => Err(("amount_too_large", column, format!("{amount} is more than can be kept"))),
        },
    };
    let lead_time_days = match row.lead_time_days.map(u16::try_from) {
        None => None,
        Some(Ok(days)) if days <= DAYS_MAX => Some(days),
        Some(_) => return Err(("too_long", "lead_time_days", format!("at most {DAYS_MAX} days"))),
    };
    let cap = match row.backorder_cap {
        None => None,
        Some(Cap::Unlimited) => Some(item::Cap::Unlimited),
        Some(Cap::Units(units)) if units <= SUPPLY_UNITS_MAX => Some(item::Cap::Limited(units)),
        Some(Cap::Units(_)) => {
            return Err(("quantity_too_large", "backorder_cap", format!("at most {SUPPLY_UNITS_MAX}")));
        }
    };
    let when_out = row.when_out.map(|when_out| match when_out {
        WhenOut::Refuse => item::WhenOut::Refuse,
        WhenOut::Waitlist => item::WhenOut::Waitlist,
        WhenOut::Backorder => item::WhenOut::Backorder,
        WhenOut::Preorder => item::WhenOut::Preorder,
        WhenOut::MadeToOrder => item::WhenOut::MadeToOrder,
    });
    let told = (when_out.is_some() || cap.is_some() || lead_time_days.is_some()).then_some(Told {
        when_out,
        cap,
        lead_time_days,
    });
    let component = |part: &connect::tables::Component| {
        let code = Sku::new(&part.sku).map_err(|error| ("bad_sku", "components", error.to_string()))?;
        if part.units > COMPONENT_UNITS_MAX {
            let detail = format!("{code}: at most {COMPONENT_UNITS_MAX} units in one kit");
            return Err(("quantity_too_large", "components", detail));
        }
        Ok(Component { sku: code, quantity: part.units })
    };
    let item = Item {
        sku,
        title: title.into(),
        price: money(row.price, "price")?,
        unit_cost: money(row.unit_cost, "unit_cost")?,
        components: row.components.iter().map(component).collect::<Result<_, _>>()?,
        barcode: name(&row.barcode, "barcode")?,
        supplier: name(&row.supplier, "supplier")?,
        tags: row.tags.iter().map(|tag| tag.as_str().into()).collect(),
        substitutes: Vec::new(),
        discontinued,
    };
    Ok((item, told))
}
