use super::*;

/// A mug that sells one a day, is out, and comes again in 20 days.
fn mug() -> Subject {
    Subject {
        sku: "MUG".into(),
        price: Some(40.0),
        unit_cost: Some(15.0),
        inbound_units: 50.0,
        wait_days: Some(20.0),
        days_watched: 100.0,
        units_asked: 100.0,
        ..Subject::default()
    }
}

fn of(advice: &Advice, mode: Mode) -> &Choice {
    advice.choices.iter().find(|choice| choice.mode == mode).unwrap()
}

#[test]
fn goods_on_order_are_sold_ahead_and_capped_below_what_comes() {
    let advice = advise(&mug()).unwrap();
    assert_eq!(advice.recommended.mode, Mode::Backorder, "{:?}", advice.reasons);
    assert!((advice.stretch_units - 20.0).abs() < 1e-9);
    let cap = advice.recommended.cap.unwrap();
    assert!((50..=56).contains(&cap), "{cap}");
    let best = of(&advice, Mode::Backorder);
    assert!(best.low < best.value && best.value < best.high);
    let shares: f64 = advice.choices.iter().map(|choice| choice.best_in).sum();
    assert!((shares - 1.0).abs() < 1e-12);
    assert!(advice.cautions.iter().any(|caution| caution.contains("borrowed figure")));
}

#[test]
fn a_staple_with_nothing_on_order_gets_a_waitlist() {
    let staple =
        Subject { inbound_units: 0.0, wait_days: None, category: Some("paper towels".into()), ..mug() };
    let advice = advise(&staple).unwrap();
    assert_eq!(advice.recommended.mode, Mode::Waitlist);
    assert!(advice.reasons.iter().any(|reason| reason.contains("nothing is on order")));
    assert!(of(&advice, Mode::Backorder).not.is_some());
    let waits = &advice.figures[Fig::AcceptBackorder as usize];
    assert_eq!((waits.source, waits.value), (Source::Borrowed, 0.17));
}

#[test]
fn own_data_outweighs_what_is_borrowed() {
    let few = advise(&mug()).unwrap();
    let seen = Waiting {
        offered: 400.0,
        ordered: 320.0,
        wait_mean: 0.0,
        cancelled: 30.0,
        open_days: 3_000.0,
        ..Waiting::default()
    };
    let own = advise(&Subject { shop: seen, ..mug() }).unwrap();
    let waits = &own.figures[Fig::AcceptBackorder as usize];
    assert_eq!(waits.source, Source::OwnData);
    assert!((waits.value - 0.8).abs() < 0.03, "{waits:?}");
    assert!(waits.high - waits.low < 0.1);
    assert!((own.figures[Fig::CancelBackorder as usize].value - 0.0095).abs() < 0.001);
    assert!(of(&own, Mode::Backorder).value > of(&few, Mode::Backorder).value);
}

#[test]
fn each_flip_is_where_another_mode_takes_over() {
    let advice = advise(&mug()).unwrap();
    assert!(advice.flips.iter().any(|flip| flip.figure == "accept_backorder"), "{:?}", advice.flips);
    for flip in &advice.flips {
        assert_ne!(flip.best, advice.recommended.mode);
        let mut values: Values = std::array::from_fn(|n| advice.figures[n].value);
        values[figures::place(&flip.figure).unwrap()] = flip.at;
        let (days, units) = stretch(&values);
        let mut all = values_of(&contribution(&values, days, units));
        all.sort_by(f64::total_cmp);
        assert!(all[3] - all[2] < 1e-4 * all[3].abs().max(1.0), "{flip:?} {all:?}");
    }
}

#[test]
fn a_figure_typed_in_is_taken_as_it_is() {
    let mut subject = mug();
    subject.set.insert("accept_backorder".into(), 0.0);
    subject.set.insert("accept_preorder".into(), 0.0);
    let advice = advise(&subject).unwrap();
    assert_eq!(advice.recommended.mode, Mode::Waitlist);
    assert_eq!(advice.figures[Fig::AcceptBackorder as usize].source, Source::Set);
    let refused = |name: &str, value: f64| {
        let mut subject = mug();
        subject.set.insert(name.into(), value);
        advise(&subject).unwrap_err()
    };
    assert!(refused("no_such", 1.0).to_string().contains("there is no such figure"));
    assert_eq!(refused("accept_backorder", 1.5).field(), "accept_backorder");
    assert_eq!(refused("unit_cost", -1.0).field(), "unit_cost");
    assert_eq!(refused("wait_days", f64::NAN).field(), "wait_days");
}

#[test]
fn too_little_is_said_and_nonsense_refused() {
    let field = |subject: Subject| advise(&subject).unwrap_err().field().to_owned();
    assert_eq!(field(Subject { price: None, ..mug() }), "price");
    assert_eq!(field(Subject { price: Some(0.0), ..mug() }), "price");
    assert_eq!(field(Subject { unit_cost: Some(-1.0), ..mug() }), "unit_cost");
    assert_eq!(field(Subject { units_asked: f64::NAN, ..mug() }), "units_asked");
    assert_eq!(field(Subject { days_watched: 0.0, units_asked: 0.0, ..mug() }), "demand_per_day");
    assert_eq!(field(Subject { units_asked: 0.0, ..mug() }), "demand_per_day");
    let one = advise(&Subject { units_asked: 1.0, ..mug() }).unwrap();
    assert!(one.figures[Fig::Demand as usize].note.contains("few"));
    let none = advise(&Subject { units_asked: 0.0, shop_rate: Some(0.5), ..mug() }).unwrap();
    assert!(none.figures[Fig::Demand as usize].note.contains("nobody"));
    let free = advise(&Subject { unit_cost: Some(40.0), ..mug() }).unwrap();
    assert_eq!(free.recommended.mode, Mode::OutOfStock);
    assert!(free.reasons.iter().any(|reason| reason.contains("earns nothing")));
    let gone = advise(&Subject { discontinued: true, ..mug() }).unwrap();
    assert_eq!(gone.recommended.mode, Mode::OutOfStock);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let subjects: Vec<Subject> = (1..40).map(|n| Subject { units_asked: f64::from(n), ..mug() }).collect();
    let one = advise_all(&subjects, NonZeroUsize::MIN);
    let three = advise_all(&subjects, NonZeroUsize::new(3).unwrap());
    assert_eq!(one, three);
}

#[test]
fn bad_input_is_named_and_thin_input_is_answered_with_what_is_wrong_with_it() {
    // Nothing is earned: no way of selling ahead is worth anything, and it is said why.
    let free = advise(&Subject { unit_cost: Some(40.0), price: Some(40.0), ..mug() }).unwrap();
    assert!(free.reasons.iter().any(|reason| reason.contains("earns nothing")), "{:?}", free.reasons);
    assert!(free.choices.iter().all(|choice| choice.value <= 1e-9 && choice.value.is_finite()));
    let loss = advise(&Subject { unit_cost: Some(60.0), price: Some(40.0), ..mug() }).unwrap();
    assert!(of(&loss, Mode::Backorder).value < of(&loss, Mode::OutOfStock).value, "{:?}", loss.choices);
    // One unit in one day says nearly nothing: the range is wide, and few is said.
    let one = advise(&Subject { units_asked: 1.0, days_watched: 1.0, shop_rate: None, ..mug() }).unwrap();
    let rate = one.figures.iter().find(|figure| figure.name == "demand_per_day").unwrap();
    assert!(rate.note.contains("few") && rate.high > 4.0 * rate.low, "{rate:?}");
    for (subject, field) in [
        (Subject { unit_cost: Some(-1.0), ..mug() }, "unit_cost"),
        (Subject { price: Some(f64::NAN), ..mug() }, "price"),
        (Subject { price: Some(f64::INFINITY), ..mug() }, "price"),
        (Subject { price: Some(0.0), ..mug() }, "price"),
        (Subject { on_hand: -3.0, ..mug() }, "on_hand"),
        (Subject { lead_time_days: Some(f64::NAN), ..mug() }, "lead_time_days"),
        (Subject { days_watched: 0.0, ..mug() }, "demand_per_day"),
        (Subject { units_asked: 0.0, shop_rate: None, ..mug() }, "demand_per_day"),
        (Subject { receipts: 1.0, receipts_late: 2.0, ..mug() }, "receipts_late"),
    ] {
        assert_eq!(advise(&subject).unwrap_err().field(), field, "{subject:?}");
    }
}

#[test]
fn units_are_kept_back_where_the_supplier_is_later_than_promises_allow_for() {
    let calm = advise(&Subject { receipts: 40.0, receipts_late: 2.0, ..mug() }).unwrap();
    assert_eq!(calm.recommended.buffer, 0);
    assert!(calm.reasons.iter().any(|reason| reason.starts_with("Nothing need be kept back")));
    let often = Subject { receipts: 40.0, receipts_late: 30.0, late_days: Some(20.0), ..mug() };
    let mut eager = often.clone();
    eager.set.insert("accept_backorder".into(), 0.5);
    let late = advise(&eager).unwrap();
    let terms = &late.recommended;
    assert_eq!(terms.mode, Mode::Backorder);
    assert!(terms.buffer > 0, "{terms:?}");
    assert!(late.reasons.iter().any(|reason| reason.contains("Keep back")), "{:?}", late.reasons);
    // As many as the rule says, and one fewer are not enough.
    let of = |fig: Fig| late.figures[fig as usize].value;
    let due = of(Fig::Demand) * of(Fig::AcceptBackorder) * of(Fig::LateDays);
    let broken = |units: i64| of(Fig::Late) * poisson_above(units, due);
    let allowed = 1.0 - terms.promise_quantile;
    assert!(broken(terms.buffer) <= allowed && broken(terms.buffer - 1) > allowed);
    // A supplier that is later by longer needs more.
    let longer = advise(&Subject { late_days: Some(40.0), ..eager }).unwrap();
    assert!(longer.recommended.buffer > terms.buffer);
    let days = &longer.figures[Fig::LateDays as usize];
    assert!(days.source == Source::OwnData && (35.0..40.0).contains(&days.value), "{days:?}");
}

#[test]
fn patience_and_cancels_are_learned_from_the_kind_of_good_and_the_wait() {
    let mut by_wait = [AtWait::default(); patience::WAITS];
    for (n, (ordered, cancelled)) in
        [(200.0, 1.0), (180.0, 2.0), (150.0, 9.0), (90.0, 40.0)].into_iter().enumerate()
    {
        by_wait[n] = AtWait { views: 5_000.0, ordered, open_days: 2_000.0, cancelled };
    }
    let kind = Waiting { by_wait, ..Waiting::default() };
    let learned = advise(&Subject { kind, ..mug() }).unwrap();
    let of = |advice: &Advice, fig: Fig| advice.figures[fig as usize].clone();
    let theta = of(&learned, Fig::Patience);
    assert!(theta.source == Source::OwnData && theta.note.contains("of its kind"), "{theta:?}");
    assert!((0.025..0.06).contains(&theta.value), "{theta:?}");
    let soon = advise(&Subject { kind, wait_days: Some(3.0), ..mug() }).unwrap();
    let (short, long) = (of(&soon, Fig::CancelBackorder), of(&learned, Fig::CancelBackorder));
    assert!(short.source == Source::OwnData && long.value > 3.0 * short.value, "{short:?} {long:?}");
    assert_eq!(of(&advise(&mug()).unwrap(), Fig::Patience).source, Source::Guess);
}
