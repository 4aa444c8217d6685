// What goes wrong: coming too early, a camera that is not allowed, a doctor who is late, no network.

import assert from "node:assert/strict";
import { PHONE, api, given, play } from "./stage.mjs";

await play(async (come) => {
  const [doctor, rafi] = await Promise.all([api("ayesha"), api("rafi")]);
  const patient = await come("rafi", { size: PHONE });
  const { page, context } = patient;
  await patient.signIn();
  await patient.sees("ayesha Example");
  await page.waitForTimeout(300); // what was seen is being kept

  const slots = await rafi("GET", `/doctors/${given.doctor_id}/slots`);
  const wish = { doctor_id: given.doctor_id, starts_at: slots.items.at(-1).starts_at, reason: "A cough", visit_type: "video" };
  const booked = await rafi("POST", "/appointments", wish);
  const { consultation_id: later } = await doctor("POST", `/appointments/${booked.id}/accept`, {});
  await page.goto(`/consultations/${later}`);
  await page.getByRole("button", { name: "Come in" }).click();
  await patient.heading("You are early");
  await patient.accessible("too early");
  await patient.picture("too-early-phone");

  await page.goto(`/consultations/${given.consultation_id}`);
  await page.getByRole("button", { name: "Come in" }).click();
  await patient.heading("You are next");
  await doctor("POST", `/doctors/${given.doctor_id}/waiting-room/delay`, { minutes: 20, reason: "running_late" });
  await patient.sees("Your doctor is late");
  await patient.accessible("the doctor is late");
  await patient.picture("late-phone");

  // Written without a network, and the page closed: it is sent when the page is there again, once.
  await context.setOffline(true);
  await patient.sees("You are offline.");
  await page.getByRole("textbox", { name: "Message" }).fill("Written in the dark");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await patient.sees("waits to be sent");
  await page.waitForTimeout(300); // it is being kept
  await page.goto("/");
  await patient.heading("Hello rafi");
  await patient.sees("Next appointment");
  await patient.sees("ayesha Example");
  await patient.picture("offline-phone");
  // Leaving the page while its login is renewed would lose the new one.
  const renewed = page.waitForResponse((response) => response.url().endsWith("/auth/refresh"));
  await context.setOffline(false);
  await (await renewed).finished();
  await page.goto(`/consultations/${given.consultation_id}`);
  await page.getByRole("button", { name: "Come in" }).click();
  await patient.sees("Written in the dark");
  const messages = () => rafi("GET", `/consultations/${given.consultation_id}/messages`);
  for (const end = Date.now() + 15_000; (await messages()).items.length === 0; ) assert.ok(Date.now() < end, "it was never sent");
  await page.reload();
  await page.getByRole("button", { name: "Come in" }).click();
  await patient.sees("Written in the dark");
  assert.deepEqual((await messages()).items.map(({ body }) => body), ["Written in the dark"]);

  // The page was closed between getting the cookie and keeping what belongs to it.
  await page.evaluate(() => localStorage.setItem("consilium.csrf", "of the cookie before"));
  await page.goto("/");
  await patient.heading("Hello rafi");

  // Nothing of it stays with whoever comes next.
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await patient.heading("See a doctor by video");
  await context.setOffline(true);
  await page.reload();
  await patient.heading("See a doctor by video");
});

// The same when logging in: the cookie came, and the page was gone before it heard so.
await play(async (come) => {
  const patient = await come("rafi", { size: PHONE });
  const { page } = patient;
  await page.route("**/auth/login", async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill(given.emails.rafi);
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await patient.sees("We cannot reach the server.");
  await page.goto("/");
  await patient.heading("Hello rafi");
});

await play(async (come) => {
  const patient = await come("rafi", { size: PHONE, permissions: [] });
  await patient.signIn();
  await patient.page.goto(`/consultations/${given.consultation_id}`);
  await patient.sees("Camera and microphone do not work");
  await patient.sees("Click on the symbol left of the address");
  await patient.accessible("the camera is denied");
  await patient.picture("denied-phone");
  // One can come in all the same.
  await patient.page.getByRole("button", { name: "Come in" }).click();
  await patient.heading("You are next");
}, { denied: true });
