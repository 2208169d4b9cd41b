// Runs checks one after the other, counts them, and says what failed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const only = process.argv[2];
let passed = 0;
let failed = 0;

export const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

const path = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

export async function check(name, act) {
  if (only && !name.includes(only)) return;
  const began = Date.now();
  try {
    await act();
    passed += 1;
    console.log(`ok    ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll("\n", "\n      ")}`);
  }
}

export function end() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

export function equal(is, should, what) {
  if (is !== should) throw new Error(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`);
}

export function truth(is, what) {
  if (!is) throw new Error(what);
}

// A browser window. What its pages say on the console as errors fails the check that closes it.
export async function open(server, { size = "desktop", scheme = "light", javaScriptEnabled = true } = {}) {
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: sizes[size],
    colorScheme: scheme,
    hasTouch: size === "phone",
    javaScriptEnabled,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.done = async () => {
    await context.close();
    const own = errors.filter((text) => !/status of (404|409|422|429|403)/.test(text));
    if (own.length > 0) throw new Error(`the console says: ${own.join(" | ")}`);
  };
  return page;
}

// Every rule of WCAG 2.2 AA that a machine can look at, and axe's best practices.
export async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      resultTypes: ["violations"],
    }),
  );
  const said = violations.map(({ id, help, nodes }) => `${id}: ${help} at ${nodes.slice(0, 3).map((node) => `${node.target} (${node.failureSummary})`).join("; ")}`);
  if (said.length > 0) throw new Error(said.join("\n"));
}

// Nothing hangs over the edge: no page scrolls sideways.
export async function fits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) throw new Error(`the page is ${over} px too wide`);
}

// Presses Tab until the focus is on what a selector names, and sees that the focus is seen.
export async function tabTo(page, selector, most = 80) {
  for (let presses = 0; presses < most; presses += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate((selector) => {
      const at = document.activeElement;
      if (!at || !at.matches(selector)) return null;
      const style = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      return {
        isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        isInView: box.bottom > 0 && box.top < window.innerHeight,
      };
    }, selector);
    if (found) {
      truth(found.isSeen, `the focus on ${selector} cannot be seen`);
      truth(found.isInView, `${selector} has the focus out of view`);
      return;
    }
  }
  throw new Error(`${selector} is not reached by ${most} presses of Tab`);
}

export const text = async (page, selector = "main") => (await page.locator(selector).innerText()).replace(/\s+/g, " ");

export async function says(page, words, selector) {
  const found = await text(page, selector);
  truth(found.includes(words), `"${words}" is not in: ${found.slice(0, 1500)}`);
}

// What a page loads when nothing of it is kept from before, in bytes as they were sent; and under which policy.
export async function firstLoad(server, path) {
  const page = await open(server);
  const bytes = [];
  page.on("requestfinished", (request) => bytes.push(request.sizes().then((sizes) => sizes.responseBodySize)));
  const answer = await page.goto(path, { waitUntil: "load" });
  const sum = (await Promise.all(bytes)).reduce((a, b) => a + b, 0);
  const inline = await page.evaluate(() => {
    const scripts = [...document.querySelectorAll("script")].filter((each) => !each.src && each.type !== "application/ld+json");
    const handlers = [...document.querySelectorAll("*")].filter((each) => [...each.attributes].some(({ name }) => name.startsWith("on") || name === "style"));
    return scripts.length + handlers.length + document.querySelectorAll("style").length;
  });
  const policy = answer.headers()["content-security-policy"] ?? "";
  await page.context().close();
  return { sum, inline, policy };
}
