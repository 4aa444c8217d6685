// Records in this browser and sends what was recorded in segments, in their order (docs/recordings.md). Knows nothing of
// who has agreed.

import { Problem } from "@consilium/client";
import { session } from "../lib/api.ts";
import { mix, type Recorded, type Source } from "./mix.ts";

const SEGMENT = 4_000; // milliseconds
const AGAIN = 2_000; // before a segment is sent again
const KINDS = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];
const SOUND = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"];

export const canRecord = typeof MediaRecorder !== "undefined";

export class Recorder {
  #id: string;
  #next: number;
  #recorder: MediaRecorder;
  #unmix: () => void;
  #sending: Promise<void> = Promise.resolve();
  #over = false;

  /** Begins at once. `kept` segments are there already, of this recorder or of one before. */
  constructor(id: string, media: Recorded, kept: number, sources: () => readonly Source[]) {
    const { stream, close } = mix(media, sources);
    const mimeType = (media === "audio" ? SOUND : KINDS).find((kind) => MediaRecorder.isTypeSupported(kind));
    this.#id = id;
    this.#next = kept + 1;
    this.#unmix = close;
    this.#recorder = new MediaRecorder(stream, { ...(mimeType && { mimeType }), videoBitsPerSecond: 1_000_000, audioBitsPerSecond: 64_000 });
    this.#recorder.ondataavailable = ({ data }) => {
      if (data.size > 0 && !this.#over) this.#sending = this.#sending.then(() => this.#send(data));
    };
    this.#recorder.start(SEGMENT);
  }

  /** Records no more, and sends what there still is. */
  async finish(): Promise<void> {
    if (this.#recorder.state !== "inactive") {
      const stopped = new Promise((done) => this.#recorder.addEventListener("stop", done, { once: true }));
      this.#recorder.stop();
      await stopped;
    }
    this.#unmix();
    await this.#sending;
  }

  /** Records no more, and forgets what was not sent. */
  drop(): Promise<void> {
    this.#over = true;
    return this.finish();
  }

  async #send(segment: Blob): Promise<void> {
    const number = this.#next++;
    while (!this.#over) {
      const problem = await this.#put(number, segment).catch(() => null);
      if (problem === undefined) return;
      // Refused for good: nothing more is taken.
      if (problem && !problem.passes) this.#over = true;
      else await new Promise((done) => setTimeout(done, AGAIN));
    }
  }

  /** Why it was not taken. */
  async #put(number: number, segment: Blob): Promise<Problem | undefined> {
    const address = new URL(`/api/v1/recordings/${this.#id}/segments/${number}`, session.origin || location.origin);
    const headers = { "Content-Type": "application/octet-stream" };
    const response = await session.send(new Request(address, { method: "PUT", headers, body: segment }));
    return response.ok ? undefined : Problem.from(await response.json().catch(() => ({})), response.status, response.headers);
  }
}
