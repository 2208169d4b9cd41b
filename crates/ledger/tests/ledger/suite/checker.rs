//! `verify` finds nothing where nothing is wrong, and names what is.

use ledger::verify::{Report, verify};

use super::rows::eventful;
use crate::{Engine, world::tenant};

fn report(engine: &dyn Engine, name: &str) -> Report {
    verify(&*engine.open(), &tenant(name), engine.dir(), &mut |_| {}).unwrap()
}

pub(crate) fn an_eventful_shop_is_sound(engine: &dyn Engine) {
    eventful(engine, "acme");
    let report = report(engine, "acme");
    assert_eq!(report.violations, []);
    assert_eq!((report.skus, report.open_lines), (4, 4), "{report:?}");
    assert!(report.events > 20);
}
