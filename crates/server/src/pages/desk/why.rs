//! Why a date is what it is, in sentences: the supply behind it, what is added to its date, and what was said before.

use model::{
    location::LocationSettings,
    order::Cause,
    supply::{Supply, SupplyKind, SupplyState},
};

use super::{Local, words};

/// What a supply is called in the middle of a sentence: `purchase order PO-312 from Alder & Pine`.
pub(super) fn name(supply: &Supply) -> String {
    let kind = match supply.kind {
        SupplyKind::Stock => "the shelf",
        SupplyKind::PurchaseOrder => "purchase order",
        SupplyKind::ProductionRun => "production run",
        SupplyKind::Transfer => "transfer",
        SupplyKind::LeadTime => "an order we still have to place",
        SupplyKind::Shortfall => "nothing: no goods are known for it",
    };
    let reference = supply.reference.as_deref().map_or_else(String::new, |text| format!(" {text}"));
    let from = supply.supplier.as_deref().map_or_else(String::new, |text| format!(" from {text}"));
    match supply.kind {
        SupplyKind::Stock | SupplyKind::LeadTime | SupplyKind::Shortfall => kind.to_owned(),
        _ => format!("{kind}{reference}{from}"),
    }
}

/// Why goods of a supply ship when they do.
pub(super) fn supply(supply: &Supply, place: Option<&LocationSettings>, local: &Local) -> String {
    let handling = place.map_or_else(String::new, |place| {
        let dock = days(i64::from(place.dock_to_stock_days), "to put on the shelf");
        let handling = days(i64::from(place.handling_days), "to pack");
        let parts: Vec<String> = [dock, handling].into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!(" Then {}.", parts.join(" and ")) }
    });
    match (supply.state, supply.kind) {
        (SupplyState::OnHand, _) => {
            let pack = place.and_then(|place| days(i64::from(place.handling_days), "to pack"));
            pack.map_or_else(
                || "The goods are here.".to_owned(),
                |pack| format!("The goods are here. {}.", words::sentence(&pack)),
            )
        }
        (SupplyState::Quarantine, _) => {
            "These came damaged and are kept from everybody until somebody has looked at them.".to_owned()
        }
        (SupplyState::Closed, _) => "It is closed: used up, or called off.".to_owned(),
        (SupplyState::Due, SupplyKind::Shortfall) => {
            "What was to bring these units was called off or came short, and nothing else is free yet."
                .to_owned()
        }
        (SupplyState::Due, SupplyKind::LeadTime) => {
            format!(
                "Not ordered yet: the product’s lead time says when it can be had.{}{handling}",
                lateness(supply)
            )
        }
        (SupplyState::Due, _) => match supply.expected_on {
            None => "Nobody has given a date for it, so nothing can be promised from it by a day.".to_owned(),
            Some(date) if date < local.today => format!(
                "It should have come on {}. Until it does, it counts as coming today.{}{handling}",
                local.day(date).text,
                lateness(supply)
            ),
            Some(date) => {
                format!("It is expected on {}.{}{handling}", local.day(date).text, lateness(supply))
            }
        },
    }
}

fn lateness(supply: &Supply) -> String {
    let days = supply.lateness.promised_days;
    match (days, supply.lateness.learned_from) {
        (0, _) => String::new(),
        (days, 0) => {
            format!(" {} are added for lateness, as a buffer that was set.", working(i64::from(days)))
        }
        (days, seen) => format!(
            " {} are added for lateness: nine of ten of the last {seen} deliveries came within that.",
            working(i64::from(days))
        ),
    }
}

fn working(days: i64) -> String {
    words::counted(days, "day", "days")
}

fn days(days: i64, what: &str) -> Option<String> {
    (days > 0).then(|| format!("{} {what}", words::counted(days, "working day", "working days")))
}

/// Why a promise was made, for the shop's people.
pub(super) fn cause(cause: &Cause) -> String {
    let why = match &*cause.kind {
        "order_placed" => "as ordered",
        "supply_added" => "because a new delivery was entered",
        "supply_changed" => "because a delivery got another date or quantity",
        "supply_received" => "because goods arrived",
        "supply_overdue" => "because a delivery is overdue",
        "day_passed" => "because other goods are sooner there than those it waited for",
        "supply_cancelled" => "because a delivery was called off",
        "line_cancelled" | "order_cancelled" => "because another order was cancelled",
        "hold_released" | "hold_expired" => "because units held for a cart came free",
        "stock_adjusted" => "because stock was counted or changed by hand",
        "stock_ring_fenced" => "because units are ring-fenced otherwise",
        "run_undone" => "because an earlier change was undone",
        "run_applied" => "because goods were given out anew",
        "policy_set" | "location_set" | "sku_set" => "because settings changed",
        _ => "because the plan for these goods changed",
    };
    match cause.detail.as_deref() {
        Some(detail) if !detail.trim().is_empty() => format!("{why} ({detail})"),
        _ => why.to_owned(),
    }
}
