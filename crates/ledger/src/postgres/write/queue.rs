//! Places in the queues of supplies.

use model::order::{Line, Order};

use super::{Column, Step, last};
use crate::{
    Changes,
    cells::{days, wanted_on},
};

/// A peg's place in its supply's queue.
struct Place<'c> {
    supply: &'c [u8; 16],
    wanted_on: i64,
    order: &'c [u8; 16],
    line: &'c Line,
    quantity: i64,
    told: Option<i64>,
    released: i64,
}

fn places_of<'c>(order: &'c Order, line: &'c Line) -> impl Iterator<Item = Place<'c>> {
    let told = days(line.told().and_then(|told| told.ship_by.promised));
    line.pegs.iter().map(move |peg| Place {
        supply: peg.supply.bytes(),
        wanted_on: wanted_on(order.requested_date),
        order: order.id.bytes(),
        line,
        quantity: peg.quantity,
        told,
        released: line.released_on(peg.supply),
    })
}

/// Gives every peg its place in its supply's queue.
pub(super) fn places<'c>(steps: &mut Vec<Step<'c>>, changes: &'c Changes) {
    const ADD: &str = "INSERT INTO queue (tenant, supply_id, wanted_on, order_id, line, quantity, sku, open, \
         unit_price, currency, told, released) \
         SELECT $1, rows.* FROM unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], \
         $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[]) AS rows";
    const PUT: &str = " ON CONFLICT (tenant, supply_id, wanted_on, order_id, line) DO UPDATE SET \
         quantity = excluded.quantity, open = excluded.open, told = excluded.told, released = excluded.released";
    const DROP: &str = "DELETE FROM queue \
         WHERE tenant = $1 AND supply_id = $2 AND wanted_on = $3 AND order_id = $4 AND line = $5";
    let lines = changes.orders.iter().flat_map(|order| order.lines.iter().map(move |line| (&**order, line)));
    let placed: Vec<Place<'_>> = lines.flat_map(|(order, line)| places_of(order, line)).collect();
    if !placed.is_empty() {
        steps.push(Step::new(ADD, place_columns(&placed)));
    }
    let changed = changes.changed.iter().flat_map(|changed| {
        let lines = changed.lines.iter().filter_map(|no| changed.order.line(*no));
        lines.flat_map(|line| places_of(&changed.order, line))
    });
    let key = |place: &Place<'c>| (place.supply, place.wanted_on, place.order, place.line.no);
    let changed: Vec<Place<'_>> = last(changed.map(|place| (key(&place), place))).into_values().collect();
    if !changed.is_empty() {
        steps.push(Step::new([ADD, PUT].concat(), place_columns(&changed)));
    }
    for changed in &changes.changed {
        let order = &changed.order;
        let has = |no: u16, supply| {
            order.line(no).is_some_and(|line| line.pegs.iter().any(|peg| peg.supply == supply))
        };
        for (no, supply) in changed.pegs.iter().filter(|(no, supply)| !has(*no, *supply)) {
            let (wanted_on, order) = (wanted_on(order.requested_date), order.id.bytes().as_slice());
            steps.push(Step::new(DROP, one![supply.bytes().as_slice(), wanted_on, order, i64::from(*no)]));
        }
    }
}

fn place_columns<'c>(places: &[Place<'c>]) -> Vec<Column<'c>> {
    columns!(places, |place| [
        place.supply.as_slice(),
        place.wanted_on,
        place.order.as_slice(),
        i64::from(place.line.no),
        place.quantity,
        place.line.sku.as_str(),
        place.line.open(),
        place.line.unit_price.map(|price| price.amount),
        place.line.unit_price.map(|price| price.currency.code().to_owned()),
        place.told,
        place.released,
    ])
}
