//! What was measured, beside its goal.

use std::collections::BTreeMap;

/// Open lines in a store, unless the command line says how many.
pub(crate) const LINES: usize = 1_000_000;

/// Figures by name.
pub(crate) struct Figures {
    json: bool,
    /// Open lines to measure with, where a part asks.
    pub(crate) lines: usize,
    all: BTreeMap<String, (f64, Option<f64>, &'static str)>,
}

impl Figures {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, lines: LINES, all: BTreeMap::new() }
    }

    /// Says what is going on.
    pub(crate) fn say(&self, text: &str) {
        println!("{text}");
    }

    /// Keeps a figure, and says it.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64, goal: Option<f64>, unit: &'static str) {
        let name = name.into();
        let goal_text = goal.map(|goal| format!("  (goal {goal})")).unwrap_or_default();
        self.say(&format!("{name:32} {value:>14.3} {unit}{goal_text}"));
        self.all.insert(name, (value, goal, unit));
    }

    /// Prints everything, as JSON on the last line if asked.
    pub(crate) fn print(&self) {
        if !self.json {
            return;
        }
        let figures: serde_json::Map<String, serde_json::Value> = self
            .all
            .iter()
            .map(|(name, (value, goal, unit))| {
                (name.clone(), serde_json::json!({"value": value, "goal": goal, "unit": unit}))
            })
            .collect();
        println!("{}", serde_json::json!({ "figures": figures }));
    }
}
