//! A queue is read as what is decided leaves it, whether that is written or not.

use ledger::QueuePart;
use model::{
    command::{Command, Receive},
    id::{LineId, OrderId, SupplyId},
};
use testkit::{
    ask::{Ask, ask, date},
    core::supply,
};

use super::{House, cancel};
use crate::Answer;

impl House {
    fn place(&mut self, ask: Ask) -> OrderId {
        match self.decide(Command::PlaceOrder(Box::new(ask.order()))) {
            Answer::Placed(order) => order.id,
            other => panic!("{other:?}"),
        }
    }

    /// Every page of every part of a supply's queue: behind nothing and behind each line, of some lengths.
    fn pages(&mut self, supply: SupplyId, behind: &[LineId]) -> Vec<Vec<(LineId, i64)>> {
        let parts = [
            QueuePart::All,
            QueuePart::Soonest,
            QueuePart::Newest,
            QueuePart::WantedBefore(date("2026-11-15")),
        ];
        let mut pages = Vec::new();
        for part in parts {
            for after in std::iter::once(None).chain(behind.iter().copied().map(Some)) {
                for limit in [1, 3, 16, 100] {
                    let page = self.working().waiting_page(supply, part, after, limit).unwrap();
                    pages.push(page.into_iter().map(|row| (row.line, row.quantity)).collect());
                }
            }
        }
        pages
    }
}

/// Orders of three kinds: as soon as possible, for a day before what is asked for, for one after it.
fn asked(nth: usize) -> Ask {
    let ask = ask("MUG", 1 + i64::try_from(nth % 4).unwrap());
    match nth % 5 {
        3 => ask.by("2026-11-01"),
        4 => ask.by("2026-12-01"),
        _ => ask,
    }
}

#[test]
fn a_queue_is_the_same_before_and_after_what_is_decided_is_written() {
    let mut house = House::open();
    house.sells("MUG");
    let Answer::SupplyAdded(due) = house.run(Command::AddSupply(supply("MUG", 500, "2026-10-02"))) else {
        panic!("a supply is entered");
    };
    let supply = due.view.supply.id;
    let stored: Vec<OrderId> = (0..60).map(|nth| house.place(asked(nth))).collect();
    house.commit();
    // A stretch longer than a page is gone, then every third; some have come, of which some are gone again.
    let gone = (5..25).chain((25..60).step_by(3));
    gone.for_each(|nth| drop(house.decide(cancel(stored[nth]))));
    let new: Vec<OrderId> = (0..20).map(|nth| house.place(asked(nth))).collect();
    new.iter().step_by(4).for_each(|order| drop(house.decide(cancel(*order))));
    let behind: Vec<LineId> =
        stored.iter().chain(&new).map(|order| LineId { order: *order, no: 1 }).collect();
    let compare = |house: &mut House| {
        // The first two parts are read as they are, the third has it written down.
        let before = house.pages(supply, &behind);
        house.working().flush().unwrap();
        assert_eq!(before, house.pages(supply, &behind));
        before.iter().filter(|page| page.len() == 16).count()
    };
    assert!(compare(&mut house) > 20, "there is something to see");
    // What came goes to the oldest, and so out of this queue.
    house.decide(Command::Receive(Receive { accepted: Some(40), ..Receive::whole(supply) }));
    compare(&mut house);
    house.commit();
    house.verify();
}
