// Real browsers for tests: obeys one JSON command a line on its input and answers one a line on its output. What is
// done with the browsers is written in the tests; they end with this program, which ends with its input.
//
//   {"do": "open", "page": NAME, "url": URL, "command": [PROGRAM, ARGUMENT...], "init": SCRIPT}
//   {"do": "evaluate" | "until", "page": NAME, "script": EXPRESSION}      until: waits for something true
//   {"do": "fill", "page": NAME, "selector": CSS, "text": TEXT}
//   {"do": "click", "page": NAME, "selector": CSS}
//   {"do": "screenshot", "page": NAME, "path": FILE}
//   {"do": "told", "page": NAME}                                         what the page has written to its console

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Installed below the build folder, which the test names.
const { chromium } = createRequire(join(process.argv[2], "package.json"))("playwright-core");

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection"];
const PATIENCE = 60_000;

const folder = mkdtempSync(join(tmpdir(), "consilium-browser-"));
const pages = new Map();

const commands = {
  async open({ page: name, url, command, init }) {
    // Playwright starts one program without arguments before its own.
    const program = join(folder, name);
    writeFileSync(program, `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(program, 0o700);
    const origin = new URL(url).origin; // camera and microphone are for secure origins
    const args = [...ARGUMENTS, `--unsafely-treat-insecure-origin-as-secure=${origin}`];
    const browser = await chromium.launchPersistentContext(join(folder, `${name}-profile`), {
      executablePath: program, headless: true, args, viewport: { width: 1200, height: 800 }, timeout: PATIENCE,
      permissions: ["camera", "microphone"],
    });
    browser.setDefaultTimeout(PATIENCE);
    if (init) await browser.addInitScript(init);
    const page = browser.pages()[0] ?? (await browser.newPage());
    const told = [];
    page.on("console", (message) => told.push(message.text()));
    page.on("pageerror", (error) => told.push(String(error)));
    pages.set(name, { page, told });
    await page.goto(url);
  },
  evaluate: ({ script }, { page }) => page.evaluate(script),
  // Asked from here: in the page, its Content-Security-Policy would forbid it.
  async until({ script }, { page }) {
    for (const end = Date.now() + PATIENCE; ; await new Promise((done) => setTimeout(done, 200))) {
      const late = Date.now() > end;
      // While a page is loaded anew there is nobody to ask.
      const value = await page.evaluate(script).catch((error) => late && Promise.reject(error));
      if (value) return value;
      if (late) throw new Error(`not true within ${PATIENCE / 1000} s`);
    }
  },
  fill: ({ selector, text }, { page }) => page.fill(selector, text),
  click: ({ selector }, { page }) => page.click(selector),
  screenshot: async ({ path }, { page }) => void (await page.screenshot({ path })),
  told: (_, { told }) => told,
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await commands[command.do](command, pages.get(command.page))) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const { page } of pages.values()) await page.context().close().catch(() => {});
rmSync(folder, { recursive: true, force: true });
