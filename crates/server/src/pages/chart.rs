//! Geometry of the bar chart: what stands where, in percent of the width and pixels of the height.

/// A bar to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    /// Left edge, in percent with one decimal: `12.5%`.
    pub(super) x: String,
    /// The middle, for labels.
    pub(super) middle: String,
    /// Width.
    pub(super) width: String,
    /// Top edge in pixels.
    pub(super) top: i64,
    /// Height in pixels; at least 2 where the value is not 0, so that it is seen.
    pub(super) height: i64,
}

/// Height of the tallest bar, in pixels.
pub(super) const TALL: i64 = 120;
/// Room above the tallest bar for its value.
pub(super) const ABOVE: i64 = 24;

/// Lays bars out side by side, the tallest at full height.
pub(super) fn bars(values: &[i64]) -> Vec<Bar> {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let slots = i64::try_from(values.len()).unwrap_or(1).max(1);
    // Slots are at most a sixth of the width, so that two bars do not become two walls.
    let slot = 1_000 / slots.max(6);
    let bar = slot * 5 / 10;
    let placed = values.iter().zip(0..).map(|(&value, at)| {
        let height = if value <= 0 { 0 } else { (value * TALL / most).max(2) };
        let left = slot * at + (slot - bar) / 2;
        Bar {
            x: percent(left),
            middle: percent(slot * at + slot / 2),
            width: percent(bar),
            top: ABOVE + TALL - height,
            height,
        }
    });
    placed.collect()
}

/// A share as SVG writes it.
pub(super) fn share(part: i64, whole: i64) -> String {
    percent(if whole <= 0 { 0 } else { (part.max(0) * 1_000 / whole).min(1_000) })
}

fn percent(thousandths: i64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_their_slots_and_small_ones_are_seen() {
        let bars = bars(&[1_000, 1, 0]);
        assert_eq!((bars[0].top, bars[0].height), (ABOVE, TALL));
        assert_eq!(bars[1].height, 2);
        assert_eq!(bars[2].height, 0);
        assert_eq!((&*bars[1].x, &*bars[1].middle, &*bars[1].width), ("20.7%", "24.9%", "8.3%"));
        assert_eq!(super::bars(&[]), []);
        assert_eq!(share(1, 3), "33.3%");
        assert_eq!(share(5, 3), "100.0%");
        assert_eq!(share(5, 0), "0.0%");
    }
}
