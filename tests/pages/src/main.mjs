// The checks of all pages. `run WORDS` runs those alone whose name holds the words.
import { browser, end } from "./checks.mjs";
import { everywhere } from "./everywhere.mjs";
import { start, stopAll } from "./server.mjs";
import { walks } from "./walks.mjs";

let status = 1;
try {
  const server = await start(["demo", "--listen", "127.0.0.1:0"]);
  await everywhere(server);
  await walks(server);
  status = end();
} finally {
  await browser.close();
  await stopAll();
}
process.exit(status);
