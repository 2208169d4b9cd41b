//! What a plan risks, to be known before it is chosen: the longer between payment and goods, the longer a bank may take
//! the money back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// One figure of a card network or provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Days.
    pub days: u16,
    /// Which text says so. Networks change these: have them checked.
    pub source: Cow<'static, str>,
}

/// What networks and providers say of money taken long before the goods ship.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Windows {
    /// Days after the last expected date in which a buyer may dispute that goods did not come.
    pub dispute: Window,
    /// Days after the payment in which a wallet's buyer may do so: a longer wait outlasts the protection.
    pub wallet_dispute: Window,
    /// Days for which an authorisation usually lasts. For advice only: what counts is what the provider says of each.
    pub authorisation: Window,
    /// Days from which on a provider may keep money back until goods ship.
    pub provider_hold: Window,
}

const fn window(days: u16, source: &'static str) -> Window {
    Window { days, source: Cow::Borrowed(source) }
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            dispute: window(120, "Visa dispute condition 13.1"),
            wallet_dispute: window(180, "PayPal dispute filing timeframes, item not received"),
            authorisation: window(7, "Stripe, capture later, card not present"),
            provider_hold: window(30, "no text known: set what your provider told you"),
        }
    }
}

/// What a plan risks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "risk")]
pub enum Risk {
    /// Money taken before the goods ship may be disputed for so long, from the order on.
    DisputeWindow {
        /// Days.
        days: u32,
        /// Which text says so.
        source: String,
    },
    /// The wait outlasts the time in which a wallet's buyer is protected: some will not pay so early.
    OutlastsWallet {
        /// Days.
        days: u16,
        /// Which text says so.
        source: String,
    },
    /// The provider may keep the money back until the goods ship.
    ProviderHold {
        /// Which text says so.
        source: String,
    },
    /// Charging before shipment needs the buyer's agreement to the delay, kept with the order.
    NeedsAgreement,
    /// The authorisation will be gone before the goods ship: the saved method is charged then.
    AuthorisationEnds {
        /// Days.
        days: u16,
        /// Which text says so.
        source: String,
    },
    /// The charge may fail when the goods ship: the goods wait meanwhile.
    ChargeMayFail,
}

/// Says what a plan risks when the goods ship so many days after the order.
pub fn risks(plan: Plan, wait_days: u16, windows: &Windows) -> Vec<Risk> {
    let mut found = Vec::new();
    let takes_early = matches!(plan, Plan::Full | Plan::Deposit { .. });
    if takes_early && wait_days > 0 {
        found.push(Risk::NeedsAgreement);
        found.push(Risk::DisputeWindow {
            days: u32::from(wait_days) + u32::from(windows.dispute.days),
            source: windows.dispute.source.to_string(),
        });
        if wait_days >= windows.provider_hold.days {
            found.push(Risk::ProviderHold { source: windows.provider_hold.source.to_string() });
        }
        if wait_days > windows.wallet_dispute.days {
            let Window { days, source } = &windows.wallet_dispute;
            found.push(Risk::OutlastsWallet { days: *days, source: source.to_string() });
        }
    }
    if plan == Plan::Authorise && wait_days > windows.authorisation.days {
        let Window { days, source } = &windows.authorisation;
        found.push(Risk::AuthorisationEnds { days: *days, source: source.to_string() });
    }
    if plan.charges_later() {
        found.push(Risk::ChargeMayFail);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::{Balance, Deposit};

    #[test]
    fn charging_now_for_a_long_wait_shows_its_risks() {
        let named = |plan, wait_days| -> Vec<String> {
            let written = serde_json::to_value(risks(plan, wait_days, &Windows::default())).unwrap();
            let risks = written.as_array().unwrap().iter();
            risks.map(|risk| risk["risk"].as_str().unwrap().to_owned()).collect()
        };
        let deposit = Plan::Deposit { deposit: Deposit::Percent(20), balance: Balance::OnShip };
        assert_eq!(
            named(Plan::Full, 200),
            ["needs_agreement", "dispute_window", "provider_hold", "outlasts_wallet"]
        );
        assert_eq!(named(Plan::Full, 10), ["needs_agreement", "dispute_window"]);
        assert!(named(Plan::Full, 0).is_empty());
        assert_eq!(named(deposit, 60).last().unwrap(), "charge_may_fail");
        assert_eq!(named(Plan::Authorise, 60), ["authorisation_ends", "charge_may_fail"]);
        assert_eq!(named(Plan::Authorise, 5), ["charge_may_fail"]);
        assert_eq!(named(Plan::ChargeOnShip, 60), ["charge_may_fail"]);
        assert!(named(Plan::None, 60).is_empty());
        let window = risks(Plan::Full, 60, &Windows::default());
        assert!(
            window.contains(&Risk::DisputeWindow { days: 180, source: "Visa dispute condition 13.1".into() })
        );
    }
}
