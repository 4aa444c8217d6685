// Books and joins with the keyboard alone: what has the focus can be seen, and nothing holds it fast.

import assert from "node:assert/strict";
import { given, play, until } from "./stage.mjs";

await play(async (come) => {
  const patient = await come("rafi");
  const { page } = patient;
  const press = (key) => page.keyboard.press(key);
  await page.goto("/sign-in");
  await patient.heading("Sign in");

  await press("Tab");
  assert.equal(await focused(page), "Skip to the content");
  await press("Enter");
  await tab(page, "E-mail address");
  await page.keyboard.type(given.emails.rafi);
  await press("Tab");
  await page.keyboard.type(given.password);
  await press("Enter");
  await page.getByRole("button", { name: "Sign out", exact: true }).waitFor();

  await tab(page, "Find a doctor");
  await press("Enter");
  await patient.heading("Find a doctor");
  await tab(page, /ayesha Example/i);
  await press("Enter");
  await patient.sees("Times are yours");
  await tab(page, /free/); // the days are one group
  await tab(page, /^\d\d:\d\d$/);
  await press("Space");
  await tab(page, "What is it about?");
  await page.keyboard.type("A rash");
  await tab(page, "Book this time");
  await press("Enter");
  await patient.heading("Your appointment");
  await patient.sees("Waiting for the doctor");

  // The dialog takes the focus and gives it back.
  await tab(page, "Cancel appointment");
  await press("Enter");
  await page.getByRole("dialog").waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // A frame after the dialog is gone.
  await until(async () => (await focused(page)) === "Cancel appointment", "the focus is back where it was");

  // The one that was agreed before begins soon.
  await page.goto(`/appointments/${given.appointment_id}`);
  await patient.sees("Get ready and come in");
  await tab(page, "Get ready and come in");
  await press("Enter");
  await patient.heading("Get ready");
  await page.getByRole("button", { name: "Come in" }).waitFor();
  await tab(page, "Come in");
  await press("Enter");
  await patient.heading("You are next");
});

/** The name of what has the focus. */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return "";
    const label = element.labels?.[0]?.querySelector(".label")?.textContent ?? element.labels?.[0]?.textContent;
    return (element.getAttribute("aria-label") ?? label ?? element.textContent ?? "").trim();
  });
}

/** Presses Tab until something of this name has the focus, which can be seen. */
async function tab(page, name) {
  const passed = [];
  for (let tries = 0; tries < 60; tries++) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    passed.push(now);
    if (typeof name === "string" ? now !== name : !name.test(now)) continue;
    const outlined = await page.evaluate(() => {
      const element = document.activeElement;
      const shown = [element, element.closest(".choice")].filter(Boolean).map((one) => getComputedStyle(one));
      return shown.some(({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2);
    });
    assert.ok(outlined, `the focus on ${now} cannot be seen`);
    return;
  }
  assert.fail(`${name} cannot be reached: ${passed.join(" → ")}`);
}
