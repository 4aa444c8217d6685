// The whole main job in two browsers with fake cameras: the patient gets ready and waits, the doctor admits, each sees
// the other's moving picture, both write, the doctor prescribes, the patient opens the PDF, and rates.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PHONE, api, moving, play, until } from "./stage.mjs";

await play(async (come) => {
  await (await api("rafi"))("PATCH", "/me", { patient: { allergies: ["Paracetamol"] } });
  const patient = await come("rafi", { size: PHONE });
  await patient.signIn();
  await patient.page.getByRole("link", { name: /ayesha example/i }).click();
  await patient.page.getByRole("link", { name: "Get ready and come in" }).click();
  await patient.heading("Get ready");
  await moving(patient.page, ".preview video");
  await patient.sees("We can hear you.");
  await patient.picture("ready-phone");
  await patient.page.getByRole("button", { name: "Come in" }).click();
  await patient.heading("You are next");
  await patient.picture("waiting-phone");
  await patient.accessible("the waiting room");
  await patient.fits("the waiting room");

  const doctor = await come("ayesha");
  await doctor.signIn();
  await doctor.page.getByRole("link", { name: "Waiting room" }).click();
  await doctor.sees("rafi Example");
  await doctor.picture("waiting-line-desktop");
  await doctor.page.getByRole("button", { name: "Open the room" }).click();
  await doctor.page.getByRole("button", { name: "Come in" }).click();
  await doctor.heading("The patient waits");
  await doctor.page.getByRole("button", { name: "Admit the patient" }).click();

  for (const { page } of [doctor, patient]) await moving(page, ".seat video");
  await doctor.picture("room-desktop");
  await patient.picture("room-phone");
  await patient.accessible("the room");

  await write(doctor, "Good morning");
  await patient.sees("Good morning");
  await doctor.sees("read");
  await patient.page.getByRole("textbox", { name: "Message" }).pressSequentially("It hurts here", { delay: 20 });
  await doctor.sees("Patient is writing …");
  await patient.page.keyboard.press("Enter");
  await doctor.sees("It hurts here");
  await change(doctor, "Good morning", "Edit");
  await doctor.page.getByRole("textbox", { name: "The message as it should be" }).fill("Good morning, Rafi");
  await doctor.page.keyboard.press("Enter");
  await patient.sees("Good morning, Rafi");
  await change(patient, "It hurts here", "Delete");
  await patient.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await doctor.page.getByText("It hurts here").waitFor({ state: "detached" });
  await doctor.sees("Deleted");

  // What one switches off, the other is told of.
  await patient.page.getByRole("button", { name: "Microphone" }).click();
  await doctor.sees("Patient · muted");

  // Without a network the page stays, what is written waits, and comes once.
  await patient.context.setOffline(true);
  await patient.sees("You are offline.");
  await write(patient, "Are you there?");
  await patient.sees("waits to be sent");
  await patient.context.setOffline(false);
  await doctor.sees("Are you there?");
  assert.equal(await doctor.page.getByText("Are you there?").count(), 1);

  await doctor.page.getByRole("tab", { name: "Notes" }).click();
  await doctor.page.getByLabel("Assessment").fill("Acute bronchitis");
  await doctor.sees("Saved");
  await doctor.page.getByRole("tab", { name: "Prescribe" }).click();
  await doctor.page.getByLabel("Diagnosis").fill("Acute bronchitis");
  const medicine = doctor.page.getByRole("group", { name: "Medicine 1" });
  await medicine.getByLabel("Name").fill("Paracetamol 500 mg");
  await medicine.getByLabel("Dose").fill("1 tablet");
  await medicine.getByLabel("How often").fill("three times a day");
  await doctor.page.getByLabel("Advice").fill("Drink a lot");
  await doctor.sees("The patient is allergic to: Paracetamol");
  await doctor.accessible("the prescription editor");
  await keepTemplate(doctor);
  await doctor.page.getByRole("button", { name: "Sign and issue" }).click();
  await doctor.page.getByRole("heading", { name: "Acute bronchitis" }).waitFor();
  await doctor.picture("prescription-desktop");
  await applyTemplate(doctor);

  await patient.page.getByRole("tab", { name: "Prescriptions" }).click();
  await patient.sees("Paracetamol 500 mg");
  const saved = patient.page.waitForEvent("download");
  await patient.page.getByRole("button", { name: "Open PDF" }).click();
  const pdf = readFileSync(await (await saved).path());
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  await patient.picture("prescription-phone");

  await doctor.page.getByRole("button", { name: "End consultation" }).click();
  await doctor.page.getByRole("button", { name: "End it" }).click();
  await patient.heading("The consultation is over");
  await doctor.heading("The consultation is over");
  await patient.page.getByRole("radio", { name: "5" }).click();
  await patient.page.locator("form", { hasText: "From 1" }).getByRole("button", { name: "Send" }).click();
  await patient.sees("Thank you.");
  await patient.picture("over-phone");
  // The link goes on being good for reading.
  await patient.page.reload();
  await patient.sees("Good morning, Rafi");
});

/** Keeps what is in the editor, once it is whole, and gives it a better name. */
async function keepTemplate(doctor) {
  const { page } = doctor;
  await doctor.sees("None yet.");
  await page.getByRole("button", { name: "Another medicine" }).click();
  await page.getByRole("button", { name: "Keep as a template" }).click();
  await doctor.sees("Fill in all medicines first.");
  await page.getByRole("group", { name: "Medicine 2" }).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Keep as a template" }).focus();
  await page.keyboard.press("Enter");
  const name = page.getByRole("dialog").getByLabel("Name of the template");
  await name.fill("Cough");
  await doctor.accessible("keeping a template");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Rename Cough" }).click();
  await name.fill("Bronchitis, mild");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Use Bronchitis, mild" }).waitFor();
}

/** The next prescription begins with it; what the patient does not bear is said all the same. Then it is deleted. */
async function applyTemplate(doctor) {
  const { page } = doctor;
  const medicine = page.getByRole("group", { name: "Medicine 1" });
  assert.equal(await medicine.getByLabel("Name").inputValue(), "");
  await page.getByRole("button", { name: "Use Bronchitis, mild" }).click();
  await until(async () => (await medicine.getByLabel("Name").inputValue()) === "Paracetamol 500 mg", "it is filled in");
  assert.equal(await page.getByRole("group", { name: /Medicine/ }).count(), 1);
  assert.equal(await medicine.getByLabel("How often").inputValue(), "three times a day");
  await doctor.sees("The patient is allergic to: Paracetamol");
  await doctor.accessible("a template in the editor");
  await doctor.fits("a template in the editor");
  await doctor.picture("template-desktop");
  await page.getByRole("button", { name: "Delete Bronchitis, mild" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await doctor.sees("None yet.");
}

async function change({ page }, words, what) {
  await page.getByRole("log").getByRole("listitem").filter({ hasText: words }).getByRole("button", { name: "Change this message" }).click();
  await page.getByRole("menuitem", { name: what }).click();
}

async function write({ page }, words) {
  await page.getByRole("textbox", { name: "Message" }).fill(words);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}
