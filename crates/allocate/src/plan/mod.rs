//! Re-allocates a pool: new pegs for every line, and for each what it had, what it gets and why.
//!
//! docs/theory/allocation.md, "A run". In short:
//! 1. Where a supply has fewer units than lines have of it, units are cut from those that come last ([`keep`]).
//! 2. What lines that win or gain still have is owed to them by the day they have it; then as many as possible of those
//!    that would be later than before are owed theirs by the day they had, those that win first ([`keep`]).
//! 3. Lines are served in the order of the rule, each with the earliest units that nobody is owed ([`serve`]), or units
//!    are shared day by day ([`share_out`]).
//! 4. Units of a day become units of supplies, each line keeping its own as far as it has units of that day ([`pegs`]).
//!
//! The cost is n log n for the order, and the logarithm of the number of supplies for every peg.

mod keep;
mod pegs;
mod report;
mod serve;
mod share_out;

use model::{
    Units,
    id::{LineId, SupplyId},
    time::{Date, Timestamp},
};

use crate::{
    pool::{Line, Peg, Pool, PoolError, Strategy},
    room::Room,
    rule::{Basis, Rule, turns},
    timetable::Timetable,
};

/// What a run does to a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Every line, in the order in which they are served: who stands first was asked first.
    pub lines: Vec<Outcome>,
    /// What it comes to.
    pub summary: Summary,
}

/// What becomes of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The line.
    pub line: LineId,
    /// Its units by supply, the earliest first. With `after.short` they add up to its quantity.
    pub pegs: Vec<Peg>,
    /// How it stood before the change.
    pub before: Standing,
    /// How it stands after the run.
    pub after: Standing,
    /// Which of both is better.
    pub effect: Effect,
    /// Whether a promise that would have been kept no longer is.
    pub broken: bool,
    /// What led to it.
    pub cause: Cause,
    /// What decided it.
    pub decided_by: Decider,
}

/// When the last unit of a line is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The day; `None` if units are short or nobody knows.
    pub ready: Option<Date>,
    /// Units that wait without goods.
    pub short: Units,
}

/// What a run does to a line's date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing, or nothing that matters: both days are before the one the customer wants.
    Same,
    /// An earlier day, or a day where there was none.
    Earlier,
    /// A later day, or none any more.
    Later,
}

/// What led to a line's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing happened to it.
    Unchanged,
    /// Its supply has another date.
    SupplyMoved(SupplyId),
    /// Its supply has fewer units than were promised from it.
    SupplyShort(SupplyId),
    /// Its goods went to a line that is served before it.
    Outranked,
    /// Earlier goods came free.
    MovedUp,
    /// It has other goods that are as good: its own are needed by a line that is served before it.
    Rearranged,
}

/// What decided a line's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// It is locked.
    Lock,
    /// Its strategy.
    Strategy(Strategy),
    /// It has waited longer than the rule allows.
    Ageing,
    /// Where it stands by the rule.
    Rule(Basis),
}

/// What a run comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Lines that get an earlier day.
    pub earlier: usize,
    /// Lines that get a later day, or none.
    pub later: usize,
    /// Lines whose promise would have been kept and no longer is.
    pub broken: usize,
    /// Units without goods.
    pub units_short: Units,
    /// Value of the lines that get later or whose promise is broken, in minor units.
    pub value_at_risk: i128,
    /// Lines that should win and get later all the same, in the order served: a caller refuses the change or names them.
    pub wins_lost: Vec<LineId>,
}

/// Re-allocates a pool under a rule; changes nothing.
///
/// The same pool gives the same plan, in whatever order its lines stand. `now` is what ageing is counted to.
/// Errors: [`PoolError`] names the supply or line that does not fit the rest.
pub fn plan(pool: &Pool, rule: &Rule, now: Timestamp) -> Result<Plan, PoolError> {
    pool.check()?;
    let times = Timetable::of(&pool.supplies)?;
    let mut run = Run::new(pool, rule, times, now)?;
    run.cut_what_is_not_there();
    run.owe_what_lines_keep();
    run.serve_all();
    Ok(run.report())
}

/// A run in the making. Lists of seats stand in the order in which lines are served.
struct Run<'a> {
    pool: &'a Pool,
    rule: &'a Rule,
    times: Timetable,
    seats: Vec<Seat>,
    /// What the report says of each seat's line, copied out of it: each look at a line that is served out of turn with others
    /// waits for memory, which in a large pool is most of what a run takes.
    told: Vec<Told>,
    /// What lines have before the run; each seat's stand together.
    held: Vec<Held>,
    room: Room,
    /// What lines get, as it is given.
    given: Vec<Given>,
    /// Used by one call after another, to save allocations.
    scratch: Vec<(usize, Units)>,
}

/// What a report needs of a line.
struct Told {
    id: LineId,
    quantity: Units,
    /// Units that wait without goods.
    short: Units,
    promised: Option<Date>,
    may_wait_until: Option<Date>,
    value: i64,
}

/// A line's place among those served.
struct Seat {
    strategy: Strategy,
    locked: bool,
    aged: bool,
    /// Its own within [`Run::held`].
    held: std::ops::Range<usize>,
    /// The last step that it may wait for without losing anything.
    wanted: Option<usize>,
    /// Owed what it had before the change, not only what it still has.
    made_whole: bool,
    /// Units it wants from the run.
    wants: Units,
    /// Units it got so far.
    got: Units,
}

/// Units of a supply that a line has before the run.
struct Held {
    supply: usize,
    /// Those that are there.
    kept: Units,
    /// Those that are not.
    cut: Units,
}

/// Units of a step that a line gets.
struct Given {
    seat: usize,
    step: usize,
    units: Units,
}

impl<'a> Run<'a> {
    fn new(pool: &'a Pool, rule: &'a Rule, times: Timetable, now: Timestamp) -> Result<Self, PoolError> {
        let turns = turns(rule, &pool.lines, now);
        let mut seats = Vec::with_capacity(turns.len());
        let mut told = Vec::with_capacity(turns.len());
        let mut held = Vec::with_capacity(turns.len());
        for turn in turns {
            let line = &pool.lines[turn.line];
            let (from, mut short) = (held.len(), line.quantity);
            for peg in &line.pegs {
                short -= peg.quantity;
                let unknown = PoolError::UnknownSupply { line: line.id, supply: peg.supply };
                let supply = times.position(peg.supply).ok_or(unknown)?;
                held.push(Held { supply, kept: peg.quantity, cut: 0 });
            }
            held[from..].sort_unstable_by_key(|own| (times.step[own.supply], own.supply));
            told.push(Told {
                id: line.id,
                quantity: line.quantity,
                short,
                promised: line.promised,
                may_wait_until: line.may_wait_until(),
                value: line.value,
            });
            seats.push(Seat {
                strategy: line.strategy,
                locked: line.locked,
                aged: turn.aged,
                held: from..held.len(),
                wanted: times.wanted(line),
                made_whole: false,
                wants: wants(line, short),
                got: 0,
            });
        }
        let given = Vec::with_capacity(seats.len());
        let room = Room::new(Vec::new());
        Ok(Self { pool, rule, times, seats, told, held, room, given, scratch: Vec::new() })
    }
}

/// Units a line wants from a run: a locked one has what it has, and one that fills gets no goods it had not.
fn wants(line: &Line, short: Units) -> Units {
    match (line.locked, line.strategy) {
        (true, _) => 0,
        (false, Strategy::Fill) => line.quantity - short,
        (false, _) => line.quantity,
    }
}
