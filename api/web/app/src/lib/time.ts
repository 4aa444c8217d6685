// Times in words, in the language and the time zone of whoever reads. All instants are RFC 3339 strings.

import { i18n } from "@lingui/core";
import { plural, t } from "@lingui/core/macro";
import { useEffect, useState } from "react";
import { session } from "./api.ts";

/** The reader's time zone: the account's, else the browser's. */
export function ownZone(): string {
  return session.user?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The browser's variant of the page's language: en-GB and en-US write times differently. */
function locale(): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === i18n.locale) ?? i18n.locale;
}

function format(instant: string | Date, zone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(locale(), { timeZone: zone, ...options }).format(new Date(instant));
}

/** 09:30 */
export const clock = (instant: string | Date, zone = ownZone()) => format(instant, zone, { timeStyle: "short" });

/** Monday 1 June */
export const day = (instant: string | Date, zone = ownZone()) =>
  format(instant, zone, { weekday: "long", day: "numeric", month: "long" });

/** Mon 1 */
export const shortDay = (instant: string | Date, zone = ownZone()) =>
  format(instant, zone, { weekday: "short", day: "numeric" });

/** Monday 1 June, 09:30 */
export const moment = (instant: string | Date, zone = ownZone()) => `${day(instant, zone)}, ${clock(instant, zone)}`;

/** 1 Jun 2026 */
export const date = (instant: string | Date, zone = ownZone()) => format(instant, zone, { dateStyle: "medium" });

/** 2026-06-01, for comparing and as a key. */
export const dateKey = (instant: string | Date, zone = ownZone()) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(new Date(instant));

/** When a day such as 2026-06-01 begins in the zone; `later` days after it. */
export function midnight(date: string, later = 0, zone = ownZone()): string {
  const utc = Date.parse(`${date}T00:00Z`) + later * 86_400_000;
  const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(utc);
  return new Date(2 * utc - Date.parse(`${wall.replace(" ", "T")}Z`)).toISOString();
}

/** The zone as people say it, such as "Dhaka (GMT+6)". */
export function zoneName(zone: string, at: string | Date = new Date()): string {
  const parts = new Intl.DateTimeFormat(locale(), { timeZone: zone, timeZoneName: "shortOffset" });
  const offset = parts.formatToParts(new Date(at)).find(({ type }) => type === "timeZoneName")?.value ?? "";
  return `${zone.split("/").pop()?.replaceAll("_", " ") ?? zone} (${offset})`;
}

/** About how long, for people who wait. */
export function duration(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 1) return t`less than a minute`;
  if (minutes < 90) return plural(minutes, { one: "# minute", other: "# minutes" });
  const hours = Math.round(minutes / 60);
  if (hours < 36) return plural(hours, { one: "# hour", other: "# hours" });
  return plural(Math.round(hours / 24), { one: "# day", other: "# days" });
}

/** In 5 minutes, 3 hours ago. */
export function relative(instant: string, now = Date.now()): string {
  const seconds = (new Date(instant).getTime() - now) / 1000;
  const [amount, unit] =
    Math.abs(seconds) < 5400 ? ([seconds / 60, "minute"] as const)
    : Math.abs(seconds) < 129_600 ? ([seconds / 3600, "hour"] as const)
    : ([seconds / 86_400, "day"] as const);
  return new Intl.RelativeTimeFormat(i18n.locale, { numeric: "auto" }).format(Math.round(amount), unit);
}

/** The time, as of every `every` milliseconds. */
export function useNow(every = 15_000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
