//! Pages behind a hundred thousand open lines: how long each takes, from asking to the last byte.
//!
//! The lines are of five hundred products, sold as they are in shops: the first is wanted a hundred times as often as the
//! hundredth. Each product has three deliveries to come; some goods are here, some lines will be late. The server runs in this
//! process, as the sample shop, so that nobody has to sign in.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ledger::OrderFilter;
use model::{
    command::{AddSupply, ChangeSupply, Command, Receive},
    id::{LocationId, Sku, SupplyId},
    supply::SupplyKind,
    time::{Zone, days_after, local_date},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    figures::Figures,
    http::{Server, runtime},
    workload::{self, Shop},
};

/// Parts: the preview of what a change to a delivery would do, and all other pages.
pub(crate) const PARTS: [&str; 2] = ["preview", "others"];
/// Open lines, unless the command line says how many.
const LINES: usize = 100_000;
const SKUS: usize = 500;
/// Deliveries of each product.
const DELIVERIES: usize = 3;
/// Products whose first delivery came, and whose second one slips.
const CAME: usize = 50;
/// How often each page is asked for; the first of them are not counted.
const TIMES: usize = 25;
const WARM: usize = 5;
/// What a page may take, in milliseconds.
const GOAL_MS: f64 = 50.0;

pub(crate) fn run(figures: &mut Figures, chosen: &[&str]) -> anyhow::Result<()> {
    let lines = if figures.lines == crate::figures::LINES { LINES } else { figures.lines };
    let dir = tempfile::tempdir()?;
    let mut shop = Shop::open(dir.path())?;
    let supplies = fill(&mut shop, lines)?;
    let secret = shop.engine.store().reader()?.secret()?;
    let filter = OrderFilter::default();
    let order = shop.engine.store().reader()?.order_page(&shop.tenant, &filter, None, 1)?;
    let order = *order.first().context("there are no orders")?;
    let status = server::link::make(&secret, &shop.tenant, order, shop.now);
    let (now, tenant) = (shop.now, shop.tenant.clone());
    let day = days_after(local_date(now, &Zone::utc()), 90).context("a day")?;
    drop(shop);
    let server = Server::start_as(dir.path(), now, Some(tenant))?;
    let first = supplies.first().context("there are no supplies")?;
    let pages: Vec<(&str, String)> = vec![
        ("today", "/".to_owned()),
        ("backlog", "/backlog".to_owned()),
        ("backlog_sku", format!("/backlog?sku={}", sku(0)?)),
        ("backlog_rare_sku", format!("/backlog?sku={}", sku(SKUS - 1)?)),
        ("backlog_supply", format!("/backlog?supply={first}")),
        ("backlog_broken", "/backlog?broken=true".to_owned()),
        ("backlog_overdue", "/backlog?overdue=true".to_owned()),
        ("backlog_here", "/backlog?state=allocated".to_owned()),
        ("supply", "/supply".to_owned()),
        ("supply_all", "/supply?show=all".to_owned()),
        ("delivery", format!("/supply/{first}")),
        ("delivery_preview", format!("/supply/{first}/preview?act=slip&expected_on={day}")),
        ("orders", "/orders".to_owned()),
        ("orders_found", "/orders?q=S-77".to_owned()),
        ("order", format!("/orders/{order}")),
        ("products", "/products".to_owned()),
        ("products_found", "/products?q=hot-12".to_owned()),
        ("product", format!("/products/{}", sku(0)?)),
        ("insights", "/insights".to_owned()),
        ("advice", "/insights/advice".to_owned()),
        ("advice_product", format!("/insights/advice/{}", sku(0)?)),
        ("what_if", "/insights/what-if".to_owned()),
        ("messages", "/messages".to_owned()),
        ("packing", "/packing".to_owned()),
        ("import", "/import".to_owned()),
        ("settings", "/settings".to_owned()),
        ("shop", "/shop".to_owned()),
        ("shop_product", format!("/shop/{}", sku(0)?)),
        ("status", format!("/o/{status}")),
    ];
    let clients = runtime("client")?;
    let mut slow = Vec::new();
    let part_of = |name: &str| if name == "delivery_preview" { "preview" } else { "others" };
    for (name, path) in pages.into_iter().filter(|(name, _)| chosen.contains(&part_of(name))) {
        let (mut took, bytes) =
            clients.block_on(times(server.address, &path)).with_context(|| path.clone())?;
        took.sort_unstable();
        let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
        figures.add(format!("page_{name}_ms"), at(50), Some(GOAL_MS), "ms (median)");
        figures.add(format!("page_{name}_p95_ms"), at(95), None, "ms");
        figures.add(format!("page_{name}_kb"), bytes as f64 / 1024.0, None, "KiB, not packed");
        if at(50) > GOAL_MS {
            slow.push(name);
        }
    }
    server.stop()?;
    figures.say(&if slow.is_empty() {
        "every page is in time".to_owned()
    } else {
        format!("too slow: {}", slow.join(", "))
    });
    Ok(())
}

fn sku(n: usize) -> anyhow::Result<Sku> {
    if n == 0 { Ok(workload::sku()) } else { Ok(Sku::new(&format!("hot-{n:03}"))?) }
}

/// Products with deliveries and lines that wait; answers the deliveries of the first.
fn fill(shop: &mut Shop, lines: usize) -> anyhow::Result<Vec<SupplyId>> {
    let weights: Vec<f64> = (0..SKUS).map(|n| 1.0 / (n + 1) as f64).collect();
    let sum: f64 = weights.iter().sum();
    let mut of_first = Vec::new();
    let today = local_date(shop.now, &Zone::utc());
    for (n, weight) in weights.iter().enumerate() {
        let sku = sku(n)?;
        let wanted = ((weight / sum) * lines as f64).ceil() as i64;
        let units = wanted / DELIVERIES as i64 + 1;
        // The first product has a delivery that no run ends; it is as good as any other.
        let first = if n == 0 { None } else { Some(shop.sell(&sku, units)?) };
        let mut supplies: Vec<SupplyId> = first.into_iter().collect();
        for nth in supplies.len()..DELIVERIES {
            let wish = AddSupply {
                sku: sku.clone(),
                location: LocationId::new("main")?,
                kind: SupplyKind::PurchaseOrder,
                quantity: units,
                expected_on: days_after(today, 7 + 14 * u16::try_from(nth)?),
                supplier: Some("A supplier".into()),
                reference: Some(format!("PO-{n}-{nth}").into()),
                promise_buffer_days: None,
            };
            match shop.run(Command::AddSupply(wish))? {
                engine::Answer::SupplyAdded(entered) => supplies.push(entered.view.supply.id),
                other => anyhow::bail!("a supply was answered with {other:?}"),
            }
        }
        shop.place_of(&sku, usize::try_from(wanted)?, 1_024)?;
        if (1..=CAME).contains(&n) {
            shop.run(Command::Receive(Receive::whole(supplies[0])))?;
            let later = days_after(today, 60);
            shop.run(Command::ChangeSupply(ChangeSupply {
                supply: supplies[1],
                expected_on: later.map(Some),
                quantity: None,
            }))?;
        }
        if n == 0 {
            of_first = supplies;
        }
    }
    Ok(of_first)
}

/// Asks for a page again and again on one connection; answers how long each took, and its size in bytes.
async fn times(address: std::net::SocketAddr, path: &str) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    let (mut took, mut bytes) = (Vec::with_capacity(TIMES), 0);
    for nth in 0..TIMES {
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        bytes = read(&mut stream).await?;
        if nth >= WARM {
            took.push(begun.elapsed());
        }
    }
    Ok((took, bytes))
}

/// Reads one page, whose length is told before it.
async fn read(stream: &mut TcpStream) -> anyhow::Result<usize> {
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        ensure!(stream.read_buf(&mut buffer).await? > 0, "the server hung up");
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?.to_ascii_lowercase();
        ensure!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("a page without length")?.trim().parse()?;
        while buffer.len() < end + 4 + length {
            ensure!(stream.read_buf(&mut buffer).await? > 0, "the server hung up");
        }
        return Ok(length);
    }
}
