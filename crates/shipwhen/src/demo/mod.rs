//! The sample shop of `shipwhen demo`: ten weeks in the life of an invented brand of goods for cooking and sleeping outdoors.
//!
//! [`story`] tells it as commands, pure and the same for the same seed; [`play`] runs them through the engine. The demand is made
//! up first (`demand`), then what becomes of each good (`fates`), then the stock and supplies that lead there
//! (`stock`, `shipments`): so the backlog is as long as it should be, and still every number in it is the engine's own.

mod catalogue;
mod demand;
mod fates;
mod goods;
mod kits;
mod moments;
mod names;
mod people;
mod places;
mod play;
mod random;
mod shipments;
mod stock;
mod story;
mod terms;

#[cfg(test)]
mod tests;

pub(crate) use play::play;
#[cfg(test)]
use {play::Summary, story::story};
