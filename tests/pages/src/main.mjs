// The checks of all pages. `run WORDS` runs those alone whose name holds the words.
import { browser, end } from "./checks.mjs";
import { everywhere } from "./everywhere.mjs";
import { measured } from "./lighthouse.mjs";
import { paying } from "./paying.mjs";
import { pictures } from "./pictures.mjs";
import { start, stopAll } from "./server.mjs";
import { staff } from "./staff.mjs";
import { walks } from "./walks.mjs";

let status = 1;
try {
  const server = await start(["demo", "--listen", "127.0.0.1:0"]);
  await everywhere(server);
  await pictures(server);
  await measured(server);
  await walks(server);
  await staff(server);
  await paying();
  status = end();
} finally {
  await browser.close();
  await stopAll();
}
process.exit(status);
