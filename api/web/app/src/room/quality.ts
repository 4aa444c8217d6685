// What `getStats()` tells of a connection, as the API takes it: means between two looks.

import type { components } from "@consilium/client";

export type Measurement = components["schemas"]["Measurement"];
export type Grade = "good" | "fair" | "poor";

interface Counted {
  bytes: number;
  packets: number;
  lost: number;
  frames: number;
  at: number;
}

type Stat = Record<string, number | string | undefined>;
const number = (value: number | string | undefined) => (typeof value === "number" ? value : 0);

/** Remembers what it saw last, of each line. */
export class Meter {
  #before = new Map<string, Counted>();

  measure(report: RTCStatsReport): Measurement[] {
    const stats = [...report.values()] as Stat[];
    const pair = stats.find(({ type, nominated, state }) => type === "candidate-pair" && (nominated || state === "succeeded"));
    const rtt = Math.round(number(pair?.currentRoundTripTime) * 1000);
    const lines = stats.filter(({ type }) => type === "inbound-rtp" || type === "outbound-rtp");
    return lines.flatMap((line) => this.#line(line, stats, rtt));
  }

  #line(line: Stat, stats: Stat[], rtt: number): Measurement[] {
    const inbound = line.type === "inbound-rtp";
    const media = line.kind === "video" ? "video" : "audio";
    // What became of what one sent is known from the other side.
    const remote = inbound ? line : stats.find(({ type, localId }) => type === "remote-inbound-rtp" && localId === line.id);
    const now: Counted = {
      bytes: number(inbound ? line.bytesReceived : line.bytesSent),
      packets: number(inbound ? line.packetsReceived : line.packetsSent),
      lost: number(remote?.packetsLost),
      frames: number(inbound ? line.framesDecoded : line.framesEncoded),
      at: number(line.timestamp),
    };
    const before = this.#before.get(String(line.id));
    this.#before.set(String(line.id), now);
    const seconds = before ? (now.at - before.at) / 1000 : 0;
    if (!before || seconds < 1 || now.bytes === before.bytes) return [];
    const lost = Math.max(0, now.lost - before.lost);
    const all = now.packets - before.packets + (inbound ? lost : 0);
    const frames = media === "video" ? { frames_per_second: Math.round((now.frames - before.frames) / seconds) } : {};
    return [{
      at: new Date().toISOString(),
      direction: inbound ? "inbound" : "outbound",
      media,
      bitrate_kbps: Math.round(((now.bytes - before.bytes) * 8) / 1000 / seconds),
      packet_loss_percent: all > 0 ? Math.min(100, Math.round((lost / all) * 1000) / 10) : 0,
      jitter_ms: Math.round(number(remote?.jitter) * 1000),
      round_trip_ms: rtt,
      ...frames,
    }];
  }
}

/** In one word, for whoever looks at it. */
export function grade(measurements: readonly Measurement[]): Grade {
  const worst = (of: (one: Measurement) => number) => Math.max(0, ...measurements.map(of));
  const loss = worst((one) => one.packet_loss_percent);
  const rtt = worst((one) => one.round_trip_ms);
  if (loss >= 8 || rtt >= 800) return "poor";
  return loss >= 3 || rtt >= 300 ? "fair" : "good";
}
