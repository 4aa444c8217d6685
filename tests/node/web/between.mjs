// Between visits: a patient walks in without an appointment, confirms the next visit that the doctor asked for, and both
// write to each other; the inbox says what happened.

import assert from "node:assert/strict";
import { PHONE, api, given, play, until } from "./stage.mjs";

const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

await play(async (come) => {
  const [ayesha, rafi] = await Promise.all([api("ayesha"), api("rafi")]);
  const consultation = `/consultations/${given.consultation_id}`;
  await ayesha("POST", `${consultation}/start`, {});
  const medicines = [{ name: "Paracetamol 500 mg", dose: "1 tablet", route: "oral", frequency: "three times a day", duration_days: 5 }];
  await ayesha("POST", `${consultation}/prescriptions`, { diagnosis: "Bronchitis", medicines, follow_up_on: day(7) });
  await ayesha("POST", `${consultation}/end`, {});
  await until(async () => (await rafi("GET", "/me/follow-ups")).items.some(({ status }) => status === "held"), "a time is kept");

  const patient = await come("rafi", { size: PHONE });
  const { page } = patient;
  await patient.signIn();
  await page.getByRole("link", { name: /^Inbox, \d+ new$/ }).click();
  await patient.heading("Inbox");
  await patient.sees("You have a prescription");
  await patient.accessible("the inbox");
  await patient.picture("inbox-phone");
  const held = page.getByRole("article").filter({ hasText: "A time is kept for you" });
  await held.getByRole("link", { name: "Show" }).click();
  await patient.sees("Your doctor asks you to come again");
  await patient.accessible("a follow-up to confirm");
  await patient.picture("follow-up-phone");
  await page.getByRole("button", { name: "Yes, I come" }).click();
  await page.getByText("Your doctor asks you to come again").waitFor({ state: "detached" });
  const [followUp] = (await rafi("GET", "/me/follow-ups")).items;
  assert.equal((await rafi("GET", `/appointments/${followUp.appointment_id}`)).status, "accepted");
  await page.goto("/inbox");
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await page.getByRole("link", { name: "Inbox", exact: true }).waitFor();
  assert.deepEqual((await rafi("GET", "/me/notifications?unread=true")).items, []);

  const doctor = await come("ayesha");
  await doctor.signIn();
  await writing(patient, doctor);
  await walkIn(patient, doctor);
});

/** A thread that the patient begins, with a file, and that the doctor closes. */
async function writing(patient, doctor) {
  const { page } = patient;
  await page.getByRole("navigation").getByRole("link", { name: "Messages" }).click();
  await page.getByRole("button", { name: "Write a message" }).click();
  await page.getByRole("radio", { name: /ayesha/i }).check({ force: true });
  await page.getByLabel("What is it about?").fill("The cough is back");
  await patient.accessible("a new conversation");
  await page.getByRole("button", { name: "Begin" }).click();
  await patient.heading("The cough is back");
  await page.getByRole("textbox", { name: "Message" }).fill("Since yesterday");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach" }).click();
  await (await chosen).setFiles({ name: "diary.txt", mimeType: "text/plain", buffer: Buffer.from("38.2") });
  await patient.sees("diary.txt");

  await doctor.page.getByRole("navigation").getByRole("link", { name: "Messages" }).click();
  const thread = doctor.page.getByRole("link", { name: /The cough is back/ });
  await thread.getByText(/^[12]$/).waitFor(); // unread: the file may still be on its way
  await thread.click();
  await doctor.sees("Since yesterday");
  await doctor.sees("diary.txt");
  await doctor.page.getByRole("textbox", { name: "Message" }).fill("Please come by.");
  await doctor.page.getByRole("button", { name: "Send", exact: true }).click();
  await patient.sees("Please come by.");
  await changing(patient, doctor);
  await doctor.accessible("a conversation");
  await patient.picture("messages-phone");
  await doctor.page.getByRole("button", { name: "Close the conversation" }).click();
  await patient.sees("This conversation is closed.");
  await patient.accessible("a closed conversation");
}

/** Says it better with the keyboard, and takes something back; the other one sees both at once, and after loading. */
async function changing(patient, doctor) {
  const line = (person, words) => person.page.getByRole("log").getByRole("listitem").filter({ hasText: words });
  const { keyboard } = patient.page;
  await line(patient, "Since yesterday").getByRole("button", { name: "Change this message" }).focus();
  await keyboard.press("Enter");
  await patient.page.getByRole("menuitem", { name: "Edit" }).waitFor();
  await patient.accessible("what can be done to a message");
  await keyboard.press("Enter");
  const edited = patient.page.getByRole("textbox", { name: "The message as it should be" });
  await edited.waitFor();
  await until(() => edited.evaluate((field) => field === document.activeElement), "one can write at once");
  await patient.accessible("editing a message");
  await patient.picture("edit-phone");
  await keyboard.press("Escape");
  await edited.waitFor({ state: "detached" });
  await line(patient, "Since yesterday").getByRole("button", { name: "Change this message" }).click();
  await patient.page.getByRole("menuitem", { name: "Edit" }).click();
  await edited.fill("Since Monday");
  await keyboard.press("Enter");
  await line(doctor, "Since Monday").getByText("edited").waitFor();
  assert.equal(await line(doctor, "Since yesterday").count(), 0);
  assert.equal(await line(doctor, "Since Monday").getByRole("button", { name: "Change this message" }).count(), 0, "only one's own");

  await line(doctor, "Please come by.").getByRole("button", { name: "Change this message" }).click();
  await doctor.page.getByRole("menuitem", { name: "Delete" }).click();
  await doctor.accessible("deleting a message");
  await doctor.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await line(patient, "Deleted").waitFor();
  await patient.page.reload();
  await line(patient, "Since Monday").getByText("edited").waitFor();
  await line(patient, "Deleted").waitFor();
  assert.equal(await line(patient, "Please come by.").count(), 0);
}

/** Without an appointment into the waiting room, where the doctor sees who came. */
async function walkIn(patient, doctor) {
  const { page } = patient;
  await doctor.page.getByRole("link", { name: "Waiting room" }).click();
  await page.goto(`/doctors/${given.doctor_id}`);
  await page.getByRole("button", { name: "See this doctor now" }).click();
  await page.getByRole("dialog").getByLabel("What is it about?").fill("Short of breath");
  await patient.accessible("walking in");
  await page.getByRole("button", { name: "To the waiting room" }).click();
  await page.getByRole("button", { name: "Come in" }).click();
  await patient.heading("You are next");
  await doctor.sees("Walked in");
  await page.getByRole("button", { name: "Leave the waiting room" }).click();
  await doctor.sees("Nobody waits.");
}
