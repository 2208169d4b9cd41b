//! What the shop's own ledger shows on pages, what would be if, and advice that is tried and taken up.

use axum::http::{StatusCode, header};

use super::{full, get, post};

#[tokio::test]
async fn the_overview_has_a_table_behind_each_chart_and_each_table_as_a_file() {
    let shop = full().await;
    let page = get(&shop, "/insights").await;
    assert_eq!(page.response.status(), StatusCode::OK, "{}", page.words());
    for text in [
        "Demand nobody served",
        "What to expand",
        "Suppliers",
        "Promises kept",
        "Cost of delay",
        "Cash ahead",
        "Likely to run out",
        "Likely to be called off",
        "are too few to learn from",
    ] {
        page.says(text);
    }
    assert_eq!(page.text.matches("<h1").count(), 1);
    assert!(!page.text.contains(" style=\"") && !page.text.contains("<script>"));
    // No drawing without its table, and none without a name.
    let charts = page.text.matches("<svg class=\"chart").count();
    assert!(charts >= 2 && page.text.matches("the same numbers stand in the table below").count() == charts);
    for part in page.text.split("<section ").skip(1) {
        assert!(!part.contains("<svg class=\"chart") || part.contains("<table"), "{part}");
    }
    let file = get(&shop, "/insights/cash.csv").await;
    assert_eq!(file.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert!(file.header(header::CONTENT_DISPOSITION).contains("cash.csv"));
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("Day,Balance,One in ten below,One in ten above,Not earned yet", 15));
    assert_eq!(get(&shop, "/insights/nothing.csv").await.response.status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&shop, "/insights/cash").await.response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn cash_begins_with_what_is_typed() {
    let shop = full().await;
    get(&shop, "/insights").await.says("beginning at $0");
    let sent = post(&shop, "/insights/cash/opening", &[("currency", "USD"), ("amount", "2500,50")]).await;
    assert_eq!(sent.response.status(), StatusCode::SEE_OTHER, "{}", sent.words());
    let page = get(&shop, "/insights").await;
    page.says("beginning at $2,500.50");
    assert!(page.text.contains("value=\"2500.50\""));
    let wrong = post(&shop, "/insights/cash/opening", &[("currency", "USD"), ("amount", "much")]).await;
    assert_eq!(wrong.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says("Cash today must be a number");
}

#[tokio::test]
async fn what_if_runs_the_shop_twice_and_tells_the_difference_with_its_interval() {
    let shop = full().await;
    let form = get(&shop, "/insights/what-if").await;
    form.says("At most so many units wait");
    assert!(!form.text.contains("What comes of it"));
    let ask = "/insights/what-if?run=1&sku=CHAIR-OAK&demand=2&slip=20&cap=4&days=60";
    let page = get(&shop, ask).await;
    for text in ["What comes of it", "Units asked for", "give or take", "Run ahead: CHAIR-OAK."] {
        page.says(text);
    }
    assert!(page.text.contains("value=\"20\""), "what was typed stays");
    assert_eq!(get(&shop, ask).await.text, page.text, "the same question has the same answer");
    let same = get(&shop, "/insights/what-if?run=1&sku=CHAIR-OAK&days=60").await;
    same.says("No difference in what is earned can be told from chance (0.00 ± 0.00).");
    for (query, said) in [
        ("sku=NOPE", "There is no product &#34;NOPE&#34;."),
        ("demand=lots", "Demand must be a number from 0 to 20"),
        ("days=NaN", "Days ahead must be a number from 7 to 365"),
        ("slip=-1000", "Days later must be a number"),
        ("when_out=magic", "There is no way of selling"),
    ] {
        let page = get(&shop, &format!("/insights/what-if?run=1&{query}")).await;
        page.says(said);
        assert!(!page.text.contains("What comes of it"), "{query}");
    }
}

#[tokio::test]
async fn an_advice_shows_its_numbers_tries_others_and_is_taken_up_with_one_click() {
    let shop = full().await;
    let list = get(&shop, "/insights/advice").await;
    list.says("How to sell what is out");
    assert!(list.text.contains("/insights/advice/CHAIR-OAK"));
    let path = "/insights/advice/CHAIR-OAK";
    let page = get(&shop, path).await;
    for text in
        ["Where the answer would change", "Every number behind it", "Own data", "Borrowed figure", "Guess"]
    {
        page.says(text);
    }
    let tried = get(&shop, &format!("{path}?set_accept_backorder=0&set_accept_preorder=0")).await;
    tried.says("with the numbers you typed in");
    tried.says("Typed in");
    assert_ne!(tried.hidden("mode"), "backorder");
    assert_eq!(tried.hidden("set_accept_backorder"), "0");
    get(&shop, &format!("{path}?set_accept_backorder=many"))
        .await
        .says("Accept backorder must be a number from 0");
    get(&shop, &format!("{path}?set_accept_backorder=7")).await.says("Accept_backorder");
    get(&shop, &format!("{path}?set_nonsense=7")).await.says("There is no figure");
    // What is not best any more is not done.
    let mode = page.hidden("mode");
    let other = if mode == "waitlist" { "backorder" } else { "waitlist" };
    post(&shop, path, &[("mode", other)]).await.says("Another way is best by now. Nothing was changed");
    let done = post(&shop, path, &[("mode", &mode)]).await;
    assert_eq!(done.response.status(), StatusCode::SEE_OTHER, "{}", done.words());
    get(&shop, done.header(header::LOCATION)).await.says("Accepted. It is sold so from now on");
    let way = tried.hidden("mode");
    let fields = [("mode", &*way), ("set_accept_backorder", "0"), ("set_accept_preorder", "0")];
    let done = post(&shop, path, &fields).await;
    assert_eq!(done.response.status(), StatusCode::SEE_OTHER, "{}", done.words());
    let word = if way == "waitlist" { "shoppers can leave an address" } else { "shown as out of stock" };
    get(&shop, "/products/CHAIR-OAK").await.says(word);
    assert_eq!(get(&shop, "/insights/advice/NOPE").await.response.status(), StatusCode::NOT_FOUND);
}
