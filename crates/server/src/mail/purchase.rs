//! An order to a supplier: the mail that takes it there, with the order as PDF, and the sheet itself.

use askama::Template;
use connect::{
    pdf::{self, Column, Sheet},
    smtp::{Attachment, Letter},
};
use ledger::{Read, Shelf, StoreError};
use model::{
    id::TenantId,
    money::Money,
    purchasing::{PURCHASE_ORDER, PurchaseOrder, SUPPLIER_CONTACT, SupplierContact},
    time::{Zone, local_date},
};

use super::compose::{Html, Part, Text, Unsendable};
use crate::pages::shop_name;

/// An amount as people in a trade write it: `1234.50 USD`.
fn amount(money: Money) -> String {
    let decimals = u32::from(money.currency.decimals());
    let unit = 10_i64.pow(decimals);
    let (whole, part) = (money.amount / unit, (money.amount % unit).abs());
    let code = money.currency.code();
    if decimals == 0 {
        format!("{whole} {code}")
    } else {
        format!("{whole}.{part:0width$} {code}", width = decimals as usize)
    }
}

/// An order as a sheet to print.
pub(crate) fn sheet(tenant: &TenantId, order: &PurchaseOrder) -> Vec<u8> {
    let made = local_date(order.made_at, &Zone::utc());
    let row = |line: &model::purchasing::PurchaseLine| {
        let cost = line.unit_cost.amount.saturating_mul(line.quantity);
        vec![
            line.sku.to_string(),
            line.title.to_string(),
            line.quantity.to_string(),
            amount(line.unit_cost),
            amount(Money { amount: cost, ..line.unit_cost }),
        ]
    };
    let column = |head, share, right| Column { head, share, right };
    pdf::write(&Sheet {
        title: format!("Purchase order {}", order.number),
        lines: vec![
            format!("From: {}", shop_name(tenant)),
            format!("To: {}", order.supplier),
            format!("Date: {made}"),
            format!("Wanted by: {}", order.expected_on),
        ],
        columns: vec![
            column("SKU", 0.2, false),
            column("What", 0.36, false),
            column("Units", 0.1, true),
            column("Each", 0.16, true),
            column("Cost", 0.18, true),
        ],
        rows: order.lines.iter().map(row).collect(),
        sums: order.total().map(|total| format!("Total {}", amount(total))).into_iter().collect(),
        notes: order.note.iter().map(ToString::to_string).collect(),
    })
}

/// Writes the mail. Errors: the store cannot be read.
pub(super) fn compose(
    store: &mut dyn Read,
    tenant: &TenantId,
    id: &str,
    order: &str,
) -> Result<Result<Letter, Unsendable>, StoreError> {
    let found = store.records(tenant, Shelf::Ledger, PURCHASE_ORDER, &[order])?.pop();
    let Some(order) = found.and_then(|record| record.read::<PurchaseOrder>().ok().flatten()) else {
        return Ok(Err(Unsendable::Gone));
    };
    let contact = store.records(tenant, Shelf::Private, SUPPLIER_CONTACT, &[&*order.supplier])?.pop();
    let Some(contact) = contact.and_then(|record| record.read::<SupplierContact>().ok().flatten()) else {
        return Ok(Err(Unsendable::NoAddress));
    };
    Ok(Ok(letter(tenant, id, &order, &contact)))
}

fn letter(tenant: &TenantId, id: &str, order: &PurchaseOrder, contact: &SupplierContact) -> Letter {
    let shop = shop_name(tenant);
    let line = |line: &model::purchasing::PurchaseLine| {
        format!("{} × {} ({}), {} each", line.quantity, line.title, line.sku, amount(line.unit_cost))
    };
    let mut first =
        vec![format!("Please send us the following by {}. The order is attached.", order.expected_on)];
    first.extend(order.note.iter().map(ToString::to_string));
    let mut lines: Vec<String> = order.lines.iter().take(200).map(line).collect();
    if order.lines.len() > lines.len() {
        lines.push(format!("and {} more, on the attached order", order.lines.len() - lines.len()));
    }
    lines.extend(order.total().map(|total| format!("Total {}", amount(total))));
    let parts = [
        Part { head: None, lines: first },
        Part { head: Some(format!("Purchase order {}", order.number)), lines },
    ];
    let subject = format!("Purchase order {} from {shop}", order.number);
    let hello = contact.name.as_ref().map_or("Hello,".to_owned(), |name| format!("Hello {name},"));
    let text =
        Text { hello: &hello, parts: &parts, link: None, link_label: "", note: None, shop: &shop, off: None };
    let html = Html {
        lang: "en",
        subject: &subject,
        hello: &hello,
        parts: &parts,
        link: None,
        link_label: "",
        note: None,
        shop: &shop,
        off: None,
    };
    Letter {
        id: id.to_owned(),
        to: contact.email.to_string(),
        name: contact.name.as_ref().map(ToString::to_string),
        // Values are texts in memory: rendering them cannot fail.
        text: text.render().unwrap_or_default(),
        html: html.render().unwrap_or_default(),
        subject,
        unsubscribe: None,
        attachment: Some(Attachment {
            name: format!("{}.pdf", order.number),
            kind: "application/pdf",
            bytes: sheet(tenant, order),
        }),
    }
}
