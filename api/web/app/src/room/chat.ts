// A chat, of a consultation or a thread: what was written and shared, what is still to be sent, who writes and how far
// others have read.

import { answer, Problem, type Signal, type StoredEvent } from "@consilium/client";
import { api, connection, session } from "../lib/api.ts";
import { Store } from "./store.ts";

export interface Line {
  /** Until it is stored, the id that it was sent under. */
  key: string;
  /** The message's, once it is stored; null also for a file that came with none. */
  id: string | null;
  seq: number | null;
  sender: string;
  body: string | null;
  at: string;
  edited: boolean;
  file?: Shared;
}

export interface Shared {
  id: string;
  /** The message that it came with. */
  message: string;
}

export interface ChatState {
  lines: readonly Line[];
  /** Accounts that write just now. */
  writing: readonly string[];
  /** How far others have read, by account. */
  read: Readonly<Record<string, number>>;
  /** Why the last message was not taken, with its text. */
  refused: { error: unknown; body: string } | null;
}

/** Keeps messages that wait for a connection, also when the page is closed. */
export interface Outbox {
  all(): Promise<{ id: string; body: string }[]>;
  put(id: string, body: string): Promise<void>;
  remove(id: string): Promise<void>;
}

const WRITING = 4_000; // that somebody is said to write after their last key, in milliseconds
const AGAIN = 2_000; // between two times that others are told that one writes

export class Chat extends Store<ChatState> {
  #topic: string;
  #outbox: Outbox | null;
  #told = 0;
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(topic: string, outbox: Outbox | null = null) {
    super({ lines: [], writing: [], read: {}, refused: null });
    this.#topic = topic;
    this.#outbox = outbox;
    void this.#sendWaiting();
  }

  /** Sends a message. It stands in the chat at once, and is sent again until it is stored; the same id twice is one. */
  async send(body: string, id: string = crypto.randomUUID()): Promise<void> {
    const sender = session.user?.id ?? "";
    this.#put({ key: id, id: null, seq: null, sender, body, at: new Date().toISOString(), edited: false });
    await this.#outbox?.put(id, body);
    await this.#give(id, body);
  }

  /** Shows a file of one's own, which is there already, to everybody: as a message without words. */
  async share(file: string): Promise<void> {
    const [kind, id = ""] = this.#topic.split(":");
    const request = { params: { path: { id } }, body: { body: "", client_message_id: file, attachments: [file] } };
    await answer(kind === "thread" ? api.POST("/api/v1/threads/{id}/messages", request) : api.POST("/api/v1/consultations/{id}/messages", request));
  }

  /** Has a message of one's own say something else, also to those who have read it. */
  async edit({ id }: Line, body: string): Promise<void> {
    await connection.command(this.#topic, "edit_message", { message_id: id, body });
  }

  /** Takes back a message of one's own, with what came with it. */
  async remove({ id }: Line): Promise<void> {
    await connection.command(this.#topic, "delete_message", { message_id: id });
  }

  /** Others are told that one writes. */
  type(): void {
    if (Date.now() - this.#told < AGAIN) return;
    this.#told = Date.now();
    connection.command(this.#topic, "typing").catch(() => {});
  }

  /** Everything that is here has been read. */
  markRead(): void {
    const seq = this.value.lines.reduce((newest, line) => Math.max(newest, line.seq ?? 0), 0);
    const own = session.user?.id ?? "";
    if (seq <= (this.value.read[own] ?? 0)) return;
    this.set({ read: { ...this.value.read, [own]: seq } });
    connection.command(this.#topic, "mark_read", { seq }).catch(() => {});
  }

  hear({ event, seq, at, data }: StoredEvent): void {
    const sender = String(data.sender_id);
    const body = data.body === null ? null : String(data.body ?? "");
    if (event === "message_sent") {
      const key = String(data.client_message_id);
      void this.#outbox?.remove(key);
      this.#put({ key: `${sender}/${key}`, id: String(data.id), seq, sender, body, at: String(data.sent_at), edited: Boolean(data.edited_at) }, key);
      this.#rests(sender);
    }
    if (event === "message_edited" || event === "message_deleted") {
      const lines = this.value.lines.map((line) => (line.seq === data.message_seq ? { ...line, body, edited: body !== null } : line));
      // What came with a message goes with it.
      this.set({ lines: body === null ? lines.filter(({ file }) => !file || file.message !== data.id) : lines });
    }
    if (event === "file_shared") {
      const file = { id: String(data.file_id), message: String(data.message_id ?? "") };
      this.#put({ key: `file/${file.id}/${file.message}`, id: file.message || null, seq, sender: String(data.shared_by), body: "", at, edited: false, file });
    }
    if (event === "message_read") {
      const user = String(data.user_id);
      this.set({ read: { ...this.value.read, [user]: Math.max(Number(data.seq), this.value.read[user] ?? 0) } });
    }
  }

  notice({ signal, from }: Signal): void {
    if (signal !== "typing" || !from || from === session.user?.id) return;
    clearTimeout(this.#timers.get(from));
    this.#timers.set(from, setTimeout(() => this.#rests(from), WRITING));
    if (!this.value.writing.includes(from)) this.set({ writing: [...this.value.writing, from] });
  }

  /** What is shown does not lead up to what comes next: it is told again from the beginning. */
  forget(): void {
    this.set({ lines: this.value.lines.filter(({ seq }) => seq === null) });
  }

  #rests(user: string): void {
    clearTimeout(this.#timers.get(user));
    if (this.value.writing.includes(user)) this.set({ writing: this.value.writing.filter((one) => one !== user) });
  }

  /** Puts a line in the place of the one that was not stored yet; those come last. */
  #put(line: Line, sent?: string): void {
    const others = this.value.lines.filter(({ key, seq }) => key !== line.key && !(seq === null && key === sent));
    const stored = [...others.filter(({ seq }) => seq !== null), ...(line.seq === null ? [] : [line])];
    const waiting = [...others.filter(({ seq }) => seq === null), ...(line.seq === null ? [line] : [])];
    stored.sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0));
    this.set({ lines: [...stored, ...waiting] });
  }

  async #give(id: string, body: string): Promise<void> {
    try {
      await connection.command(this.#topic, "send_message", { client_message_id: id, body });
    } catch (error) {
      if (!(error instanceof Problem)) return; // it waits, and is sent when the page is opened again
      if (error.passes) return void setTimeout(() => void this.#give(id, body), 3_000);
      await this.#outbox?.remove(id);
      this.set({ refused: { error, body }, lines: this.value.lines.filter(({ key }) => key !== id) });
    }
  }

  async #sendWaiting(): Promise<void> {
    for (const { id, body } of (await this.#outbox?.all().catch(() => [])) ?? []) void this.send(body, id);
  }
}
