//! Each errand as requests to Stripe.

use std::sync::Arc;

use model::errand::{Errand, Heard, Manner, Payer, What, Word};
use serde_json::Value;

use super::{
    http::{Http, NoWord, Reply},
    read,
};
use crate::payments::Commission;

/// Where an object says under which key it was asked for.
const KEY: &str = "shipwhen_key";
/// Objects read at once when one is looked for.
const PAGE: &str = "100";
/// Most pages of them: an order has a few charges.
const PAGES_MAX: usize = 5;

pub(super) fn carry(http: &Http, commission: &Commission<'_>) -> Heard {
    let done = match &commission.errand.what {
        What::Save => save(http, commission),
        What::Charge(manner) => pay(http, commission, *manner, false),
        What::Authorise(manner) => pay(http, commission, *manner, true),
        What::Retry => retry(http, commission),
        What::Capture => capture(http, commission),
        What::Void => void(http, commission),
        What::Refund => refund(http, commission),
        What::Look => look(http, commission),
        What::Dispute(dispute) => look_at_dispute(http, commission.errand, dispute),
    };
    done.unwrap_or_else(|NoWord(code)| Heard::just(Word::NotNow { code }))
}

type Done = Result<Heard, NoWord>;

fn never(reply: &Reply) -> Heard {
    Heard::just(Word::Never { code: reply.code().into() })
}

/// The provider's name of the charge.
fn object(payer: &Payer, charge: u32) -> Option<&Arc<str>> {
    payer.charges.get(&charge).map(|known| &known.object)
}

/// By which names an object of Stripe's is found again.
fn metadata(of: &Commission<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("metadata[shipwhen_shop]", of.tenant.to_string()),
        ("metadata[shipwhen_order]", of.errand.order.to_string()),
        ("metadata[shipwhen_charge]", of.errand.charge.to_string()),
        ("metadata[shipwhen_key]", of.key.to_owned()),
    ]
}

/// The order's customer at Stripe, made if there is none. `Ok(Err(_))`: it will not make one.
fn customer(http: &Http, of: &Commission<'_>) -> Result<Result<Arc<str>, Heard>, NoWord> {
    if let Some(customer) = &of.payer.customer {
        return Ok(Ok(Arc::clone(customer)));
    }
    let order = of.errand.order.to_string();
    let form = [("metadata[shipwhen_shop]", of.tenant.to_string()), ("metadata[shipwhen_order]", order)];
    let key = format!("{}:customer", of.errand.order);
    let made = http.post("/v1/customers", &key, &form)?;
    if !made.is_ok() {
        return Ok(Err(never(&made)));
    }
    let id = made.body["id"].as_str().ok_or(NoWord("unreadable"))?;
    Ok(Ok(id.into()))
}

fn save(http: &Http, of: &Commission<'_>) -> Done {
    if object(of.payer, of.errand.charge).is_some() {
        return look(http, of);
    }
    if of.errand.needless {
        // One that was made and not heard of saves nothing: nobody has its secret.
        return Ok(Heard::just(Word::Voided));
    }
    let customer = match customer(http, of)? {
        Ok(customer) => customer,
        Err(heard) => return Ok(heard),
    };
    let mut form = metadata(of);
    form.push(("customer", customer.to_string()));
    form.push(("usage", "off_session".to_owned()));
    form.push(("payment_method_types[]", "card".to_owned()));
    let made = http.post("/v1/setup_intents", of.key, &form)?;
    if !made.is_ok() {
        return Ok(never(&made));
    }
    Ok(with_customer(read::intent(&made.body, of.errand.amount.currency, true), &customer))
}

fn with_customer(mut heard: Heard, customer: &Arc<str>) -> Heard {
    heard.facts.customer = Some(Arc::clone(customer));
    heard
}

/// Money is taken, or set aside: at once with the saved method, or by the customer.
fn pay(http: &Http, of: &Commission<'_>, manner: Manner, hold: bool) -> Done {
    let currency = of.errand.amount.currency;
    if object(of.payer, of.errand.charge).is_some() {
        return look_asked(http, of, true);
    }
    let customer = match customer(http, of)? {
        Ok(customer) => customer,
        Err(heard) => return Ok(heard),
    };
    if of.errand.tries > 1
        && let Some(found) = find(http, "/v1/payment_intents", ("customer", &customer), of.key)?
    {
        // Read by itself: a list does not say until when money may be captured.
        let id = found["id"].as_str().ok_or(NoWord("unreadable"))?;
        let found = http.get(&path(id), &[("expand[]", "latest_charge")])?;
        return Ok(with_customer(paid(&found, of), &customer));
    }
    if of.errand.needless {
        return Ok(Heard::just(Word::Voided));
    }
    let mut form = metadata(of);
    form.push(("amount", read::stripe_amount(of.errand.amount.amount, currency)));
    form.push(("currency", currency.code().to_lowercase()));
    form.push(("customer", customer.to_string()));
    form.push(("payment_method_types[]", "card".to_owned()));
    form.push(("expand[]", "latest_charge".to_owned()));
    if hold {
        form.push(("capture_method", "manual".to_owned()));
    }
    match &of.payer.method {
        Some(method) if manner.away => {
            form.push(("payment_method", method.to_string()));
            form.push(("off_session", "true".to_owned()));
            form.push(("confirm", "true".to_owned()));
        }
        _ => {
            if manner.saves {
                form.push(("setup_future_usage", "off_session".to_owned()));
            }
        }
    }
    let made = http.post("/v1/payment_intents", of.key, &form)?;
    Ok(with_customer(paid(&made, of), &customer))
}

/// What an answer to a request for money says.
fn paid(reply: &Reply, of: &Commission<'_>) -> Heard {
    let currency = of.errand.amount.currency;
    if reply.is_ok() {
        return read::intent(&reply.body, currency, true);
    }
    if reply.status != 402 {
        return never(reply);
    }
    let error = &reply.body["error"];
    let mut heard = read::intent(&error["payment_intent"], currency, true);
    heard.word = read::declined(error);
    heard
}

/// Tries the saved method again, on the intent that there is: so it and the customer cannot both pay.
fn retry(http: &Http, of: &Commission<'_>) -> Done {
    let Some(intent) = object(of.payer, of.errand.charge) else {
        return pay(http, of, Manner { away: true, saves: false }, false);
    };
    let now = http.get(&format!("/v1/payment_intents/{intent}"), &[("expand[]", "latest_charge")])?;
    if !now.is_ok() {
        return Ok(never(&now));
    }
    let may_try = ["requires_payment_method", "requires_confirmation"].map(Value::from);
    let Some(method) =
        of.payer.method.as_ref().filter(|_| !of.errand.needless && may_try.contains(&now.body["status"]))
    else {
        return Ok(read::intent(&now.body, of.errand.amount.currency, true));
    };
    let form = [
        ("payment_method", method.to_string()),
        ("off_session", "true".to_owned()),
        ("expand[]", "latest_charge".to_owned()),
    ];
    let tried = http.post(&format!("/v1/payment_intents/{intent}/confirm"), of.key, &form)?;
    if tried.is_ok() || tried.status == 402 { Ok(paid(&tried, of)) } else { look_asked(http, of, true) }
}

fn capture(http: &Http, of: &Commission<'_>) -> Done {
    let currency = of.errand.amount.currency;
    let Some(intent) = object(of.payer, of.errand.charge) else {
        return Ok(Heard::just(Word::Never { code: "unknown_charge".into() }));
    };
    let amount = read::stripe_amount(of.errand.amount.amount, currency);
    let form = [("amount_to_capture", amount)];
    let taken = http.post(&format!("/v1/payment_intents/{intent}/capture"), of.key, &form)?;
    if taken.is_ok() {
        return Ok(read::intent(&taken.body, currency, true));
    }
    // Taken before, or run out: then its state says so.
    let heard = look_asked(http, of, true)?;
    match heard.word {
        Word::Captured { .. } | Word::Voided => Ok(heard),
        _ => Ok(never(&taken)),
    }
}

fn void(http: &Http, of: &Commission<'_>) -> Done {
    let Some(intent) = object(of.payer, of.errand.charge) else {
        return Ok(Heard::just(Word::Voided));
    };
    let gone = http.post(&format!("{}/cancel", path(intent)), of.key, &[])?;
    if gone.is_ok() {
        return Ok(read::intent(&gone.body, of.errand.amount.currency, true));
    }
    // The customer was faster, or the bank is at it.
    let heard = look_asked(http, of, false)?;
    match heard.word {
        Word::Pending | Word::Declined { .. } | Word::NeedsCustomer => {
            Ok(Heard { word: Word::NotNow { code: "busy" }, ..heard })
        }
        _ => Ok(heard),
    }
}

fn refund(http: &Http, of: &Commission<'_>) -> Done {
    let Some(intent) = object(of.payer, of.errand.charge) else {
        return Ok(Heard::just(Word::Never { code: "unknown_charge".into() }));
    };
    if of.errand.tries > 1
        && let Some(found) = find(http, "/v1/refunds", ("payment_intent", intent), of.key)?
    {
        return Ok(read::refund(&found));
    }
    let amount = of.errand.amount;
    let form = [
        ("payment_intent", intent.to_string()),
        ("amount", read::stripe_amount(amount.amount, amount.currency)),
        ("metadata[shipwhen_key]", of.key.to_owned()),
    ];
    let made = http.post("/v1/refunds", of.key, &form)?;
    Ok(if made.is_ok() { read::refund(&made.body) } else { never(&made) })
}

fn look(http: &Http, of: &Commission<'_>) -> Done {
    look_asked(http, of, false)
}

fn look_asked(http: &Http, of: &Commission<'_>, asked: bool) -> Done {
    if let Some(number) = of.errand.refund {
        let Some(refund) = of.payer.refunds.get(&number) else { return Ok(Heard::just(Word::Pending)) };
        let found = http.get(&format!("/v1/refunds/{refund}"), &[])?;
        return Ok(if found.is_ok() { read::refund(&found.body) } else { never(&found) });
    }
    let Some(intent) = object(of.payer, of.errand.charge) else { return Ok(Heard::just(Word::Pending)) };
    let is_setup = intent.starts_with("seti_");
    let query: &[(&str, &str)] = if is_setup { &[] } else { &[("expand[]", "latest_charge")] };
    let found = http.get(&path(intent), query)?;
    Ok(if found.is_ok() {
        read::intent(&found.body, of.errand.amount.currency, asked)
    } else {
        never(&found)
    })
}

fn look_at_dispute(http: &Http, errand: &Errand, dispute: &str) -> Done {
    let found = http.get(&format!("/v1/disputes/{dispute}"), &[])?;
    let currency = errand.amount.currency;
    Ok(if found.is_ok() { read::dispute(&found.body, currency) } else { never(&found) })
}

fn path(intent: &str) -> String {
    let kind = if intent.starts_with("seti_") { "setup_intents" } else { "payment_intents" };
    format!("/v1/{kind}/{intent}")
}

/// Looks for what was asked for under a key: among the newest of a customer's intents, or of an intent's refunds.
fn find(http: &Http, path: &str, of: (&str, &str), key: &str) -> Result<Option<Value>, NoWord> {
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut query = vec![of, ("limit", PAGE)];
        if let Some(after) = &after {
            query.push(("starting_after", after));
        }
        let page = http.get(path, &query)?;
        if !page.is_ok() {
            return Err(NoWord("provider_failed"));
        }
        let items = page.body["data"].as_array().ok_or(NoWord("unreadable"))?;
        if let Some(found) = items.iter().find(|item| item["metadata"][KEY] == key) {
            return Ok(Some(found.clone()));
        }
        after = items.last().and_then(|last| last["id"].as_str()).map(str::to_owned);
        if page.body["has_more"] != true || after.is_none() {
            return Ok(None);
        }
    }
    // It may be further back: nothing is sent while nobody knows.
    Err(NoWord("too_many"))
}
