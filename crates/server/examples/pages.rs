//! Serves the pages with a sample shop, to look at them: `cargo run -p server --example pages`. With a number, so many
//! open lines more.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "for people at a terminal")]

#[path = "../tests/pages/sample.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod sample;

fn main() {
    let mut shop = sample::Sample::full();
    let many: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    if many > 0 {
        let at = "2026-11-22T15:00:00Z";
        shop.inbound(at, "KETTLE-01", 1_000_000, "2026-12-20", "PO-400");
        fill(&shop, at, many);
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    for (order, _) in &shop.orders.clone() {
        println!("{}", shop.path(*order));
    }
    let app = server::router(shop.app.clone());
    tokio::runtime::Runtime::new().unwrap().block_on(async move {
        axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await.unwrap();
    });
    shop.orders.clear();
}

/// Orders one unit so many times, many at once.
fn fill(shop: &sample::Sample, at: &str, many: usize) {
    use model::{
        command::{AskLine, Command, PlaceOrder},
        id::Sku,
    };
    let now: model::time::Timestamp = at.parse().unwrap();
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..many {
        let line = AskLine { sku: Sku::stored("KETTLE-01"), quantity: 1, unit_price: None };
        let order = PlaceOrder { lines: vec![line], ..PlaceOrder::default() };
        let request = engine::Request {
            tenant: shop.tenant.clone(),
            now,
            id: shop.app.stamps.next(now),
            command: Command::PlaceOrder(Box::new(order)),
            key: None,
            detail: engine::Detail::Done,
        };
        waiting.push_back(shop.app.engine.send(request).unwrap());
        if waiting.len() > 1_000 {
            waiting.pop_front().unwrap().blocking_recv().unwrap().unwrap();
        }
    }
    waiting.into_iter().for_each(|answer| drop(answer.blocking_recv()));
}
