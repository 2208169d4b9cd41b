//! When a unit ships and is delivered, for whom.

use model::{
    id::{Channel, Sku},
    order::{Dates, Line, ShipChoice},
    time::{Date, days_after},
};

use super::books::{Books, Lot, Owner, Placed};

/// Whose unit it would be.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    pub(super) channel: &'a Channel,
    pub(super) country: Option<&'a str>,
    pub(super) kit: Option<&'a Sku>,
}

impl<'a> For<'a> {
    pub(super) fn line(placed: &'a Placed, line: &'a Line) -> Self {
        Self { channel: &placed.order.channel, country: placed.order.country.as_deref(), kit: line.kit() }
    }
}

impl Books {
    fn release(&self, sku: &Sku, channel: &Channel) -> Option<Date> {
        self.policy(sku, channel).and_then(|policy| policy.release_date)
    }

    /// When a unit of a lot ships and is delivered.
    pub(super) fn dates(&self, lot: &Lot, to: For<'_>) -> (Dates, Dates) {
        let Some(place) = self.locations.get(&lot.location) else { return (Dates::UNKNOWN, Dates::UNKNOWN) };
        let release =
            self.release(&lot.sku, to.channel).max(to.kit.and_then(|kit| self.release(kit, to.channel)));
        let after_release = |ship: Date| match release {
            Some(release) => place.not_before(ship, release).ok(),
            None => Some(ship),
        };
        let ships = |late: u16| {
            let ready = if lot.here {
                place.ship_date_on_hand(self.now).ok()
            } else {
                place.ship_date_arriving(days_after(lot.date?, late)?, self.now).ok()
            };
            after_release(ready?)
        };
        let ship_by = Dates {
            expected: ships(lot.lateness.expected_days),
            promised: ships(lot.lateness.promised_days),
        };
        let transit = place.transit_for(to.country, "standard").map_or((0, 0), |t| (t.days_min, t.days_max));
        let has_transit = place.transit_for(to.country, "standard").is_some();
        let travels = |ship: Option<Date>, days: u16| {
            if has_transit { place.calendar.add_working(ship?, u32::from(days)).ok() } else { ship }
        };
        let deliver_by = Dates {
            expected: travels(ship_by.expected, (transit.0 + transit.1).div_ceil(2)),
            promised: travels(ship_by.promised, transit.1),
        };
        (ship_by, deliver_by)
    }

    /// When units of a lot are delivered at the latest; undated ones never.
    pub(super) fn delivered(&self, lot: &Lot, to: For<'_>) -> Date {
        self.dates(lot, to).1.promised.unwrap_or(Date::MAX)
    }

    /// The last day on which units of a lot are delivered, wherever they go and wherever they were sold.
    pub(super) fn last_delivery(&self, lot: &Lot) -> Date {
        let days = self.locations[&lot.location].transit.iter().map(|row| row.days_max).max().unwrap_or(0);
        let channels = self.policies.keys().filter(|(sku, _)| *sku == lot.sku).map(|(_, channel)| channel);
        let none = Channel::default();
        let to = |channel| For { channel, country: None, kit: None };
        let ships = channels.chain([&none]).map(|channel| self.dates(lot, to(channel)).0.promised);
        let ships = ships.map(|ship| ship.unwrap_or(Date::MAX)).max().unwrap_or(Date::MAX);
        self.locations[&lot.location].calendar.add_working(ships, u32::from(days)).unwrap_or(Date::MAX)
    }

    /// When the last open unit of a line ships and is delivered, as far as the line's own units go.
    fn own_dates(&self, placed: &Placed, line: &Line) -> Option<(Dates, Dates)> {
        let owner = Owner::Line(model::id::LineId { order: placed.order.id, no: line.no });
        let lots = self.lots.values().filter(|lot| lot.owned_by(owner) > 0);
        let dates = lots.map(|lot| self.dates(lot, For::line(placed, line)));
        dates.reduce(|(ship, deliver), (s, d)| (ship.max(s), deliver.max(d)))
    }

    /// The same as the order ships it: complete orders have one date.
    pub(super) fn line_dates(&self, placed: &Placed, line: &Line) -> Option<(Dates, Dates)> {
        let own = self.own_dates(placed, line)?;
        if placed.order.ship == ShipChoice::AsAvailable {
            return Some(own);
        }
        let all = placed.order.lines.iter().filter_map(|line| self.own_dates(placed, line));
        all.reduce(|(ship, deliver), (s, d)| (ship.max(s), deliver.max(d)))
    }
}
