// Every page of every role: no violation that axe can see, in light and in dark, nothing too small to tap, nothing
// beyond the edge, from the smallest phone to the largest screen; and what the first load costs.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { DESKTOP, PHONE, given, play, register } from "./stage.mjs";

const LIMIT = 200 * 1024; // bytes of script on the first load, gzip
const ANYBODY = [
  ["/", "See a doctor by video"], ["/sign-in", "Sign in"], ["/register", "Create an account"],
  ["/forgot-password", "I forgot my password"], ["/reset-password?token=x", "Choose a new password"],
  ["/verify-email?token=expired", "Confirm your e-mail address"], ["/doctors", "Find a doctor"],
  [`/doctors/${given.doctor_id}`, /example/i], ["/appointments/x/y", null], ["/doctors/nobody", "Doctor"],
];
const PAGES = {
  rafi: [
    ["/", "Hello rafi"], ["/appointments", "Appointments"], [`/appointments/${given.appointment_id}`, "Your appointment"],
    [`/consultations/${given.consultation_id}`, "Get ready"], ["/profile", "Profile"],
    ["/inbox", "Inbox"], ["/messages", "Messages"],
    ["/consultations/00000000-0000-7000-8000-000000000000", "This link is not for you"],
  ],
  ayesha: [
    ["/", "Hello ayesha"], ["/calendar", "Calendar"], ["/requests", "Requests"], ["/waiting-room", "Waiting room"],
    ["/messages", "Messages"], ["/availability", "Your hours"], ["/figures", "Figures"], ["/profile", "Profile"],
    ["/verification", "Verification"],
  ],
  nurse: [["/", /Hello/], ["/waiting-room", "Waiting room"], ["/appointments", "Appointments"]],
  pharmacist: [["/dispense", "Prescriptions"], ["/messages", "Messages"], ["/inbox", "Inbox"]],
  support: [["/issues", "Technical issues"]],
  admin: [
    ["/admin/system", "System"], ["/admin/doctors", "Verify doctors"], ["/admin/deliveries", "Deliveries"],
    ["/admin/settings", "Settings"], ["/admin/users", "Accounts"], ["/admin/users?email=nobody%40example.org", "Accounts"],
    ["/admin/audit", "Audit log"], ["/admin/audit?entity_id=00000000-0000-7000-8000-000000000000", "Audit log"],
  ],
};

await play(async (come) => {
  const visitor = await come("visitor", { size: PHONE });
  const scripts = [];
  visitor.page.on("response", (response) => response.url().endsWith(".js") && scripts.push(response.url()));
  await visitor.page.goto("/", { waitUntil: "networkidle" });
  const sizes = await Promise.all([...new Set(scripts)].filter((url) => !url.endsWith("/service-worker.js")).map(size));
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  console.log(`first load: ${bytes} bytes of script (gzip) in ${sizes.length} files`);
  assert.ok(bytes > 20_000 && bytes < LIMIT, `${bytes} bytes of script`);
  await look(visitor, ANYBODY.filter(([, title]) => title !== null));

  for (const [name, pages] of Object.entries(PAGES)) {
    const person = await come(name, { size: PHONE });
    await person.signIn();
    await look(person, pages);
    await person.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await person.context.close();
  }
  // A doctor whom nobody has verified yet.
  await register("omar", "doctor");
  const newcomer = await come("omar", { size: PHONE });
  await newcomer.signIn("omar@example.org");
  await look(newcomer, [["/", "Hello omar"], ["/verification", "Verification"], ["/profile", "Profile"]]);
});

async function look(person, pages) {
  const { page } = person;
  for (const [path, title] of pages) {
    await page.goto(path);
    await person.heading(title);
    while ((await page.locator(".loading").count()) > 0) await page.waitForTimeout(50);
    for (const [size, colorScheme] of [[PHONE, "light"], [DESKTOP, "dark"]]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      await person.accessible(`${path} for ${person.name}, ${colorScheme}`);
      const name = path.split("?")[0].replace(/[0-9a-f-]{36}/g, "one").replaceAll("/", "-").replace(/^-$/, "-start");
      if (size === PHONE) await person.fits(`${path} for ${person.name}`);
      await person.picture(`page-${person.name}${name}-${colorScheme}`);
    }
  }
  await page.setViewportSize(PHONE);
  await page.emulateMedia({ colorScheme: "light" });
}

async function size(url) {
  const script = await (await fetch(url)).arrayBuffer();
  return gzipSync(new Uint8Array(script), { level: 9 }).length;
}
