//! Locations, SKUs and policies as their merchant describes them.

use std::hash::Hasher;

use model::{
    command::{PutItem, PutLocation, PutPolicy},
    event::{Event, LocationSet, PolicySet},
    limits::COMPONENTS_MAX,
    refusal::{FieldError, Rejection},
};
use serde::Serialize;

use crate::{Decision, Setting, supply::unknown_sku};

/// Returns the entity tag of a thing that people edit: the same as long as it is the same.
pub fn etag(thing: &impl Serialize) -> String {
    let mut hasher = rustc_hash::FxHasher::default();
    // Serialising the model's own values to memory cannot fail; if it did, the tag would only match itself.
    hasher.write(&serde_json::to_vec(thing).unwrap_or_default());
    format!("\"{:016x}\"", hasher.finish())
}

/// Refuses what is bound to a thing as somebody saw it, where it is otherwise by now.
///
/// Errors: `Stale`.
pub fn check_match<T: Serialize>(if_match: Option<&str>, current: Option<&T>) -> Result<(), Rejection> {
    match (if_match, current) {
        (None, _) => Ok(()),
        (Some("*"), Some(_)) => Ok(()),
        (Some(tag), Some(current)) if tag == etag(current) => Ok(()),
        _ => Err(Rejection::Stale),
    }
}

/// Describes a location. Nothing is written if it is described so already.
pub fn put_location(set: Setting<'_>, wish: &PutLocation) -> Decision {
    let current = set.shop.locations.get(&wish.location).map(|settings| &**settings);
    check_match(wish.if_match.as_deref(), current)?;
    if current == Some(&wish.settings) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::LocationSet(LocationSet {
        location: wish.location.clone(),
        settings: wish.settings.clone(),
    })])
}

/// Describes a SKU. Its components are loaded. Nothing is written if it is described so already.
///
/// `Invalid`: components that are unknown, kits, the SKU itself or named twice; a SKU with supplies, policies that sell it
/// inside another kit aside, cannot become a kit.
pub fn put_item(set: Setting<'_>, wish: &PutItem) -> Decision {
    let item = &wish.item;
    let pool = set.shop.pool(&item.sku);
    check_match(wish.if_match.as_deref(), pool.map(|pool| &*pool.item))?;
    let mut errors = Vec::new();
    for (at, part) in item.components.iter().enumerate() {
        let pointer = format!("/components/{at}/sku");
        let known = set.shop.pool(&part.sku);
        if part.sku == item.sku {
            errors.push(FieldError::new(pointer, "is_itself", "a kit cannot contain itself"));
        } else if item.components[..at].iter().any(|other| other.sku == part.sku) {
            errors.push(FieldError::new(pointer, "duplicate", format!("{} stands twice", part.sku)));
        } else if known.is_some_and(|pool| pool.item.is_kit()) {
            errors.push(FieldError::new(pointer, "is_a_kit", format!("{} is a kit itself", part.sku)));
        } else if known.is_none() {
            errors.push(FieldError { pointer, ..unknown_sku(&part.sku) });
        }
    }
    if item.components.len() > COMPONENTS_MAX {
        let detail = format!("a kit has at most {COMPONENTS_MAX} components");
        errors.push(FieldError::new("/components", "too_many", detail));
    }
    if item.is_kit() && pool.is_some_and(|pool| !pool.item.is_kit() && !pool.supplies.is_empty()) {
        let detail = format!("{} has stock or supplies of its own, so it cannot become a kit", item.sku);
        errors.push(FieldError::new("/components", "has_supplies", detail));
    }
    if !errors.is_empty() {
        return Err(Rejection::Invalid(errors));
    }
    if pool.is_some_and(|pool| *pool.item == *item) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ItemSet(item.clone())])
}

/// Sets a selling policy. Nothing is written if it is set so already.
pub fn put_policy(set: Setting<'_>, wish: &PutPolicy) -> Decision {
    let pool = set.shop.pool(&wish.sku).ok_or_else(|| Rejection::not_found("sku", &wish.sku))?;
    let current = pool.policy_set(&wish.channel).map(|policy| &**policy);
    check_match(wish.if_match.as_deref(), current)?;
    if let Some(place) = &wish.policy.lead_time_location
        && !set.shop.locations.contains_key(place)
    {
        let detail = format!("there is no location {:?}", place.as_str());
        return Err(Rejection::field("/lead_time_location", "unknown_location", detail));
    }
    if current == Some(&wish.policy) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::PolicySet(PolicySet {
        sku: wish.sku.clone(),
        channel: wish.channel.clone(),
        policy: wish.policy.clone(),
    })])
}
