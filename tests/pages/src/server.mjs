// Starts the built shipwhen and stops it: a sample shop, or a real one with a store of its own.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.SHIPWHEN;
const running = new Set();

// Runs `shipwhen ARGS` until it says where it listens; `lines` is everything that it said.
export async function start(args) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const lines = [];
  const url = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk) => {
      text += chunk;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        lines.push(line);
        const found = /^listening on (http:\S+)/.exec(line);
        if (found) resolve(found[1]);
      }
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`shipwhen ${args.join(" ")} ended with ${code}`)));
  });
  const key = (kind) => lines.map((line) => new RegExp(`${kind}_\\S+`).exec(line)?.[0]).find(Boolean);
  return { url, secret: key("sk"), publishable: key("pk"), stop: () => stop(child) };
}

function stop(child) {
  running.delete(child);
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.kill("SIGTERM");
  });
}

export const stopAll = () => Promise.all([...running].map(stop));

// A store in a folder of its own, and commands on it.
export function store() {
  const dir = mkdtempSync(join(tmpdir(), "shipwhen-pages-"));
  const at = `sqlite:${dir}`;
  const run = (...args) => execFileSync(binary, [...args, "--store", at], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return { at, run, drop: () => rmSync(dir, { recursive: true, force: true }) };
}

// Calls the API, as a script of the shop's would.
export async function call(server, method, path, body, once = crypto.randomUUID()) {
  const answer = await fetch(server.url + path, {
    method,
    headers: { Authorization: `Bearer ${server.secret}`, "Content-Type": "application/json", "Idempotency-Key": once },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

// A day so many days from when the run began, as forms and the API write it: the same also where midnight comes in between.
const began = Date.now();
export const day = (days) => new Date(began + days * 86_400_000).toISOString().slice(0, 10);

// Everything that a list has, page by page.
export async function all(server, path) {
  const items = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = await call(server, "GET", `${path}?limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}
