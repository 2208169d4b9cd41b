//! Re-allocation by rule: when somebody asks for it, and when a supply
//! changes whose pool has a rule or a strategy set.
//!
//! docs/theory/promising.md, "By another rule". The plan is [`allocate::plan`]'s; in here are the pool it is given, the moves
//! that make it so, and the report.

pub(crate) mod pool;
pub(crate) mod settings;

use allocate::plan::{Cause as Why, Decider, Effect, Outcome as Line, Plan, Standing};
use ledger::QueuePart;
use model::{
    Units,
    allocation::{Basis, Reallocate, Rule, RunLine, RunReport, RunStanding, RunSummary, Strategy},
    event::Event,
    id::{LineId, OrderId, RunId, Sku, SupplyId},
    order::Cause,
    pool::Pool,
    refusal::{Refusal, RefusalCode, Rejection},
    run::REALLOCATED,
};

use self::pool::{Before, Kept};
use crate::{
    after::{Behind, Course, reissue, settle},
    answer::{Answer, Failure},
    execute::Outcome,
    money, undo,
    working::Working,
};

/// Most lines of a pool that one run looks at: about a second's work.
pub const LINES_MAX: usize = 20_000;
/// Most lines that a report names.
const REPORTED_MAX: usize = 1_000;
/// Lines of a queue read at once.
const PAGE: usize = 1_000;

/// How a pool that follows a rule stands before its supply changes.
pub(crate) struct Begun {
    sku: Sku,
    before: Before,
}

/// Notes how a pool stands, if its lines follow a rule or strategies; `None`: they move up oldest first, as do those of a pool
/// that is too large for a run.
pub(crate) fn begin(working: &mut Working<'_>, course: &Course, sku: &Sku) -> Result<Option<Begun>, Failure> {
    let Some(pool) = working.pool(sku).cloned() else { return Ok(None) };
    let (rule, strategy) = working.state.allocation.of(&pool.item);
    let by_pool = rule.is_some() || strategy.is_some();
    if !by_pool && working.state.allocation.has_no_lines() {
        return Ok(None);
    }
    let Some(lines) = lines(working, sku)? else { return Ok(None) };
    if !by_pool && lines.iter().all(|line| working.state.allocation.line(*line).is_none()) {
        return Ok(None);
    }
    let rule = rule.unwrap_or_default();
    let before = before(working, course, (&pool, &lines), &rule)?;
    Ok(Some(Begun { sku: sku.clone(), before }))
}

/// How lines of a pool stand, with what was paid for them where the rule asks for it.
fn before(
    working: &mut Working<'_>,
    course: &Course,
    (pool, lines): (&Pool, &[LineId]),
    rule: &Rule,
) -> Result<Before, Failure> {
    let mut before = Before::of(working.shop(), pool, lines, course.now);
    if rule.basis == Basis::PaidAmount {
        before.paid = money::paid_ahead(working, lines)?;
    }
    Ok(before)
}

/// Gives the goods of a pool out anew after its supply changed; answers which supplies' lines have other goods.
pub(crate) fn carry_on(
    working: &mut Working<'_>,
    course: &mut Course,
    begun: &Begun,
    cause: &Cause,
) -> Result<Vec<SupplyId>, Failure> {
    let Some(goods) = working.pool(&begun.sku) else { return Ok(Vec::new()) };
    let (rule, strategy) = working.state.allocation.of(&goods.item);
    let rule = rule.unwrap_or_default();
    let plan = planned(working, course, begun, &rule, strategy.unwrap_or_default())?;
    working.state.wins_lost.extend(&plan.summary.wins_lost);
    let (_, to) = apply(working, course, &begun.sku, &plan, &by(cause, &rule))?;
    Ok(to)
}

/// Re-allocates a pool because somebody asks for it.
pub(crate) fn run(working: &mut Working<'_>, course: &mut Course, wish: &Reallocate) -> Outcome {
    working.load_pools([&wish.sku].into_iter())?;
    let Some(pool) = working.pool(&wish.sku).cloned() else {
        let detail = format!("there is no sku {:?}", wish.sku.as_str());
        return Ok(Err(Rejection::field("/sku", "unknown_sku", detail)));
    };
    let Some(lines) = lines(working, &wish.sku)? else {
        return Ok(Err(too_many(&wish.sku)));
    };
    let (rule, strategy) = working.state.allocation.of(&pool.item);
    let rule = wish.rule.clone().or(rule).unwrap_or_default();
    let strategy = wish.strategy.or(strategy).unwrap_or_default();
    let before = before(working, course, (&pool, &lines), &rule)?;
    let begun = Begun { sku: wish.sku.clone(), before };
    let plan = planned(working, course, &begun, &rule, strategy)?;
    let id = RunId::of(course.setting(working).command);
    let cause = by(&Cause::of("run_applied"), &rule);
    let since = working.last_entry()?;
    let (units_moved, to) = apply(working, course, &wish.sku, &plan, &cause)?;
    settle(working, course, &wish.sku, &cause)?;
    for supply in &to {
        reissue(working, course, Behind::all(wish.sku.clone(), *supply), &cause, None)?;
    }
    undo::keep_moves(working, course, since, REALLOCATED, &[(wish.sku.clone(), to)])?;
    let run = (units_moved > 0).then_some(id);
    Ok(Ok(Answer::Ran(Box::new(report(run, &wish.sku, rule, &plan, units_moved)))))
}

pub(crate) fn too_many(sku: &Sku) -> Rejection {
    let detail = format!("more than {LINES_MAX} lines have units of {sku}: one run looks at no more");
    Refusal::new(RefusalCode::TooManyLines, detail).into()
}

/// The same cause, with the rule it went by.
fn by(cause: &Cause, rule: &Rule) -> Cause {
    Cause { detail: Some(format!("by {}", rule.basis.as_str()).into()), ..cause.clone() }
}

/// Every line with units of a pool, their orders loaded; `None`: too many.
fn lines(working: &mut Working<'_>, sku: &Sku) -> Result<Option<Vec<LineId>>, Failure> {
    let supplies = working.pool(sku).map(|pool| pool.supplies.clone()).unwrap_or_default();
    let mut lines: Vec<LineId> = Vec::new();
    for supply in supplies.iter().filter(|supply| supply.pegged() > 0) {
        let mut after = None;
        loop {
            let page = working.waiting_page(supply.id, QueuePart::All, after, PAGE)?;
            lines.extend(page.iter().map(|waiting| waiting.line));
            if lines.len() > LINES_MAX {
                return Ok(None);
            }
            match page.last().filter(|_| page.len() == PAGE) {
                Some(last) => after = Some(last.line),
                None => break,
            }
        }
    }
    lines.sort_unstable();
    lines.dedup();
    let mut orders: Vec<OrderId> = lines.iter().map(|line| line.order).collect();
    orders.dedup();
    working.load_orders(&orders)?;
    Ok(Some(lines))
}

fn planned(
    working: &Working<'_>,
    course: &Course,
    begun: &Begun,
    rule: &Rule,
    strategy: Strategy,
) -> Result<Plan, Failure> {
    let defect = |error: &dyn std::fmt::Display| Failure::Defect(error.to_string().into());
    let goods = working.pool(&begun.sku).ok_or_else(|| defect(&"a pool is gone"))?;
    let settings = (&working.state.allocation, strategy);
    // What is ring-fenced is nobody's to share out: who has it keeps it, and what nobody has goes to its channel by moving up.
    let kept = Kept::of(working.shop(), goods, begun.before.lines());
    let pool = begun.before.pool(working.shop(), goods, settings, &kept, course.now);
    let mut plan = allocate::plan::plan(&pool, rule, course.now).map_err(|error| defect(&error))?;
    kept.add_to(&mut plan);
    Ok(plan)
}

/// Moves units as a plan says; answers how many, and which supplies got or lack lines now.
fn apply(
    working: &mut Working<'_>,
    course: &mut Course,
    sku: &Sku,
    plan: &Plan,
    cause: &Cause,
) -> Result<(Units, Vec<SupplyId>), Failure> {
    let targets = plan.lines.iter().map(|line| {
        let pegs = line.pegs.iter().map(|peg| (peg.supply, peg.quantity));
        (line.line, pegs.collect())
    });
    rearrange(working, course, sku, targets.collect(), cause)
}

/// A line, and all the units of a pool that it is to have.
pub(crate) type Target = (LineId, Vec<(SupplyId, Units)>);

/// Gives lines the units that they are to have; answers how many moved, and which supplies got or lack lines now.
pub(crate) fn rearrange(
    working: &mut Working<'_>,
    course: &mut Course,
    sku: &Sku,
    targets: Vec<Target>,
    cause: &Cause,
) -> Result<(Units, Vec<SupplyId>), Failure> {
    let run = promise::rearrange(course.next(working), sku, targets, cause);
    let Some(run) = run else { return Ok((0, Vec::new())) };
    let units = run.moves.iter().map(|step| step.quantity).sum();
    let mut to: Vec<SupplyId> = run.moves.iter().map(|step| step.to).collect();
    to.sort_unstable();
    to.dedup();
    working.apply(course.now, vec![Event::RunApplied(run)])?;
    Ok((units, to))
}

fn report(run: Option<RunId>, sku: &Sku, rule: Rule, plan: &Plan, units_moved: i64) -> RunReport {
    let summary = RunSummary {
        earlier: plan.summary.earlier,
        later: plan.summary.later,
        broken: plan.summary.broken,
        units_short: plan.summary.units_short,
        value_at_risk: i64::try_from(plan.summary.value_at_risk).unwrap_or(i64::MAX),
        wins_lost: plan.summary.wins_lost.clone(),
        units_moved,
        lines: plan.lines.len(),
    };
    let changed = plan.lines.iter().filter(|line| line.cause != Why::Unchanged);
    let lines = changed.take(REPORTED_MAX).map(reported).collect();
    RunReport { run, sku: sku.clone(), rule, summary, lines }
}

fn reported(line: &Line) -> RunLine {
    let standing = |standing: Standing| RunStanding { ready: standing.ready, units_short: standing.short };
    let (cause, supply) = match line.cause {
        Why::Unchanged => ("unchanged", None),
        Why::SupplyMoved(id) => ("supply_moved", Some(id)),
        Why::SupplyShort(id) => ("supply_short", Some(id)),
        Why::Outranked => ("outranked", None),
        Why::MovedUp => ("moved_up", None),
        Why::Rearranged => ("rearranged", None),
    };
    let effect = match line.effect {
        Effect::Same => "same",
        Effect::Earlier => "earlier",
        Effect::Later => "later",
    };
    let decided_by = match line.decided_by {
        Decider::Lock => "lock",
        Decider::Strategy(strategy) => strategy.as_str(),
        Decider::Ageing => "ageing",
        Decider::Rule(basis) => basis.as_str(),
    };
    let pegged: i64 = line.pegs.iter().map(|peg| peg.quantity).sum();
    RunLine {
        line: line.line,
        quantity: pegged + line.after.short,
        before: standing(line.before),
        after: standing(line.after),
        effect: effect.into(),
        broken: line.broken,
        cause: cause.into(),
        supply,
        decided_by: decided_by.into(),
    }
}
