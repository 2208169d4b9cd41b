//! What a replication came to.

use serde::Serialize;

/// Sums of one replication, after its warm-up. Units unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// Asked for.
    pub asked: f64,
    /// There when they were asked for.
    pub at_once: f64,
    /// Ordered for later.
    pub backordered: f64,
    /// Refused, or not waited for.
    pub refused: f64,
    /// Called off while they waited.
    pub cancelled: f64,
    /// Sent.
    pub shipped: f64,
    /// Of them, later than was promised.
    pub late: f64,
    /// Sold to people from a waitlist.
    pub from_waitlist: f64,
    /// Unit-days that units which were sent after a wait had waited.
    pub wait_days: f64,
    /// Of those, how many units.
    pub waited: f64,
    /// Time-averaged units owed.
    pub owed_mean: f64,
    /// Time-averaged units on the shelf.
    pub on_hand_mean: f64,
    /// What was earned: margins less what lateness, refusals, cancels, questions and the shelf cost.
    pub profit: f64,
    /// The lowest cash balance at the end of a day.
    pub cash_lowest: f64,
    /// The last cash balance.
    pub cash_last: f64,
}

impl Outcome {
    /// Adds another SKU's of the same replication. Lowest balances are added up as if they fell on one day: never too high.
    pub fn add(&mut self, other: &Self) {
        let Self {
            asked,
            at_once,
            backordered,
            refused,
            cancelled,
            shipped,
            late,
            from_waitlist,
            wait_days,
            waited,
            owed_mean,
            on_hand_mean,
            profit,
            cash_lowest,
            cash_last,
        } = other;
        self.asked += asked;
        self.at_once += at_once;
        self.backordered += backordered;
        self.refused += refused;
        self.cancelled += cancelled;
        self.shipped += shipped;
        self.late += late;
        self.from_waitlist += from_waitlist;
        self.wait_days += wait_days;
        self.waited += waited;
        self.owed_mean += owed_mean;
        self.on_hand_mean += on_hand_mean;
        self.profit += profit;
        self.cash_lowest += cash_lowest;
        self.cash_last += cash_last;
    }

    /// Share of units asked for that were there.
    pub fn fill_rate(&self) -> f64 {
        if self.asked > 0.0 { self.at_once / self.asked } else { 1.0 }
    }

    /// Days that a unit which had to wait waited before it was sent, in the mean.
    pub fn mean_wait(&self) -> f64 {
        if self.waited > 0.0 { self.wait_days / self.waited } else { 0.0 }
    }
}
