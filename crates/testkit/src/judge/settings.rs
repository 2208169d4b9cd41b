//! What a changed setting must lead to.

use model::{
    event::{LocationSet, PolicySet},
    id::Channel,
    location::LocationSettings,
};

use super::{Course, Judge, books::Placed};

impl Judge {
    /// Before a policy is set: whose dates it changes, and where somebody may move up by it.
    pub(super) fn note_policy(&self, set: &PolicySet, course: &mut Course) {
        let before = self.books.policy(&set.sku, &set.channel);
        let release = before.and_then(|policy| policy.release_date) != set.policy.release_date;
        let kept_back = before.map_or(0, |policy| policy.buffer) != set.policy.buffer;
        let lead_time = before.and_then(|policy| policy.lead_time_days) != set.policy.lead_time_days;
        if release || kept_back || lead_time {
            course.freed.insert(set.sku.clone());
        }
        if !release {
            return;
        }
        for lot in self.books.lots.values() {
            for id in lot.lines() {
                let Ok((placed, line)) = self.books.line(id) else { continue };
                let sold = lot.sku == set.sku || line.kit() == Some(&set.sku);
                if sold && self.is_under(set, placed) {
                    course.affected.insert(id);
                    course.freed.insert(lot.sku.clone());
                }
            }
        }
    }

    /// Whether an order was sold on a channel that has the policy which is set: its own, or the one for all others.
    fn is_under(&self, set: &PolicySet, placed: &Placed) -> bool {
        let channel = &placed.order.channel;
        let has_own = self.books.policies.contains_key(&(set.sku.clone(), channel.clone()));
        *channel == set.channel || (set.channel == Channel::default() && !has_own)
    }

    /// Before a location is set: everything that ships from there has other dates, unless only its name changed.
    pub(super) fn note_location(&self, set: &LocationSet, course: &mut Course) {
        let Some(before) = self.books.locations.get(&set.location) else { return };
        if *before == (LocationSettings { name: before.name.clone(), ..set.settings.clone() }) {
            return;
        }
        for lot in self.books.lots.values().filter(|lot| lot.location == set.location) {
            course.freed.insert(lot.sku.clone());
            course.affected.extend(lot.lines());
        }
    }
}
