// One connection to the WebSocket (subprotocol consilium.v1) for all topics of a login. It outlives what happens to it:
// the events of a topic come in the order of their `seq`, each once, and what was asked for and not answered is asked
// again where that does no harm. Knows nothing of what events mean.

import { Problem, Unreachable } from "./problem.js";
import type { Session } from "./session.js";

/** Stored and numbered, without gaps within its topic. */
export interface StoredEvent {
  topic: string;
  seq: number;
  event: string;
  at: string;
  data: Record<string, unknown>;
}

/** Told to whoever is there, and kept nowhere. `from` is an account, absent when it is the platform's own. */
export interface Signal {
  topic: string;
  signal: string;
  from?: string;
  data: Record<string, unknown>;
}

export interface TopicListener {
  event?(event: StoredEvent): void;
  signal?(signal: Signal): void;
  /** What one has does not lead up to what comes next: load it again. */
  gap?(): void;
  /** Subscribed, also again after an interruption. `seq` is the newest number of the topic, `data` the whole answer. */
  ready?(seq: number, data: Record<string, unknown>): void;
  /** The server does not let one listen. */
  refused?(problem: Problem): void;
}

export interface Subscription {
  close(): void;
}

/** `replaced`: the same login connected elsewhere. `refused`: the server wants nobody of this login. */
export type ConnectionState = "idle" | "connecting" | "open" | "waiting" | "replaced" | "refused";

export interface ConnectionOptions {
  /** For where there is none, such as Node before 22. */
  WebSocket?: typeof WebSocket;
  /** Milliseconds between two pings, and after which a silent server is gone. */
  beat?: number;
  silence?: number;
  longestWait?: number;
}

/** Commands that are stored and, given twice, are done once: they may be given again when no answer came. */
const REPEATABLE = new Set([
  "send_message", "edit_message", "delete_message", "mark_read", "share_file", "save_annotations", "set_media",
  "share_screen", "raise_hand", "device_check",
]);

interface Topic {
  seq: number | null;
  epoch: string | null;
  /** The connection that it was asked for on. */
  on: unknown;
  listeners: Set<TopicListener>;
}

interface Asked {
  frame: Record<string, unknown>;
  repeat: boolean;
  done(data: Record<string, unknown>): void;
  failed(error: Error): void;
}

const REPLACED = 4009;
const FORBIDDEN = 4003;
const UNAUTHENTICATED = 4001;

export class Connection {
  state: ConnectionState = "idle";
  #session: Session;
  #make: typeof WebSocket;
  #beat: number;
  #silence: number;
  #longestWait: number;
  #socket: WebSocket | null = null;
  #topics = new Map<string, Topic>();
  #asked = new Map<string, Asked>();
  #count = 0;
  #tries = 0;
  #heard = 0;
  #opened = false;
  #doubted = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  #pulse: ReturnType<typeof setInterval> | undefined;
  #watchers = new Set<(state: ConnectionState) => void>();

  constructor(session: Session, options: ConnectionOptions = {}) {
    this.#session = session;
    this.#make = options.WebSocket ?? globalThis.WebSocket;
    this.#beat = options.beat ?? 4_000;
    this.#silence = options.silence ?? 10_000;
    this.#longestWait = options.longestWait ?? 8_000;
  }

  /** Hears of every change of `state` until the returned function is called. */
  watch(watcher: (state: ConnectionState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Listens to a topic, and connects if need be. `after` is the newest number that one has; 0 has the whole topic told,
   * and nothing only what happens from now on.
   */
  subscribe(name: string, listener: TopicListener, after: number | null = null): Subscription {
    const known = this.#topics.get(name);
    const topic: Topic = known ?? { seq: after, epoch: null, on: null, listeners: new Set() };
    topic.listeners.add(listener);
    this.#topics.set(name, topic);
    if (known && after !== null) this.#restart(name, topic, after);
    else if (this.state === "open") void this.#listen(name, topic);
    else if (this.state === "idle") this.connect();
    return {
      close: () => {
        topic.listeners.delete(listener);
        if (topic.listeners.size > 0 || this.#topics.get(name) !== topic) return;
        this.#topics.delete(name);
        if (topic.on === this.#socket) this.#ask({ type: "unsubscribe", topic: name }, false).catch(() => {});
      },
    };
  }

  /** Gives a command. Answered, refused with a `Problem`, or `Unreachable`: then it may or may not have been done. */
  command(topic: string, command: string, data: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.#ask({ type: "command", topic, command, data }, REPEATABLE.has(command));
  }

  /** Goes on with a newer token of the same login. */
  async reauthenticate(): Promise<void> {
    if (this.state === "open") await this.#ask({ type: "reauthenticate", token: await this.#session.token() }, false);
  }

  /** Connects, also after `replaced`, which throws the other one out. */
  connect(): void {
    if (this.state === "open" || this.state === "connecting") return;
    clearTimeout(this.#again);
    this.#tell("connecting");
    this.#pulse ??= setInterval(() => this.#ping(), this.#beat);
    (this.#pulse as { unref?: () => void }).unref?.();
    void this.#open();
  }

  /** Ends it for good: nobody is told anything any more. */
  close(): void {
    this.#topics.clear();
    this.#stop("idle");
  }

  /** The network may have changed: a server that does not answer now is not there any more. */
  probe(): void {
    if (this.state === "waiting") {
      this.connect();
      return;
    }
    const asked = Date.now();
    this.#ping();
    setTimeout(() => this.#heard < asked && this.#socket && this.#lost(), this.#beat / 2);
  }

  async #open(): Promise<void> {
    let token: string;
    try {
      token = await this.#session.token(this.#doubted);
    } catch (error) {
      if (this.state !== "connecting") return;
      return error instanceof Problem && !error.passes ? this.#stop("refused") : this.#later();
    }
    if (this.state !== "connecting") return;
    this.#doubted = false;
    const origin = this.#session.origin || globalThis.location.origin;
    const socket = new this.#make(`${origin.replace(/^http/, "ws")}/api/v1/ws`, ["consilium.v1", token]);
    this.#socket = socket;
    this.#heard = Date.now();
    this.#opened = false;
    socket.onopen = () => {
      this.#opened = true;
      this.#up();
    };
    socket.onerror = () => {
      if (!this.#opened) this.#lost();
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)));
    socket.onclose = ({ code }) => {
      if (code === UNAUTHENTICATED) this.#doubted = true;
      if (code === REPLACED) this.#stop("replaced");
      else if (code === FORBIDDEN) this.#stop("refused");
      else this.#lost();
    };
  }

  #up(): void {
    this.#tries = 0;
    this.#tell("open");
    for (const [name, topic] of this.#topics) void this.#listen(name, topic);
    for (const { frame } of this.#asked.values()) this.#socket?.send(JSON.stringify(frame));
  }

  async #listen(name: string, topic: Topic): Promise<void> {
    const socket = this.#socket;
    if (!socket || topic.on === socket) return;
    topic.on = socket;
    const after = topic.seq === null ? {} : { after_seq: topic.seq };
    const epoch = topic.epoch === null ? {} : { epoch: topic.epoch };
    try {
      const data = await this.#ask({ type: "subscribe", topic: name, ...after, ...epoch }, false);
      topic.epoch = String(data.epoch);
      topic.seq ??= Number(data.seq);
      for (const listener of topic.listeners) listener.ready?.(Number(data.seq), data);
    } catch (error) {
      if (topic.on === socket) topic.on = null;
      if (!(error instanceof Problem)) return; // subscribed again with the next connection
      if (error.passes) return this.#lost();
      this.#topics.delete(name);
      for (const listener of topic.listeners) listener.refused?.(error);
    }
  }

  /** Has the topic told from `after` on, for a listener that came later than another. */
  #restart(name: string, topic: Topic, after: number): void {
    topic.seq = after;
    if (topic.on !== this.#socket || !this.#socket) return;
    topic.on = null;
    this.#ask({ type: "unsubscribe", topic: name }, false).then(() => this.#listen(name, topic)).catch(() => {});
  }

  #take(frame: Record<string, unknown>): void {
    this.#heard = Date.now();
    const topic = this.#topics.get(String(frame.topic));
    switch (frame.type) {
      case "ok":
      case "error": {
        const asked = this.#asked.get(String(frame.id));
        this.#asked.delete(String(frame.id));
        if (frame.type === "ok") asked?.done((frame.data ?? {}) as Record<string, unknown>);
        else asked?.failed(Problem.from(frame.problem));
        return;
      }
      case "event": {
        const event = frame as unknown as StoredEvent;
        if (!topic || event.seq <= (topic.seq ?? -1)) return;
        topic.seq = event.seq;
        for (const listener of topic.listeners) listener.event?.(event);
        return;
      }
      case "gap":
        if (!topic) return;
        topic.seq = Number(frame.seq);
        topic.epoch = String(frame.epoch);
        for (const listener of topic.listeners) listener.gap?.();
        return;
      case "signal":
        for (const listener of topic?.listeners ?? []) listener.signal?.(frame as unknown as Signal);
    }
  }

  #ask(frame: Record<string, unknown>, repeat: boolean): Promise<Record<string, unknown>> {
    const open = this.state === "open" && this.#socket;
    if (!open && !repeat) return Promise.reject(new Unreachable("Not connected just now."));
    if (this.state === "replaced" || this.state === "refused") return Promise.reject(new Unreachable());
    const id = String(++this.#count);
    const whole = { ...frame, id };
    if (open) open.send(JSON.stringify(whole));
    return new Promise((done, failed) => this.#asked.set(id, { frame: whole, repeat, done, failed }));
  }

  #ping(): void {
    if (this.state === "open") this.#socket?.send('{"type":"ping"}');
    if (this.#socket && Date.now() - this.#heard > this.#silence) this.#lost();
  }

  // The connection is given up here and now: a close over a dead network would wait for its end.
  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    socket.close();
  }

  #lost(): void {
    // Nobody says that the upgrade was refused with 401.
    if (!this.#opened) this.#doubted = true;
    this.#drop();
    for (const [id, { repeat, failed }] of this.#asked) {
      if (repeat) continue;
      this.#asked.delete(id);
      failed(new Unreachable("The connection was lost."));
    }
    this.#later();
  }

  #later(): void {
    this.#tell("waiting");
    const wait = Math.min(this.#longestWait, 250 * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#again = setTimeout(() => this.connect(), wait);
  }

  #stop(state: ConnectionState): void {
    clearTimeout(this.#again);
    clearInterval(this.#pulse);
    this.#pulse = undefined;
    this.#drop();
    for (const { failed } of this.#asked.values()) failed(new Unreachable("The connection is closed."));
    this.#asked.clear();
    this.#tell(state);
  }

  #tell(state: ConnectionState): void {
    if (this.state === state) return;
    this.state = state;
    for (const watcher of this.#watchers) watcher(state);
  }
}
