// A doctor's days, put together: what was earned in days, weeks and months, each currency for itself.

import type { components } from "@consilium/client";
import { minorDigits } from "./words.ts";

type Day = components["schemas"]["DoctorDay"];
type Money = components["schemas"]["Earning"];
export type Step = "day" | "week" | "month";

/** What belongs to one bar and one row. */
export interface Bucket {
  /** Its first day within the range. */
  from: string;
  sessions: number;
  /** Different ones; known for single days only. */
  patients: number;
  /** Known for single days only. */
  rating: number | null;
  /** Minor units by currency. */
  earned: Map<string, number>;
}

const DAY = 86_400_000; // milliseconds
const key = (time: number) => new Date(time).toISOString().slice(0, 10);
const time = (day: string) => Date.parse(`${day}T00:00Z`);

/** The day so many days before. */
export const daysBefore = (day: string, days: number) => (day ? key(time(day) - days * DAY) : "");

/** The steps in which a range is looked at best. */
export function stepFor(from: string, to: string): Step {
  const days = (time(to) - time(from)) / DAY + 1;
  return days <= 31 ? "day" : days <= 120 ? "week" : "month";
}

/** Where the step begins in which a day lies: weeks on Mondays. */
function beginning(day: string, step: Step): string {
  if (step === "month") return `${day.slice(0, 7)}-01`;
  if (step === "day") return day;
  return daysBefore(day, (new Date(time(day)).getUTCDay() + 6) % 7);
}

/** All steps of a range, also those in which nothing happened. */
export function buckets(items: readonly Day[], from: string, to: string, step: Step): Bucket[] {
  const found = new Map<string, Bucket>();
  for (let day = from; day <= to; day = daysBefore(day, -1)) {
    const begins = beginning(day, step);
    if (!found.has(begins)) found.set(begins, { from: day, sessions: 0, patients: 0, rating: null, earned: new Map() });
  }
  for (const one of items) {
    const bucket = found.get(beginning(one.date, step));
    if (!bucket) continue;
    bucket.sessions += one.sessions;
    bucket.patients += one.patients;
    bucket.rating = one.average_rating ?? null;
    for (const { currency, amount_minor } of one.earnings) bucket.earned.set(currency, (bucket.earned.get(currency) ?? 0) + amount_minor);
  }
  return [...found.values()];
}

/** What was earned in all: one sum for each currency, in the order of their codes. Nothing is converted. */
export function totals(items: readonly { earnings: readonly Money[] }[]): Money[] {
  const sums = new Map<string, number>();
  for (const { currency, amount_minor } of items.flatMap(({ earnings }) => earnings)) sums.set(currency, (sums.get(currency) ?? 0) + amount_minor);
  return [...sums].map(([currency, amount_minor]) => ({ currency, amount_minor })).sort((a, b) => a.currency.localeCompare(b.currency));
}

/** One line for each day and currency (RFC 4180), with dots and without signs of currencies, for other programs. */
export function csv(items: readonly Day[]): string {
  const lines = items.flatMap((one) => {
    const day = [one.date, one.sessions, one.patients, one.average_duration_seconds, one.average_rating ?? ""];
    const earnings = one.earnings.length > 0 ? one.earnings : [null];
    return earnings.map((money) => [...day, money?.currency ?? "", money ? (money.amount_minor / 10 ** minorDigits(money.currency)).toFixed(minorDigits(money.currency)) : ""]);
  });
  const head = ["date", "consultations", "patients", "average_duration_seconds", "average_rating", "currency", "earned"];
  return [head, ...lines].map((line) => line.join(",")).join("\r\n").concat("\r\n");
}
