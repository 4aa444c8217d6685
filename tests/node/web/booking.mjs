// A patient with a phone registers, finds a doctor, books in at most four taps, and sees at once that it is accepted.

import assert from "node:assert/strict";
import { DESKTOP, PHONE, given, play, taps } from "./stage.mjs";

await play(async (come) => {
  const patient = await come("patient", { size: PHONE, timezoneId: "Asia/Dhaka" });
  const { page } = patient;
  await page.goto("/");
  await patient.heading("See a doctor by video");
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("First name").fill("Mina");
  await page.getByLabel("Last name").fill("Begum");
  await page.getByLabel("E-mail address").fill("mina@example.org");
  // The server says what is wrong, at the field that it is about.
  await page.getByLabel("Password").fill("password1234");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.locator(".field", { hasText: "Password" }).locator(".error").waitFor();
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await patient.heading("Hello Mina");
  await patient.sees("You have no appointments.");

  await page.getByRole("navigation").getByRole("link", { name: "Find a doctor" }).click();
  const count = taps(page);
  await count.tap(page.getByRole("link", { name: /ayesha example/i }));
  await patient.sees("Times are yours: Dhaka (GMT+6).");
  await patient.sees("The doctor is in UTC");
  await patient.picture("booking-phone");
  await count.tap(page.getByRole("radio", { name: /\d\d:\d\d/ }).first());
  await page.getByLabel("What is it about?").fill("A cough for a week");
  await count.tap(page.getByRole("button", { name: "Book this time" }));
  await patient.heading("Your appointment");
  assert.ok(count.taps <= 4, `${count.taps} taps`);
  await patient.sees("Waiting for the doctor");
  await patient.picture("pending-phone");

  const doctor = await come("ayesha");
  await doctor.signIn();
  const id = page.url().split("/").pop();
  const answered = await doctor.page.evaluate(accept, { id, email: given.emails.ayesha, password: given.password });
  assert.equal(answered, 200);
  // Without loading the page again.
  await patient.sees("Confirmed. You can come in from 15 minutes before the start.");
  await patient.picture("accepted-phone");

  // Its file for calendars, and moving it to the next time.
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Add to calendar" }).click();
  assert.equal((await saved).suggestedFilename(), "appointment.ics");
  await page.getByRole("link", { name: "Move" }).click();
  await page.locator("input[name=day]").nth(1).click();
  await page.locator("input[name=time]").first().click();
  await page.getByRole("button", { name: "Move to this time" }).click();
  await patient.sees("Waiting for the doctor");
  await page.getByRole("button", { name: "Cancel appointment" }).click();
  await page.getByRole("button", { name: "Yes, cancel it" }).click();
  await patient.sees("Cancelled");

  // A refresh keeps one logged in, and whoever logs out is.
  await page.reload();
  await patient.sees("Cancelled");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await patient.heading("See a doctor by video");
  await page.goto("/appointments");
  await patient.heading("Sign in");

  const wide = await come("wide", { size: DESKTOP, colorScheme: "dark" });
  await wide.page.goto("/doctors");
  await wide.page.getByRole("link", { name: /ayesha example/i }).click();
  await wide.sees("Times are yours");
  await wide.picture("booking-desktop-dark");
});

async function accept({ id, email, password }) {
  const headers = { "Content-Type": "application/json" };
  const login = await fetch("/api/v1/auth/login", { method: "POST", headers, body: JSON.stringify({ email, password, token_delivery: "body" }) });
  const { access_token } = await login.json();
  const accepted = await fetch(`/api/v1/appointments/${id}/accept`, { method: "POST", headers: { ...headers, Authorization: `Bearer ${access_token}` }, body: "{}" });
  return accepted.status;
}
