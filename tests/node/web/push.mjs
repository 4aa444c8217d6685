// Web push as far as a browser without a network goes: the switch in the profile, what the server sends to the push
// service, and what the service worker makes of it. `subscribe` is played, because Chromium would ask its maker's
// servers; the message is the one that the push service got and decrypted, handed to the worker by the browser's own tools.

import assert from "node:assert/strict";
import { PHONE, api, given, play, until } from "./stage.mjs";

const received = async () => (await fetch(given.push.endpoint)).json();

await play(async (come) => {
  const rafi = await api("rafi");
  const patient = await come("rafi", { size: PHONE, permissions: ["notifications"] });
  const { page, context } = patient;
  await context.addInitScript(subscribes, given.push);
  await patient.signIn();
  await page.getByRole("link", { name: "Profile" }).click();
  await patient.sees("This browser does not tell you.");
  await patient.accessible("not told");
  await page.getByRole("button", { name: "Tell me in this browser" }).focus();
  await page.keyboard.press("Enter");
  await patient.sees("This browser tells you.");
  await patient.accessible("told");
  await patient.picture("push-phone");
  const { public_key } = await rafi("GET", "/push/key");
  assert.deepEqual(await page.evaluate(() => globalThis.asked), { userVisibleOnly: true, applicationServerKey: public_key });
  assert.equal((await rafi("GET", "/me/push-subscriptions")).items.length, 1);

  const slots = (await rafi("GET", `/doctors/${given.doctor_id}/slots`)).items;
  const wish = { doctor_id: given.doctor_id, starts_at: slots.at(20).starts_at, reason: "A secret rash", visit_type: "video" };
  const booked = await rafi("POST", "/appointments", wish);
  await until(async () => (await received()).length === 1, "the push service has got a message");
  const [message] = await received();
  assert.deepEqual({ ...message, id: "" }, { id: "", about: "appointment", url: `/appointments/${booked.id}` });

  const worker = context.serviceWorkers()[0];
  const deliver = await delivery(context, page);
  await deliver(message);
  const shown = () => page.evaluate(async () => {
    const { showing } = { showing: await (await navigator.serviceWorker.ready).getNotifications() };
    return showing.map(({ title, body, data, lang, dir }) => ({ title, body, data, lang, dir }));
  });
  await until(async () => (await shown()).length === 1, "it is shown");
  const english = { title: "Consilium", body: "There is news of an appointment.", data: message.url, lang: "en", dir: "ltr" };
  assert.deepEqual(await shown(), [english]);
  await page.getByLabel("Language").selectOption("ar");
  await until(() => page.evaluate(() => document.documentElement.dir === "rtl"), "Arabic");
  const inArabic = async () => {
    await deliver(message); // The worker learns of the language a moment after the page.
    return (await shown())[0]?.dir === "rtl";
  };
  await until(inArabic, "the newer one, in Arabic, in the place of the older one");
  assert.equal((await shown()).length, 1);
  await page.locator("select").first().selectOption("en");

  // Tapping it shows what it is about.
  await worker.evaluate(async () => {
    const [notification] = await registration.getNotifications();
    dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  });
  await patient.heading("Your appointment");
  assert.equal(new URL(page.url()).pathname, message.url);
  await until(async () => (await shown()).length === 0, "it is put away");

  // It stays so after loading, and ends when told to.
  await page.goto("/profile");
  await patient.sees("This browser tells you.");
  await page.getByRole("button", { name: "Tell me no longer" }).click();
  await patient.sees("This browser does not tell you.");
  assert.deepEqual((await rafi("GET", "/me/push-subscriptions")).items, []);

  const careful = await come("ayesha", { permissions: [] });
  await careful.signIn();
  await careful.page.goto("/profile");
  await careful.sees("You have forbidden it.");
  await careful.accessible("forbidden");
});

/** Plays a browser whose push service has given it this subscription. */
function subscribes(subscription) {
  let present = null;
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0)).buffer;
  PushManager.prototype.getSubscription = async () => present;
  PushManager.prototype.subscribe = async (options) => {
    globalThis.asked = options;
    const unsubscribe = async () => {
      present = null;
      return true;
    };
    present = { options: { applicationServerKey: bytes(options.applicationServerKey) }, toJSON: () => subscription, unsubscribe };
    return present;
  };
}

/** Hands messages to the page's service worker as if the push service had. */
async function delivery(context, page) {
  const tools = await context.newCDPSession(page);
  const found = new Promise((done) => {
    tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations[0] && done(registrations[0].registrationId));
  });
  await tools.send("ServiceWorker.enable");
  const registrationId = await found;
  return (message) => tools.send("ServiceWorker.deliverPushMessage", { origin: given.url, registrationId, data: JSON.stringify(message) });
}
