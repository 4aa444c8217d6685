// What journeys through the web client stand on: a browser, somebody's page in it, and what must be true of every page.
// A journey is a module that calls `play`; the test that starts it gives one JSON argument:
//
//   {"packages": FOLDER, "url": ORIGIN, "pictures": FOLDER, "password": TEXT, ...}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const given = JSON.parse(process.argv[2]);
const packages = createRequire(join(given.packages, "package.json"));
const { chromium } = packages("playwright-core");
const AXE = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");

const ALLOWED = "--use-fake-ui-for-media-stream";
export const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
  "--use-fake-device-for-media-stream", ALLOWED, "--allow-loopback-in-peer-connection",
  `--unsafely-treat-insecure-origin-as-secure=${given.url}`];
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };
const NARROW = { width: 320, height: 640 };
const WIDEST = { width: 3840, height: 2160 };
const PATIENCE = 30_000;

/** Runs a journey in a browser of its own, which ends with it; camera and microphone may be `denied` to all its pages. */
export async function play(journey, { denied = false } = {}) {
  const args = ARGUMENTS.filter((one) => !denied || one !== ALLOWED);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args });
  const people = [];
  try {
    await journey(async (name, settings) => {
      const person = await Person.come(browser, name, settings);
      people.push(person);
      return person;
    });
    for (const person of people) person.behaved();
  } catch (error) {
    for (const { name, page, told } of people) {
      await page.screenshot({ path: join(given.pictures, `failed-${name}.png`), fullPage: true }).catch(() => {});
      const seen = await page.locator("body").innerText({ timeout: 1000 }).catch(() => "");
      console.error(`--- ${name} at ${page.url()}\n${seen}\n--- console\n${told.join("\n")}`);
    }
    throw error;
  } finally {
    await browser.close();
  }
}

/** Somebody with a browser profile and a page of their own. */
class Person {
  told = [];
  wrong = [];

  static async come(browser, name, { size = DESKTOP, colorScheme = "light", locale = "en-GB", timezoneId = "Europe/London", permissions = ["camera", "microphone"], ...more } = {}) {
    const context = await browser.newContext({
      viewport: size, colorScheme, locale, timezoneId, permissions, reducedMotion: "reduce", hasTouch: size === PHONE,
      baseURL: given.url, acceptDownloads: true, ...more,
    });
    context.setDefaultTimeout(PATIENCE);
    const person = new Person();
    Object.assign(person, { name, context, page: await context.newPage() });
    person.#watch();
    return person;
  }

  // Nothing inline, nothing from elsewhere, no error that a program makes.
  #watch() {
    this.page.on("console", (message) => {
      this.told.push(message.text());
      if (/Content.Security.Policy|violates the following/i.test(message.text())) this.wrong.push(message.text());
    });
    this.page.on("response", async (response) => {
      if (response.status() < 400) return;
      const { method, url } = { method: response.request().method(), url: response.url() };
      this.told.push(`${method} ${url}: ${response.status()} ${await response.text().catch(() => "")}`);
    });
    this.page.on("pageerror", (error) => this.wrong.push(String(error)));
    this.context.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== given.url && !["blob:", "data:"].includes(protocol)) this.wrong.push(`asks ${request.url()}`);
    });
  }

  behaved() {
    assert.deepEqual(this.wrong, [], `what ${this.name}'s pages did`);
  }

  async signIn(account = this.name) {
    await this.page.goto("/sign-in");
    await this.page.getByLabel("E-mail address").fill(given.emails[account] ?? account);
    await this.page.getByLabel("Password").fill(given.password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.getByRole("button", { name: "Sign out", exact: true }).waitFor();
  }

  /** Waits for words that can be seen. */
  sees(words) {
    return this.page.getByText(words).first().waitFor();
  }

  heading(words) {
    return this.page.getByRole("heading", { level: 1, name: words }).waitFor();
  }

  async picture(name) {
    await this.page.screenshot({ path: join(given.pictures, `${name}.png`), fullPage: true });
  }

  /** No violation of WCAG 2.2 A and AA that axe can see, nothing to tap below 44 px, nothing beyond the edge. */
  async accessible(where) {
    // From here: the page's own policy lets no script in.
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`).join("; ")}`);
    assert.deepEqual(violations, [], `${where}: what axe found`);
    assert.deepEqual(await this.page.evaluate(tooSmall), [], `${where}: too small to tap`);
    const beyond = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(beyond, 0, `${where}: scrolls sideways`);
  }

  /** From the smallest phone to the largest screen: nothing scrolls sideways, nothing is beyond the edge or cut off. */
  async fits(where) {
    const before = this.page.viewportSize();
    for (const size of [NARROW, WIDEST]) {
      await this.page.setViewportSize(size);
      assert.deepEqual(await this.page.evaluate(cut), [], `${where} at ${size.width} px`);
    }
    await this.page.setViewportSize(before);
  }
}

// What scrolls by itself may be wider, and what only screen readers reach has no size.
function cut() {
  const { clientWidth, scrollWidth } = document.documentElement;
  const sideways = scrollWidth > clientWidth ? [`scrolls sideways: ${scrollWidth} of ${clientWidth}`] : [];
  const shown = [...document.querySelectorAll("body *")].filter((element) => !element.closest(".table, .days, .skip, .sr-only, .own, svg, [data-react-aria-top-layer]"));
  const bad = shown.filter((element) => {
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width <= 1 || height <= 1) return false;
    const words = /^(BUTTON|A|H1|H2|H3|LABEL|STRONG|P|SPAN)$/.test(element.tagName) && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
    return left < -1 || right > clientWidth + 1 || words;
  });
  return [...sideways, ...bad.slice(0, 5).map((element) => element.outerHTML.slice(0, 160))];
}

// Links within sentences are exempt (WCAG 2.5.8, inline), and what only screen readers reach.
function tooSmall() {
  const targets = document.querySelectorAll("button:not([tabindex='-1']), select, input:not([type=hidden]), textarea, a.button, nav a, a.card, .choice, .check");
  return [...targets].flatMap((element) => {
    const target = element.closest(".choice, .check") ?? element;
    const { width, height } = target.getBoundingClientRect();
    const visible = width > 1 && height > 1;
    return visible && (width < 44 || height < 43.5) ? [`${target.outerHTML.slice(0, 120)} ${width}×${height}`] : [];
  });
}

/** Counts what a person taps. */
export function taps(page) {
  const count = { taps: 0 };
  count.tap = async (locator) => {
    count.taps += 1;
    await locator.click();
  };
  return count;
}

/** Waits until the picture is there, and another one after it. */
export async function moving(page, selector) {
  const frame = () => page.evaluate((css) => {
    const video = document.querySelector(css);
    if (!video?.videoWidth || video.readyState < 2) return null;
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 64, 48);
    return context.getImageData(0, 0, 64, 48).data.join();
  }, selector);
  for (const end = Date.now() + 40_000, seen = new Set(); seen.size < 3; await new Promise((done) => setTimeout(done, 250))) {
    assert.ok(Date.now() < end, `${selector} does not move`);
    const picture = await frame();
    if (picture) seen.add(picture);
  }
}

/** Waits until something is so. */
export async function until(done, what) {
  for (const end = Date.now() + 40_000; !(await done()); await new Promise((rest) => setTimeout(rest, 200))) {
    assert.ok(Date.now() < end, what);
  }
}

/** Calls the API as somebody; `change` writes what several people edit, over what is there now. */
export async function api(name) {
  let token = null;
  const send = async (method, path, body, more = {}) => {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }), ...more };
    const answer = await fetch(`${given.url}/api/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer;
  };
  const call = async (method, path, body) => (await send(method, path, body)).json();
  call.change = async (method, path, body) => {
    const { headers } = await send("GET", path);
    return send(method, path, body, { "If-Match": headers.get("ETag") });
  };
  const login = { email: given.emails[name] ?? `${name}@example.org`, password: given.password, token_delivery: "body" };
  token = (await call("POST", "/auth/login", login)).access_token;
  return call;
}

/** Somebody new, who calls the API. */
export async function register(name, role = "patient", more = {}) {
  const account = { email: `${name}@example.org`, password: given.password, role, given_name: name, family_name: "Example", time_zone: "UTC", ...more };
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${given.url}/api/v1/auth/register`, { method: "POST", headers, body: JSON.stringify(account) });
  assert.equal(answer.status, 201, await answer.text());
  return api(name);
}
