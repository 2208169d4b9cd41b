// Walks of the shop's own people: many lines at once, a wave, packing by a partner, settings; with the keyboard alone.
import { readFileSync } from "node:fs";
import { accessible, check, equal, fits, open, says, tabTo, truth } from "./checks.mjs";
import { call, day, start, store } from "./server.mjs";
import { product } from "./walks.mjs";

const looks = [["desktop", "light"], ["phone", "dark"], ["desktop", "dark"], ["phone", "light"]];
const fine = async (page) => {
  await accessible(page);
  await fits(page);
};
const place = async (server) => {
  const { items } = await call(server, "GET", "/v1/locations");
  return items[0].location ?? items[0].id;
};
// Goods come for everybody who waits for a product.
const receive = (server, delivery, units) =>
  call(server, "POST", `/v1/supplies/${delivery.id}/receipts`, { accepted: units, damaged: 0, close: true });

// More lines than one step does: seen before, going on by itself, taken back.
async function bulk(server, size, scheme) {
  const sku = `BULK-${size}-${scheme}`.toUpperCase();
  await product(server, sku, { units: 90, inDays: 30 });
  const orders = Array.from({ length: 45 }, (_, nth) => ({
    idempotency_key: `${sku}-${nth}`,
    reference: `${sku}-${nth}`,
    customer: { email: `buyer${nth}@example.com`, country: "US" },
    lines: [{ sku, quantity: 1, unit_price: { amount: 4900, currency: "USD" } }],
  }));
  await call(server, "POST", "/v1/orders/batch", { orders });
  const page = await open(server, { size, scheme });
  await page.goto(`/backlog?sku=${sku}`);
  await page.getByLabel("All that fit what is asked for above").check();
  await page.getByLabel("What to do").selectOption({ label: "Set their class" });
  await page.locator("#class").fill("-3");
  await page.getByRole("button", { name: "See what happens" }).click();
  await says(page, "Nothing is changed yet");
  await says(page, "What would be done 45 of 45");
  await fine(page);
  await page.getByRole("button", { name: "Set their class" }).click();
  await page.getByText("45 done.").waitFor();
  equal(await page.locator("progress").evaluate((bar) => bar.value / bar.max), 1, "how far it is");
  await fine(page);
  const terms = async () => {
    const { items } = await call(server, "GET", `/v1/backorders?sku=${sku}&limit=45`);
    const each = await Promise.all(items.map(({ line }) => call(server, "GET", `/v1/lines/${line}/allocation`)));
    return each.map((term) => term.class);
  };
  equal((await terms()).filter((own) => own === -3).length, 45, "lines with the class");
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("45 taken back.").waitFor();
  equal((await terms()).filter((own) => own === 0).length, 45, "lines without it");
  await page.done();
}

// A view is kept, found again and dropped.
async function view(server, size, scheme) {
  const sku = `VIEW-${size}-${scheme}`.toUpperCase();
  await product(server, sku, { units: 3, inDays: 30, orders: [1] });
  const page = await open(server, { size, scheme });
  await page.goto("/backlog");
  await page.getByLabel("SKU").fill(sku);
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("Views", { exact: true }).click();
  await page.getByLabel("Keep what is shown as").fill(`Who waits for ${sku}`);
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  const own = page.getByRole("navigation", { name: "Saved views" }).getByRole("link", { name: `Who waits for ${sku}` });
  equal(await own.getAttribute("aria-current"), "true", "the view that is shown");
  await fine(page);
  await page.goto("/backlog");
  await own.click();
  equal(await page.locator("tbody tr").count(), 1, "lines of the view");
  await page.getByText("Views", { exact: true }).click();
  await page.getByRole("button", { name: `Drop Who waits for ${sku}` }).click();
  equal(await own.count(), 0, "views of that name");
  await page.done();
}

// A wave: only orders to one country are handed over, picked, sent; and their customers see it.
async function wave(server, size, scheme) {
  const sku = `WAVE-${size}-${scheme}`.toUpperCase();
  const { delivery } = await product(server, sku, { units: 3, inDays: 5 });
  const placed = [];
  for (const [nth, country] of ["US", "DE", "DE"].entries()) {
    placed.push(await call(server, "POST", "/v1/orders", {
      reference: `${sku}-${nth + 1}`,
      customer: { email: `backer${nth}@example.com`, name: `Backer ${nth}`, country },
      lines: [{ sku, quantity: 1, unit_price: { amount: 4900, currency: "USD" } }],
    }));
  }
  await receive(server, delivery, 3);
  const page = await open(server, { size, scheme });
  await page.goto("/packing/wave");
  await page.getByLabel("Country").fill("de");
  await page.getByLabel("SKUs").fill(sku);
  await page.getByRole("button", { name: "See what is ready" }).click();
  await says(page, "Nothing is handed over yet");
  await says(page, `${sku}-2`);
  await says(page, `${sku}-3`);
  truth(!(await page.locator("main").innerText()).includes(`${sku}-1`), "an order to elsewhere is in the wave");
  await fine(page);
  await page.getByRole("button", { name: "Hand them over" }).click();
  await says(page, "2 units of 2 orders are to be packed");
  await fine(page);
  await page.goto("/packing/picks");
  await says(page, sku);
  await fine(page);
  await page.goto("/packing");
  const other = await open(server, { size, scheme });
  await other.goto("/packing");
  await page.getByLabel(`Carrier of ${sku}-2`).fill("UPS");
  await page.getByLabel(`Carrier’s number for ${sku}-2`).fill("1Z-WAVE");
  await page.getByRole("button", { name: `${sku}-2 is sent` }).click();
  await says(page, "Sent. The customer’s page shows it");
  await other.getByRole("button", { name: `${sku}-2 is sent` }).click();
  await says(other, "Nothing of that order is to be packed here any more: somebody has sent it");
  await other.done();
  await page.goto(new URL(placed[1].status_url).pathname);
  await says(page, "Everything in this order has been sent");
  await says(page, "with UPS");
  await says(page, `1 × Travel mug ${sku}`);
  const where = page.getByRole("link", { name: "Where it is now" });
  equal(await where.getAttribute("href"), "https://www.ups.com/track?tracknum=1Z-WAVE", "where the carrier shows it");
  await fine(page);
  await page.goto(`/orders/${placed[1].id}`);
  await says(page, "What left");
  equal(await page.getByRole("link", { name: "1Z-WAVE" }).count(), 1, "the carrier’s number on the shop’s page");
  await fine(page);
  await page.goto(new URL(placed[0].status_url).pathname);
  truth(!(await page.locator("main").innerText()).includes("has been sent"), "an order that is in no wave was sent");
  await page.done();
}

// An import that was a mistake goes back; what somebody has built on it stays, and the page says why.
async function mistake(server, size, scheme) {
  const sku = `OOPS-${size}-${scheme}`.toUpperCase();
  const page = await open(server, { size, scheme });
  await page.goto("/import");
  const table = `sku,title,price,currency,when_out\n${sku}-1,First ${sku},9.00,USD,backorder\n${sku}-2,Second ${sku},9.00,USD,backorder\n`;
  await page.getByLabel("Or paste the table").fill(table);
  await page.getByLabel("What it is").selectOption({ value: "skus" });
  await page.getByRole("button", { name: "See what it does" }).click();
  await page.getByRole("button", { name: "Take it in" }).click();
  await says(page, "Taken in");
  await call(server, "PUT", `/v1/skus/${sku}-1/policies/default`, { when_out: "waitlist" });
  await page.getByRole("link", { name: "What it did, and taking it back" }).click();
  await fine(page);
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("3 taken back, 1 stay.").waitFor();
  await says(page, "Somebody changed it since");
  await fine(page);
  equal((await call(server, "GET", `/v1/skus/${sku}-2`)).discontinued, true, "the second product");
  await page.goto("/import");
  await says(page, "Taken back");
  await fine(page);
  await page.done();
}

// The ten questions of every day: each has its answer on a page, in words.
async function questions(server) {
  const page = await open(server);
  await page.goto("/import");
  await page.getByLabel("Or paste the table").fill("sku,title,price,currency\nDAILY-1,A thing of every day,9.00,USD\n");
  await page.getByLabel("What it is").selectOption({ value: "skus" });
  await page.getByRole("button", { name: "See what it does" }).click();
  await page.getByRole("button", { name: "Take it in" }).click();
  await says(page, "Taken in");
  const answers = [
    ["what do I owe?", "/", ["Orders owed", "Units owed", "Money owed"]],
    ["which promises break, and who is untold?", "/", ["will ship later than we said", "messages to customers are due"]],
    ["what arrives next, and who gets it?", "/", ["What arrives next", "And who gets it, first come first"]],
    ["what ships now?", "/", ["must leave by today", "Goods that are here"]],
    ["where am I over what I have?", "/", ["promised without goods"]],
    ["which payments failed or expire?", "/insights", ["Cash"]],
    ["who awaits a refund or was asked?", "/messages?state=sent", ["Messages"]],
    ["what goes on or off backorder, and how much to reorder?", "/insights/advice", ["Advice"]],
    ["which supplier slips?", "/", ["should have come on"]],
    ["are imports, mail and webhooks healthy?", "/import", ["Imports so far"]],
  ];
  for (const [question, path, words] of answers) {
    await page.goto(path);
    for (const each of words) await says(page, each).catch((error) => { throw new Error(`${question} ${error.message}`); });
  }
  await page.done();
}

// Two change how a product is sold: the second is told, and the first one's change stays.
async function two(server, size, scheme) {
  const sku = `TWO-${size}-${scheme}`.toUpperCase();
  await product(server, sku, { units: 3, inDays: 30 });
  const pages = [await open(server, { size, scheme }), await open(server, { size, scheme })];
  for (const page of pages) {
    await page.goto(`/products/${sku}`);
    await page.getByText("Change it").click();
  }
  await pages[0].getByLabel("Take addresses to tell when it is back").check();
  await pages[0].getByRole("button", { name: "Save" }).click();
  await says(pages[0], "Saved.");
  await pages[1].getByLabel("Units for one customer").fill("3");
  await pages[1].getByRole("button", { name: "Save" }).click();
  await says(pages[1], "Somebody changed it while you were looking");
  equal((await call(server, "GET", `/v1/skus/${sku}/policies/default`)).when_out, "waitlist", "the first one's change");
  await fine(pages[1]);
  for (const page of pages) await page.done();
}

// A shop of its own behind a door, with somebody of each kind that is asked for; answers how to sign them in.
async function house(act) {
  const kept = store();
  const invite = (email, ...more) => kept.run("users", "create", email, "--tenant", "north-fork", ...more).trim().split("\n")[0];
  const owner = invite("ada@example.com", "--name", "Ada");
  const secret = kept.run("keys", "create", "--tenant", "north-fork", "--scopes", "*").trim().split("\n")[0];
  const serving = await start(["serve", "--store", kept.at, "--listen", "127.0.0.1:0"]);
  const server = { ...serving, secret };
  const enter = async (page, link) => {
    await page.goto(new URL(link).pathname);
    await page.locator("#password").fill("four words are enough");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => !url.pathname.startsWith("/join"));
  };
  try {
    await act(server, { owner, invite, enter });
  } finally {
    await serving.stop();
    kept.drop();
  }
}

// A partner's house: sees what was released to it and nothing else; picks, packs, sends, receives, prepares.
async function partner(size, scheme) {
  await house(async (server, { owner, invite, enter }) => {
    for (const [id, name] of [["east", "East house"], ["main", "Main"]]) {
      await call(server, "PUT", `/v1/locations/${id}`, { name, time_zone: "Etc/UTC" });
    }
    const { delivery, placed } = await product(server, "EAST-1", { units: 3, inDays: 4, orders: [1, 2] });
    const coming = await call(server, "POST", "/v1/supplies", {
      sku: "EAST-1", location: "east", kind: "purchase_order", quantity: 5, expected_on: day(1), reference: "PO-NEXT",
    });
    await receive(server, delivery, 3);
    const link = invite("pat@example.com", "--name", "Pat", "--role", "partner", "--location", "east");
    const boss = await open(server, { size, scheme });
    await enter(boss, owner);
    await boss.goto("/packing/prep?at=east&sku=EAST-1");
    await boss.getByLabel("Steps, one a line").fill("Polybag\nFNSKU label");
    await boss.getByRole("button", { name: "Keep as a new version" }).click();
    await says(boss, "Version 1");
    const page = await open(server, { size, scheme });
    await enter(page, link);
    await page.goto("/packing");
    await says(page, "Nothing to pack");
    await fine(page);
    await call(server, "POST", "/v1/releases", { location: "east" });
    await page.goto("/packing");
    await says(page, "EAST-1-1");
    truth(!/\$|@example/.test(await page.locator("main").innerText()), "a price or an address to write to is shown");
    await fine(page);
    await page.getByRole("link", { name: "Pick list" }).click();
    await says(page, "3 Travel mug EAST-1");
    await fine(page);
    await page.goto("/packing");
    await page.getByRole("link", { name: "All packing slips" }).click();
    await says(page, "order EAST-1-2");
    await fine(page);
    await page.goto("/packing");
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "As a table" }).click();
    const table = readFileSync(await (await download).path(), "utf8").trim().split(/\r?\n/);
    const line = table.find((row) => row.includes("EAST-1-1")).split(",")[table[0].split(",").indexOf("line")];
    await page.getByRole("link", { name: "Numbers from a table" }).click();
    await page.getByLabel("Or paste it here").fill(`line,tracking\n${line},CSV-NUMBER\nno-such-line,X\n`);
    await page.getByRole("button", { name: "Look at it" }).click();
    await says(page, "This would be sent 1 good, 1 not");
    await fine(page);
    await page.getByRole("button", { name: "These are sent" }).click();
    await says(page, "Done 1 sent, 1 not");
    equal((await call(server, "GET", `/v1/orders/${placed[0].id}`)).state, "shipped", "the order of the table");
    await page.goto("/packing/prep?sku=EAST-1");
    await page.getByLabel("Polybag").check();
    await page.getByLabel("Units prepared").fill("2");
    await page.getByRole("button", { name: "All is done" }).click();
    await says(page, "tick");
    for (const step of ["Polybag", "FNSKU label"]) await page.getByLabel(step).check();
    await page.getByLabel("Units prepared").fill("2");
    await page.getByRole("button", { name: "All is done" }).click();
    await says(page, "Pat");
    await fine(page);
    await page.goto("/packing");
    await page.getByText("It arrived").first().click();
    await page.getByLabel("Good units").first().fill("4");
    await page.getByLabel("Damaged units").first().fill("1");
    await page.getByLabel("Note for the shop").first().fill("A corner was crushed");
    await page.getByRole("button", { name: "Take it in" }).first().click();
    await says(page, "taken in");
    await fine(page);
    const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    await page.getByLabel("Choose or take them").setInputFiles({ name: "box.png", mimeType: "image/png", buffer: Buffer.from(pixel, "base64") });
    await page.getByRole("button", { name: "Keep them" }).click();
    await page.getByText("3 more of this receipt").waitFor();
    truth(await page.locator(".photos img").first().evaluate((img) => img.decode().then(() => img.naturalWidth > 0)), "the photo is not shown");
    await fine(page);
    await boss.goto(`/supply/${coming.id}`);
    await says(boss, "A corner was crushed");
    equal(await boss.locator(".photos img").count(), 1, "photos that the shop sees");
    await fine(boss);
    await boss.goto("/packing/fence?at=east&sku=EAST-1");
    await page.goto("/packing");
    await page.locator('a[href^="/packing/fence"]').first().click();
    await says(page, "Nothing is ring-fenced");
    await fine(page);
    const keep = async (who, channel, units) => {
      await who.getByLabel("Channel", { exact: true }).fill(channel);
      await who.getByLabel("Units", { exact: true }).fill(units);
      await who.getByRole("button", { name: "Ring-fence" }).click();
    };
    await keep(page, "fba", "3");
    await says(page, "Kept.");
    await fine(page);
    await keep(boss, "web", "1");
    await says(boss, "Somebody changed what is ring-fenced");
    await fine(boss);
    const kept = await call(server, "GET", "/v1/ring-fences?location=east");
    equal(JSON.stringify(kept.items[0].ring_fenced.map((fence) => [fence.channel, fence.left])), '[["fba",3]]', "what is kept");
    await page.goto("/packing");
    await says(page, "3 units are ring-fenced for fba: 0 promised, 3 left.");
    await fine(page);
    for (const path of ["/backlog", "/orders", "/settings", "/people"]) {
      const answer = await page.goto(path);
      truth([403, 404].includes(answer.status()) || new URL(page.url()).pathname === "/packing", `a partner sees ${path}`);
    }
    await page.done();
    await boss.done();
  });
}

// Settings: a calendar that two change, a key that is shown once, a webhook, a law profile.
async function settings(size, scheme) {
  await house(async (server, { owner, enter }) => {
    await call(server, "PUT", "/v1/locations/main", { name: "Main", time_zone: "Etc/UTC" });
    const page = await open(server, { size, scheme });
    await enter(page, owner);
    const other = await page.context().newPage();
    await other.goto("/settings/locations/main");
    await page.goto("/settings");
    await fine(page);
    await page.getByRole("link", { name: "Locations" }).first().click();
    await page.getByRole("link", { name: "Main" }).click();
    await page.getByLabel("Days without work").fill("2026-12-25");
    await page.getByRole("button", { name: "Save" }).click();
    await says(page, "Saved. It holds from now on.");
    await fine(page);
    await other.getByLabel("Working days to pack").fill("9");
    await other.getByRole("button", { name: "Save" }).click();
    await says(other, "Somebody changed it while you were looking");
    const { holidays, handling_days: days } = await call(server, "GET", "/v1/locations/main");
    equal(holidays.join(), "2026-12-25", "what the first saved");
    truth(days !== 9, "what the second wanted was saved over it");
    await page.goto("/settings/keys");
    await page.getByRole("radio", { name: "Publishable" }).check();
    await page.getByRole("button", { name: "Make it" }).click();
    await says(page, "it is shown this once");
    const key = await page.locator("code.link").innerText();
    truth(key.startsWith("pk_"), `no publishable key: ${key}`);
    await fine(page);
    await page.reload();
    truth(!(await page.content()).includes(key), "the key is shown again");
    await page.goto("/settings/webhooks");
    await page.getByLabel("Address").fill("https://hooks.example.com/shipwhen");
    await page.getByRole("button", { name: "Add it" }).click();
    await says(page, "signed with this secret");
    await fine(page);
    await page.goto("/settings/notices");
    await page.getByRole("button", { name: "Save" }).click();
    await says(page, "Saved. It holds from now on.");
    await fine(page);
    await page.done();
  });
}

// The main paths of the staff app with the keyboard alone: a slip, many lines at once, a policy, a message, a parcel.
async function keys(server) {
  const { delivery } = await product(server, "KEYS-2", { units: 4, inDays: 20, orders: [1, 1] });
  const page = await open(server);
  const type = async (selector, words) => {
    await tabTo(page, selector);
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type(words);
  };
  const press = async (selector, to) => {
    await tabTo(page, selector);
    await Promise.all([page.waitForURL(to), page.keyboard.press("Enter")]);
  };
  await page.goto(`/supply/${delivery.id}`);
  // A date is typed part by part, in the order of the browser's language.
  await tabTo(page, "#slip input[type=date]");
  const [year, month, date] = day(60).split("-");
  await page.keyboard.type(`${month}${date}${year}`);
  await press("#slip button", /preview/);
  await says(page, "Lines that ship later 2");
  await press(".confirm .button:not(.quiet)", /confirm$/);
  equal((await call(server, "GET", `/v1/supplies/${delivery.id}`)).expected_on, day(60), "the date");
  await page.goto("/backlog?sku=KEYS-2");
  await tabTo(page, "tbody input[type=checkbox]");
  await page.keyboard.press("Space");
  await tabTo(page, "#act");
  await page.keyboard.type("Lock");
  await press("#bulk button", /preview$/);
  await says(page, "What would be done 1 of 1");
  await press(".confirm .button:not(.quiet)", /runs/);
  await says(page, "1 done.");
  await tabTo(page, ".confirm .button");
  await page.keyboard.press("Enter");
  await page.getByText("1 taken back.").waitFor();
  await page.goto("/products/KEYS-2");
  await tabTo(page, "summary");
  while (!(await page.evaluate(() => document.activeElement.textContent.includes("Change it")))) await tabTo(page, "summary");
  await page.keyboard.press("Enter");
  await type("#customer_limit, [name=customer_limit]", "2");
  await tabTo(page, "#policy button:not([formaction])");
  await page.keyboard.press("Enter");
  await page.getByText("Saved. Shoppers see it from now on.").waitFor();
  equal((await call(server, "GET", "/v1/skus/KEYS-2/policies/default")).customer_limit, 2, "the limit");
  await page.goto("/messages");
  await tabTo(page, 'main form button[name], main form .button', 400);
  await page.done();
}

export async function staff(server) {
  for (const [size, scheme] of looks) {
    const where = `${size}, ${scheme}`;
    await check(`many lines at once, shown before and taken back, ${where}`, () => bulk(server, size, scheme));
    await check(`a saved view, ${where}`, () => view(server, size, scheme));
    await check(`a wave, ${where}`, () => wave(server, size, scheme));
    await check(`an import that was a mistake, ${where}`, () => mistake(server, size, scheme));
    await check(`two change one product, ${where}`, () => two(server, size, scheme));
    await check(`a partner packs, ${where}`, () => partner(size, scheme));
    await check(`settings, ${where}`, () => settings(size, scheme));
  }
  await check("the ten questions of every day", () => questions(server));
  await check("with the keyboard alone: a slip, many lines, a policy, messages", () => keys(server));
}
