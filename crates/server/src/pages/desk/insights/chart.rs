//! Bars as SVG draws them: lying, for names, and standing, for months and days. Below zero they go the other way.

use super::super::super::chart::{ABOVE, TALL};

/// Height of one lying bar with its room.
const ROW: i64 = 30;
/// Letters of a name that fit beside its bar on a phone, and on a wide page.
const SHORT: usize = 18;
const LONG: usize = 46;

/// A chart, and what it shows in a sentence for whoever does not see it.
pub(super) struct Chart {
    pub(super) label: String,
    pub(super) height: i64,
    /// The line that bars stand on; `None` in a lying chart.
    pub(super) base: Option<i64>,
    pub(super) bars: Vec<Bar>,
}

/// One bar.
pub(super) struct Bar {
    pub(super) tone: &'static str,
    pub(super) x: String,
    pub(super) y: i64,
    pub(super) width: String,
    pub(super) height: i64,
    pub(super) name: String,
    /// The name with as many letters as a wide page has room for; empty where it is the same.
    pub(super) long: String,
    pub(super) name_x: String,
    pub(super) name_y: i64,
    pub(super) value: String,
    pub(super) value_x: String,
    pub(super) value_y: i64,
}

/// A value to draw: its name, its size, how it is written, and its tone.
pub(super) type Point = (String, f64, String, &'static str);

fn percent(share: f64) -> String {
    format!("{:.1}%", (share * 100.0).clamp(0.0, 100.0))
}

/// A name of so many letters at most.
fn cut(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

/// No name fits more letters beside its bar on a phone.
fn short(name: &str) -> String {
    cut(name, SHORT)
}

/// The same on a wide page; nothing where that is no more.
fn long(name: &str) -> String {
    if name.chars().count() > SHORT { cut(name, LONG) } else { String::new() }
}

impl Chart {
    /// Bars from the left, one under the other; values below zero have none.
    pub(super) fn lying(label: impl Into<String>, points: &[Point]) -> Self {
        let most = points.iter().map(|point| point.1).fold(0.0, f64::max).max(1e-9);
        let bar = |(n, (name, value, text, tone)): (usize, &Point)| {
            let (share, top) = (0.44 * (value / most).max(0.0), ROW * i64::try_from(n).unwrap_or(0));
            Bar {
                tone,
                x: "38%".to_owned(),
                y: top + 5,
                width: percent(if *value > 0.0 { share.max(0.004) } else { 0.0 }),
                height: ROW - 10,
                name: short(name),
                long: long(name),
                name_x: "0%".to_owned(),
                name_y: top + ROW / 2 + 4,
                value: text.clone(),
                value_x: percent(0.39 + share),
                value_y: top + ROW / 2 + 4,
            }
        };
        let bars: Vec<Bar> = points.iter().enumerate().map(bar).collect();
        Self { label: label.into(), height: ROW * i64::try_from(bars.len()).unwrap_or(0), base: None, bars }
    }

    /// Bars side by side on a line; those of values below zero hang from it.
    pub(super) fn standing(label: impl Into<String>, points: &[Point]) -> Self {
        let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
        let least = points.iter().map(|point| point.1).fold(0.0, f64::min);
        let unit = TALL as f64 / (most - least).max(1e-9);
        let base = ABOVE + (most * unit).round() as i64;
        let slots = points.len().max(6) as f64;
        let bar = |(n, (name, value, text, tone)): (usize, &Point)| {
            let size = ((value.abs() * unit).round() as i64).max(i64::from(*value != 0.0) * 2);
            let (left, middle) = ((n as f64 + 0.2) / slots, (n as f64 + 0.5) / slots);
            let top = if *value < 0.0 { base } else { base - size };
            Bar {
                tone,
                x: percent(left),
                y: top,
                width: percent(0.6 / slots),
                height: size,
                name: name.clone(),
                long: String::new(),
                name_x: percent(middle),
                name_y: ABOVE + TALL + 22,
                value: text.clone(),
                value_x: percent(middle),
                value_y: if *value < 0.0 { base - 6 } else { top - 6 },
            }
        };
        let bars = points.iter().enumerate().map(bar).collect();
        Self { label: label.into(), height: ABOVE + TALL + 30, base: Some(base), bars }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(value: f64) -> Point {
        (format!("{value}"), value, format!("{value}"), "here")
    }

    #[test]
    fn bars_stay_in_their_chart_on_either_side_of_the_line() {
        let chart = Chart::standing("a", &[point(30.0), point(-10.0), point(0.0)]);
        let base = chart.base.unwrap();
        assert_eq!((chart.bars[0].y, chart.bars[0].height), (ABOVE, base - ABOVE));
        assert_eq!((chart.bars[1].y, chart.bars[2].height), (base, 0));
        assert!(chart.bars.iter().all(|bar| bar.y + bar.height <= ABOVE + TALL));
        let lying = Chart::lying("b", &[point(4.0), point(-1.0)]);
        assert_eq!((&*lying.bars[0].width, &*lying.bars[1].width), ("44.0%", "0.0%"));
        assert_eq!(Chart::lying("c", &[]).height, 0);
        assert_eq!(short(&"x".repeat(30)).chars().count(), SHORT);
        assert_eq!((long("short"), long(&"x".repeat(60)).chars().count()), (String::new(), LONG));
    }
}
