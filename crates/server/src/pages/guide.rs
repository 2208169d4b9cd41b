//! The documentation of this version, as pages: what stands in `docs/` of the source, and a tour through the sample shop.

use std::sync::LazyLock;

use askama::Template;
use axum::{http::StatusCode, response::Response};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::{Ask, Frame, error::Fail, page};
use crate::staff::May;

/// A page of the documentation: its name in an address, its file, and what it says.
struct Source {
    name: &'static str,
    file: &'static str,
    text: &'static str,
}

macro_rules! sources {
    ($($name:literal: $file:literal),* $(,)?) => {
        [$(Source { name: $name, file: $file, text: include_str!(concat!("../../../../docs/", $file)) }),*]
    };
}

/// Every page, in the order of the list: what people do first, then how it is worked out.
static SOURCES: [Source; 15] = sources![
    "import": "import.md",
    "badge": "badge.md",
    "packing": "packing.md",
    "api": "api.md",
    "operations": "operations.md",
    "promising": "theory/promising.md",
    "dates": "theory/dates.md",
    "fulfilment": "theory/fulfilment.md",
    "payments": "theory/payments.md",
    "legal-clocks": "theory/legal-clocks.md",
    "purchasing": "theory/purchasing.md",
    "advice": "theory/advice.md",
    "cash": "theory/cash.md",
    "learning": "theory/learning.md",
    "simulation": "theory/simulation.md",
];

/// A page that is ready to be shown.
struct Ready {
    name: &'static str,
    title: String,
    html: String,
}

static PAGES: LazyLock<Vec<Ready>> = LazyLock::new(|| SOURCES.iter().map(ready).collect());

/// Makes a page of its text: headings get names to link to, and links between files lead to pages.
fn ready(source: &Source) -> Ready {
    let mut events: Vec<Event<'_>> = Parser::new_ext(source.text, Options::ENABLE_TABLES).collect();
    let mut title = String::new();
    for at in 0..events.len() {
        match &events[at] {
            Event::Start(Tag::Heading { level, .. }) => {
                let level = *level;
                let text = text_of(&events[at + 1..]);
                let id = Some(CowStr::from(slug(&text)));
                events[at] = Event::Start(Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() });
                if title.is_empty() {
                    title = text;
                }
            }
            Event::Start(Tag::Link { dest_url, link_type, title, id }) => {
                let tag = Tag::Link {
                    dest_url: CowStr::from(address(source.file, dest_url)),
                    link_type: *link_type,
                    title: title.clone(),
                    id: id.clone(),
                };
                events[at] = Event::Start(tag);
            }
            _ => {}
        }
    }
    let mut html = String::new();
    html::push_html(&mut html, events.into_iter());
    Ready { name: source.name, title, html }
}

fn text_of(events: &[Event<'_>]) -> String {
    let within = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text = within.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(&**text),
        Event::SoftBreak => Some(" "),
        _ => None,
    });
    text.collect()
}

/// What a heading is called in an address, as source forges do it.
fn slug(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// Where a link of a file leads: another page, or the file in the source.
fn address(from: &str, to: &str) -> String {
    if to.starts_with('#') || to.contains("://") {
        return to.to_owned();
    }
    let (path, part) =
        to.split_once('#').map_or((to, String::new()), |(path, part)| (path, format!("#{part}")));
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for step in path.split('/') {
        match step {
            ".." => drop(folders.pop()),
            "." | "" => {}
            step => folders.push(step),
        }
    }
    let file = folders.join("/");
    let known = SOURCES.iter().find(|source| source.file == file);
    known.map_or_else(|| "/guide".to_owned(), |source| format!("/guide/{}{part}", source.name))
}

#[derive(Template)]
#[template(path = "guide.html")]
struct Page {
    frame: Frame,
    /// Name, title, whether it is shown.
    pages: Vec<(&'static str, &'static str, bool)>,
    title: &'static str,
    html: &'static str,
}

fn frame(ask: &Ask) -> Result<Frame, Fail> {
    Ok(match ask.visitor()? {
        Some(visitor) => Frame::of(ask, &visitor, "guide"),
        None => Frame::new(None, "guide", false, false),
    })
}

/// `GET /guide` and `GET /guide/{page}`: for everybody; it says nothing of any shop.
pub(super) fn show(ask: &Ask, name: Option<&str>) -> Result<Response, Fail> {
    let pages: &'static Vec<Ready> = &PAGES;
    let shown = match name {
        None => pages.first(),
        Some(name) => pages.iter().find(|page| page.name == name),
    };
    let shown = shown.ok_or(Fail::NotFound)?;
    let list = pages.iter().map(|page| (page.name, &*page.title, page.name == shown.name)).collect();
    let page_ = Page { frame: frame(ask)?, pages: list, title: &shown.title, html: &shown.html };
    page(StatusCode::OK, &page_)
}

#[derive(Template)]
#[template(path = "tour.html")]
struct Tour {
    frame: Frame,
}

/// `GET /tour`: ten minutes through the sample shop.
pub(super) fn tour(ask: &Ask) -> Result<Response, Fail> {
    ask.demo()?;
    let visitor = ask.staff(May::Look)?;
    page(StatusCode::OK, &Tour { frame: Frame::of(ask, &visitor, "tour") })
}

#[cfg(test)]
mod tests {
    use super::{PAGES, SOURCES, address, slug};

    #[test]
    fn every_file_is_a_page_with_a_title() {
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let mut files = Vec::new();
        for folder in ["", "theory/"] {
            for entry in std::fs::read_dir(docs.join(folder)).expect("docs").flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".md") {
                    files.push(format!("{folder}{name}"));
                }
            }
        }
        let mut pages: Vec<String> = SOURCES.iter().map(|source| source.file.to_owned()).collect();
        files.sort();
        pages.sort();
        assert_eq!(files, pages);
        for page in PAGES.iter() {
            assert!(!page.title.is_empty() && page.html.starts_with("<h1 id="), "{}", page.name);
            assert_eq!(page.html.matches("<h1").count(), 1, "{}", page.name);
            // No link leads to a file: each leads to a page that is there, to a place on one, or elsewhere.
            for href in page.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let is_page = href.strip_prefix("/guide").is_some_and(|rest| {
                    let name = rest.trim_start_matches('/').split('#').next().unwrap_or_default();
                    name.is_empty() || SOURCES.iter().any(|source| source.name == name)
                });
                let is_here =
                    href.strip_prefix('#').is_some_and(|id| page.html.contains(&format!("id=\"{id}\"")));
                assert!(is_page || is_here || href.contains("://"), "{}: {href}", page.name);
            }
        }
    }

    #[test]
    fn links_between_files_lead_to_pages() {
        assert_eq!(address("theory/cash.md", "dates.md#learned"), "/guide/dates#learned");
        assert_eq!(address("theory/cash.md", "../import.md"), "/guide/import");
        assert_eq!(address("api.md", "theory/dates.md"), "/guide/dates");
        assert_eq!(address("operations.md", "../deploy/citus.sql"), "/guide");
        assert_eq!(address("api.md", "#here"), "#here");
        assert_eq!(slug("Several nodes, on `PostgreSQL`"), "several-nodes-on-postgresql");
    }
}
