//! Reading JSON bodies: a body that is no JSON, or of other types than asked for, is answered with the place and the reason.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_path_to_error::{Path, Segment, Track};
use utoipa::ToSchema;

use super::{problem::Problem, strict::Strict};

/// Largest body of a single call: above every text that can be refused by name.
pub(crate) const SINGLE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest body of a batch.
pub(crate) const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_WAIT: Duration = Duration::from_secs(30);

/// The body of one call.
pub(crate) trait Input: DeserializeOwned {
    /// Largest size, in bytes.
    const BYTES_MAX: usize = SINGLE_BYTES_MAX;
    /// Whether no body at all means `{}`.
    const MAY_BE_EMPTY: bool = false;
}

/// A JSON body, read and of the right types; its values are still to be checked.
pub(crate) struct Json<T> {
    /// What it says.
    pub(crate) value: T,
    /// What was sent.
    pub(crate) bytes: Bytes,
}

impl<T: Input, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = collect(body, &parts.headers, T::BYTES_MAX).await?;
        if bytes.is_empty() {
            if T::MAY_BE_EMPTY {
                return Ok(Self { value: parse(b"{}")?, bytes: Bytes::from_static(b"{}") });
            }
            return Err(malformed("the body is empty; a JSON object is needed"));
        }
        if !is_json(&parts.headers) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send JSON, with the header Content-Type: application/json",
            ));
        }
        Ok(Self { value: parse(&bytes)?, bytes })
    }
}

pub(crate) async fn collect(body: Body, headers: &HeaderMap, max: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {max} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_WAIT, axum::body::to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let over = std::error::Error::source(&error)
                .is_some_and(|source| source.to_string().contains("length limit"));
            if over { Err(too_large()) } else { Err(malformed("the body broke off")) }
        }
        Err(_) => {
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body took too long to arrive"))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

/// Reads one JSON value and nothing after it.
pub(crate) fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    // To keep track of the place costs as much as the reading: it is read again if it is wrong.
    match T::deserialize(Strict(&mut json)) {
        Ok(value) if json.end().is_ok() => Ok(value),
        _ => parse_tracked(bytes),
    }
}

/// The same, knowing where it went wrong.
fn parse_tracked<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = Track::new();
    let read = T::deserialize(serde_path_to_error::Deserializer::new(Strict(&mut json), &mut track));
    let value = read.map_err(|error| explain(&error, &track.path()))?;
    json.end().map_err(|error| malformed(format!("after the JSON value: {error}")))?;
    Ok(value)
}

fn explain(error: &serde_json::Error, path: &Path) -> Problem {
    let text = error.to_string();
    // The place in the text helps nobody who built the body with a program.
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    let pointer = pointer(path);
    if said.starts_with("number out of range") {
        return Problem::field(pointer, "out_of_range", "the number is too large");
    }
    if !error.is_data() {
        return malformed(format!("the body is not JSON: {text}")).with_error(
            pointer,
            "syntax",
            said.to_owned(),
        );
    }
    let named = said.split('`').nth(1).unwrap_or("");
    if said.starts_with("missing field") {
        return Problem::field(under(&pointer, named), "required", format!("`{named}` is missing"));
    }
    if said.starts_with("duplicate field") {
        return Problem::field(under(&pointer, named), "duplicate_field", format!("`{named}` stands twice"));
    }
    let code = if said.starts_with("unknown field") {
        "unknown_field"
    } else if said.starts_with("unknown variant") {
        "unknown_value"
    } else if said.starts_with("invalid value") {
        "out_of_range"
    } else {
        "type"
    };
    Problem::field(pointer, code, plain(said))
}

/// Says what was expected in JSON's words instead of Rust's.
fn plain(said: &str) -> String {
    let Some((found, expected)) = said.split_once("expected ") else { return said.to_owned() };
    let words = match expected {
        "i64" | "u64" | "u16" | "u32" | "u8" => "a whole number",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    };
    format!("{found}expected {words}")
}

fn under(parent: &str, name: &str) -> String {
    format!("{parent}/{}", escaped(name))
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The place as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&escaped(key));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

/// Reads an enum from its words and nothing else; a derived reader would also take `{"word": null}`, and calls
/// another type than text a broken document.
macro_rules! words {
    ($name:ident { $($word:literal => $variant:ident),* $(,)? }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                match &*text {
                    $( $word => Ok(Self::$variant), )*
                    other => Err(serde::de::Error::unknown_variant(other, &[$($word),*])),
                }
            }
        }
    };
}
pub(crate) use words;

/// An amount of money as it is sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MoneyInput)]
pub(crate) struct MoneyIn {
    /// Minor units of the currency: cents, whole yen.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub(crate) amount: i64,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    pub(crate) currency: String,
}

/// Reads a field that tells `null` (`Some(None)`) from absence (`None`).
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
