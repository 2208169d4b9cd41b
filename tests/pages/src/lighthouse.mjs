// Lighthouse on the pages that most people see first: the badge, an order's status, and Today; on a phone and on a desktop.
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";
import { check, truth } from "./checks.mjs";
import { call } from "./server.mjs";

const least = 95;
// A busy machine makes a page look slow, never quick: the best of so many tries counts.
const tries = 3;

async function scores(url, port, config) {
  const options = { port, output: "json", logLevel: "error", onlyCategories: ["performance", "accessibility"] };
  const { lhr } = await lighthouse(url, options, config);
  if (lhr.runtimeError) throw new Error(`${lhr.runtimeError.code}: ${lhr.runtimeError.message}`);
  const score = (name) => Math.round(lhr.categories[name].score * 100);
  const wrong = Object.values(lhr.audits).filter(({ score: own, scoreDisplayMode: mode }) => own !== null && own < 0.9 && ["binary", "numeric", "metricSavings"].includes(mode));
  return {
    performance: score("performance"),
    accessibility: score("accessibility"),
    wrong: wrong.map(({ id, displayValue }) => (displayValue ? `${id} (${displayValue})` : id)),
  };
}

async function good(url, port, config) {
  const best = { performance: 0, accessibility: 0 };
  let wrong = [];
  for (let nth = 0; nth < tries && Math.min(best.performance, best.accessibility) < least; nth += 1) {
    const found = await scores(url, port, config);
    for (const name of Object.keys(best)) best[name] = Math.max(best[name], found[name]);
    wrong = found.wrong;
  }
  console.log(`      performance ${best.performance}, accessibility ${best.accessibility}`);
  for (const [name, score] of Object.entries(best)) truth(score >= least, `${name} is ${score}: ${wrong.join(", ")}`);
}

export async function measured(server) {
  const chrome = await launch({
    chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    chromeFlags: ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"],
    logLevel: "error",
  });
  try {
    const { items: orders } = await call(server, "GET", "/v1/orders?limit=100");
    const waiting = orders.find((order) => order.state === "backordered") ?? orders[0];
    const { items: lines } = await call(server, "GET", "/v1/backorders?limit=1");
    const pages = [
      ["today", "/"],
      ["the shop with its badges", "/shop"],
      ["the badge", `/badge/${server.publishable}/${encodeURIComponent(lines[0].sku)}`],
      ["an order’s status", new URL(waiting.status_url).pathname],
    ];
    for (const [device, config] of [["phone", undefined], ["desktop", desktopConfig]]) {
      for (const [name, path] of pages) {
        await check(`lighthouse, ${name}, ${device}: at least ${least}`, () => good(server.url + path, chrome.port, config));
      }
    }
  } finally {
    await chrome.kill();
  }
}
