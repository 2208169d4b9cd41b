// Paying on an order's page, with a stand-in for Stripe on both sides: its API, which the server asks, and its script.
import { createServer } from "node:http";
import { accessible, check, equal, fits, open, truth } from "./checks.mjs";
import { call, day, start, store } from "./server.mjs";

async function says(page, words) {
  const found = (await page.locator("main").innerText()).replace(/\s+/g, " ");
  truth(found.includes(words), `"${words}" is not in: ${found.slice(0, 1500)}`);
}

// As much of Stripe's HTTP API as saving a card needs, in memory.
async function stripe() {
  const intents = new Map();
  const server = createServer((request, answer) => {
    const reply = (body) => {
      answer.setHeader("Content-Type", "application/json");
      answer.end(JSON.stringify(body));
    };
    request.resume().on("end", () => {
      const id = /setup_intents\/(\w+)/.exec(request.url)?.[1];
      if (request.url.startsWith("/v1/customers")) return reply({ id: "cus_1", object: "customer" });
      if (id) return reply(intents.get(id) ?? {});
      const made = { id: `seti_${intents.size + 1}`, object: "setup_intent", status: "requires_payment_method" };
      made.client_secret = `${made.id}_secret_x`;
      intents.set(made.id, made);
      reply(made);
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}`, intents, stop: () => new Promise((closed) => server.close(closed)) };
}

// What stands for Stripe's script: it notes what it was asked, and declines once.
const STRIPE_JS = `window.asked = [];
window.Stripe = (key) => ({
  elements: (options) => (window.asked.push(["elements", key, options.clientSecret]), {
    create: (kind) => ({ mount: (at) => { document.querySelector(at).textContent = "the form of Stripe: " + kind; } }),
  }),
  confirmPayment: async () => ({ error: { message: "the wrong call" } }),
  confirmSetup: async ({ confirmParams }) => {
    window.asked.push(["confirmSetup", confirmParams.return_url]);
    if (window.asked.filter(([what]) => what === "confirmSetup").length === 1) return { error: { message: "Your card was declined." } };
    location.href = confirmParams.return_url;
    return {};
  },
});`;

// What our page does before and after Stripe's own script, which is elsewhere: the form is asked for, a decline is said beside it,
// who is done is thanked; where the script cannot be had, it says so; and no card number could reach us.
async function card() {
  const bank = await stripe();
  const shop = store();
  try {
    const { key } = JSON.parse(shop.run("keys", "create", "--tenant", "acme", "--json"));
    const keys = ["--stripe-key", "sk_test_x", "--stripe-url", bank.url, "--stripe-publishable-key", "pk_test_x"];
    const server = { ...(await start(["serve", "--store", shop.at, "--listen", "127.0.0.1:0", ...keys])), secret: key };
    await call(server, "PUT", "/v1/locations/east", { name: "East", time_zone: "America/New_York" });
    await call(server, "PUT", "/v1/skus/MUG", { title: "Mug", price: { amount: 1500, currency: "USD" } });
    const terms = { when_out: "backorder", payment: { kind: "charge_on_ship", provider: "stripe" } };
    await call(server, "PUT", "/v1/skus/MUG/policies/default", terms);
    const supply = { sku: "MUG", location: "east", kind: "purchase_order", quantity: 5, expected_on: day(30) };
    await call(server, "POST", "/v1/supplies", supply);
    const customer = { email: "ada@example.com", name: "Ada", country: "US" };
    const order = await call(server, "POST", "/v1/orders", { customer, lines: [{ sku: "MUG", quantity: 1 }] });
    const own = new URL(order.status_url).pathname;
    // The server asks Stripe for the form by itself.
    for (let tries = 0; ; tries += 1) {
      const account = await call(server, "GET", `/v1/orders/${order.id}/payments`);
      if (account.items[0]?.client_secret) break;
      truth(tries < 200, "Stripe was never asked");
      await new Promise((later) => setTimeout(later, 50));
    }

    const blocked = await open(server);
    await blocked.context().route("https://js.stripe.com/**", (route) => route.abort());
    await blocked.goto(`${own}/pay`);
    await blocked.getByRole("alert").getByText("The payment form could not be loaded").waitFor();
    await accessible(blocked);
    await blocked.context().close();

    for (const size of ["desktop", "phone"]) {
      const page = await open(server, { size });
      await page.context().route("https://js.stripe.com/**", (route) =>
        route.fulfill({ contentType: "text/javascript", body: STRIPE_JS }));
      await page.goto(own);
      await page.getByRole("link", { name: "Save a card" }).click();
      await page.getByText("the form of Stripe: payment").waitFor();
      await says(page, "Nothing is taken now");
      equal(JSON.stringify(await page.evaluate(() => window.asked)), JSON.stringify([["elements", "pk_test_x", "seti_1_secret_x"]]), "what Stripe's script is given");
      equal(await page.locator("#pay input").count(), 0, "fields of our own");
      await accessible(page);
      await fits(page);
      const save = page.getByRole("button", { name: "Save this card" });
      await save.click();
      await page.getByRole("alert").getByText("Your card was declined.").waitFor();
      truth(await save.isEnabled(), "it can be tried again");
      await accessible(page);
      await save.click();
      await page.getByText("Thank you. Your payment shows here").waitFor();
      truth(page.url().endsWith(`${own}?paid=1`), `back on the order: ${page.url()}`);
      await page.done();
    }
    const plain = await open(server, { javaScriptEnabled: false });
    await plain.goto(`${own}/pay`);
    await says(plain, "Please write to us if you cannot use it.");
    await plain.done();
    await server.stop();
  } finally {
    shop.drop();
    await bank.stop();
  }
}

export async function paying() {
  await check("a card is saved, as far as the page is ours", card);
}
