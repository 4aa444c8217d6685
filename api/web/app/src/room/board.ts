// What is drawn and pointed at on shared screens. Lines pass by as signals, which may be lost; what is to last is saved.
// Knows nothing of how it looks.

import type { components, Signal } from "@consilium/client";
import { connection, session } from "../lib/api.ts";
import { Store } from "./store.ts";

export type Stroke = components["schemas"]["Stroke"];
export type Tool = Stroke["tool"];
/** From the picture's upper left corner (0, 0) to its lower right one (1, 1). */
export type Point = readonly [x: number, y: number];

export interface BoardState {
  /** The oldest first, by whose screen they are on. */
  strokes: Readonly<Record<string, readonly Stroke[]>>;
  /** Who points where, by account. */
  pointers: Readonly<Record<string, { of: string; at: Point }>>;
}

const POINTER = 80; // milliseconds between two positions that are told
const REST = 3_000; // after which a pointer that does not move is gone
export const LONGEST = 350; // points of a stroke: what a signal can carry

const exact = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;

export class Board extends Store<BoardState> {
  #topic: string;
  #told = 0;
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(topic: string) {
    super({ strokes: {}, pointers: {} });
    this.#topic = topic;
  }

  /** `sharer` is whose screen is meant when it is not said. */
  notice({ signal, from, data }: Signal, sharer: string): void {
    const of = String(data.of ?? sharer);
    if (signal === "cursor" && from) this.#point(from, of, [Number(data.x), Number(data.y)]);
    if (signal !== "annotate") return;
    if (data.clear === true) this.forget(of);
    else if (data.stroke) this.#add(of, data.stroke as Stroke);
  }

  draw(of: string, stroke: Stroke): void {
    const points = stroke.points.map((point) => point.map(exact)).slice(0, LONGEST);
    const drawn = { ...stroke, points };
    this.#add(of, drawn);
    this.#tell("annotate", { stroke: drawn, of });
  }

  point(of: string, [x, y]: Point): void {
    if (Date.now() - this.#told < POINTER) return;
    this.#told = Date.now();
    this.#tell("cursor", { x: exact(x), y: exact(y), of });
  }

  clear(of: string): void {
    this.forget(of);
    this.#tell("annotate", { clear: true, of });
  }

  /** What is on it now, for everybody who takes part and for later. */
  async save(of: string): Promise<void> {
    const strokes = this.value.strokes[of] ?? [];
    await connection.command(this.#topic, "save_annotations", { client_annotation_id: crypto.randomUUID(), strokes });
  }

  /** The screen is shown no more. */
  forget(of: string): void {
    const { [of]: _, ...strokes } = this.value.strokes;
    this.set({ strokes });
  }

  #add(of: string, stroke: Stroke): void {
    this.set({ strokes: { ...this.value.strokes, [of]: [...(this.value.strokes[of] ?? []), stroke] } });
  }

  #point(user: string, of: string, at: Point): void {
    if (user === session.user?.id) return;
    clearTimeout(this.#timers.get(user));
    this.#timers.set(user, setTimeout(() => this.#rests(user), REST));
    this.set({ pointers: { ...this.value.pointers, [user]: { of, at } } });
  }

  #rests(user: string): void {
    const { [user]: _, ...pointers } = this.value.pointers;
    this.set({ pointers });
  }

  #tell(command: string, data: Record<string, unknown>): void {
    connection.command(this.#topic, command, data).catch(() => {});
  }
}
