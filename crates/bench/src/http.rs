//! The same over HTTP: a client on the same cores, 64 connections, beside a no-op endpoint of the same server.

use crate::figures::Figures;

/// Measures nothing yet.
pub fn run(_figures: &mut Figures, _raw: f64) -> anyhow::Result<()> {
    Ok(())
}
