//! `messages`: how fast notices of one slip are planned, how fast mail goes out to a local server, what waiting timers cost.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use connect::smtp::{CONNECTIONS, Mailer};
use engine::{Engine, Stamps, notices::MAIL};
use ledger::{Changes, RecordFilter, Shelf, Store as _, sqlite::SqliteStore};
use model::{
    command::{ChangeSupply, Command},
    id::{Sku, SupplyId},
    message::{Drafts, MessageWish},
    record::{Json, Record},
    time::{days_after, local_date, seconds_after},
};
use obligation::notice::kept::{NOTICE, state};
use server::{App, mail::Post};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{figures::Figures, workload::Shop};

/// What can be measured by itself, in the order in which it is.
pub(crate) const PARTS: [&str; 3] = ["plan", "send", "timers"];

/// Lines behind the supply that slips.
const WAITING: usize = 100_000;
/// Mails that are sent.
const MAILS: usize = 4_000;
/// Timers that wait.
const TIMERS: usize = 1_000_000;
/// Looks at what is due; the best counts.
const LOOKS: usize = 200;

/// Measures the parts that were chosen.
pub(crate) fn run(figures: &mut Figures, chosen: &[&str]) -> anyhow::Result<()> {
    if chosen.contains(&"plan") {
        plan(figures)?;
    }
    if chosen.contains(&"send") {
        send(figures)?;
    }
    if chosen.contains(&"timers") {
        timers(figures)?;
    }
    Ok(())
}

/// A shop in which so many lines wait for one supply.
fn waiting(dir: &std::path::Path, lines: usize) -> anyhow::Result<(Shop, SupplyId)> {
    let mut shop = Shop::open(dir)?;
    let sku = Sku::new("WAITED-FOR")?;
    let supply = shop.sell(&sku, i64::try_from(lines)?)?;
    shop.place_of(&sku, lines, 4_096)?;
    drained(&SqliteStore::open(dir)?)?;
    Ok((shop, supply))
}

fn slips(shop: &mut Shop, supply: SupplyId) -> anyhow::Result<()> {
    let today = local_date(shop.now, &model::time::Zone::utc());
    let later = ChangeSupply { supply, expected_on: Some(days_after(today, 60)), quantity: None };
    shop.run(Command::ChangeSupply(later)).map(drop)
}

/// One slip: from the change to the last draft.
fn plan(figures: &mut Figures) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut shop, supply) = waiting(dir.path(), WAITING)?;
    let store = SqliteStore::open(dir.path())?;
    let begun = Instant::now();
    slips(&mut shop, supply)?;
    let answered = begun.elapsed();
    drained(&store)?;
    let took = begun.elapsed();
    let drafts = counted(&store, &shop, Shelf::Ledger, NOTICE, state::DRAFT)?;
    anyhow::ensure!(drafts == WAITING, "{drafts} drafts of {WAITING} lines");
    figures.add("slip_100k_answered_ms", answered.as_secs_f64() * 1e3, None, "ms");
    figures.add("notices_100k_planned_s", took.as_secs_f64(), Some(5.0), "s, at most");
    Ok(())
}

/// Mails of one slip to a local server, on one pool of connections.
fn send(figures: &mut Figures) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut shop, supply) = waiting(dir.path(), MAILS)?;
    let store = SqliteStore::open(dir.path())?;
    slips(&mut shop, supply)?;
    drained(&store)?;
    shop.run(Command::Message(MessageWish::Send(Drafts::All)))?;
    drained(&store)?;
    let queued = counted(&store, &shop, Shelf::Private, MAIL, "queued")?;
    anyhow::ensure!(queued == MAILS, "{queued} mails of {MAILS} lines");
    let (now, tenant) = (shop.now, shop.tenant.clone());
    drop(shop);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let taken = Arc::new(AtomicUsize::new(0));
    let took: anyhow::Result<Duration> = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("smtp://{}", listener.local_addr()?);
        tokio::spawn(serve(listener, Arc::clone(&taken)));
        let mailer = Mailer::new(&url, "Shop <orders@example.com>", CONNECTIONS)?;
        let app = Arc::new(App {
            engine: Engine::start(Arc::new(store.clone()))?,
            stamps: Stamps::new([3; 32]),
            clock: Arc::new(move || now),
            test_clock: false,
            post: Post::smtp(mailer, usize::try_from(CONNECTIONS)?),
            payments: server::payments::Payments::default(),
            hooks: server::hooks::Hooks::default(),
            views: server::views::Views::default(),
            traces: server::traces::Traces::default(),
            demo: None,
            secret: store.reader()?.secret()?,
            public_url: OnceLock::from("http://shop.example".to_owned()),
        });
        let begun = Instant::now();
        server::mail::deliver(&app, now).await?;
        Ok(begun.elapsed())
    });
    let took = took?;
    let sent = store.reader()?.record_page(
        &tenant,
        Shelf::Private,
        MAIL,
        &RecordFilter { owner: None, state: Some("sent") },
        (None, 2 * MAILS),
    )?;
    let got = taken.load(Ordering::Relaxed);
    anyhow::ensure!(sent.len() == MAILS && got == MAILS, "{} noted, {got} taken of {MAILS}", sent.len());
    figures.add("mails_sent_per_s", MAILS as f64 / took.as_secs_f64(), Some(200.0), "mails/s, at least");
    Ok(())
}

/// What it costs to look for what is due while very many wait, beside none.
fn timers(figures: &mut Figures) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let shop = Shop::open(dir.path())?;
    let store = SqliteStore::open(dir.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The first look of a day looks at every line that waits.
    runtime.block_on(shop.engine.run_due(shop.now))?;
    let without = look(&runtime, &shop)?;
    let (tenant, due) = (shop.tenant.clone(), seconds_after(shop.now, 90 * 86_400));
    drop(shop);
    {
        let mut writer = store.writer()?;
        let body = Json::of(&serde_json::json!({"waits": true}))?;
        for page in 0..TIMERS / 10_000 {
            let records = (0..10_000).map(|n| {
                let id = format!("ntc_{:032x}-1-1", page * 10_000 + n);
                let record = Record { due, body: Some(body.clone()), ..Record::gone(NOTICE, &id) };
                Arc::new(Record { state: state::SENT.into(), ..record })
            });
            writer.write(&tenant, &Changes { records: records.collect(), ..Changes::default() })?;
            writer.commit()?;
        }
    }
    let shop = Shop::join(Arc::new(store), 1)?;
    runtime.block_on(shop.engine.run_due(shop.now))?;
    let with = look(&runtime, &shop)?;
    figures.add("timers_none_look_us", without.as_secs_f64() * 1e6, None, "us");
    figures.add("timers_1m_look_us", with.as_secs_f64() * 1e6, None, "us");
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    figures.add("timers_1m_over_none", ratio, Some(1.5), "ratio, at most");
    Ok(())
}

/// The fastest look at what is due.
fn look(runtime: &tokio::runtime::Runtime, shop: &Shop) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..LOOKS {
        let begun = Instant::now();
        let fired = runtime.block_on(shop.engine.run_due(shop.now))?;
        best = best.min(begun.elapsed());
        anyhow::ensure!(fired == 0, "{fired} timers were due");
    }
    Ok(best)
}

fn counted(store: &SqliteStore, shop: &Shop, shelf: Shelf, kind: &str, state: &str) -> anyhow::Result<usize> {
    let mut reader = store.reader()?;
    let filter = RecordFilter { owner: None, state: Some(state) };
    let (mut count, mut after): (usize, Option<Arc<str>>) = (0, None);
    loop {
        let page = reader.record_page(&shop.tenant, shelf, kind, &filter, (after.as_deref(), 10_000))?;
        count += page.len();
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(Arc::clone(&last.id));
    }
}

/// Waits until no work is left.
fn drained(store: &SqliteStore) -> anyhow::Result<()> {
    while !store.reader()?.work(1)?.is_empty() {
        std::thread::yield_now();
    }
    Ok(())
}

/// Takes whatever mail comes.
async fn serve(listener: TcpListener, taken: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(talk(stream, Arc::clone(&taken)));
    }
}

/// One talk, as RFC 5321 has it; `None` at its end.
async fn talk(stream: TcpStream, taken: Arc<AtomicUsize>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 here\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-here\r\n250 8BITMIME\r\n",
            "QUIT" => return write.write_all(b"221 bye\r\n").await.ok(),
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                while lines.next_line().await.ok()?? != "." {}
                taken.fetch_add(1, Ordering::Relaxed);
                b"250 taken\r\n"
            }
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await.ok()?;
    }
    Some(())
}
