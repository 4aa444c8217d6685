// Everybody at the clinic does their work: the doctor answers requests, the nurse keeps the waiting room, support solves
// what was reported, the pharmacist sees what is to be dispensed and whether it is genuine, the administrator lets a
// doctor in.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { PHONE, api, given, play, register, until } from "./stage.mjs";

await play(async (come) => {
  const [ayesha, rafi] = await Promise.all([api("ayesha"), api("rafi")]);
  const doctor = await come("ayesha");
  const prescription = await theDoctor(doctor, rafi, ayesha);
  await theNurse(await come("nurse", { size: PHONE }), await register("mina"));
  await support(await come("support"), rafi, ayesha);
  await earnings(doctor, ayesha);
  await thePharmacist(await come("pharmacist", { size: PHONE }), await come("rafi", { size: PHONE }), prescription, ayesha);
  await theAdministrator(come);
});

/** Answers two requests, sees the day, and prescribes something, which is handed back. */
async function theDoctor(person, rafi, ayesha) {
  const { page } = person;
  const slots = (await rafi("GET", `/doctors/${given.doctor_id}/slots`)).items;
  const book = (slot, reason) => rafi("POST", "/appointments", { doctor_id: given.doctor_id, starts_at: slot.starts_at, reason, visit_type: "video" });
  const [wanted, unwanted] = [await book(slots.at(4), "A rash"), await book(slots.at(6), "A form to sign")];
  await person.signIn();
  await page.getByRole("link", { name: "Requests" }).click();
  const request = (words) => page.getByRole("article").filter({ hasText: words });
  await request("A rash").getByRole("button", { name: "Accept" }).click();
  await request("A rash").waitFor({ state: "detached" });
  await request("A form to sign").getByRole("button", { name: "Decline" }).click();
  await page.getByLabel("What the patient should know").fill("Please send it by post.");
  await page.getByRole("dialog").getByRole("button", { name: "Decline" }).click();
  await person.sees("Nobody waits for an answer.");
  const status = async ({ id }) => (await rafi("GET", `/appointments/${id}`)).status;
  assert.deepEqual([await status(wanted), await status(unwanted)], ["accepted", "rejected"]);
  await page.getByRole("link", { name: "Calendar" }).click();
  await person.sees("rafi Example");
  await page.getByRole("radio", { name: "Week" }).check({ force: true });
  await person.accessible("the doctor's week");
  await person.picture("doctor-week");
  const { consultation_id: id } = await rafi("GET", `/appointments/${given.appointment_id}`);
  await ayesha("POST", `/consultations/${id}/start`, {});
  const medicines = [{ name: "Ibuprofen 400 mg", dose: "1 tablet", route: "oral", frequency: "twice a day", duration_days: 5 }];
  return ayesha("POST", `/consultations/${id}/prescriptions`, { diagnosis: "Sprained ankle", medicines });
}

/** Looks at what was earned: nothing without a fee; then what is charged, as a chart and as a table, and saves it. */
async function earnings(person, ayesha) {
  const { page } = person;
  await page.getByRole("link", { name: "Figures" }).click();
  await person.sees("Nothing was earned: no fee was set.");
  await page.getByLabel("Time").selectOption("own");
  await page.getByLabel("From").fill("2030-01-02");
  await page.getByLabel("To", { exact: true }).fill("2030-01-01");
  await page.getByRole("alert").filter({ hasText: "must not lie after" }).waitFor();
  await page.getByLabel("To", { exact: true }).fill("2030-01-03");
  await person.sees("No consultation was completed in this time.");
  await ayesha.change("PATCH", `/doctors/${given.doctor_id}`, { consultation_fee: { amount_minor: 150_050, currency: "BDT" } });
  const tuli = await register("tuli");
  const visit = async () => {
    const { consultation } = await tuli("POST", `/doctors/${given.doctor_id}/waiting-room`, { reason: "Fever", visit_type: "video" });
    await ayesha("POST", `/consultations/${consultation.id}/start`, {});
    await ayesha("POST", `/consultations/${consultation.id}/end`, {});
  };
  await ayesha("POST", `/doctors/${given.doctor_id}/waiting-room/walk-ins`, { accept: "always" });
  await visit();
  await ayesha.change("PATCH", `/doctors/${given.doctor_id}`, { consultation_fee: { amount_minor: 2_000, currency: "EUR" } });
  await visit();
  await page.getByLabel("Time").selectOption("7");
  const total = page.getByRole("row", { name: /In all/ });
  await until(async () => {
    await page.reload();
    await page.getByLabel("Time").selectOption("7");
    return /BDT.1,500\.50, €20\.00/.test(await total.innerText().catch(() => ""));
  }, "both visits are counted, each with the fee of its end");
  assert.equal(await page.getByRole("img", { name: /in all; most/ }).count(), 2, "a chart for each currency");
  await person.accessible("what was earned");
  await person.fits("what was earned");
  await person.picture("earnings-desktop");
  await page.getByLabel("In steps of").selectOption("month");
  await page.getByRole("region", { name: "By month" }).getByRole("row", { name: /€20/ }).first().waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save as CSV" }).click();
  const text = readFileSync(await (await saved).path(), "utf8");
  assert.match(text, /^date,consultations,/);
  assert.match(text, /,BDT,1500\.50\r\n/);
  assert.match(text, /,EUR,20\.00\r\n/);
  await page.emulateMedia({ colorScheme: "dark" });
  await person.accessible("what was earned, in the dark");
  await person.picture("earnings-dark");
  await page.emulateMedia({ colorScheme: "light" });
}

/** Sees who walks in, tells everybody that the doctor is late, and takes nobody any more. */
async function theNurse(person, mina) {
  const { page } = person;
  await person.signIn();
  await page.getByRole("link", { name: "Waiting room" }).click();
  await person.sees("Nobody waits.");
  const walkIn = { reason: "Fever", visit_type: "video" };
  const { consultation } = await mina("POST", `/doctors/${given.doctor_id}/waiting-room`, walkIn);
  await person.sees("mina Example");
  await person.sees("Walked in");
  await page.getByRole("button", { name: "20 min" }).click();
  await person.sees("Patients are told");
  await person.accessible("a nurse's waiting room");
  await person.picture("nurse-phone");
  const { delay } = await mina("POST", `/consultations/${consultation.id}/join`, {});
  assert.equal(Math.round((Date.parse(delay.until) - Date.now()) / 60_000), 20);
  await mina("POST", `/consultations/${consultation.id}/leave`, {});
  await page.getByLabel("Patients without an appointment").selectOption("never");
  const nurse = await api("nurse");
  await until(async () => (await nurse("GET", `/doctors/${given.doctor_id}/waiting-room`)).walk_ins === "never", "walk-ins are closed");
  const newcomer = await register("nabil");
  await assert.rejects(newcomer("POST", `/doctors/${given.doctor_id}/waiting-room`, walkIn), /walk_ins_closed/);
  await page.getByRole("button", { name: "Back in time" }).click();
  await page.getByText("Patients are told").waitFor({ state: "detached" });
}

/** Takes an issue, writes what was found, and solves it. */
async function support(person, rafi, ayesha) {
  const { page } = person;
  const report = { category: "audio", severity: "low", description: "I hear an echo" };
  const { issue } = await rafi("POST", `/consultations/${given.consultation_id}/issues`, report);
  await person.signIn();
  await page.getByRole("link", { name: "Technical issues" }).click();
  await page.getByRole("link", { name: /I hear an echo/ }).click();
  await person.heading("Technical issue");
  await page.getByRole("button", { name: "I take it" }).click();
  await person.sees("assigned");
  await page.getByLabel("Comment").fill("Loudspeaker beside the microphone");
  await page.getByRole("button", { name: "Add comment" }).click();
  await page.getByRole("listitem").filter({ hasText: "Loudspeaker beside the microphone" }).waitFor();
  await person.accessible("an issue");
  await page.getByLabel("What solved it").fill("Headphones");
  await page.getByRole("button", { name: "Resolve" }).click();
  await page.getByRole("button", { name: "Resolve" }).waitFor({ state: "detached" });
  await page.getByRole("listitem").filter({ hasText: "Headphones" }).waitFor();
  await person.picture("issue-desktop");
  const solver = await api("support");
  assert.equal((await solver("GET", `/support/issues/${issue.id}`)).status, "resolved");
  await ayesha("POST", `/consultations/${given.consultation_id}/end`, {});
}

/** What the patient sent is to be dispensed, until it was; a genuine prescription, one that was withdrawn, and none. */
async function thePharmacist(person, patient, { id, consultation_id, verification_code }, ayesha) {
  const { page } = person;
  await person.signIn();
  await page.getByRole("link", { name: "Prescriptions" }).click();
  await person.sees("None.");
  await patient.signIn();
  await patient.page.goto(`/consultations/${consultation_id}`);
  const sent = patient.page.getByRole("article").filter({ hasText: "Ibuprofen 400 mg" });
  await sent.getByRole("button", { name: "Send to the pharmacy" }).click();
  const status = async () => (await ayesha("GET", `/prescriptions/${id}`)).status;
  await until(async () => (await status()) === "sent", "the pharmacy has it");
  await page.reload();
  const listed = page.getByRole("article").filter({ hasText: "Ibuprofen 400 mg" });
  await listed.getByText("Sent to the pharmacy").waitFor();
  await person.accessible("what is to be dispensed");
  await person.picture("to-dispense-phone");
  const reference = await (await fetch(`${given.pharmacy.url}/reference`)).json();
  for (const [report, words] of [["preparing", "Being prepared"], ["dispensed", "Dispensed"]]) {
    await reports(reference, report);
    await until(async () => (await status()) === report, report);
    await page.reload();
    if (report === "dispensed") {
      await person.sees("None.");
      await page.getByLabel("Show").selectOption("dispensed");
    }
    await listed.getByText(words, { exact: true }).waitFor();
    await patient.page.reload();
    await sent.getByText(words, { exact: true }).waitFor();
  }
  await patient.accessible("a prescription that was dispensed");
  await patient.picture("dispensed-phone");
  await patient.page.goto("/inbox");
  await patient.page.getByRole("article").filter({ hasText: "News of your prescription" }).filter({ hasText: "Dispensed" }).waitFor();
  const check = async (code, words) => {
    await page.getByLabel("Code").fill(code);
    await page.getByRole("button", { name: "Check" }).click();
    await person.sees(words);
  };
  await check(verification_code, /Genuine: issued by .*ayesha Example/i);
  await person.accessible("a genuine prescription");
  await person.picture("pharmacist-phone");
  const medicines = [{ name: "Naproxen 250 mg", dose: "1 tablet", route: "oral", frequency: "twice a day", duration_days: 5 }];
  const other = await ayesha("POST", `/consultations/${consultation_id}/prescriptions`, { diagnosis: "Sprained ankle", medicines });
  await ayesha("POST", `/prescriptions/${other.id}/withdraw`, {});
  await check(other.verification_code, "This prescription was withdrawn. Do not dispense.");
  await check("AAAA-BBBB-CCCC", "This is not a prescription of ours. Do not dispense.");
}

/** The pharmacy tells how far it is. */
async function reports(reference, status) {
  const body = JSON.stringify({ id: `notice-${status}`, reference, status, occurred_at: new Date().toISOString() });
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", given.pharmacy.secret).update(`${time}.${body}`).digest("hex");
  const headers = { "Content-Type": "application/json", "X-Signature": `t=${time},v1=${signature}` };
  const answer = await fetch(`${given.url}/api/v1/webhooks/pharmacy-rest`, { method: "POST", headers, body });
  assert.equal(answer.status, 204, await answer.text());
}

/** Lets a doctor in who has registered, refuses another, and sees how the system is. */
async function theAdministrator(come) {
  const doctor = await come("Sadia");
  await doctor.page.goto("/register");
  await doctor.page.getByLabel("First name").fill("Sadia");
  await doctor.page.getByLabel("Last name").fill("Khan");
  await doctor.page.getByLabel("E-mail address").fill("sadia@example.org");
  await doctor.page.getByLabel("Password").fill(given.password);
  await doctor.page.getByRole("radio", { name: "a doctor" }).check({ force: true });
  await doctor.page.getByRole("button", { name: "Create account" }).click();
  await doctor.heading("Hello Sadia");
  const person = await come("admin");
  const { page } = person;
  await person.signIn();
  await page.getByRole("link", { name: "Verify doctors" }).click();
  const candidate = page.getByRole("article").filter({ hasText: "Sadia Khan" });
  await candidate.getByRole("button", { name: "Documents" }).click();
  await person.sees("None was submitted.");
  await documents(doctor, candidate, person);
  await candidate.getByRole("button", { name: "Approve" }).click();
  await candidate.waitFor({ state: "detached" });
  await page.getByLabel("Show").selectOption("approved");
  await page.getByLabel("Name").fill("Sadia");
  await page.getByRole("article").filter({ hasText: "Sadia Khan" }).getByText("Approved").waitFor();
  await person.accessible("a doctor who was approved");
  await person.picture("admin-doctor");
  await doctor.page.goto("/verification");
  await doctor.sees("You are verified: patients find you.");
  assert.equal(await doctor.page.getByRole("button", { name: /Take back|Choose a file/ }).count(), 0, "documents stay");
  await doctor.page.goto("/doctors");
  await doctor.page.getByRole("link", { name: /Sadia Khan/ }).waitFor();

  await page.getByRole("link", { name: "System" }).click();
  await page.getByRole("row", { name: /video-webrtc/ }).getByText("running").waitFor();
  await person.sees("available");
  await person.picture("admin-system");
  await page.getByRole("link", { name: "Deliveries" }).click();
  await person.sees("None.");
  await page.getByLabel("Show").selectOption("queued");
  await page.getByRole("row", { name: /mail/ }).first().waitFor();
  await accounts(person, doctor);
  await auditLog(person);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByText("The HTTP and WebSocket server.").click();
  await person.sees("server.port");
  await page.getByText("Where the data is kept.").click();
  await page.locator("details").filter({ hasText: "database.url" }).getByText("set", { exact: true }).waitFor();
  await person.accessible("the settings, opened");
  await person.picture("admin-settings");
}

/** The doctor shows documents, is refused with a reason, shows a better one, and asks again; the administrator opens it. */
async function documents(doctor, candidate, person) {
  const { page } = doctor;
  await page.goto("/");
  await page.getByRole("link", { name: "Show documents for your verification" }).click();
  await doctor.heading("Verification");
  await doctor.sees("No document yet.");
  await choose(page, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("words") });
  await doctor.sees("Documents must be PDF, JPEG or PNG.");
  await page.getByRole("button", { name: "Close" }).click();
  await choose(page, { name: "pretends.pdf", mimeType: "application/pdf", buffer: Buffer.from("no such thing as a licence") });
  await doctor.sees("Documents must be PDF, JPEG or PNG."); // what it is said by its content, to the server
  await page.getByRole("button", { name: "Close" }).click();
  await choose(page, { name: "huge.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(20 * 1024 * 1024 + 1) });
  await doctor.sees("This document is too large: 20 megabytes at most.");
  await doctor.accessible("documents that are refused");
  await page.getByRole("button", { name: "Close" }).click();

  await page.getByLabel("What it is").selectOption("identity");
  await choose(page, { name: "blurred.png", mimeType: "image/png", buffer: await page.screenshot() });
  const shown = (name) => page.getByRole("article").filter({ hasText: name });
  await shown("blurred.png").getByText("Identity document").waitFor();
  await doctor.accessible("a document that was submitted");
  await doctor.picture("verification-pending");

  await person.page.reload();
  await candidate.getByRole("button", { name: "Documents" }).click();
  await candidate.getByRole("button", { name: "Show blurred.png" }).click();
  const picture = person.page.getByRole("img", { name: "blurred.png" });
  await picture.waitFor();
  await person.page.waitForFunction((image) => image.naturalWidth > 0, await picture.elementHandle());
  await person.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await candidate.getByRole("button", { name: "Reject" }).click();
  await person.page.getByRole("alert").waitFor(); // a rejection needs a reason
  await candidate.getByLabel(/Reason/).fill("The photograph is blurred.");
  await candidate.getByRole("button", { name: "Reject" }).click();
  await candidate.waitFor({ state: "detached" });

  await page.reload();
  await doctor.sees("The photograph is blurred.");
  await doctor.accessible("a verification that was refused");
  await doctor.picture("verification-refused");
  await page.getByRole("button", { name: "Take back blurred.png" }).focus();
  await page.keyboard.press("Enter");
  await shown("blurred.png").waitFor({ state: "detached" });
  await page.getByLabel("What it is").selectOption("licence");
  const licence = { name: "licence.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n1 0 obj\nThe licence\n") };
  await choose(page, licence);
  await shown("licence.pdf").getByText("Licence to practise").waitFor();
  await page.getByRole("button", { name: "Ask for another review" }).click();
  await page.getByRole("button", { name: "Ask for another review" }).waitFor({ state: "detached" });
  await doctor.sees("An administrator has not verified you yet");

  await person.page.reload();
  await candidate.getByRole("button", { name: "Documents" }).focus();
  await person.page.keyboard.press("Enter");
  const saved = person.page.waitForEvent("download");
  await candidate.getByRole("button", { name: "Save licence.pdf" }).click();
  assert.deepEqual(readFileSync(await (await saved).path()), licence.buffer, "what the administrator opens is what was shown");
  await person.accessible("the documents of a doctor");
  await person.picture("admin-documents");
}

async function choose(page, file) {
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose a file" }).click();
  await (await chosen).setFiles(file);
}

/** Invites a nurse, who becomes one of support, and keeps a doctor out, who is told so. */
async function accounts(person, doctor) {
  const { page } = person;
  await page.getByRole("link", { name: "Accounts" }).click();
  await page.getByRole("button", { name: "Invite staff" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail address").fill("tania@example.org");
  await dialog.getByLabel("First name").fill("Tania");
  await dialog.getByRole("button", { name: "Invite" }).click();
  await dialog.getByText("Please fill this in.").waitFor();
  await dialog.getByLabel("Last name").fill("Akter");
  await person.accessible("an invitation");
  await dialog.getByRole("button", { name: "Invite" }).click();
  await dialog.waitFor({ state: "detached" });
  const account = (name) => page.getByRole("article").filter({ hasText: name });
  await account("Tania Akter").getByText("Nurse").waitFor();
  await account("Tania Akter").getByRole("button", { name: "Change role" }).click();
  await dialog.getByLabel("Role").selectOption("support");
  await dialog.getByRole("button", { name: "Save" }).click();
  await account("Tania Akter").getByText("Support").waitFor();

  await page.getByLabel("E-mail address").fill("sadia@example.org");
  await page.keyboard.press("Enter");
  await account("Tania Akter").waitFor({ state: "detached" });
  await account("Sadia Khan").getByRole("button", { name: "Deactivate" }).click();
  await person.accessible("whether to deactivate");
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await account("Sadia Khan").getByText("Deactivated on").waitFor();
  await person.picture("admin-accounts");
  await doctor.page.goto("/sign-in");
  await doctor.page.getByLabel("E-mail address").fill("sadia@example.org");
  await doctor.page.getByLabel("Password").fill(given.password);
  await doctor.page.getByRole("button", { name: "Sign in" }).click();
  await doctor.sees("Your account was deactivated.");
  await account("Sadia Khan").getByRole("button", { name: "Let in again" }).click();
  await account("Sadia Khan").getByRole("button", { name: "Deactivate" }).waitFor();
}

/** Finds who was kept out, opens the line with the keyboard, and has the log checked. */
async function auditLog(person) {
  const { page } = person;
  await page.getByRole("link", { name: "Audit log" }).click();
  await page.getByLabel("Action").fill("account_deactivated");
  await page.getByRole("button", { name: "Search" }).click();
  const line = page.getByRole("listitem").filter({ hasText: "account deactivated" });
  await line.locator("summary").focus();
  await page.keyboard.press("Enter");
  await line.getByText("Request").waitFor();
  await person.accessible("a line of the audit log");
  await person.picture("admin-audit");
  await page.getByLabel("Account (id)").fill("nobody");
  await page.getByRole("button", { name: "Search" }).click();
  await person.sees("is no id");
  await page.getByRole("link", { name: "Show everything" }).click();
  await page.getByRole("button", { name: "Check that nobody has changed it" }).click();
  await person.sees("The log is sound");
  await person.accessible("the log is sound");
}
