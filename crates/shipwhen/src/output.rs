//! What commands print: answers on stdout, everything for people on stderr.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Prints one line of the answer.
pub(crate) fn line(text: &str) {
    // Whoever reads may have gone, as `head` does.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints the answer as JSON.
pub(crate) fn json(answer: &impl Serialize) {
    match serde_json::to_string_pretty(answer) {
        Ok(text) => line(&text),
        Err(error) => eprintln!("shipwhen: the answer cannot be written: {error}"),
    }
}

/// Says something to the person.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Says what went wrong, with every cause.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("shipwhen: {error:#}");
}

/// A progress bar on stderr; nothing is drawn where that is no terminal.
pub(crate) fn progress(len: Option<u64>, what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = len.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = if len.is_some() {
        "{msg} {wide_bar} {human_pos}/{human_len} {per_sec}"
    } else {
        "{spinner} {msg} {human_pos} {per_sec}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_message(what)
}
