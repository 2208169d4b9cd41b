//! The sample shop's purchase orders and production runs: when each was due, and what became of it.

use super::{
    goods::Supplier::{
        self, BrightHarbor, CedarLane, Halden, Kestrel, Nordvik, Pavia, Ridgeline, Sanming, Workshop,
    },
    places::{NEWARK, RENO, ROSTOCK},
};

use News::{CalledOff, Came, Due, Less, Unknown};

/// What is heard of a shipment. Days count from now, those before now below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It comes on another day.
    Due(i64),
    /// Nobody knows when it comes.
    Unknown,
    /// So many percent of it come.
    Less(i64),
    /// It does not come.
    CalledOff,
    /// It is here.
    Came,
}

/// A purchase order or production run with everything on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shipment {
    pub(super) supplier: Supplier,
    pub(super) reference: &'static str,
    pub(super) place: &'static str,
    /// The day first given.
    pub(super) due: i64,
    /// What was heard and on which day, in order.
    pub(super) news: &'static [(i64, News)],
}

impl Shipment {
    /// The day it came, where it did.
    pub(super) fn came(&self) -> Option<i64> {
        self.news.iter().find(|(_, news)| *news == News::Came).map(|(day, _)| *day)
    }

    pub(super) fn is_called_off(&self) -> bool {
        self.news.iter().any(|(_, news)| *news == News::CalledOff)
    }
}

const fn of(
    supplier: Supplier,
    reference: &'static str,
    place: &'static str,
    due: i64,
    news: &'static [(i64, News)],
) -> Shipment {
    Shipment { supplier, reference, place, due, news }
}

/// Every shipment of a supplier, first due first, those that came before those still to come.
pub(super) fn shipments(from: Supplier) -> impl Iterator<Item = &'static Shipment> {
    SHIPMENTS.iter().filter(move |shipment| shipment.supplier == from)
}

const SHIPMENTS: &[Shipment] = &[
    // To the day.
    of(BrightHarbor, "PO-1031", NEWARK, -46, &[(-46, Came)]),
    of(Nordvik, "PO-1033", NEWARK, -42, &[(-42, Came)]),
    of(Nordvik, "PO-1046", ROSTOCK, -18, &[(-18, Came)]),
    of(Ridgeline, "PO-1036", NEWARK, -38, &[(-38, Came)]),
    of(Ridgeline, "PO-1049", RENO, -13, &[(-13, Came)]),
    of(CedarLane, "PO-1034", NEWARK, -49, &[(-49, Came)]),
    of(CedarLane, "PO-1040", NEWARK, -35, &[(-35, Came)]),
    of(CedarLane, "PO-1048", NEWARK, -21, &[(-21, Came)]),
    of(CedarLane, "PO-1053", NEWARK, -7, &[(-7, Came)]),
    of(Workshop, "RUN-212", NEWARK, -40, &[(-40, Came)]),
    of(Workshop, "RUN-218", NEWARK, -16, &[(-15, Came)]),
    // Late, and said so.
    of(BrightHarbor, "PO-1044", NEWARK, -27, &[(-29, Due(-22)), (-21, Came)]),
    of(Halden, "PO-1029", NEWARK, -48, &[(-49, Due(-38)), (-36, Came)]),
    of(Halden, "PO-1041", NEWARK, -30, &[(-31, Due(-19)), (-17, Came)]),
    of(Sanming, "PO-1025", RENO, -45, &[(-50, Due(-33)), (-32, Came)]),
    of(Pavia, "PO-1027", NEWARK, -37, &[(-41, Due(-30)), (-30, Came)]),
    // Late without a word.
    of(Kestrel, "PO-1035", NEWARK, -40, &[(-33, Came)]),
    // Still to come, as far as anybody knows on the day.
    of(BrightHarbor, "PO-1052", NEWARK, 4, &[]),
    of(BrightHarbor, "PO-1061", ROSTOCK, 29, &[]),
    of(Nordvik, "PO-1055", NEWARK, 9, &[]),
    of(Nordvik, "PO-1063", NEWARK, 37, &[]),
    of(Ridgeline, "PO-1057", NEWARK, 3, &[]),
    of(CedarLane, "PO-1065", NEWARK, 6, &[]),
    of(Workshop, "RUN-223", NEWARK, 5, &[]),
    of(Workshop, "RUN-226", NEWARK, 20, &[]),
    of(Halden, "PO-1060", NEWARK, 34, &[]),
    of(Pavia, "PO-1066", NEWARK, 46, &[]),
    of(Sanming, "PO-1062", RENO, 51, &[]),
    // Earlier than first given.
    of(Ridgeline, "PO-1064", RENO, 22, &[(-3, Due(16))]),
    // Slipped, once and twice.
    of(Sanming, "PO-1050", RENO, 7, &[(-6, Due(19))]),
    of(Halden, "PO-1047", NEWARK, -9, &[(-12, Due(6)), (-2, Due(13))]),
    // Overdue, and nobody answers.
    of(Kestrel, "PO-1045", NEWARK, -10, &[]),
    // No date any more.
    of(Kestrel, "PO-1059", NEWARK, 26, &[(-5, Unknown)]),
    // Fewer than ordered.
    of(Pavia, "PO-1051", NEWARK, 15, &[(-8, Less(70))]),
    // Not at all.
    of(Sanming, "PO-1058", RENO, 24, &[(-4, CalledOff)]),
];

#[cfg(test)]
mod tests {
    use super::{super::goods::FAMILIES, *};

    #[test]
    fn every_supplier_has_sent_something_and_will_again() {
        for supplier in FAMILIES.iter().map(|family| family.supplier) {
            assert!(shipments(supplier).any(|shipment| shipment.came().is_some()), "{}", supplier.name());
            assert!(shipments(supplier).any(|shipment| shipment.came().is_none()), "{}", supplier.name());
        }
    }

    #[test]
    fn news_is_in_order_and_has_been_heard() {
        for shipment in SHIPMENTS {
            assert!(shipment.news.is_sorted_by_key(|(day, _)| *day), "{}", shipment.reference);
            assert!(shipment.news.iter().all(|(day, _)| *day < 0), "{}", shipment.reference);
        }
        assert!(SHIPMENTS.is_sorted_by_key(|shipment| shipment.came().is_none()));
    }
}
