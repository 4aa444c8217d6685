// A patient who reads Arabic: every text is Arabic, the page runs from right to left, and books.

import assert from "node:assert/strict";
import { PHONE, given, play } from "./stage.mjs";

await play(async (come) => {
  const patient = await come("patient", { size: PHONE, locale: "ar-EG", timezoneId: "Africa/Cairo" });
  const { page } = patient;
  await page.goto("/");
  await patient.heading("قابل طبيبًا بالفيديو");
  assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), ["ar", "rtl"]);
  await arabic(patient, "/");
  await patient.accessible("the start in Arabic");
  await page.getByRole("link", { name: "أنشئ حسابًا" }).click();
  await page.getByLabel("الاسم الأول").fill("ليلى");
  await page.getByLabel("اسم العائلة").fill("حسن");
  await page.getByLabel("البريد الإلكتروني").fill("layla@example.org");
  await page.getByLabel("كلمة المرور").fill(given.password);
  await page.getByRole("button", { name: "أنشئ الحساب" }).click();
  await patient.heading("مرحبًا ليلى");
  await page.getByRole("navigation").getByRole("link", { name: "ابحث عن طبيب" }).click();
  await page.getByRole("link", { name: /ayesha Example/i }).click();
  await patient.sees("الأوقات بتوقيتك");
  await page.locator("input[name=time]").first().click();
  await page.getByLabel("ما السبب؟").fill("سعال منذ أسبوع");
  await patient.accessible("booking in Arabic");
  await patient.picture("booking-arabic");
  await page.getByRole("button", { name: "احجز هذا الوقت" }).click();
  await patient.heading("موعدك");
  await patient.sees("بانتظار الطبيب");
  await arabic(patient, "the appointment");
  await patient.picture("pending-arabic");

  // Another language is one choice away, and stays.
  await page.getByLabel("اللغة").selectOption("bn");
  await patient.heading("আপনার অ্যাপয়েন্টমেন্ট");
  assert.equal(await page.evaluate(() => document.documentElement.dir), "ltr");
  await page.reload();
  await patient.heading("আপনার অ্যাপয়েন্টমেন্ট");
  await patient.accessible("the appointment in Bangla");
  await patient.picture("pending-bangla");
});

/** No words of another language but names. */
async function arabic({ page }, where) {
  const text = await page.locator("body").innerText();
  const foreign = text.replace(/Consilium|English|Cairo|ayesha|Example|PDF|GMT|UTC|AM|PM/g, "").match(/[A-Za-z]{3,}/g) ?? [];
  assert.deepEqual(foreign, [], where);
}
