//! What a preview says is what then happens.

use std::{cell::Cell, collections::BTreeMap};

use engine::preview::{LINES_MAX, Preview, preview};
use model::{
    command::{CancelSupply, ChangeSupply, Command, Receive},
    id::{LineId, OrderId, SupplyId},
    refusal::{RefusalCode, Rejection},
    time::Date,
};
use proptest::{prelude::*, test_runner::TestRunner};
use testkit::{
    ask::{ask, date},
    core::{policy, supply},
    random,
};
use uuid::Uuid;

use crate::{
    tried::{Stands, Tried},
    world::World,
};

impl World {
    fn due(&self, quantity: i64, on: &str) -> SupplyId {
        match self.must(Command::AddSupply(supply("MUG", quantity, on))) {
            engine::Answer::SupplyAdded(view) => view.view.supply.id,
            other => panic!("{other:?}"),
        }
    }

    fn order(&self, quantity: i64) -> OrderId {
        match self.must(Command::PlaceOrder(Box::new(ask("MUG", quantity).order()))) {
            engine::Answer::Placed(view) => view.id,
            other => panic!("{other:?}"),
        }
    }

    fn look(&self, supply: SupplyId, command: Command) -> Result<Preview, Rejection> {
        self.look_at(LINES_MAX, supply, command)
    }

    fn look_at(&self, most: usize, supply: SupplyId, command: Command) -> Result<Preview, Rejection> {
        let mut reader = self.store.reader().unwrap();
        let last = reader.last_event(&self.tenant).unwrap();
        let seen = preview(&mut *reader, supply, &self.request(command), most).unwrap();
        assert_eq!(
            self.store.reader().unwrap().last_event(&self.tenant).unwrap(),
            last,
            "nothing is written"
        );
        seen
    }
}

fn slip(supply: SupplyId, on: &str) -> Command {
    Command::ChangeSupply(ChangeSupply { supply, expected_on: Some(Some(date(on))), quantity: None })
}

fn resize(supply: SupplyId, quantity: i64) -> Command {
    Command::ChangeSupply(ChangeSupply { supply, expected_on: None, quantity: Some(quantity) })
}

/// Each effect in short: the line's order, when it ships by before and after, whether that breaks what was told.
fn brief(seen: &Preview) -> Vec<(OrderId, Option<Date>, Option<Date>, bool)> {
    let effects = seen.effects.iter();
    effects
        .map(|effect| {
            (effect.order, effect.before.ship_by.promised, effect.after.ship_by.promised, effect.broken)
        })
        .collect()
}

#[test]
fn a_slip_says_who_would_be_later_and_changes_nothing() {
    let world = World::open();
    world.sells_as("MUG", policy());
    let (first, second) = (world.due(5, "2026-08-12"), world.due(3, "2026-08-20"));
    let orders = [3, 2, 2].map(|quantity| world.order(quantity));
    let seen = world.look(first, slip(first, "2026-08-26")).unwrap();
    // One unit of the second is free: the first who waits takes it.
    let (on, then) = (Some(date("2026-08-12")), Some(date("2026-08-26")));
    assert_eq!(brief(&seen), [(orders[0], on, then, true), (orders[1], on, then, true)]);
    let summary = &seen.summary;
    assert_eq!((summary.earlier, summary.later, summary.broken, summary.notices), (0, 2, 2, 2));
    assert_eq!((summary.units_short, summary.lines, summary.lines_behind), (0, 3, 2));
    assert!(summary.complete);
    assert_eq!(seen.effects[0].after.supply, Some(first));
    assert_eq!(seen.effects[0].why, format!("{first} comes at another time, expected on 2026-08-26"));
    let sooner = world.look(second, slip(second, "2026-08-10")).unwrap();
    let then = Some(date("2026-08-10"));
    assert_eq!(brief(&sooner), [(orders[2], Some(date("2026-08-20")), then, false)]);
    assert_eq!(
        (sooner.summary.earlier, sooner.summary.notices),
        (1, 0),
        "one unit for three: nobody gains by that"
    );
    world.verify();
}

#[test]
fn a_cancel_or_a_shortfall_says_how_many_units_nothing_stands_behind() {
    let world = World::open();
    world.sells_as("MUG", policy());
    let first = world.due(5, "2026-08-12");
    let orders = [3, 2].map(|quantity| world.order(quantity));
    let called_off = world.look(first, Command::CancelSupply(CancelSupply { supply: first })).unwrap();
    let on = Some(date("2026-08-12"));
    assert_eq!(brief(&called_off), [(orders[0], on, None, true), (orders[1], on, None, true)]);
    assert_eq!((called_off.summary.units_short, called_off.summary.later), (5, 2));
    let short = world.look(first, resize(first, 4)).unwrap();
    assert_eq!(brief(&short), [(orders[1], on, None, true)], "last come");
    assert_eq!(short.summary.units_short, 1);
    assert!(short.effects[0].why.contains("no other supply has units free"), "{}", short.effects[0].why);
}

#[test]
fn of_a_long_queue_both_ends_are_looked_at_and_said_to_be() {
    let world = World::open();
    world.sells_as("MUG", policy());
    let first = world.due(20, "2026-08-12");
    let orders: Vec<OrderId> = (0..10).map(|_| world.order(2)).collect();
    let late = world.look_at(8, first, slip(first, "2026-08-26")).unwrap();
    let concerned = |seen: &Preview| seen.effects.iter().map(|effect| effect.order).collect::<Vec<_>>();
    let ends = [&orders[..6], &orders[8..]].concat();
    assert_eq!(concerned(&late), ends);
    let summary = &late.summary;
    assert_eq!((summary.lines, summary.lines_behind, summary.complete), (8, 10, false));
    let short = world.look_at(8, first, resize(first, 17)).unwrap();
    assert_eq!(concerned(&short), orders[8..], "the last come lose their units");
    assert_eq!(short.summary.units_short, 3);
    let whole = world.look_at(10, first, slip(first, "2026-08-26")).unwrap();
    assert_eq!((concerned(&whole), whole.summary.complete), (orders, true));
}

#[test]
fn a_preview_is_refused_as_the_change_would_be() {
    let world = World::open();
    world.sells_as("MUG", policy());
    let first = world.due(5, "2026-08-12");
    world.must(Command::Receive(Receive::whole(first)));
    let refused = world.look(first, slip(first, "2026-08-26")).unwrap_err();
    assert!(
        matches!(refused, Rejection::Refused(ref refusal) if refusal.code == RefusalCode::AlreadyReceived),
        "{refused:?}"
    );
    let nothing = SupplyId(Uuid::nil());
    let refused = world.look(nothing, slip(nothing, "2026-08-26")).unwrap_err();
    assert!(matches!(refused, Rejection::NotFound { .. }), "{refused:?}");
}

/// What differs between two looks at all lines.
fn differences(
    before: &BTreeMap<LineId, Stands>,
    after: &BTreeMap<LineId, Stands>,
) -> BTreeMap<LineId, (Stands, Stands)> {
    let both = before.iter().filter_map(|(id, before)| Some((*id, (*before, *after.get(id)?))));
    both.filter(|(_, (before, after))| before != after).collect()
}

#[test]
fn in_any_shop_what_is_previewed_is_what_happens() {
    let steps = random::steps(1..50);
    let (which, days, units) = (any::<prop::sample::Index>(), 0..40_u16, 1..30_i64);
    let touched = Cell::new(0);
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(steps, which, 0..4_u8, days, units), |(steps, which, what, days, units)| {
            let mut tried = Tried::new();
            steps.iter().for_each(|step| tried.step(step));
            let due = tried.due();
            if due.is_empty() {
                return Ok(());
            }
            let supply = due[which.index(due.len())];
            let on = model::time::days_after(date("2026-08-03"), days).unwrap();
            let command = match what {
                0 => Command::CancelSupply(CancelSupply { supply }),
                1 => Command::Receive(Receive::whole(supply)),
                2 => resize(supply, units),
                _ => slip(supply, &on.to_string()),
            };
            let id = Uuid::from_u128(u128::from(u64::MAX) << 64 | 0x7 << 76 | 0x2 << 62);
            let request = tried.request(id, command.clone());
            let seen = preview(tried.read(), supply, &request, LINES_MAX).unwrap();
            let before = tried.lines();
            let done = tried.run_as(id, command);
            let after = tried.lines();
            match (seen, done) {
                (Ok(seen), Ok(())) => {
                    prop_assert!(seen.summary.complete);
                    let said = seen.effects.iter().map(|effect| {
                        let (before, after) = (&effect.before, &effect.after);
                        let then = (after.ship_by, after.deliver_by, after.supply);
                        (effect.line, ((before.ship_by, before.deliver_by, before.supply), then))
                    });
                    let said: BTreeMap<LineId, (Stands, Stands)> =
                        said.filter(|(_, (before, after))| before != after).collect();
                    touched.set(touched.get() + usize::from(!said.is_empty()));
                    prop_assert_eq!(said, differences(&before, &after));
                    let later =
                        seen.effects.iter().filter(|effect| tried.has_later_promise(effect.line)).count();
                    prop_assert_eq!(seen.summary.notices, later);
                }
                (Err(said), Err(refused)) => prop_assert_eq!(said, refused),
                (said, refused) => prop_assert!(false, "previewed {said:?}, then {refused:?}"),
            }
            Ok(())
        })
        .unwrap();
    assert!(touched.get() > 20, "only {} changes touched any line", touched.get());
}
