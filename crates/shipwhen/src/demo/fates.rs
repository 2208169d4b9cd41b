//! What becomes of each good: the demand is known before the stock is, so the backlog can be as long as the story wants it.

use std::cmp::Reverse;

use model::time::Timestamp;

use super::{
    catalogue::Good,
    demand::Basket,
    goods::{Sold, Supplier},
    shipments::shipments,
};

/// Units of one good that one basket takes from stock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take {
    pub(super) at: Timestamp,
    pub(super) units: i64,
}

/// What becomes of a good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// There was enough from the beginning.
    Plenty,
    /// More came before it ran out.
    Refilled,
    /// It ran out, people waited, and it came.
    Relieved,
    /// It ran out, and so many of the last lines wait.
    Short(usize),
    /// A few are left, and more is on its way.
    Nearly,
    /// It ran out so many days ago, and nothing comes.
    Gone(i64),
    /// It comes every other week; the last time it was, or was not, on the truck.
    Pantry(bool),
    /// Made or bought for the orders of a week, in so many days.
    Batches(u16),
    /// It comes shortly before its release in so many days.
    Release(u16),
}

/// How many goods have their backlog still to come, beside those made or released.
const SHORT: usize = 34;
/// How many goods, the most wanted of those with a cap, are wanted beyond it.
const CAPPED: usize = 2;
/// How many goods had a backlog that was filled.
const RELIEVED: usize = 28;
/// How many goods have a few pieces left with more on its way.
const NEARLY: usize = 6;

/// Lists what baskets take of each good, kits by their components. Shape: one list a good, each in time order.
pub(super) fn takes(goods: &[Good], baskets: &[Basket]) -> Vec<Vec<Take>> {
    let mut takes: Vec<Vec<Take>> = vec![Vec::new(); goods.len()];
    for basket in baskets {
        for want in &basket.wants {
            for (good, each) in goods[want.good].takes(want.good) {
                takes[good].push(Take { at: basket.at, units: each * want.units });
            }
        }
    }
    takes
}

/// Decides what becomes of each good; a kit has no stock, so nothing becomes of it.
pub(super) fn fates(goods: &[Good], takes: &[Vec<Take>]) -> Vec<Option<Fate>> {
    let mut fates: Vec<Option<Fate>> =
        goods.iter().enumerate().map(|(at, good)| (!good.is_kit()).then(|| by_terms(at, good))).collect();
    let mut ranked: Vec<usize> = (0..goods.len())
        .filter(|at| !goods[*at].is_kit() && matches!(goods[*at].sold, Sold::Restocked | Sold::Capped(_)))
        .collect();
    ranked.sort_by_key(|at| (Reverse(takes[*at].len()), *at));
    let (mut short, mut relieved, mut nearly, mut capped) = (0, 0, 0, 0);
    for (rank, at) in ranked.into_iter().enumerate() {
        let lines = takes[at].len();
        let fate = match rank % 4 {
            _ if capped < CAPPED && matches!(goods[at].sold, Sold::Capped(_)) => {
                capped += 1;
                Fate::Short(lines * 6 / 10)
            }
            1 if short < SHORT && lines >= 5 => {
                short += 1;
                Fate::Short(lines_waiting(short, lines))
            }
            3 if relieved < RELIEVED && lines >= 5 => {
                relieved += 1;
                Fate::Relieved
            }
            // Cheap enough to be wanted by the half dozen, common enough to be worth a second look.
            2 if nearly < NEARLY
                && rank > 8
                && !goods[at].trade
                && goods[at].item.price.is_some_and(|price| price.amount < 8_000) =>
            {
                nearly += 1;
                Fate::Nearly
            }
            _ if lines >= 10 && rank % 2 == 0 => Fate::Refilled,
            _ => Fate::Plenty,
        };
        fates[at] = Some(fate);
    }
    fates
}

/// What becomes of goods whose terms leave no choice.
fn by_terms(at: usize, good: &Good) -> Fate {
    match good.sold {
        Sold::Restocked | Sold::Capped(_) => Fate::Plenty,
        Sold::Reordered(days) | Sold::MadeToOrder(days) => Fate::Batches(days),
        Sold::StockOnly => Fate::Pantry(at % 5 != 2),
        Sold::Preorder(days) => Fate::Release(days),
        Sold::Waitlist => Fate::Gone(if at.is_multiple_of(2) { 31 } else { 24 }),
        Sold::Members => Fate::Short(6),
        Sold::Discontinued => match good.sku().as_str() {
            "FLX-COR" => Fate::Gone(20),
            "STX" => Fate::Gone(35),
            _ => Fate::Plenty,
        },
    }
}

/// How many of a good's lines wait in the end: a few goods have a crowd behind them, most a handful.
fn lines_waiting(nth: usize, lines: usize) -> usize {
    let wanted = match nth {
        1 => 26,
        2 => 21,
        3..=5 => 16,
        6..=14 => 11,
        15..=24 => 7,
        _ => 4,
    };
    wanted.min(lines * 6 / 10)
}

/// The shipments still to come of a supplier from which a good's backlog is filled: one called off only for the second of a
/// supplier's goods, so that most people wait for something that comes.
pub(super) fn expected(from: Supplier, nth_of_supplier: usize) -> Vec<&'static super::shipments::Shipment> {
    let to_come = || shipments(from).filter(|shipment| shipment.came().is_none());
    let called_off: Vec<_> = to_come().filter(|shipment| shipment.is_called_off()).collect();
    if nth_of_supplier % 3 == 1 && !called_off.is_empty() {
        return called_off;
    }
    to_come().filter(|shipment| !shipment.is_called_off()).collect()
}
