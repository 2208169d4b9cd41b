//! Holds what the server answers against what it says of itself: status, kind and shape of every answer of every test.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

use crate::world::Reply;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&server::openapi()).unwrap());

pub(crate) fn description() -> &'static Value {
    &DESCRIPTION
}

/// Panics where an answer is not as the description says.
pub(crate) fn hold_against_description(method: &str, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap();
    let Some(operation) = operation(method, path) else { return };
    let status = reply.status.as_u16().to_string();
    let response = &operation["responses"][&status];
    assert!(response.is_object(), "{method} {path} answers {status}, which is not described");
    let kind = reply.header("content-type").split(';').next().unwrap();
    let Some(content) = response["content"].as_object() else {
        assert!(reply.bytes.is_empty(), "{method} {path} {status} has a body, which is not described");
        return;
    };
    let schema = &content
        .get(kind)
        .unwrap_or_else(|| panic!("{method} {path} {status}: {kind} is not described"))["schema"];
    if kind.ends_with("json") {
        let errors = errors(schema, &reply.json());
        assert!(errors.is_empty(), "{method} {path} {status}: {errors:?}\n{:#}", reply.json());
    }
}

/// The description of a call; paths without variable parts come first.
pub(crate) fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let matches = |template: &str| {
        let (template, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        template.len() == given.len()
            && template.iter().zip(&given).all(|(t, g)| t == g || t.starts_with('{'))
    };
    let found = paths
        .iter()
        .filter(|(template, _)| matches(template))
        .min_by_key(|(template, _)| template.matches('{').count());
    found.and_then(|(_, item)| item.get(method.to_lowercase()))
}

fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(address) => DESCRIPTION
            .pointer(address.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{address} is not described")),
        None => schema,
    }
}

/// What a value has that its schema does not say, and the other way round.
fn errors(schema: &'static Value, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    hold(schema, value, "", &mut errors);
    errors
}

fn hold(schema: &'static Value, value: &Value, at: &str, errors: &mut Vec<String>) {
    let schema = resolved(schema);
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let tried: Vec<Vec<String>> = choices
                .iter()
                .map(|choice| {
                    let mut errors = Vec::new();
                    hold(choice, value, at, &mut errors);
                    errors
                })
                .collect();
            if tried.iter().all(|errors| !errors.is_empty()) {
                errors.extend(tried.into_iter().min_by_key(Vec::len).unwrap());
            }
            return;
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ if schema["allOf"].is_array() => vec!["object"],
        _ => return,
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !kinds.iter().any(is) {
        errors.push(format!("{at} is {value}, not {kinds:?}"));
        return;
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        errors.push(format!("{at} is {value}, not one of {}", schema["enum"]));
    }
    if let Some(items) = value.as_array() {
        for (n, item) in items.iter().enumerate() {
            hold(&schema["items"], item, &format!("{at}/{n}"), errors);
        }
    }
    if let Some(fields) = value.as_object() {
        let (mut known, mut required) = (BTreeMap::new(), Vec::new());
        gather(schema, &mut known, &mut required);
        for name in required {
            if !fields.contains_key(name) {
                errors.push(format!("{at}/{name} is missing"));
            }
        }
        for (name, value) in fields {
            match known.get(name.as_str()) {
                Some(schema) => hold(schema, value, &format!("{at}/{name}"), errors),
                None if known.is_empty() => {}
                None => errors.push(format!("{at}/{name} is not described")),
            }
        }
    }
}

fn gather(
    schema: &'static Value,
    known: &mut BTreeMap<&'static str, &'static Value>,
    required: &mut Vec<&'static str>,
) {
    let schema = resolved(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(part, known, required);
    }
    known.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)),
    );
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
}
