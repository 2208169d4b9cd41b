//! Cash over the days of a replication.

/// Money that comes and goes, by day.
#[derive(Debug, Clone)]
pub(crate) struct CashBook {
    flows: Vec<f64>,
    opening: f64,
}

impl CashBook {
    pub(crate) fn new(days: f64, opening: f64) -> Self {
        Self { flows: vec![0.0; days.ceil() as usize + 1], opening }
    }

    /// Money comes, or goes below zero; what falls behind the last day is not counted.
    pub(crate) fn add(&mut self, day: f64, amount: f64) {
        if let Some(flow) = self.flows.get_mut(day.max(0.0) as usize) {
            *flow += amount;
        }
    }

    /// The lowest balance at the end of a day, and the last one.
    pub(crate) fn lowest_and_last(&self) -> (f64, f64) {
        let mut balance = self.opening;
        let mut lowest = f64::INFINITY;
        for flow in &self.flows {
            balance += flow;
            lowest = lowest.min(balance);
        }
        (lowest.min(self.opening), balance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_balance_is_found_and_what_comes_too_late_is_not_counted() {
        let mut book = CashBook::new(10.0, 100.0);
        book.add(1.5, -160.0);
        book.add(3.0, 90.0);
        book.add(11.0, 1e6);
        assert_eq!(book.lowest_and_last(), (-60.0, 30.0));
        assert_eq!(CashBook::new(0.5, -5.0).lowest_and_last(), (-5.0, -5.0));
    }
}
