//! Every exact case of the shared reference file, answered by name and held against its tolerance.

use std::{fs, path::PathBuf};

use insight::calc::{calc, capabilities};
use serde_json::Value;

/// Kept beside the workspace, read in place.
const SHARED: &str = "../shared";
const CASES: &str = "cases/reference_cases.json";

/// The shared folder as seen from the workspace root, or nothing where there is none.
fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(SHARED);
    root.is_dir().then_some(root)
}

/// The differences between an expected and a given answer; fields that are not expected are free.
fn differences(path: &str, want: &Value, got: &Value, rel: f64, abs: f64, found: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            for (key, want) in want {
                differences(
                    &format!("{path}.{key}"),
                    want,
                    got.get(key).unwrap_or(&Value::Null),
                    rel,
                    abs,
                    found,
                );
            }
        }
        (Value::Array(wants), Value::Array(gots)) if wants.len() == gots.len() => {
            for (i, (want, got)) in wants.iter().zip(gots).enumerate() {
                differences(&format!("{path}[{i}]"), want, got, rel, abs, found);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            let within = (b - a).abs() <= abs + rel * a.abs();
            if !within {
                found.push(format!("{path}: want {a}, got {b}"));
            }
        }
        (want, got) if want == got => {}
        (want, got) => found.push(format!("{path}: want {want}, got {got}")),
    }
}

#[test]
fn every_exact_case_is_met() {
    let Some(shared) = shared() else {
        println!("no folder {SHARED} beside the workspace: the reference cases were not run");
        return;
    };
    let text = fs::read_to_string(shared.join(CASES))
        .unwrap_or_else(|error| panic!("{SHARED} is there, but {SHARED}/{CASES} cannot be read: {error}"));
    let file: Value = serde_json::from_str(&text).expect("the reference cases are JSON");
    let mut wrong = Vec::new();
    let mut met = 0;
    for case in
        file["cases"].as_array().expect("a list of cases").iter().filter(|case| case["kind"] == "exact")
    {
        let (id, capability) =
            (case["id"].as_str().unwrap_or("?"), case["capability"].as_str().unwrap_or("?"));
        let tolerance = |name: &str| case["tolerance"][name].as_f64().expect("a tolerance");
        let mut found = Vec::new();
        match calc(capability, &case["inputs"]) {
            Ok(got) => {
                differences("", &case["expected"], &got, tolerance("rel"), tolerance("abs"), &mut found);
            }
            Err(error) => found.push(error.to_string()),
        }
        if found.is_empty() {
            met += 1;
        }
        wrong.extend(found.into_iter().map(|line| format!("{id} ({capability}) {line}")));
    }
    println!("{met} exact cases met");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(met > 0, "the file holds no exact case");
}

/// Every input of every case, with each field in turn left out, renamed, and set to nonsense: refused, never a panic.
#[test]
fn nonsense_in_any_field_is_refused_by_name() {
    let Some(shared) = shared() else { return };
    let text = fs::read_to_string(shared.join(CASES)).expect("the reference cases can be read");
    let file: Value = serde_json::from_str(&text).expect("the reference cases are JSON");
    let optional = ["query_days"];
    for case in
        file["cases"].as_array().expect("a list of cases").iter().filter(|case| case["kind"] == "exact")
    {
        let capability = case["capability"].as_str().expect("a name");
        let inputs = case["inputs"].as_object().expect("an object");
        for key in inputs.keys() {
            let mut without = inputs.clone();
            let value = without.remove(key).expect("the key is there");
            let answer = calc(capability, &Value::Object(without.clone()));
            if !optional.contains(&key.as_str()) {
                let error = answer.expect_err("a field is missing").to_string();
                assert!(error.contains(key.as_str()), "{capability}: {error}");
            }
            let mut renamed = without.clone();
            renamed.insert(format!("{key}_x"), value);
            assert!(calc(capability, &Value::Object(renamed)).is_err(), "{capability} takes {key}_x");
            for nonsense in [
                "\"NaN\"", "\"\"", "null", "{}", "[]", "-1", "-1e300", "1e300", "1e-300", "[null]", "[-1]",
                "[1e300]", "0", "1e12", "1",
            ] {
                let mut bad = without.clone();
                bad.insert(key.clone(), serde_json::from_str(nonsense).expect("JSON"));
                match calc(capability, &Value::Object(bad)) {
                    Ok(answer) => assert!(
                        !answer.to_string().contains("nan"),
                        "{capability} {key} {nonsense}: {answer}"
                    ),
                    Err(error) => {
                        let error = error.to_string();
                        assert!(
                            error.contains(':') && !error.contains("cannot be written"),
                            "{capability} {key} {nonsense}: {error}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_list_covers_the_reference_file() {
    let Some(shared) = shared() else { return };
    let text = fs::read_to_string(shared.join(CASES)).expect("the reference cases can be read");
    let file: Value = serde_json::from_str(&text).expect("the reference cases are JSON");
    for case in
        file["cases"].as_array().expect("a list of cases").iter().filter(|case| case["kind"] == "exact")
    {
        let name = case["capability"].as_str().expect("a name");
        assert!(capabilities().iter().any(|known| known.name == name), "{name} is not listed");
    }
}
