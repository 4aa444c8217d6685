// The pictures of the documentation: booking, waiting, the room, a doctor's day, administration. `scripts/pictures` takes
// them over.

import { api, given, moving, play, register } from "./stage.mjs";

const WINDOW = { width: 1180, height: 720 };
const TELEPHONE = { width: 390, height: 760 };
const about = { specialty: "cardiology", qualifications: ["MBBS", "FCPS (Cardiology)"], years_of_experience: 14, languages: ["en", "bn"], consultation_fee: { amount_minor: 150_000, currency: "BDT" } };
const REASONS = ["Chest pain when climbing stairs", "Blood pressure", "Results of the ECG", "Short of breath at night", "Palpitations"];

await play(async (come) => {
  const { doctor, people, appointments } = await clinic();
  const [rafi] = people;
  const patient = await come("Rafi", { size: TELEPHONE, timezoneId: "Asia/Dhaka" });
  await patient.signIn(rafi.email);
  await patient.page.goto(`/doctors/${doctor.id}`);
  await patient.page.getByRole("radio", { name: /\d\d:\d\d/ }).first().check({ force: true });
  await patient.page.getByLabel("What is it about?").fill(REASONS[2]);
  await picture(patient, "booking", WINDOW);

  await comeIn(patient, appointments[0]);
  await patient.heading("You are next");
  await picture(patient, "waiting", TELEPHONE);

  const person = await come("Ayesha", { size: WINDOW, timezoneId: "Asia/Dhaka" });
  await person.signIn(doctor.email);
  await person.page.goto("/calendar");
  await person.sees("Rafi Karim");
  await picture(person, "doctors-day", WINDOW);
  await comeIn(person, appointments[0]);
  await person.page.getByRole("button", { name: "Admit the patient" }).click();
  for (const { page } of [person, patient]) await moving(page, ".seat video");
  await write(patient, "Good morning, doctor");
  await write(person, "Good morning. How is the breathing today?");
  await patient.sees("How is the breathing today?");
  await write(patient, "Better than last week");
  await person.sees("Better than last week");
  await picture(person, "room", WINDOW);

  const admin = await come("admin", { size: WINDOW });
  await admin.signIn();
  await admin.page.goto("/admin/system");
  await admin.sees("available");
  await picture(admin, "admin", WINDOW);
});

/** A doctor whom patients have booked today. */
async function clinic() {
  const ayesha = await register("ayesha-rahman", "doctor", { given_name: "Ayesha", family_name: "Rahman", time_zone: "Asia/Dhaka" });
  const { doctor_id: id } = await ayesha("GET", "/me");
  await (await api("admin"))("POST", `/admin/doctors/${id}/verify`, { decision: "approved" });
  await ayesha.change("PATCH", `/doctors/${id}`, about);
  const weekly = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map((day) => ({ day, start: "00:00", end: "24:00" }));
  await ayesha.change("PUT", `/doctors/${id}/availability`, { time_zone: "Asia/Dhaka", weekly, exceptions: [], slot_minutes: 15 });
  const names = [["Rafi", "Karim"], ["Mina", "Begum"], ["Tareq", "Hossain"], ["Nadia", "Sultana"]];
  const people = [];
  const appointments = [];
  for (const [place, [given_name, family_name]] of names.entries()) {
    const name = given_name.toLowerCase() + family_name.toLowerCase();
    const call = await register(name, "patient", { given_name, family_name, time_zone: "Asia/Dhaka" });
    const slot = (await call("GET", `/doctors/${id}/slots`)).items[place];
    const booked = await call("POST", "/appointments", { doctor_id: id, starts_at: slot.starts_at, reason: REASONS[place], visit_type: place === 2 ? "audio" : "video" });
    appointments.push(place < 3 ? await ayesha("POST", `/appointments/${booked.id}/accept`, {}) : booked);
    people.push({ email: `${name}@example.org` });
  }
  return { doctor: { id, email: "ayesha-rahman@example.org" }, people, appointments };
}

async function comeIn({ page }, { consultation_id }) {
  await page.goto(`/consultations/${consultation_id}`);
  await page.getByRole("button", { name: "Come in" }).click();
}

/** As it is seen without scrolling. */
async function picture({ page }, name, size) {
  await page.setViewportSize(size);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${given.pictures}/docs-${name}.png` });
}

async function write({ page }, words) {
  await page.getByRole("textbox", { name: "Message" }).fill(words);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}
