//! Every route of the pages, read from the source that names them: whoever may not look is refused on each, and nobody sees
//! another shop.

use std::{collections::BTreeSet, fs, path::Path};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::{Page, desk::neighbour, form_body, packing, sample::Sample, send};

/// Routes as they are written: `(method, path)`.
pub(crate) fn routes() -> BTreeSet<(String, String)> {
    fn files(dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("the pages' source").flatten() {
            match entry.path() {
                path if path.is_dir() => files(&path, found),
                path => found.push(fs::read_to_string(path).expect("a file")),
            }
        }
    }
    let mut sources = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages"), &mut sources);
    let mut routes = BTreeSet::new();
    for source in &sources {
        for part in source.split(".route(").skip(1) {
            let Some(rest) = part.trim_start().strip_prefix('"') else { continue };
            let (path, rest) = rest.split_once('"').expect("a path ends");
            let end = rest.find("\n        .").unwrap_or(rest.len());
            let methods = &rest[..end];
            let mut is_any = false;
            for method in ["get", "post"] {
                if methods.contains(&format!("{method}(")) {
                    routes.insert((method.to_uppercase(), path.to_owned()));
                    is_any = true;
                }
            }
            assert!(is_any, "{path} has no method that is known here: {methods}");
        }
    }
    routes
}

/// What a request for a route is made of: things of the full shop.
pub(crate) struct Names {
    pub(crate) supply: String,
    pub(crate) order: String,
}

impl Names {
    fn fill(&self, path: &str) -> String {
        let id = if path.starts_with("/supply") { &self.supply } else { &self.order };
        path.replace("{id}", id)
            .replace("{sku}", "CHAIR-OAK")
            .replace("{key}", "pk_north-fork-goods_none")
            .replace("{tenant}", "north-fork-goods")
            .replace("{token}", "none")
            .replace("{question}", "none")
            .replace("{file}", "none")
            .replace("{page}", "none")
            .replace("{run}", "none")
    }
}

/// A form with a value for every field that a page reads.
fn fields(names: &Names) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("act", text("cancel")),
        ("at", text("main")),
        ("sku", text("CHAIR-OAK")),
        ("supply", names.supply.clone()),
        ("order", names.order.clone()),
        ("line", format!("{}-1", names.order)),
        ("lines", format!("{}-1", names.order)),
        ("which", text("all")),
        ("run", text("run_01920000000070008000000000000001")),
        ("accepted", text("1")),
        ("quantity", text("1")),
        ("units", text("1")),
        ("version", text("0")),
        ("steps", text("Bag it")),
        ("table", format!("line,tracking\n{}-1,1Z\n", names.order)),
        ("when_out", text("refuse")),
        ("email", text("ada@example.com")),
        ("name", text("Mine")),
        ("location", text("main")),
        ("url", text("https://example.com/hook")),
        ("once", "1".repeat(32)),
    ]
}

async fn ask(shop: &Sample, (method, path): &(String, String), cookie: &str, names: &Names) -> Page {
    let request = Request::builder()
        .method(method.as_str())
        .uri(names.fill(path))
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let given = fields(names);
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, &**value)).collect();
    let body = if method == "GET" { Body::empty() } else { form_body(&given) };
    send(shop, request.body(body).expect("a request")).await
}

fn newest(shop: &Sample) -> i64 {
    let newest = shop.app.engine.store().reader().and_then(|mut reader| reader.last_event(&shop.tenant));
    newest.expect("a number")
}

/// Paths that need no sign-in: a signed link, a key of the shop's own pages, or the door itself.
const OPEN: [&str; 9] = ["/", "/assets", "/badge", "/guide", "/join", "/o", "/sign-in", "/sign-out", "/w"];
/// Paths that a sample shop has, and a real one has not.
const SAMPLE: [&str; 6] = ["/cart", "/checkout", "/outbox", "/shop", "/tour", "/badge.js"];

fn begins(path: &str, with: &str) -> bool {
    path.strip_prefix(with).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[test]
fn the_routes_are_found_in_the_source() {
    let routes = routes();
    let has = |method: &str, path: &str| routes.contains(&(method.to_owned(), path.to_owned()));
    for (method, path) in [
        ("GET", "/"),
        ("POST", "/supply/{id}/confirm"),
        ("GET", "/packing/shipments"),
        ("POST", "/packing/shipments"),
        ("POST", "/import"),
        ("GET", "/live"),
    ] {
        assert!(has(method, path), "{method} {path}");
    }
    assert!(!has("POST", "/packing/picks") && routes.len() > 50, "{}", routes.len());
}

#[tokio::test]
async fn a_partner_is_refused_on_every_route_but_those_of_packing() {
    let (shop, names, cookie) = packing::partner("east").await;
    let before = newest(&shop);
    let mut refused = 0;
    for route in routes() {
        let (method, path) = &route;
        if path == "/sign-out" {
            continue;
        }
        let page = ask(&shop, &route, &cookie, &names).await;
        let status = page.response.status();
        if begins(path, "/packing") {
            // What is main's is not there for somebody at east: `at` in a form, or everything that a page shows.
            assert!(status == StatusCode::OK || status.is_client_error(), "{method} {path}: {status}");
        } else if path == "/" {
            assert_eq!(page.header(header::LOCATION), "/packing");
        } else if OPEN.iter().filter(|open| **open != "/").any(|open| begins(path, open))
            || SAMPLE.iter().any(|sample| begins(path, sample))
        {
            assert!(!status.is_server_error(), "{method} {path}: {status}");
        } else {
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
            refused += 1;
        }
        for word in packing::OF_MAIN {
            assert!(!page.text.contains(word), "{method} {path} holds {word}: {}", page.words());
        }
    }
    assert!(refused >= 20, "{refused}");
    assert_eq!(newest(&shop), before, "nothing was done");
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_the_door_by_every_route_of_the_shop() {
    let (shop, names, _) = packing::partner("east").await;
    for route in routes() {
        let (method, path) = &route;
        if OPEN.iter().any(|open| path == open || (*open != "/" && begins(path, open)))
            || SAMPLE.iter().any(|sample| begins(path, sample))
        {
            continue;
        }
        let page = ask(&shop, &route, "", &names).await;
        assert_eq!(page.response.status(), StatusCode::SEE_OTHER, "{method} {path}");
        assert!(page.header(header::LOCATION).starts_with("/sign-in"), "{method} {path}");
    }
}

#[tokio::test]
async fn the_owner_of_one_shop_sees_and_changes_nothing_of_another_by_any_route() {
    let (shop, names, _) = packing::partner("east").await;
    let (shop, eve) = neighbour(shop).await;
    let before = newest(&shop);
    let mut seen = 0;
    for route in routes() {
        let (method, path) = &route;
        if path == "/sign-out" {
            continue;
        }
        let page = ask(&shop, &route, &eve, &names).await;
        let status = page.response.status();
        assert!(!status.is_server_error(), "{method} {path}: {status}");
        seen += usize::from(status == StatusCode::OK);
        for word in packing::OF_MAIN {
            // What she sent herself is said back to her.
            let is_sent = word == "CHAIR-OAK" || word.contains("@");
            assert!(is_sent || !page.text.contains(word), "{method} {path} holds {word}: {}", page.words());
        }
    }
    assert!(seen > 10, "she sees her own pages: {seen}");
    assert_eq!(newest(&shop), before, "nothing was done in the other shop");
    let page = ask(&shop, &("GET".to_owned(), "/supply".to_owned()), &eve, &names).await;
    assert_eq!(page.response.status(), StatusCode::OK, "her session still holds");
    // The API knows no session: a page's cookie is no key.
    let described: serde_json::Value = serde_json::from_str(&server::openapi()).expect("a document");
    let paths = described["paths"].as_object().expect("paths");
    for (path, operations) in paths.iter().filter(|(path, _)| path.starts_with("/v1/")) {
        for (method, operation) in operations.as_object().expect("operations") {
            if operation["security"].as_array().is_none_or(Vec::is_empty) || path.contains("{token}") {
                continue;
            }
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(path.replace(['{', '}'], ""))
                .header(header::COOKIE, &eve)
                .header(header::CONTENT_TYPE, "application/json");
            let page = send(&shop, request.body(Body::from("{}")).expect("a request")).await;
            assert_eq!(page.response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
}
