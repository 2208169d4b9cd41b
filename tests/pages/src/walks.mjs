// Walks: what people do, from end to end, as they would.
import { createServer, get } from "node:http";
import { accessible, check, equal, fits, open, says, tabTo, text, truth } from "./checks.mjs";
import { call, day, start, store } from "./server.mjs";

// A product with nothing on the shelf that is sold ahead, and a delivery of it.
export async function product(server, sku, { units, inDays, orders = [] }) {
  await call(server, "PUT", `/v1/skus/${sku}`, { title: `Travel mug ${sku}`, price: { amount: 4900, currency: "USD" } });
  await call(server, "PUT", `/v1/skus/${sku}/policies/default`, { when_out: "backorder" });
  const { items } = await call(server, "GET", "/v1/locations");
  const delivery = await call(server, "POST", "/v1/supplies", {
    sku, location: items[0].location ?? items[0].id, kind: "purchase_order", quantity: units, expected_on: day(inDays), reference: `PO-${sku}`,
  });
  const placed = [];
  for (const [nth, quantity] of orders.entries()) {
    placed.push(await call(server, "POST", "/v1/orders", {
      reference: `${sku}-${nth + 1}`,
      customer: { email: `buyer${nth + 1}@example.com`, name: `Buyer ${nth + 1}`, country: "US" },
      lines: [{ sku, quantity, unit_price: { amount: 4900, currency: "USD" } }],
    }));
  }
  return { delivery, placed };
}

// A delivery slips: seen before, done, told, answered; and the second of two is told.
async function slip(server, size, scheme) {
  const sku = `SLIP-${size}-${scheme}`.toUpperCase();
  const { delivery, placed } = await product(server, sku, { units: 5, inDays: 30, orders: [1, 2] });
  const page = await open(server, { size, scheme });
  const other = await open(server, { size, scheme });
  await page.goto(`/supply?sku=${sku}`);
  await page.getByRole("link", { name: `Travel mug ${sku}` }).click();
  await other.goto(`/supply/${delivery.id}/preview?act=slip&expected_on=${day(90)}`);
  await page.getByLabel("New date").fill(day(75));
  await page.locator("#slip").getByRole("button", { name: "See what happens" }).click();
  await says(page, "Nothing is done yet");
  await says(page, "Lines that ship later 2 2");
  await accessible(page);
  await fits(page);
  equal((await call(server, "GET", `/v1/supplies/${delivery.id}`)).expected_on, day(30), "the date before it is confirmed");
  await page.getByRole("button", { name: "Yes, change it" }).click();
  await says(page, "Done");
  await accessible(page);
  equal((await call(server, "GET", `/v1/supplies/${delivery.id}`)).expected_on, day(75), "the date after it is confirmed");

  await other.getByRole("button", { name: "Yes, change it" }).click();
  await says(other, "Somebody changed this delivery while you were looking, so nothing was done.");
  equal((await call(server, "GET", `/v1/supplies/${delivery.id}`)).expected_on, day(75), "the date that the second wanted");
  await other.done();

  await page.getByRole("link", { name: "Messages to customers" }).click();
  for (const order of placed) {
    await page.goto("/messages");
    // Drafts stand by order: go on until this one is found.
    while ((await page.getByRole("button", { name: `Send to order ${order.reference}`, exact: true }).count()) === 0) {
      await page.getByRole("link", { name: "More messages" }).click();
    }
    await page.getByRole("button", { name: `Send to order ${order.reference}`, exact: true }).click();
    await says(page, "1 message was sent.");
  }
  for (const [nth, answer] of [[0, "Keep my order"], [1, "Cancel it instead"]]) {
    await page.goto(new URL(placed[nth].status_url).pathname);
    await accessible(page);
    await page.getByRole("button", { name: answer }).first().click();
    await says(page, nth === 0 ? "we keep it for you" : "cancelled");
  }
  const { items: notices } = await call(server, "GET", `/v1/notices?order=${placed[0].id}&state=answered`);
  equal(notices[0]?.answer.answer, "keep", "the first customer’s answer");
  equal((await call(server, "GET", `/v1/orders/${placed[1].id}`)).state, "cancelled", "the second customer’s order");
  await page.goto(`/orders/${placed[0].id}`);
  await says(page, "The customer answered: keeps it");
  await page.done();
}

// The month of deliveries, with a script and without: what comes when, who waits, and the rest of a full day in the list.
async function month(server, size, scheme) {
  const sku = `MONTH-${size}-${scheme}`.toUpperCase();
  const inDays = 250 + 30 * ["desktop-light", "desktop-dark", "phone-light", "phone-dark"].indexOf(`${size}-${scheme}`);
  const { delivery } = await product(server, sku, { units: 5, inDays, orders: [1, 2] });
  for (const nth of [1, 2, 3, 4]) {
    const { sku: of, location, expected_on } = delivery;
    await call(server, "POST", "/v1/supplies", { sku: of, location, kind: "purchase_order", quantity: 10 * nth, expected_on });
  }
  const page = await open(server, { size, scheme, javaScriptEnabled: false });
  await page.goto("/supply");
  await page.getByRole("link", { name: "As a month" }).click();
  const title = () => page.getByRole("heading", { level: 1 }).innerText();
  const now = await title();
  equal(await page.locator(".day.today").count(), 1, "days that are today");
  await page.locator("a[rel=next]").click();
  truth((await title()) !== now, "the next month has another name");
  await page.locator("a[rel=prev]").click();
  equal(await title(), now, "the month before the next");
  await page.locator("a[rel=prev]").click();
  await page.getByRole("link", { name: "This month" }).click();
  equal(await title(), now, "this month");
  await page.goto(`/supply/month?month=${day(inDays).slice(0, 7)}`);
  const cell = page.locator(".day", { has: page.locator(`time[datetime="${day(inDays)}"]`) });
  const said = (await cell.innerText()).replace(/\s+/g, " ");
  truth(said.includes(`${sku} · 5 units 2 lines wait`), said);
  await fits(page);
  await page.done();
  const live = await open(server, { size, scheme });
  await live.goto(`/supply/month?month=${day(inDays).slice(0, 7)}`);
  await accessible(live);
  await fits(live);
  await live.locator(".day").getByRole("link", { name: /^2 more on / }).click();
  equal(await live.locator("tbody tr").count(), 5, "deliveries of the day in the list");
  await accessible(live);
  await live.done();
}

// A final sale: set on the product's page, said in the shop, held on the customer's page until it is late.
async function finalSale(server, size, scheme) {
  const sku = `FINAL-${size}-${scheme}`.toUpperCase();
  const { delivery } = await product(server, sku, { units: 5, inDays: 30 });
  const page = await open(server, { size, scheme });
  await page.goto(`/products/${sku}`);
  await page.getByText("Change it", { exact: true }).click();
  await page.getByLabel("May customers call it off?").selectOption("No, the sale is final");
  await accessible(page);
  await page.getByRole("button", { name: "Save" }).click();
  await says(page, "Customers cannot call it off while it ships as promised");
  await page.goto(`/shop/${sku}`);
  await says(page, "This is a final sale");
  await accessible(page);
  const order = await call(server, "POST", "/v1/orders", {
    customer: { email: "final@example.com", name: "Fay Final", country: "US" }, lines: [{ sku, quantity: 1 }],
  });
  const own = new URL(order.status_url).pathname;
  await page.goto(own);
  await says(page, "was a final sale");
  equal(await page.getByText("Cancel", { exact: true }).count(), 0, "ways to cancel");
  await accessible(page);
  await fits(page);
  await call(server, "PATCH", `/v1/supplies/${delivery.id}`, { expected_on: day(60) });
  await page.goto(own);
  await page.getByText("Cancel", { exact: true }).click();
  await page.getByRole("button", { name: `Yes, cancel Travel mug ${sku}` }).click();
  await says(page, "What you called off is cancelled");
  await page.done();
}

// One good, one damaged, one still to come: who gets the good one is seen before, and everything can be taken back.
async function receipt(server, size, scheme) {
  const sku = `REC-${size}-${scheme}`.toUpperCase();
  const { delivery, placed } = await product(server, sku, { units: 3, inDays: 10, orders: [1, 1, 1] });
  const page = await open(server, { size, scheme });
  await page.goto(`/supply/${delivery.id}`);
  await page.getByLabel("Good units").fill("1");
  await page.getByLabel("Damaged units").fill("1");
  await page.getByLabel("The rest comes on").fill(day(40));
  await page.locator("#receive").getByRole("button", { name: "See what happens" }).click();
  await says(page, "Receive 1 good and 1 damaged; the other 1 by");
  await says(page, `${sku}-1 Sooner`);
  await page.getByRole("button", { name: "Receive it so" }).click();
  await says(page, "1 unit is set apart as damaged");
  await says(page, "1 unit went to customers who waited");
  await says(page, `${sku}-1 × 1`);
  await fits(page);
  const state = async (nth) => (await call(server, "GET", `/v1/orders/${placed[nth].id}`)).state;
  equal(await state(0), "allocated", "the first order");
  equal(await state(1), "backordered", "the second order");
  await page.getByRole("button", { name: "Undo it" }).click();
  await says(page, "Everything is as it was before");
  equal(await state(0), "backordered", "the first order after the undo");
  await page.done();
}

// The first ten minutes: a product goes on backorder, shoppers order it, part of it comes, everybody hears the truth.
async function firstTenMinutes(server, size, scheme) {
  const sku = `NEW-${size}-${scheme}`.toUpperCase();
  const page = await open(server, { size, scheme });
  await page.goto("/import");
  const products = [
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,Status",
    `lamp,First lamp ${sku},Title,Default Title,${sku},49.00,0,active`,
    `shade,Lamp shade ${sku},Title,Default Title,,19.00,2,active`,
  ];
  await page.locator("#file").setInputFiles({ name: "products.csv", mimeType: "text/csv", buffer: Buffer.from(products.join("\n")) });
  await page.getByRole("heading", { name: "This is Shopify’s product export" }).waitFor();
  await says(page, "Would go in 1");
  await says(page, "Bad rows 1");
  await accessible(page);
  await fits(page);
  await page.getByRole("button", { name: "Take it in" }).click();
  await says(page, "Taken in");
  await page.goto(`/products/${sku}`);
  await says(page, "When the shelf is empty it is shown as out of stock and not sold.");
  await page.getByText("Change it").click();
  await page.getByLabel("Sell what is on its way (backorder)").check();
  await page.getByRole("button", { name: "Save" }).click();
  await says(page, "Saved.");
  await page.goto("/supply#new");
  const form = page.locator("#new");
  await form.getByLabel("SKU").fill(sku);
  await form.getByLabel("Units").fill("3");
  await form.getByLabel("Comes on").fill(day(20));
  await form.getByRole("button", { name: "Enter it" }).click();
  await says(page, "It is expected on");
  const delivery = page.url();
  await page.goto(`/shop/${sku}`);
  await says(page, "Ships by");
  const promised = await page.locator("#offer .headline").innerText();
  const orders = [];
  for (const name of ["Ada Lovelace", "Grace Hopper", "Alan Turing"]) {
    await page.goto(`/shop/${sku}`);
    await page.getByLabel("Your name").fill(name);
    await page.getByLabel("E-mail").fill(`${name.split(" ")[0].toLowerCase()}@example.com`);
    await page.locator("#send button").click();
    await says(page, "Thank you. Your order is placed");
    equal(await page.locator("h1").innerText(), promised, "one date in the shop and on the order’s page");
    orders.push(page.url());
  }
  await page.goto(`/backlog?sku=${sku}`);
  equal(await page.locator("tbody tr").count(), 3, "lines that wait");
  await page.goto(delivery);
  await page.getByLabel("Good units").fill("1");
  await page.getByLabel("Damaged units").fill("1");
  await page.getByLabel("The rest comes on").fill(day(34));
  await page.locator("#receive").getByRole("button", { name: "See what happens" }).click();
  equal(await page.locator("section[aria-labelledby=who] tbody tr").count(), 3, "orders that the receipt moves");
  await page.getByRole("button", { name: "Receive it so" }).click();
  await says(page, "1 unit stays due");
  await page.goto(orders[0]);
  await says(page, "In our warehouse");
  await page.goto(orders[1]);
  await says(page, "Later than we told you");
  await page.done();
}

// With the keyboard alone: sign in, today, receive a delivery.
async function keyboard() {
  const kept = store();
  kept.run("users", "create", "ada@example.com", "--name", "Ada", "--tenant", "north-fork");
  const secret = kept.run("keys", "create", "--tenant", "north-fork", "--scopes", "*").trim().split("\n")[0];
  const link = kept.run("users", "create", "ada@example.com", "--name", "Ada", "--tenant", "north-fork").trim().split("\n")[0];
  const serving = await start(["serve", "--store", kept.at, "--listen", "127.0.0.1:0"]);
  const server = { ...serving, secret };
  try {
    await call(server, "PUT", "/v1/locations/main", { name: "Main", time_zone: "Etc/UTC" });
    await product(server, "KEYS", { units: 4, inDays: -3, orders: [1] });
    const page = await open(server);
    await page.goto(new URL(link).pathname);
    await tabTo(page, "#password");
    await page.keyboard.type("four words are enough");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}/`);
    await tabTo(page, ".who button");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}/sign-in`);
    await accessible(page);
    await tabTo(page, "#email");
    await page.keyboard.type("ada@example.com");
    await tabTo(page, "#password");
    await page.keyboard.type("a wrong password");
    await page.keyboard.press("Enter");
    await page.getByText("is not right").waitFor();
    await tabTo(page, "#password");
    await page.keyboard.type("four words are enough");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}/`);
    await says(page, "4 × Travel mug KEYS should have come on");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    equal(await page.evaluate(() => document.activeElement.id), "main", "the link that skips the menu leads to");
    await tabTo(page, '.task a[href$="#receive"]');
    await page.keyboard.press("Enter");
    await page.waitForURL(/#receive$/);
    await tabTo(page, "#damaged");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("1");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("3");
    await tabTo(page, "#receive button");
    await page.keyboard.press("Enter");
    await page.waitForURL(/preview/);
    await says(page, "Receive 3 good and 1 damaged");
    await tabTo(page, ".confirm .button:not(.quiet)");
    await page.keyboard.press("Enter");
    await page.waitForURL(/confirm$/);
    await says(page, "1 unit is set apart as damaged");
    await page.done();
  } finally {
    await serving.stop();
    kept.drop();
  }
}

// Who guesses passwords has to wait, whoever it is; nothing says whether there is such an account.
async function guessing() {
  const kept = store();
  kept.run("users", "create", "ada@example.com", "--tenant", "north-fork");
  const serving = await start(["serve", "--store", kept.at, "--listen", "127.0.0.1:0"]);
  try {
    const guess = (email) =>
      fetch(`${serving.url}/sign-in`, { method: "POST", body: new URLSearchParams({ email, password: "not this one" }) });
    for (const email of ["ada@example.com", "nobody@example.com"]) {
      for (let nth = 0; nth < 8; nth += 1) equal((await guess(email)).status, 422, `guess ${nth + 1} for ${email}`);
      const last = await guess(email);
      equal(last.status, 429, `the ninth guess for ${email}`);
      truth((await last.text()).includes("Please wait a quarter of an hour"), "what the ninth is told");
    }
  } finally {
    await serving.stop();
    kept.drop();
  }
}

// What happens elsewhere is seen without asking, unless somebody is in the middle of a form.
async function live(server) {
  const { delivery } = await product(server, "LIVE-1", { units: 5, inDays: 30 });
  const page = await open(server);
  await page.goto(`/supply/${delivery.id}`);
  await says(page, "Units 5");
  await call(server, "PATCH", `/v1/supplies/${delivery.id}`, { quantity: 6 });
  await page.locator(".figure .value", { hasText: /^6$/ }).first().waitFor();
  await page.getByLabel("Good units").fill("2");
  await call(server, "PATCH", `/v1/supplies/${delivery.id}`, { quantity: 7 });
  await page.getByRole("button", { name: "Something changed: show it" }).waitFor();
  equal(await page.getByLabel("Good units").inputValue(), "2", "what was typed");
  await page.done();
}

// The same without script: every page works.
async function withoutScript(server) {
  const { delivery } = await product(server, "PLAIN-1", { units: 5, inDays: 30, orders: [1] });
  const page = await open(server, { javaScriptEnabled: false });
  await page.goto(`/supply/${delivery.id}`);
  await page.getByLabel("New date").fill(day(50));
  await page.locator("#slip").getByRole("button", { name: "See what happens" }).click();
  await page.getByRole("button", { name: "Yes, change it" }).click();
  await says(page, "Done");
  await page.goto("/products/PLAIN-1");
  await page.getByText("Change it").click();
  await page.getByLabel("Take addresses to tell when it is back").check();
  await page.getByRole("button", { name: "Show the badge" }).click();
  await says(page, "A shopper would read Not available now");
  await page.done();
}

// A cart with something that is here and something that waits: two ways to send it, one order.
async function mixedCart(server, size, scheme) {
  const sku = `CART-${size}-${scheme}`.toUpperCase();
  await product(server, sku, { units: 5, inDays: 30 });
  const { items } = await call(server, "GET", "/v1/locations");
  await call(server, "PUT", `/v1/skus/${sku}-HERE`, { title: `Lid ${sku}`, price: { amount: 900, currency: "USD" } });
  await call(server, "POST", "/v1/adjustments", { sku: `${sku}-HERE`, location: items[0].location ?? items[0].id, delta: 9, reason: "opening_stock" });
  const page = await open(server, { size, scheme });
  for (const each of [`${sku}-HERE`, sku]) {
    await page.goto(`/shop/${each}`);
    await page.getByRole("button", { name: "Put it in the cart" }).click();
  }
  await says(page, "Not everything is ready at once");
  const here = await text(page, ".cart li:first-child");
  truth(here.includes("In stock") && !/backorder/i.test(here), `in stock speaks of waiting: ${here}`);
  await accessible(page);
  await fits(page);
  await page.getByLabel("Send each part as soon as it is ready").check();
  const parts = await page.locator(".choices .sub time").allInnerTexts();
  await page.getByRole("button", { name: "Check out" }).click();
  await accessible(page);
  await fits(page);
  await page.getByLabel("Your name").fill("Ida Rhodes");
  await page.getByLabel("E-mail").fill("ida@example.com");
  await page.getByRole("button", { name: "Place the order" }).click();
  await says(page, "Thank you. Your order is placed");
  for (const date of parts.slice(0, 2)) await says(page, date);
  await accessible(page);
  await fits(page);
  equal(await page.getByRole("link", { name: "Cart", exact: true }).count(), 1, "the empty cart in the menu");
  await page.done();
}

// The badge on somebody else's pages: several products, other languages, dark; to be told; nothing kept.
async function badge(server) {
  await product(server, "BADGE-1", { units: 5, inDays: 30 });
  await call(server, "PUT", "/v1/skus/BADGE-2", { title: "Tin", price: { amount: 900, currency: "USD" } });
  await call(server, "PUT", "/v1/skus/BADGE-2/policies/default", { when_out: "waitlist" });
  const { ship_by } = await call(server, "GET", "/v1/availability?sku=BADGE-1");
  const link = (sku, more = "") => `<p><a data-shipwhen-sku="${sku}" ${more} href="${server.url}/badge/${server.publishable}/${sku}">When does it ship?</a></p>`;
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A shop</title>
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${server.url}; connect-src ${server.url}">
    <script src="${server.url}/badge.js" data-key="${server.publishable}" data-words='{"fr":{"backorder":"Bientôt"}}' defer></script>
    <main><h1>A shop</h1>${link("BADGE-1", 'data-json-ld data-name="Mug" data-price="49.00 USD"')}
    <div lang="de">${link("BADGE-1")}</div><div lang="fr">${link("BADGE-1")}</div>${link("BADGE-2", "data-notify")}${link("NO-SUCH-SKU")}</main></html>`;
  const shop = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(html));
  await new Promise((listening) => shop.listen(0, "127.0.0.1", listening));
  const at = `http://127.0.0.1:${shop.address().port}/`;
  try {
    const page = await open(server);
    await page.goto(at);
    const badges = page.locator("[data-shipwhen-badge]");
    await badges.nth(3).waitFor();
    const date = new Date(`${ship_by.promised}T12:00:00Z`);
    const year = date.getUTCFullYear() === new Date().getUTCFullYear() ? undefined : "numeric";
    const shown = (language) => new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year, timeZone: "UTC" }).format(date);
    const said = async (nth) => (await badges.nth(nth).locator(".badge").innerText()).replace(/\s+/g, " ").trim();
    equal(await said(0), `Backorder ships by ${shown("en")}`, "in English");
    equal(await said(1), `Nachbestellt Versand bis ${shown("de")}`, "in German");
    equal(await said(2), `Bientôt expédié d’ici le ${shown("fr")}`, "in French, in the shop's own words");
    equal(await said(3), "Not available now", "on the waitlist");
    equal(await page.locator("a:visible").count(), 1, "the link of what nobody knows stays");
    const offer = JSON.parse(await page.locator("script[data-shipwhen-offer]").textContent());
    equal(offer.offers.availabilityStarts, ship_by.promised, "the offer's date");
    await badges.nth(3).getByLabel("Your e-mail").fill("ida@example.com");
    await badges.nth(3).getByRole("button", { name: "Tell me when it is back" }).click();
    await badges.nth(3).getByText("We write to you").waitFor();
    const { items } = await call(server, "GET", "/v1/waitlist?sku=BADGE-2");
    equal(items.length, 1, "places on the waitlist");
    await accessible(page);
    equal((await page.context().cookies()).length, 0, "cookies");
    equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0, "what is kept");
    await page.done();
    const plain = await open(server, { javaScriptEnabled: false });
    await plain.goto(at);
    await plain.getByRole("link", { name: "When does it ship?" }).first().click();
    await says(plain, "Ships by");
    await plain.done();
  } finally {
    await new Promise((closed) => shop.close(closed));
  }
  const sent = await new Promise((done, fail) =>
    get(`${server.url}/badge.js`, { headers: { "Accept-Encoding": "gzip" } }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => (bytes += chunk.length));
      answer.on("end", () => done({ bytes, encoding: answer.headers["content-encoding"] }));
    }).on("error", fail));
  equal(sent.encoding, "gzip", "how the script is sent");
  truth(sent.bytes <= 10_240, `the script is ${sent.bytes} bytes, gzipped`);
}

// The rules are really looked at: a page that breaks one is caught.
async function rules(server) {
  const page = await open(server);
  await page.goto("/");
  await page.evaluate(() => document.querySelector("main h1").insertAdjacentHTML("afterend", '<img src="data:,"><button></button>'));
  const caught = await accessible(page).then(() => "", (error) => error.message);
  truth(caught.includes("image-alt") && caught.includes("button-name"), `not caught: ${caught}`);
  await page.context().close();
}

export async function walks(server) {
  await check("a page that breaks a rule is caught", () => rules(server));
  await check("the badge on another site", () => badge(server));
  await check("with the keyboard alone: sign in, today, receive", keyboard);
  await check("who guesses passwords has to wait", guessing);
  await check("what happens elsewhere is seen at once", () => live(server));
  await check("without script", () => withoutScript(server));
  for (const [size, scheme] of [["desktop", "light"], ["phone", "dark"], ["desktop", "dark"], ["phone", "light"]]) {
    const where = `${size}, ${scheme}`;
    await check(`the first ten minutes, ${where}`, () => firstTenMinutes(server, size, scheme));
    await check(`a slip, from its preview to the customers’ answers, ${where}`, () => slip(server, size, scheme));
    await check(`a cart with what is here and what waits, ${where}`, () => mixedCart(server, size, scheme));
    await check(`the month of deliveries, ${where}`, () => month(server, size, scheme));
    await check(`a final sale, ${where}`, () => finalSale(server, size, scheme));
    await check(`a receipt with damage, ${where}`, () => receipt(server, size, scheme));
  }
}
