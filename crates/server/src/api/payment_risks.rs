//! `GET /v1/payments/risks`: what a way of paying risks, before it is chosen.

use axum::{http::StatusCode, response::Response};
use obligation::payment::{
    Balance, Deposit, Plan,
    risk::{Risk, Windows, risks},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::{Allowed, CatalogRead},
    params::Params,
    problem::Problem,
    state::json,
};

/// One risk.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentRisk)]
pub(crate) struct RiskOut {
    /// `needs_agreement`, `dispute_window`, `provider_hold`, `outlasts_wallet`, `authorisation_ends` or `charge_may_fail`.
    risk: &'static str,
    /// Days, where it is about some.
    days: Option<u32>,
    /// Which text says so; networks change them: have them checked.
    source: Option<String>,
    /// The same in words.
    about: &'static str,
}

/// What a way of paying risks.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentRisks)]
pub(crate) struct RisksOut {
    /// None where there is nothing to know.
    items: Vec<RiskOut>,
}

/// Read what a way of paying risks
///
/// For goods that ship so many days after the order: how long a bank may take the money back, that a provider may hold it, that an
/// authorisation will be gone. Not legal advice.
#[utoipa::path(
    get, path = "/v1/payments/risks", tag = "Payments", operation_id = "get_payment_risks",
    params(
        ("kind" = String, Query, description = "`full`, `deposit`, `authorise`, `charge_on_ship` or `none`"),
        ("wait_days" = i64, Query, description = "Days from the order to the shipment, at most 1825"),
    ),
    responses((status = 200, description = "The risks", body = RisksOut)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn get(_allowed: Allowed<CatalogRead>, mut params: Params) -> Result<Response, Problem> {
    let kind = params.word("kind", &["full", "deposit", "authorise", "charge_on_ship", "none"]);
    let wait_days = params.text("wait_days").and_then(|text| {
        let days = text.parse::<i64>().ok();
        if days.is_none() {
            params.checks.wrong(format_args!("wait_days"), "number", "is a whole number");
        }
        days
    });
    let wait_days = wait_days.map(|days| params.checks.number(format_args!("wait_days"), days, 0, 1_825));
    params.finish()?;
    let missing = |name: &str| Problem::field(name, "required", "is missing");
    let plan = match kind.ok_or_else(|| missing("kind"))? {
        "full" => Plan::Full,
        "deposit" => Plan::Deposit { deposit: Deposit::Percent(50), balance: Balance::OnShip },
        "authorise" => Plan::Authorise,
        "charge_on_ship" => Plan::ChargeOnShip,
        _ => Plan::None,
    };
    let wait_days = wait_days.ok_or_else(|| missing("wait_days"))?;
    let wait_days = u16::try_from(wait_days).unwrap_or(u16::MAX);
    let items = risks(plan, wait_days, &Windows::default()).into_iter().map(shown).collect();
    json(StatusCode::OK, &RisksOut { items })
}

/// What a plan risks for a wait, a sentence each.
pub(crate) fn sentences(plan: Plan, wait_days: u16) -> Vec<String> {
    let of = |risk: RiskOut| match risk.days {
        Some(days) => format!("{} ({days} days)", risk.about.trim_end_matches('.')) + ".",
        None => risk.about.to_owned(),
    };
    risks(plan, wait_days, &Windows::default()).into_iter().map(|risk| of(shown(risk))).collect()
}

fn shown(risk: Risk) -> RiskOut {
    let out = |risk, days, source, about| RiskOut { risk, days, source, about };
    match risk {
        Risk::DisputeWindow { days, source } => out(
            "dispute_window",
            Some(days),
            Some(source),
            "For so many days from the order a buyer's bank may take the money back because the goods did not come.",
        ),
        Risk::OutlastsWallet { days, source } => out(
            "outlasts_wallet",
            Some(u32::from(days)),
            Some(source),
            "The wait is longer than a wallet protects its buyers: some will not pay so early.",
        ),
        Risk::ProviderHold { source } => {
            out("provider_hold", None, Some(source), "The provider may keep the money until the goods ship.")
        }
        Risk::NeedsAgreement => out(
            "needs_agreement",
            None,
            None,
            "The buyer must have agreed to pay before the goods ship; keep that with the order.",
        ),
        Risk::AuthorisationEnds { days, source } => out(
            "authorisation_ends",
            Some(u32::from(days)),
            Some(source),
            "The authorisation will be gone before the goods ship: the saved method is charged then.",
        ),
        Risk::ChargeMayFail => out(
            "charge_may_fail",
            None,
            None,
            "The charge may fail when the goods ship; they wait meanwhile.",
        ),
    }
}
