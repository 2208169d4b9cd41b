//! `/v1/skus/{sku}/policies`: how a SKU is sold, by channel.

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use engine::Answer;
use model::{
    Units,
    advice::Automatic,
    command::{Command, PutPolicy},
    id::{Channel, Sku},
    item::{BalanceDue, Cap, PaymentKind, PaymentTerms, Policy, Returns, WhenOut},
    limits::SUPPLY_UNITS_MAX,
    money::Money,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{PartialSchema, ToSchema, openapi};

use super::{
    auth::{Allowed, CatalogRead, CatalogWrite},
    check::Checks,
    clock::Now,
    decide::automatic::{self, AutoIn, AutoOut, Wanted, of_policies},
    input::{Input, Json, MoneyIn, words},
    params::{Page, Params, Segments},
    problem::Problem,
    schema,
    skus::path_sku,
    state::{Api, json, json_tagged, unexpected},
    tag::if_match,
};

const GROUPS_MAX: usize = 100;

/// How a SKU is sold on one channel, as a whole: what is left out gets its default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyInput)]
pub(crate) struct PolicyIn {
    /// The merchant's code; if given, the one in the address.
    sku: Option<String>,
    /// The channel; if given, the one in the address.
    channel: Option<String>,
    /// What happens when on-hand stock runs out; `refuse` unless given.
    when_out: Option<WhenOutIn>,
    /// Most units backordered at once: a number (0 means none) or `unlimited`. What is inbound unless given.
    backorder_cap: Option<CapIn>,
    /// Most units one customer may have in open and shipped orders.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    customer_limit: Option<i64>,
    /// Who may buy ahead of stock; everybody unless given.
    customer_groups: Option<Vec<String>>,
    /// How many days ahead a promised ship date may lie.
    #[schema(minimum = 0, maximum = 1825)]
    horizon_days: Option<i64>,
    /// Units kept back: the first so many free ones are never sold on this channel.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    buffer: Option<i64>,
    /// "We can have it so many days after we order it": supply beyond what is inbound.
    #[schema(minimum = 0, maximum = 1825)]
    lead_time_days: Option<i64>,
    /// Where lead-time supply arrives; the first location unless given.
    lead_time_location: Option<String>,
    /// Nothing ships before this date.
    #[schema(format = Date)]
    release_date: Option<String>,
    /// In stock with so few units or less is shown as `limited`; 0 never.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    limited_below: Option<i64>,
    /// Days added to a lead time for the promised date.
    #[schema(minimum = 0, maximum = 1825)]
    promise_buffer_days: Option<i64>,
    /// When and how money is taken.
    payment: Option<PaymentIn>,
    /// Whether a customer may call it off; `free` unless given. What the law of the place gives goes before it.
    returns: Option<ReturnsIn>,
    /// What it may come to, with `when_out: auto`.
    auto: Option<AutoIn>,
}

impl Input for PolicyIn {}

/// What happens when on-hand stock runs out.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = WhenOut)]
pub(crate) enum WhenOutIn {
    Refuse,
    Waitlist,
    Backorder,
    Preorder,
    MadeToOrder,
    /// What the advice says, within limits.
    Auto,
}

words!(WhenOutIn { "refuse" => Refuse, "waitlist" => Waitlist, "backorder" => Backorder, "preorder" => Preorder, "made_to_order" => MadeToOrder, "auto" => Auto });

/// Whether a customer may call it off.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = Returns)]
pub(crate) enum ReturnsIn {
    /// Until it ships.
    Free,
    /// Not, while it ships as promised; where a law lets consumers withdraw, they may all the same.
    FinalSale,
    /// Made to the customer's specification or clearly personalised: not, while it ships as promised, also where a law lets buyers of
    /// other goods withdraw.
    MadeToSpecification,
}

words!(ReturnsIn { "free" => Free, "final_sale" => FinalSale, "made_to_specification" => MadeToSpecification });

/// Most units backordered at once.
#[derive(Clone, Copy)]
pub(crate) enum CapIn {
    Units(Units),
    Unlimited,
}

impl<'de> Deserialize<'de> for CapIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = CapIn;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or \"unlimited\"")
            }
            fn visit_i64<E: de::Error>(self, units: i64) -> Result<CapIn, E> {
                Ok(CapIn::Units(units))
            }
            fn visit_u64<E: de::Error>(self, units: u64) -> Result<CapIn, E> {
                // Beyond every limit in either form: the check names the bounds.
                Ok(CapIn::Units(i64::try_from(units).unwrap_or(i64::MAX)))
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<CapIn, E> {
                if word == "unlimited" {
                    Ok(CapIn::Unlimited)
                } else {
                    Err(E::invalid_type(de::Unexpected::Other("another text"), &self))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for CapIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Units(units) => serializer.serialize_i64(*units),
            Self::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

impl PartialSchema for CapIn {
    fn schema() -> openapi::RefOr<openapi::schema::Schema> {
        use openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let number =
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(SUPPLY_UNITS_MAX));
        let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["unlimited"]));
        OneOfBuilder::new().item(number).item(word).into()
    }
}

impl ToSchema for CapIn {
    fn name() -> std::borrow::Cow<'static, str> {
        "BackorderCap".into()
    }
}

/// When and how money is taken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentInput)]
pub(crate) struct PaymentIn {
    /// Which plan.
    kind: PaymentKindIn,
    /// Share paid at once, in percent; of a deposit.
    #[schema(minimum = 1, maximum = 100)]
    deposit_percent: Option<i64>,
    /// Sum paid at once; of a deposit.
    deposit_amount: Option<MoneyIn>,
    /// When the rest is due; of a deposit.
    balance: Option<BalanceIn>,
    /// Who moves the money.
    provider: Option<String>,
}

/// Payment plans.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentKind)]
pub(crate) enum PaymentKindIn {
    Full,
    Deposit,
    Authorise,
    ChargeOnShip,
    None,
}

words!(PaymentKindIn { "full" => Full, "deposit" => Deposit, "authorise" => Authorise, "charge_on_ship" => ChargeOnShip, "none" => None });

/// When the balance after a deposit is due.
#[derive(Serialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
#[schema(as = BalanceDue)]
pub(crate) enum BalanceIn {
    OnShip,
    Date,
    DaysBefore,
}

words!(BalanceIn { "on_ship" => OnShip, "date" => Date, "days_before" => DaysBefore });

fn check(sku: &Sku, channel: &Channel, input: &PolicyIn) -> Result<Policy, Problem> {
    let mut checks = Checks::default();
    if input.sku.as_deref().is_some_and(|given| given.trim() != sku.as_str()) {
        checks.wrong(format_args!("/sku"), "mismatch", "not the sku in the address");
    }
    if input.channel.as_deref().is_some_and(|given| given.trim() != channel.as_str()) {
        checks.wrong(format_args!("/channel"), "mismatch", "not the channel in the address");
    }
    let mut units = |at: &str, given: Option<i64>, min| {
        given.map(|units| checks.number(format_args!("{at}"), units, min, SUPPLY_UNITS_MAX))
    };
    let customer_limit = units("/customer_limit", input.customer_limit, 1);
    let buffer = units("/buffer", input.buffer, 0).unwrap_or(0);
    let limited_below = units("/limited_below", input.limited_below, 0).unwrap_or(0);
    let backorder_cap = match input.backorder_cap {
        None => Cap::Supply,
        Some(CapIn::Unlimited) => Cap::Unlimited,
        Some(CapIn::Units(cap)) => Cap::Limited(units("/backorder_cap", Some(cap), 0).unwrap_or(0)),
    };
    let mut days = |at: &str, given: Option<i64>| given.map(|days| checks.days(format_args!("{at}"), days));
    let horizon_days = days("/horizon_days", input.horizon_days);
    let lead_time_days = days("/lead_time_days", input.lead_time_days);
    let promise_buffer_days = days("/promise_buffer_days", input.promise_buffer_days);
    let location = input.lead_time_location.as_deref();
    let release = input.release_date.as_deref();
    let groups = input.customer_groups.as_deref().unwrap_or_default();
    let policy = Policy {
        when_out: match input.when_out {
            None | Some(WhenOutIn::Refuse) => WhenOut::Refuse,
            Some(WhenOutIn::Waitlist) => WhenOut::Waitlist,
            Some(WhenOutIn::Backorder) => WhenOut::Backorder,
            Some(WhenOutIn::Preorder) => WhenOut::Preorder,
            Some(WhenOutIn::MadeToOrder) => WhenOut::MadeToOrder,
            // The advice says; until then it is sold as it was.
            Some(WhenOutIn::Auto) => WhenOut::Refuse,
        },
        backorder_cap,
        customer_limit,
        customer_groups: checks.labels("/customer_groups", groups, GROUPS_MAX),
        horizon_days,
        buffer,
        lead_time_days,
        lead_time_location: location.map(|text| checks.location(format_args!("/lead_time_location"), text)),
        release_date: release.and_then(|text| checks.date(format_args!("/release_date"), text)),
        limited_below,
        promise_buffer_days,
        payment: input.payment.as_ref().map(|payment| check_payment(&mut checks, payment)),
        returns: match input.returns {
            None | Some(ReturnsIn::Free) => Returns::Free,
            Some(ReturnsIn::FinalSale) => Returns::FinalSale,
            Some(ReturnsIn::MadeToSpecification) => Returns::MadeToSpecification,
        },
    };
    checks.finish(policy)
}

fn check_payment(checks: &mut Checks, input: &PaymentIn) -> PaymentTerms {
    let percent = input
        .deposit_percent
        .map(|percent| checks.number(format_args!("/payment/deposit_percent"), percent, 1, 100));
    let amount = input.deposit_amount.as_ref();
    if matches!(input.kind, PaymentKindIn::Deposit) {
        match (percent, amount) {
            (Some(_), Some(_)) => {
                let detail = "a deposit is a percentage or an amount, not both";
                checks.wrong(format_args!("/payment/deposit_amount"), "contradiction", detail);
            }
            (None, None) => {
                let detail = "a deposit needs deposit_percent or deposit_amount";
                checks.wrong(format_args!("/payment/deposit_percent"), "required", detail);
            }
            _ => {}
        }
    }
    PaymentTerms {
        kind: match input.kind {
            PaymentKindIn::Full => PaymentKind::Full,
            PaymentKindIn::Deposit => PaymentKind::Deposit,
            PaymentKindIn::Authorise => PaymentKind::Authorise,
            PaymentKindIn::ChargeOnShip => PaymentKind::ChargeOnShip,
            PaymentKindIn::None => PaymentKind::None,
        },
        deposit_percent: percent.and_then(|percent| u8::try_from(percent).ok()),
        deposit_amount: amount.and_then(|amount| checks.money("/payment/deposit_amount", amount)),
        balance: input.balance.map(|balance| match balance {
            BalanceIn::OnShip => BalanceDue::OnShip,
            BalanceIn::Date => BalanceDue::Date,
            BalanceIn::DaysBefore => BalanceDue::DaysBefore,
        }),
        provider: checks.label(format_args!("/payment/provider"), input.provider.as_deref()),
    }
}

/// How a SKU is sold on one channel. Limits that are not set are null.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(crate) struct PolicyOut {
    /// The merchant's code.
    #[schema(value_type = String)]
    sku: Sku,
    /// The channel: `default`, or a name.
    #[schema(value_type = String)]
    channel: Channel,
    /// What happens when on-hand stock runs out.
    #[schema(value_type = WhenOutIn)]
    when_out: WhenOut,
    /// Most units backordered at once; null: what is inbound.
    backorder_cap: Option<CapIn>,
    /// Most units one customer may have.
    customer_limit: Option<Units>,
    /// Who may buy ahead of stock; empty for everybody.
    #[schema(value_type = Vec<String>)]
    customer_groups: Vec<Arc<str>>,
    /// How many days ahead a promised ship date may lie.
    horizon_days: Option<u16>,
    /// Units kept back.
    buffer: Units,
    /// Days after which it can be had once ordered.
    lead_time_days: Option<u16>,
    /// Where lead-time supply arrives.
    lead_time_location: Option<String>,
    /// Nothing ships before this date.
    #[schema(format = Date)]
    release_date: Option<String>,
    /// In stock with so few units or less is shown as `limited`.
    limited_below: Units,
    /// Days added to a lead time for the promised date.
    promise_buffer_days: Option<u16>,
    /// When and how money is taken.
    payment: Option<PaymentOut>,
    /// Whether a customer may call it off.
    #[schema(value_type = ReturnsIn)]
    returns: Returns,
    /// How it follows the advice by itself (`when_out: auto`); null where it does not.
    auto: Option<AutoOut>,
}

impl PolicyOut {
    /// With how it follows the advice.
    pub(super) fn following(mut self, automatic: Option<&Automatic>) -> Self {
        self.auto = automatic.map(AutoOut::from);
        self
    }
}

/// When and how money is taken.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentOut {
    /// Which plan.
    #[schema(value_type = PaymentKindIn)]
    kind: PaymentKind,
    /// Share paid at once, in percent.
    deposit_percent: Option<u8>,
    /// Sum paid at once.
    #[schema(value_type = Option<schema::Money>)]
    deposit_amount: Option<Money>,
    /// When the rest is due.
    #[schema(value_type = Option<BalanceIn>)]
    balance: Option<BalanceDue>,
    /// Who moves the money.
    #[schema(value_type = Option<String>)]
    provider: Option<Arc<str>>,
}

pub(super) fn shown(sku: &Sku, channel: &Channel, policy: &Policy) -> PolicyOut {
    PolicyOut {
        sku: sku.clone(),
        channel: channel.clone(),
        when_out: policy.when_out,
        backorder_cap: match policy.backorder_cap {
            Cap::Supply => None,
            Cap::Limited(units) => Some(CapIn::Units(units)),
            Cap::Unlimited => Some(CapIn::Unlimited),
        },
        customer_limit: policy.customer_limit,
        customer_groups: policy.customer_groups.clone(),
        horizon_days: policy.horizon_days,
        buffer: policy.buffer,
        lead_time_days: policy.lead_time_days,
        lead_time_location: policy.lead_time_location.as_ref().map(ToString::to_string),
        release_date: policy.release_date.map(|date| date.to_string()),
        limited_below: policy.limited_below,
        promise_buffer_days: policy.promise_buffer_days,
        payment: policy.payment.as_ref().map(|payment| PaymentOut {
            kind: payment.kind,
            deposit_percent: payment.deposit_percent,
            deposit_amount: payment.deposit_amount,
            balance: payment.balance,
            provider: payment.provider.clone(),
        }),
        returns: policy.returns,
        auto: None,
    }
}

fn path_ids((sku, channel): (String, String)) -> Result<(Sku, Channel), Problem> {
    let mut checks = Checks::default();
    let sku = checks.sku(format_args!("sku"), &sku);
    let channel = checks.channel(format_args!("channel"), Some(&channel));
    checks.finish((sku, channel))
}

/// Set a selling policy
///
/// `when_out: auto` follows the [advice](#tag/Decisions) by itself, within the limits of `auto`, looked at once a day; each change is in
/// the ledger with its advice. `when_out` in the answer is what it comes to now.
///
/// As a whole: what is left out gets its default. A channel without a policy of its own sells by `default`.
#[utoipa::path(
    put, path = "/v1/skus/{sku}/policies/{channel}", tag = "Catalog", operation_id = "put_policy",
    params(
        ("sku" = String, Path, description = "The merchant's code"),
        ("channel" = String, Path, description = "`default`, or a name such as `web`", max_length = 64),
    ),
    request_body = PolicyIn,
    responses(
        (status = 200, description = "It is set so now", body = PolicyOut),
        (status = 201, description = "It is new", body = PolicyOut),
    ),
    security(("key" = ["catalog:write"])),
)]
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogWrite>,
    Now(now): Now,
    Segments(path): Segments<(String, String)>,
    headers: HeaderMap,
    Json { value, .. }: Json<PolicyIn>,
) -> Result<Response, Problem> {
    let (sku, channel) = path_ids(path)?;
    let policy = check(&sku, &channel, &value)?;
    if matches!(value.when_out, Some(WhenOutIn::Auto)) {
        let mut checks = Checks::default();
        let (limits, paused) = automatic::check(&mut checks, value.auto.as_ref());
        checks.finish(())?;
        let wanted = Wanted { sku, channel, base: policy, limits, paused, if_match: if_match(&headers)? };
        let (set, new, auto) = automatic::put(&api, &allowed.caller, now, wanted).await?;
        let status = if new { StatusCode::CREATED } else { StatusCode::OK };
        let shown = PolicyOut { auto: Some(auto), ..shown(&set.sku, &set.channel, &set.policy) };
        return json_tagged(status, &shown, &promise::etag(&set.policy));
    }
    if value.auto.is_some() {
        return Err(Problem::field("/auto", "contradiction", "only with when_out: auto"));
    }
    let wish = PutPolicy { sku, channel, policy, if_match: if_match(&headers)? };
    let done = api.run(&allowed.caller, now, Command::PutPolicy(wish), None).await?;
    let Answer::Policy(set, new) = &done.answer else { return Err(unexpected(&done.answer)) };
    let status = if *new { StatusCode::CREATED } else { StatusCode::OK };
    json_tagged(status, &shown(&set.sku, &set.channel, &set.policy), &promise::etag(&set.policy))
}

/// Read a selling policy
#[utoipa::path(
    get, path = "/v1/skus/{sku}/policies/{channel}", tag = "Catalog", operation_id = "get_policy",
    params(
        ("sku" = String, Path, description = "The merchant's code"),
        ("channel" = String, Path, description = "`default`, or a name such as `web`"),
    ),
    responses((status = 200, description = "The policy set for exactly this channel", body = PolicyOut)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    Segments(path): Segments<(String, String)>,
) -> Result<Response, Problem> {
    let (sku, channel) = path_ids(path)?;
    let (tenant, wanted) = (allowed.caller.tenant.clone(), (sku.clone(), channel.clone()));
    let (pools, follows) = api
        .read(move |store| {
            let follows = of_policies(store, &tenant, &wanted.0, std::slice::from_ref(&wanted.1))?;
            Ok((store.pools(&tenant, &[wanted.0])?, follows))
        })
        .await?;
    let pool = pools.first().ok_or_else(|| Problem::not_found("sku", &sku))?;
    let policy =
        pool.policy_set(&channel).ok_or_else(|| Problem::not_found("policy for channel", &channel))?;
    let shown = shown(&sku, &channel, policy).following(follows.first());
    json_tagged(StatusCode::OK, &shown, &promise::etag(&**policy))
}

/// List a SKU's selling policies
#[utoipa::path(
    get, path = "/v1/skus/{sku}/policies", tag = "Catalog", operation_id = "list_policies",
    params(("sku" = String, Path, description = "The merchant's code")),
    responses((status = 200, description = "Policies by channel", body = schema::PolicyPage)),
    security(("key" = ["catalog:read"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    allowed: Allowed<CatalogRead>,
    Segments(sku): Segments<String>,
    mut params: Params,
) -> Result<Response, Problem> {
    let sku = path_sku(&sku)?;
    let (limit, after) = (params.limit(), params.cursor::<Channel>());
    params.finish()?;
    let (tenant, wanted) = (allowed.caller.tenant.clone(), sku.clone());
    let (pools, follows) = api
        .read(move |store| {
            let pools = store.pools(&tenant, std::slice::from_ref(&wanted))?;
            let channels = pools.iter().flat_map(|pool| &pool.policies).map(|(channel, _)| channel.clone());
            let channels: Vec<Channel> = channels.collect();
            let follows = of_policies(store, &tenant, &wanted, &channels)?;
            Ok((pools, follows))
        })
        .await?;
    let pool = pools.first().ok_or_else(|| Problem::not_found("sku", &sku))?;
    let wanted =
        pool.policies.iter().filter(|(channel, _)| after.as_ref().is_none_or(|after| channel > after));
    let items: Vec<PolicyOut> = wanted
        .take(limit + 1)
        .map(|(channel, policy)| {
            let follows = follows.iter().find(|automatic| automatic.channel == *channel);
            shown(&sku, channel, policy).following(follows)
        })
        .collect();
    json(StatusCode::OK, &Page::cut(items, limit, |item| item.channel.clone()))
}
