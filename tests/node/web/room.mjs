// What the room has beside pictures and words: hands, files that survive an interrupted network, drawings on a shared
// screen, and recording, which nobody gets without everybody's consent; after the visit it is played.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PHONE, api, given, moving, play, until } from "./stage.mjs";

const LETTER = "A cough since Monday. ".repeat(60_000); // more than two parts
const consultation = `/consultations/${given.consultation_id}`;

await play(async (come) => {
  const [patient, doctor] = [await come("rafi", { size: PHONE }), await come("ayesha")];
  for (const person of [patient, doctor]) {
    await person.signIn();
    await person.page.goto(consultation);
    await person.page.getByRole("button", { name: "Come in" }).click();
  }
  await doctor.page.getByRole("button", { name: "Admit the patient" }).click();
  for (const { page } of [doctor, patient]) await moving(page, ".seat video");

  await patient.page.getByRole("button", { name: "Raise hand" }).click();
  await doctor.sees("Patient · raises a hand");
  // Whoever comes again is told of it, too.
  await doctor.page.reload();
  await doctor.page.getByRole("button", { name: "Come in" }).click();
  await doctor.sees("Patient · raises a hand");
  await patient.page.getByRole("button", { name: "Raise hand" }).click();
  await doctor.page.getByText("raises a hand").waitFor({ state: "hidden" });

  await files(patient, doctor);
  await drawings(patient, doctor);
  await recordings(patient, doctor);

  await doctor.page.getByRole("button", { name: "End consultation" }).click();
  await doctor.page.getByRole("button", { name: "End it" }).click();
  await patient.heading("The consultation is over");
  await patient.sees("letter.txt");
  await patient.page.getByRole("button", { name: "Play" }).last().click();
  await moving(patient.page, "video.player");
  const size = await patient.page.locator("video.player").evaluate((video) => [video.videoWidth, video.videoHeight]);
  assert.deepEqual(size, [1280, 720]);
  await patient.accessible("after the visit");
  await patient.picture("after-phone");
});

/** A file whose upload is cut off goes on where it stopped; a picture is shown; what may be dangerous is refused. */
async function files(patient, doctor) {
  const { page } = patient;
  const starts = [];
  let cut = 0;
  await page.route("**/api/v1/files/*", (route) => {
    const request = route.request();
    if (request.method() !== "PATCH") return route.continue();
    starts.push(Number(request.headers()["upload-offset"]));
    // The second part is not let through until the client has given up and asked where to go on.
    return starts.length >= 2 && cut++ < 3 ? route.abort() : route.continue();
  });
  const asked = page.waitForRequest((request) => request.method() === "HEAD");
  await attach(page, { name: "letter.txt", mimeType: "text/plain", buffer: Buffer.from(LETTER) });
  await page.getByRole("progressbar", { name: "Sending letter.txt" }).waitFor();
  await asked;
  await doctor.sees("letter.txt");
  await page.unroute("**/api/v1/files/*");
  assert.equal(starts.filter((start) => start === 0).length, 1, `it began anew: ${starts}`);
  const saved = doctor.page.waitForEvent("download");
  await doctor.page.getByRole("button", { name: "Save letter.txt" }).click();
  const file = await saved;
  assert.equal(file.suggestedFilename(), "letter.txt");
  assert.equal(readFileSync(await file.path(), "utf8"), LETTER);

  await attach(page, { name: "rash.png", mimeType: "image/png", buffer: await page.screenshot() });
  await doctor.page.getByRole("button", { name: "Show rash.png" }).click();
  const picture = doctor.page.getByRole("img", { name: "rash.png" });
  await picture.waitFor();
  await doctor.page.waitForFunction((image) => image.naturalWidth > 0, await picture.elementHandle());
  await doctor.accessible("a picture of the chat");
  await doctor.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();

  await attach(page, { name: "page.html", mimeType: "text/html", buffer: Buffer.from("<script>alert(1)</script>") });
  await patient.sees("Files of this kind are not accepted.");
  await patient.accessible("a refused file");
  await page.getByRole("button", { name: "Close" }).click();
}

async function attach(page, file) {
  const chosen = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach" }).click();
  await (await chosen).setFiles(file);
}

/** The doctor shares the screen; the patient points and draws on it, and the doctor keeps the drawing. */
async function drawings(patient, doctor) {
  await doctor.page.getByRole("button", { name: "Share screen" }).click();
  await doctor.page.locator("video[aria-label='Your screen']").waitFor();
  await patient.sees("Doctor · shares the screen");
  const screen = patient.page.getByRole("img", { name: "Drawings on the shared screen" });
  await screen.scrollIntoViewIfNeeded();
  const pointed = doctor.page.locator(".pointer", { hasText: "Patient" });
  for (const step of [0.3, 0.4, 0.5]) await at(patient.page, screen, step, 0.5);
  await pointed.waitFor();

  await patient.page.getByRole("radio", { name: "Pen" }).check({ force: true });
  await at(patient.page, screen, 0.3, 0.4);
  await patient.page.mouse.down();
  for (const step of [0.35, 0.4, 0.45, 0.5, 0.6]) await at(patient.page, screen, step, step);
  await patient.page.mouse.up();
  const line = doctor.page.locator(".drawing polyline");
  await line.waitFor({ state: "attached" });
  const points = (await line.getAttribute("points")).split(" ");
  assert.ok(points.length >= 5, `${points.length} points`);
  await patient.accessible("drawing on a screen");
  for (const person of [patient, doctor]) await person.fits("the room");
  await patient.picture("drawing-phone");
  await doctor.picture("drawing-desktop");

  await doctor.page.getByRole("button", { name: "Keep the drawing" }).click();
  await doctor.sees("Kept below Files.");
  await doctor.page.getByRole("button", { name: "Wipe it off" }).click();
  await patient.page.locator(".drawing polyline").waitFor({ state: "detached" });
  await doctor.page.getByRole("button", { name: "Share screen" }).click();
  await screen.waitFor({ state: "detached" });
  await patient.page.getByRole("tab", { name: "Files" }).click();
  await patient.page.getByRole("img", { name: "Drawing", exact: true }).waitFor();
  await patient.accessible("files of the consultation");
  await patient.page.getByRole("tab", { name: "Chat" }).click();
}

async function at(page, screen, x, y) {
  const box = await screen.boundingBox();
  await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  await page.waitForTimeout(100); // pointers are told a few times a second
}

/** One who refuses is enough for nothing to be recorded, and one who no longer agrees to end it. */
async function recordings(patient, doctor) {
  const call = await api("rafi");
  const all = async () => (await call("GET", `${consultation}/recordings`)).items;
  const record = async () => {
    await doctor.page.getByRole("button", { name: "Record", exact: true }).click();
    await doctor.page.getByRole("button", { name: "Ask everybody" }).click();
    await patient.sees("May this consultation be recorded?");
  };
  const running = async () => {
    for (const person of [patient, doctor]) await person.sees("Being recorded");
  };
  await record();
  await doctor.sees("It is recorded as soon as everybody has agreed.");
  await patient.accessible("the question whether to record");
  await patient.picture("consent-phone");
  await patient.page.getByRole("button", { name: "No, do not record" }).click();
  await doctor.sees("It is not recorded: somebody did not agree.");
  assert.deepEqual((await all()).map(({ status, segments }) => [status, segments]), [["refused", 0]]);

  await record();
  await patient.page.getByRole("button", { name: "Yes, record it" }).click();
  await running();
  await patient.accessible("while it is recorded");
  await doctor.picture("recording-desktop");
  await until(async () => (await all())[1].segments >= 1, "a segment arrives");
  await patient.page.getByRole("button", { name: "I no longer agree" }).click();
  await doctor.sees("Recording has ended: somebody no longer agrees.");
  assert.equal((await all())[1].stopped_because, "consent_withdrawn");

  await record();
  await patient.page.getByRole("button", { name: "Yes, record it" }).click();
  await running();
  await until(async () => (await all())[2].segments >= 1, "a segment arrives");
  await doctor.page.getByRole("button", { name: "Stop recording" }).click();
  await patient.page.getByText("Being recorded").waitFor({ state: "detached" });
  await until(async () => (await all())[2].status === "ready", "it is ready");
  const last = (await all())[2];
  assert.ok(last.segments >= 2 && last.size_bytes === last.received_bytes, JSON.stringify(last));
}
