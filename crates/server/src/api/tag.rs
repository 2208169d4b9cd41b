//! `If-Match`: change a thing only as long as it is what was read.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::problem::Problem;

/// The tag a change is bound to, as sent.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<Arc<str>>, Problem> {
    let mut given = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let tag = value.to_str().ok().map(str::trim).filter(|tag| !tag.is_empty() && !tag.contains(','));
    match (tag, given.next()) {
        (Some(tag), None) => Ok(Some(tag.into())),
        _ => Err(Problem::field("If-Match", "form", "send one ETag as it was answered, or *")),
    }
}
