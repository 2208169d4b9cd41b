// Pictures of the sample shop for the documentation: `PICTURES=../../docs/images ./run pictures` renews those that are kept.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { check, open, truth } from "./checks.mjs";
import { all, call, day } from "./server.mjs";

const folder = process.env.PICTURES ?? "../../target/pictures";

export async function pictures(server) {
  mkdirSync(folder, { recursive: true });
  const supplies = await all(server, "/v1/supplies");
  const due = supplies.filter(({ kind, state }) => kind === "purchase_order" && state === "due").sort((a, b) => b.pegged - a.pegged)[0];
  const { items: orders } = await call(server, "GET", "/v1/orders?limit=100");
  const waiting = orders.find((order) => order.state === "backordered") ?? orders[0];
  const { items: lines } = await call(server, "GET", "/v1/backorders?limit=1");
  for (const [name, path, size, scheme] of [
    ["what-we-owe", "/", "desktop", "light"],
    ["backlog", "/backlog", "desktop", "light"],
    ["slip-preview", `/supply/${due.id}/preview?act=slip&expected_on=${day(90)}`, "desktop", "light"],
    ["insights", "/insights", "desktop", "dark"],
    ["shop-product", `/shop/${encodeURIComponent(lines[0].sku)}`, "desktop", "light"],
    ["order-status", new URL(waiting.status_url).pathname, "phone", "light"],
    ["today-phone", "/", "phone", "dark"],
  ]) {
    await check(`pictures: ${name}`, async () => {
      const page = await open(server, { size, scheme });
      await page.goto(path);
      const file = join(folder, `${name}.png`);
      await page.screenshot({ path: file });
      truth(statSync(file).size > 10_000, "there is nothing on it");
      await page.done();
    });
  }
}
