// What Lighthouse, as a phone, finds on the start page, on booking and in the waiting room: 95 or more for accessibility
// and best practices. Performance is printed: it tells of this machine, too.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ARGUMENTS, given } from "./stage.mjs";

const packages = createRequire(join(given.packages, "package.json"));
const load = async (name) => import(pathToFileURL(packages.resolve(name)).href);
const [{ navigation, snapshot }, { default: puppeteer }] = await Promise.all([load("lighthouse"), load("puppeteer-core")]);

const LEAST = { accessibility: 0.95, "best-practices": 0.95 };
const flags = { onlyCategories: [...Object.keys(LEAST), "performance"], disableStorageReset: true, logLevel: "error" };
const profile = mkdtempSync(join(tmpdir(), "lighthouse-"));
const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", headless: true, userDataDir: profile, args: ARGUMENTS });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  judge("start", await navigation(page, given.url, { flags }));

  await page.goto(`${given.url}/sign-in`);
  await page.locator("input[name=email]").fill(given.emails.rafi);
  await page.locator("input[name=password]").fill(given.password);
  await page.locator("form button[type=submit]").click();
  await page.locator("a.bell").wait();
  judge("booking", await navigation(page, `${given.url}/doctors/${given.doctor_id}`, { flags }));

  judge("getting ready", await navigation(page, `${given.url}/consultations/${given.consultation_id}`, { flags }));
  await page.locator("::-p-text(Come in)").click();
  await page.locator("::-p-text(You are next)").wait();
  judge("waiting", await snapshot(page, { flags }));
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}

function judge(name, { lhr: { categories, audits, configSettings, gatherMode } }) {
  assert.equal(configSettings.formFactor, "mobile");
  // Of a page that is only looked at, nothing can be said about how it loaded.
  const said = Object.values(categories).filter(({ id }) => id in LEAST || gatherMode === "navigation");
  const points = said.map(({ id, score }) => `${id} ${Math.round(score * 100)}`);
  console.log(`Lighthouse, ${name}: ${points.join(", ")}`);
  for (const [id, least] of Object.entries(LEAST)) {
    const failed = categories[id].auditRefs.filter(({ id: audit, weight }) => weight > 0 && audits[audit].score !== null && audits[audit].score < 1);
    const why = failed.map(({ id: audit }) => `${audit}: ${audits[audit].title} ${JSON.stringify(audits[audit].details?.items ?? []).slice(0, 500)}`);
    assert.ok(categories[id].score >= least, `${name}: ${id} ${categories[id].score}\n${why.join("\n")}`);
  }
}
