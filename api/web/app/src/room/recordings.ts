// The recordings of a consultation: who has agreed, what runs, and the recorder where this browser is the one that
// records. Knows nothing of how it looks.

import { answer, type components, type StoredEvent } from "@consilium/client";
import { api, session } from "../lib/api.ts";
import type { Recorded, Source } from "./mix.ts";
import { Recorder } from "./recorder.ts";
import { Store } from "./store.ts";

export type Recording = components["schemas"]["Recording"];

export interface RecordingsState {
  /** Oldest first. */
  all: readonly Recording[];
}

/** What one has said to it; null as long as one has not. */
export function ownAnswer({ consents }: Recording): string | null {
  return consents.findLast(({ user_id }) => user_id === session.user?.id)?.decision ?? null;
}

export const isOpen = ({ status }: Recording) => status === "requested" || status === "recording";

export class Recordings extends Store<RecordingsState> {
  #consultation: string;
  #sources: () => readonly Source[];
  #recorder: { id: string; recorder: Recorder } | null = null;
  #asking: Promise<void> | null = null;
  #again = false;

  constructor(consultation: string, sources: () => readonly Source[]) {
    super({ all: [] });
    this.#consultation = consultation;
    this.#sources = sources;
  }

  /** The one that is asked for or runs. */
  get present(): Recording | null {
    return this.value.all.findLast(isOpen) ?? null;
  }

  hear({ event }: Pick<StoredEvent, "event">): void {
    if (event.startsWith("recording_")) this.refresh();
  }

  /** Asks how it stands, once at a time. */
  refresh(): void {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#asking = this.#ask().catch(() => {}).finally(() => {
      this.#asking = null;
      if (this.#again) this.refresh();
    });
  }

  async request(media: Recorded): Promise<void> {
    await answer(api.POST("/api/v1/consultations/{id}/recordings", { params: { path: { id: this.#consultation } }, body: { media } }));
    this.refresh();
  }

  /** Agrees, refuses, or takes it back. */
  async consent({ id, consent_text }: Recording, given: boolean): Promise<void> {
    const body = { given, text_version: consent_text.version };
    await answer(api.POST("/api/v1/recordings/{id}/consent", { params: { path: { id } }, body }));
    this.refresh();
  }

  async stop({ id }: Recording): Promise<void> {
    await answer(api.POST("/api/v1/recordings/{id}/stop", { params: { path: { id } } }));
    this.refresh();
  }

  /** The page goes away: what was recorded is still sent. */
  close(): void {
    void this.#recorder?.recorder.finish();
    this.#recorder = null;
  }

  async #ask(): Promise<void> {
    const { items } = await answer(api.GET("/api/v1/consultations/{id}/recordings", { params: { path: { id: this.#consultation } } }));
    this.set({ all: items });
    this.#follow(items.find(({ id }) => id === this.#recorder?.id));
    const present = this.present;
    if (present?.status !== "recording" || present.requested_by !== session.user?.id || this.#recorder) return;
    const recorder = new Recorder(present.id, present.media as Recorded, present.segments, this.#sources);
    this.#recorder = { id: present.id, recorder };
  }

  /** Ends the recorder when what it records has ended. */
  #follow(recorded: Recording | undefined): void {
    if (!recorded || isOpen(recorded) || !this.#recorder) return;
    const { recorder } = this.#recorder;
    this.#recorder = null;
    const ordinary = recorded.stopped_because === "stopped" || recorded.stopped_because === "consultation_ended";
    void (ordinary ? recorder.finish() : recorder.drop());
  }
}
