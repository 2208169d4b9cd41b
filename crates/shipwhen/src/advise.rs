//! `shipwhen advise`: how to sell what is out, for the SKUs of a store or of a table alone.

use std::{num::NonZeroUsize, process::ExitCode};

use anyhow::{Context, bail};
use evidence::{Answerless, History};
use insight::advice::{Advice, Subject, advise_all, subjects};
use model::id::{Channel, Sku};
use serde::Serialize;

use crate::{calc, cli::AdviseArgs, config::Settings, house, output};

/// Pools read at once.
const PAGE: usize = 500;

/// One SKU's answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Advice(Box<Advice>),
    Refused { sku: String, refused: String },
}

/// Advises, and prints a table or JSON.
pub(crate) fn run(settings: &Settings, args: &AdviseArgs) -> anyhow::Result<ExitCode> {
    let mut asked = match &args.csv {
        Some(file) => of_table(file)?,
        None => of_store(settings, args)?,
    };
    if let Some(sku) = &args.sku {
        asked.retain(|(name, _)| name == sku);
        if asked.is_empty() {
            bail!("there is no sku {sku:?}");
        }
    }
    let questions: Vec<Subject> = asked
        .iter()
        .filter_map(|(_, question)| question.clone().ok())
        .map(|subject| set(subject, args))
        .collect();
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut answers = advise_all(&questions, workers).into_iter();
    let answer = |(sku, question): (String, Result<Subject, String>)| {
        // One answer stands for each question that could be asked, in their order.
        let found = question.and_then(|_| match answers.next() {
            Some(advice) => advice.map_err(|error| error.to_string()),
            None => Err("no answer was given".to_owned()),
        });
        match found {
            Ok(advice) => Line::Advice(Box::new(advice)),
            Err(refused) => Line::Refused { sku, refused },
        }
    };
    let lines: Vec<Line> = asked.into_iter().map(answer).collect();
    if settings.json {
        output::json(&lines);
    } else if let ([line], Some(_)) = (&lines[..], &args.sku) {
        say(line);
    } else {
        table(&lines);
    }
    Ok(ExitCode::SUCCESS)
}

fn set(mut subject: Subject, args: &AdviseArgs) -> Subject {
    subject.set.extend(args.set.iter().cloned());
    subject
}

fn of_table(file: &std::path::Path) -> anyhow::Result<Vec<(String, Result<Subject, String>)>> {
    let table = calc::table("csv", file)?;
    let place = table.columns().iter().position(|name| name == "sku");
    let rows = subjects(&table)?;
    let named = rows.into_iter().enumerate().map(|(row, question)| {
        let sku = place.map_or_else(String::new, |column| table.text(row, column).to_owned());
        (sku, question.map_err(|error| error.to_string()))
    });
    Ok(named.collect())
}

fn of_store(
    settings: &Settings,
    args: &AdviseArgs,
) -> anyhow::Result<Vec<(String, Result<Subject, String>)>> {
    let house = house::House::open_existing(settings)?;
    let tenant = house.tenant(settings)?.id;
    let channel = args.channel.as_deref().map_or_else(|| Ok(Channel::default()), str::parse::<Channel>);
    let channel = channel.context("--channel")?;
    let mut store = house.store.reader()?;
    let mut history = History::default();
    history.go_on(&mut *store, &tenant)?;
    let now = house::now();
    let whole = history.whole(now);
    let mut asked = Vec::new();
    let mut after: Option<Sku> = None;
    loop {
        let page = store.pool_page(&tenant, after.as_ref(), PAGE)?;
        let full = page.len() == PAGE;
        after = page.last().map(|pool| pool.sku().clone());
        for pool in &page {
            let question = evidence::subject(pool, &channel, &history, &whole, now);
            let question = question.map_err(|why: Answerless| why.to_string());
            asked.push((pool.sku().to_string(), question));
        }
        if !full {
            return Ok(asked);
        }
    }
}

fn word(mode: insight::advisor::Mode) -> &'static str {
    use insight::advisor::Mode;
    match mode {
        Mode::Backorder => "backorder",
        Mode::Preorder => "preorder",
        Mode::Waitlist => "waitlist",
        Mode::OutOfStock => "out of stock",
    }
}

fn table(lines: &[Line]) {
    output::line(&format!(
        "{:20} {:12} {:>8} {:>11} {:>11} {:>11} {:>11} {:>7} {:>6}",
        "sku", "sell as", "sure", "backorder", "preorder", "waitlist", "out", "cap", "days"
    ));
    for line in lines {
        match line {
            Line::Refused { sku, refused } => output::line(&format!("{sku:20} {refused}")),
            Line::Advice(advice) => {
                let value = |n: usize| {
                    let choice = &advice.choices[n];
                    let text = format!("{:.2}", choice.value);
                    if choice.not.is_some() { "-".to_owned() } else { text }
                };
                let cap = advice.recommended.cap.map_or_else(|| "-".to_owned(), |cap| cap.to_string());
                output::line(&format!(
                    "{:20} {:12} {:>7.0}% {:>11} {:>11} {:>11} {:>11} {:>7} {:>6.0}",
                    advice.sku,
                    word(advice.recommended.mode),
                    advice.probability_best * 100.0,
                    value(0),
                    value(1),
                    value(2),
                    value(3),
                    cap,
                    advice.stretch_days,
                ));
            }
        }
    }
}

/// One SKU with everything behind the answer.
fn say(line: &Line) {
    let Line::Advice(advice) = line else { return table(std::slice::from_ref(line)) };
    table(std::slice::from_ref(line));
    advice.reasons.iter().for_each(|reason| output::line(&format!("  {reason}")));
    advice.cautions.iter().for_each(|caution| output::line(&format!("  Careful: {caution}")));
    for choice in &advice.choices {
        let not = choice.not.as_deref().map_or_else(String::new, |why| format!("  not possible: {why}"));
        output::line(&format!(
            "  {:12} {:>11.2}  from {:.2} to {:.2} in nine of ten cases, best in {:.0} %{not}",
            word(choice.mode),
            choice.value,
            choice.low,
            choice.high,
            choice.best_in * 100.0
        ));
    }
    output::line("  What it rests on; --set NAME=VALUE changes one:");
    for figure in &advice.figures {
        let source = match figure.source {
            insight::advice::Source::OwnData => "own data",
            insight::advice::Source::Borrowed => "borrowed",
            insight::advice::Source::Guess => "guess",
            insight::advice::Source::Set => "typed in",
        };
        let flip = advice.flips.iter().find(|flip| flip.figure == figure.name);
        let flip = flip.map_or_else(String::new, |flip| format!("; {} from {:.4}", word(flip.best), flip.at));
        output::line(&format!(
            "    {:22} {:>12.4} {:9} {}{flip}",
            figure.name, figure.value, source, figure.note
        ));
    }
}
