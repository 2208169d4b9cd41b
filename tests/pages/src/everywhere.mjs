// Every page, on a desktop and on a phone, light and dark: no rule of accessibility is broken, nothing hangs over the edge.
import { accessible, check, equal, firstLoad, fits, open, truth } from "./checks.mjs";
import { all, call, day } from "./server.mjs";

async function addresses(server) {
  const supplies = await all(server, "/v1/supplies");
  const due = supplies.find((supply) => supply.kind === "purchase_order" && supply.state === "due" && supply.pegged > 0);
  const { items: orders } = await call(server, "GET", "/v1/orders?limit=100");
  const waiting = orders.find((order) => order.state === "backordered") ?? orders[0];
  const { items: skus } = await call(server, "GET", "/v1/skus?limit=200");
  const { items: states } = await call(server, "GET", `/v1/availability?${skus.slice(0, 100).map(({ sku }) => `sku=${encodeURIComponent(sku)}`).join("&")}`);
  const of = (...wanted) => encodeURIComponent(states.find(({ state }) => wanted.includes(state))?.sku ?? skus[0].sku);
  const waits = of("backorder");
  const { items: locations } = await call(server, "GET", "/v1/locations");
  const location = encodeURIComponent(locations[0].location ?? locations[0].id);
  // So that there is something to pack.
  await call(server, "POST", "/v1/releases", { location: decodeURIComponent(location) });
  const bought = skus.find(({ unit_cost, components }) => unit_cost && !components?.length);
  const order = await call(server, "POST", "/v1/purchase-orders", {
    supplier: bought.supplier ?? "Alder & Pine",
    lines: [{ sku: bought.sku, quantity: 12 }],
  });
  const wait = await call(server, "POST", "/v1/waitlist", { sku: decodeURIComponent(of("waitlist", "out_of_stock")), email: "waits@example.com" });
  const question = await call(server, "POST", "/v1/questions", {
    sku: decodeURIComponent(waits), text: "Shall we send what is here first?", choices: ["Yes, please", "No, all at once"],
  });
  const status = new URL(waiting.status_url).pathname;
  const { customer } = await call(server, "GET", `/v1/orders/${waiting.id}`);
  return [
    ["today", "/"],
    ["backlog", "/backlog"],
    ["backlog, what will break", "/backlog?broken=true"],
    ["backlog, nothing found", "/backlog?sku=NO-SUCH-THING"],
    ["supply", "/supply"],
    ["supply, all", "/supply?show=all"],
    ["supply, this month", "/supply/month"],
    ["supply, the month of a delivery", `/supply/month?month=${due.expected_on.slice(0, 7)}`],
    ["supply, one day", `/supply?on=${due.expected_on}`],
    ["a delivery", `/supply/${due.id}`],
    ["a slip, previewed", `/supply/${due.id}/preview?act=slip&expected_on=${day(120)}`],
    ["a slip that is none", `/supply/${due.id}/preview?act=slip&expected_on=never`],
    ["orders", "/orders"],
    ["an order", `/orders/${waiting.id}`],
    ["products", "/products"],
    ["a product", `/products/${waits}`],
    ["insights", "/insights"],
    ["advice", "/insights/advice"],
    ["advice for a product", `/insights/advice/${waits}`],
    ["advice with a number that is none", `/insights/advice/${waits}?set_accept_backorder=many`],
    ["what if", "/insights/what-if"],
    ["what if, run ahead", `/insights/what-if?run=1&sku=${waits}&demand=2&slip=14&days=60`],
    ["what to order", "/insights/purchasing"],
    ["an order to a supplier", `/insights/purchasing/${order.id}`],
    ["messages", "/messages"],
    ["messages, sent", "/messages?state=sent"],
    ["import", "/import"],
    ["an order’s evidence", `/orders/${waiting.id}/evidence`],
    ["packing", "/packing"],
    ["packing, what to pick", "/packing/picks"],
    ["packing, slips", "/packing/slips"],
    ["packing, everything", "/packing?all=1"],
    ["packing, a wave", "/packing/wave"],
    ["packing, a wave that is looked at", `/packing/wave?act=show&at=${location}`],
    ["packing, numbers from a table", "/packing/shipments"],
    ["a customer", `/customers?q=${encodeURIComponent(customer?.email ?? "nobody@example.com")}`],
    ["a customer, asked for", "/customers"],
    ["the tour", "/tour"],
    ["the guide", "/guide"],
    ["the guide, how dates are worked out", "/guide/dates"],
    ["the guide, the api", "/guide/api"],
    ["packing, what is ring-fenced", `/packing/fence?at=${location}&sku=${waits}`],
    ["packing, how a product is prepared", `/packing/prep?sku=${waits}`],
    ["settings", "/settings"],
    ["settings, locations", "/settings/locations"],
    ["settings, a location", `/settings/locations/${location}`],
    ["settings, keys", "/settings/keys"],
    ["settings, webhooks", "/settings/webhooks"],
    ["settings, mail", "/settings/mail"],
    ["settings, notices", "/settings/notices"],
    ["people", "/people"],
    ["outbox", "/outbox"],
    ["shop", "/shop"],
    ["shop, a backorder", `/shop/${waits}`],
    ["shop, in stock", `/shop/${of("in_stock")}`],
    ["an empty cart", "/cart"],
    ["badge, without script", `/badge/${server.publishable}/${waits}`],
    ["shop, sold out", `/shop/${of("waitlist", "out_of_stock")}`],
    ["an order’s status", status],
    ["a question", `${status}/q/${question.id}`],
    ["a question, answered", `${status}/q/${question.id}?thanks=1`],
    ["a place on the waitlist", `/w/${wait.token}`],
    ["a place on the waitlist that is none", "/w/no-such-token"],
    ["sign in", "/sign-in"],
    ["nothing here", "/nothing-here"],
  ];
}

export async function everywhere(server) {
  const pages = await addresses(server);
  for (const [name, path] of pages) {
    await check(`${name}: small at first, and nothing in it that a policy would have to allow`, async () => {
      const { sum, inline, policy } = await firstLoad(server, path);
      truth(sum > 0 && sum <= 102_400, `it loads ${sum} bytes`);
      equal(inline, 0, "scripts, styles and handlers that stand in the page");
      truth(policy.includes("default-src 'none'") && !policy.includes("unsafe"), `its policy: ${policy}`);
    });
  }
  for (const size of ["desktop", "phone"]) {
    for (const scheme of ["light", "dark"]) {
      const page = await open(server, { size, scheme });
      for (const [name, path] of pages) {
        await check(`${name}: accessible, ${size}, ${scheme}`, async () => {
          await page.goto(path);
          // What is folded is part of the page.
          await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
          await accessible(page);
          await fits(page);
        });
      }
      await check(`no page has errors on its console, ${size}, ${scheme}`, () => page.done());
    }
  }
}
