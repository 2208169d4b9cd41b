//! The seam to providers of payments: what they are handed, and what they answer.

use model::{
    errand::{Errand, Heard, Payer},
    id::TenantId,
    time::Timestamp,
};

/// Moves money. One for all shops of a server.
pub trait PaymentProvider: Send + Sync {
    /// Its name, as policies say it.
    fn name(&self) -> &'static str;

    /// Does what an errand says, or finds out what became of it when it was sent before. It has one effect however often it is
    /// carried under the same key, even where nobody got the answer.
    ///
    /// One that is [`Errand::needless`] is not done anew: what became of it is found out, and else it counts as voided.
    ///
    /// Blocks until the provider answers or its time is over.
    fn carry(&self, commission: &Commission<'_>) -> Heard;
}

/// An errand with what is needed to carry it.
#[derive(Debug, Clone, Copy)]
pub struct Commission<'a> {
    /// Whose shop.
    pub tenant: &'a TenantId,
    /// The key that makes it have one effect.
    pub key: &'a str,
    /// What is to be done.
    pub errand: &'a Errand,
    /// What the provider knows of the order.
    pub payer: &'a Payer,
    /// The moment.
    pub now: Timestamp,
}
