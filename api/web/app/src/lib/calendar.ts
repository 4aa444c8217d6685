// An appointment as a file for the reader's own calendar (RFC 5545). Made here, so that it works offline.

import type { Appointment } from "./types.ts";

const stamp = (instant: string) => `${new Date(instant).toISOString().replace(/[-:]/g, "").split(".")[0]}Z`;
const quoted = (text: string) => text.replace(/[\\;,]/g, "\\$&").replace(/\n/g, "\\n");

/** Lines of at most 75 octets, continued by a blank. */
function fold(line: string): string {
  const bytes = new TextEncoder();
  let [folded, length] = ["", 0];
  for (const sign of line) {
    const size = bytes.encode(sign).length;
    if (length + size > 74) [folded, length] = [`${folded}\r\n `, 1];
    folded += sign;
    length += size;
  }
  return folded;
}

/** Nothing medical is in it: calendars are shared. */
export function calendarFile({ id, consultation_id, starts_at, ends_at, status }: Appointment, title: string): string {
  const link = consultation_id ? [`URL:${location.origin}/c/${consultation_id}`] : [];
  const lines = [
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Consilium//Web//EN", "BEGIN:VEVENT", `UID:appointment-${id}@${location.hostname}`,
    `DTSTAMP:${stamp(new Date().toISOString())}`, `DTSTART:${stamp(starts_at)}`, `DTEND:${stamp(ends_at)}`, `SUMMARY:${quoted(title)}`,
    `STATUS:${status === "accepted" ? "CONFIRMED" : "TENTATIVE"}`, ...link, "END:VEVENT", "END:VCALENDAR",
  ];
  return `${lines.map(fold).join("\r\n")}\r\n`;
}

/** Has the browser keep a file, or open it with what opens such files. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
