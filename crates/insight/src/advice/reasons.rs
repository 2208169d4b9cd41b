//! An advice in plain sentences.

use super::{
    Advice, Subject,
    figures::{Fig, Figure, Source},
    value::WITHOUT_END,
};
use crate::advisor::Mode;

/// The mode as people say it.
fn words(mode: Mode) -> &'static str {
    match mode {
        Mode::Backorder => "Backorder",
        Mode::Preorder => "Preorder with a deposit",
        Mode::Waitlist => "Waitlist",
        Mode::OutOfStock => "Out of stock",
    }
}

fn money(value: f64) -> String {
    format!("{value:.2}")
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent != 0.0 && percent.abs() < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

fn figure(advice: &Advice, fig: Fig) -> &Figure {
    &advice.figures[fig as usize]
}

pub(super) fn reasons(subject: &Subject, advice: &Advice) -> Vec<String> {
    let mut all = vec![headline(advice)];
    let (days, units) = (advice.stretch_days, advice.stretch_units);
    all.push(format!("About {units:.1} units are asked for in {days:.0} days without stock."));
    let rate = figure(advice, Fig::Demand).value;
    let lasts = subject.on_hand / rate.max(1e-12);
    if subject.on_hand > 0.0 && lasts >= figure(advice, Fig::Wait).value {
        all.push(format!(
            "What is on hand lasts about {lasts:.0} days, longer than the next goods take: this is for the day it runs out."
        ));
    }
    if let Some(why) = advice.choices[0].not.as_ref() {
        all.push(format!("Nothing can be sold ahead: {why}."));
    }
    let inbound = figure(advice, Fig::Inbound).value;
    if inbound > 0.0 && inbound < WITHOUT_END && inbound < units {
        all.push(format!("Only {inbound:.0} units are on order, fewer than are asked for."));
    }
    let margin = figure(advice, Fig::Price).value - figure(advice, Fig::UnitCost).value;
    if margin <= 0.0 {
        all.push(format!("A sale earns {}: selling more of it earns nothing.", money(margin)));
    }
    if let Some(cap) = advice.recommended.cap {
        all.push(if inbound < WITHOUT_END {
            format!("With {cap} units owed at most, those who do not cancel get theirs from what is on order in 95 of 100 cases.")
        } else {
            format!("More than {cap} units owed would mean that demand is not what was thought: then look again.")
        });
    }
    if let Some(days) = advice.recommended.horizon_days {
        all.push(format!("From {days} days of waiting on, another way of selling earns more."));
    }
    let late = figure(advice, Fig::Late).value;
    if advice.recommended.buffer > 0 {
        let days = figure(advice, Fig::LateDays).value;
        all.push(format!(
            "Keep back {} units: goods come after the promised date in {} of the cases, by about {days:.0} days, and so promises are kept all the same.",
            advice.recommended.buffer,
            percent(late)
        ));
    } else if matches!(advice.recommended.mode, Mode::Backorder | Mode::Preorder) {
        all.push(format!(
            "Nothing need be kept back: goods come after the promised date in {} of the cases, which the promise allows for.",
            percent(late)
        ));
    }
    if advice.recommended.mode == Mode::Preorder {
        all.push(
            "A higher deposit pays only if the share who keep their order grows by more than the share who order falls: try it before you rely on it."
                .to_owned(),
        );
    }
    all
}

fn headline(advice: &Advice) -> String {
    let best = advice.recommended.mode;
    let value = advice.choices.iter().find(|choice| choice.mode == best).map_or(0.0, |choice| choice.value);
    format!(
        "{} is expected to bring {}, {} more than the next best; it is best in {} of the cases drawn.",
        words(best),
        money(value),
        money(advice.winning_margin),
        percent(advice.probability_best)
    )
}

pub(super) fn cautions(advice: &Advice) -> Vec<String> {
    let mut all = Vec::new();
    if advice.probability_best < 0.8 {
        all.push("Too close to call: what is not known yet decides it.".to_owned());
    }
    let deciding = advice.flips.iter().filter_map(|flip| {
        let figure = advice.figures.iter().find(|figure| figure.name == flip.figure)?;
        let inside = figure.low < figure.high && (figure.low..=figure.high).contains(&flip.at);
        inside.then_some((flip, figure))
    });
    for (flip, figure) in deciding.take(3) {
        let kind = match figure.source {
            Source::OwnData => "measured, but not well enough",
            Source::Borrowed => "a borrowed figure",
            Source::Guess => "a guess",
            Source::Set => continue,
        };
        all.push(format!(
            "{} is {kind}: at {:.3} instead of {:.3}, {} would be best.",
            figure.name,
            flip.at,
            flip.from,
            words(flip.best).to_lowercase()
        ));
    }
    let waits = figure(advice, Fig::AcceptBackorder);
    if waits.source == Source::Borrowed {
        all.push(
            "How many of your customers wait is a borrowed figure until you have sold for later yourself."
                .to_owned(),
        );
    }
    all
}
