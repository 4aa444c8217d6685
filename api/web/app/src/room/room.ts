// One consultation from joining to its end: who is there, what one may do now, and the calls to everybody else.
// Knows nothing of how it looks.

import { answer, Problem, type Signal, type StoredEvent, type Subscription } from "@consilium/client";
import { api, connection, session } from "../lib/api.ts";
import { queries } from "../lib/queries.ts";
import type { Consultation, Join } from "../lib/types.ts";
import { Board } from "./board.ts";
import { Chat } from "./chat.ts";
import type { Source } from "./mix.ts";
import { type Devices, open, stop, type Wish } from "./media.ts";
import { outbox } from "./outbox.ts";
import { Peer, type PeerSignal } from "./peer.ts";
import { type Grade, grade, Meter } from "./quality.ts";
import { Recordings } from "./recordings.ts";
import { Store } from "./store.ts";

/** `joining` until the server has answered once; `over` when it has ended; `left` by oneself. */
export type Stage = "joining" | "waiting" | "in" | "over" | "left";

export interface Other {
  user: string;
  stream: MediaStream | null;
  state: RTCPeerConnectionState;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
  hand: boolean;
}

export interface Backup {
  path: string;
  next_provider?: string | null;
  emergency_contacts: string[];
}

export interface RoomState {
  stage: Stage;
  joined: Join | null;
  consultation: Consultation | null;
  /** Why one is not in, or what does not work just now. */
  trouble: unknown;
  devices: Devices | null;
  microphone: boolean;
  camera: boolean;
  /** One's own screen, while others see it. */
  shared: MediaStream | null;
  hand: boolean;
  others: readonly Other[];
  grade: Grade | null;
  advice: string | null;
  backup: Backup | null;
  chat: Chat | null;
  board: Board | null;
  recordings: Recordings | null;
}

const CHANGES = new Set(["participant_joined", "participant_left", "participant_admitted", "consultation_started",
  "consultation_ended", "consultation_moved", "waiting_position_changed", "video_provider_switched", "video_restored",
  "video_unavailable", "doctor_delayed", "emergency_raised"]);
const AGAIN = 5_000; // after a trouble that may pass, in milliseconds
const LOOK = 10_000; // between two measurements

export class Room extends Store<RoomState> {
  readonly id: string;
  #peers = new Map<string, Peer>();
  #meters = new Map<string, Meter>();
  #subscription: Subscription | null = null;
  #joining: Promise<void> | null = null;
  #once_more = false;
  #told = Number.POSITIVE_INFINITY; // what came before was history
  #back = false;
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(id: string) {
    super({
      stage: "joining", joined: null, consultation: null, trouble: null, devices: null, microphone: true, camera: true,
      shared: null, hand: false, others: [], grade: null, advice: null, backup: null, chat: null, board: null, recordings: null,
    });
    this.id = id;
  }

  /** Comes in with the devices that were checked. */
  enter(devices: Devices): void {
    this.set({ devices, microphone: devices.microphone === "ok", camera: devices.camera === "ok" });
    this.#timers.push(setInterval(() => void this.#look(), LOOK));
    this.join();
  }

  /** Joins, also when it has joined already: the answer is always as of now. */
  join(): void {
    if (this.value.stage === "left") return;
    if (this.#joining) {
      this.#once_more = true;
      return;
    }
    this.#joining = this.#answer().catch((error) => this.#trouble(error)).finally(() => {
      this.#joining = null;
      if (this.#once_more) this.join();
    });
  }

  /** Out of it, and may come back. Camera and microphone are let go. */
  async leave(): Promise<void> {
    this.#part();
    this.set({ stage: "left" });
    await answer(api.POST("/api/v1/consultations/{id}/leave", { params: { path: { id: this.id } } })).catch(() => {});
    this.close();
  }

  /** The page goes away: the server hears it by the connection. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#subscription?.close();
    this.#subscription = null;
    this.value.recordings?.close();
    this.#part();
  }

  /** What the doctor does: admit or begin, and end. */
  async lead(verb: "start" | "end"): Promise<void> {
    const path = { id: this.id };
    if (verb === "start") await answer(api.POST("/api/v1/consultations/{id}/start", { params: { path } }));
    else await answer(api.POST("/api/v1/consultations/{id}/end", { params: { path } }));
    this.join();
  }

  async emergency(): Promise<void> {
    await answer(api.POST("/api/v1/consultations/{id}/emergency", { params: { path: { id: this.id } } }));
    this.join();
  }

  mute(kind: "microphone" | "camera", on: boolean): void {
    const tracks = this.value.devices?.stream.getTracks() ?? [];
    for (const track of tracks) if (track.kind === (kind === "camera" ? "video" : "audio")) track.enabled = on;
    this.set({ [kind]: on });
    this.#tellMedia();
  }

  raise(hand: boolean): void {
    this.set({ hand });
    this.#command("raise_hand", { raised: hand });
  }

  /** Goes on with another camera or microphone. */
  async use(wish: Wish): Promise<void> {
    const before = this.value.devices;
    const devices = await open(wish, this.value.consultation?.visit_type !== "audio");
    for (const track of devices.stream.getTracks()) {
      track.enabled = track.kind === "video" ? this.value.camera : this.value.microphone;
      if (track.kind === "video" && this.value.shared) continue;
      await Promise.all([...this.#peers.values()].map((peer) => peer.replace(track.kind as "audio" | "video", track)));
    }
    this.set({ devices });
    stop(before?.stream ?? null);
  }

  async share(): Promise<void> {
    if (this.value.shared) return this.#unshare();
    const shared = await navigator.mediaDevices.getDisplayMedia({ video: true });
    const [track] = shared.getVideoTracks();
    if (!track) return;
    track.onended = () => this.#unshare();
    await Promise.all([...this.#peers.values()].map((peer) => peer.replace("video", track)));
    this.set({ shared });
    this.#command("share_screen", { sharing: true });
  }

  #unshare(): void {
    this.#hide();
    const camera = this.value.devices?.stream.getVideoTracks()[0] ?? null;
    for (const peer of this.#peers.values()) void peer.replace("video", camera);
    this.#command("share_screen", { sharing: false });
  }

  #hide(): void {
    if (!this.value.shared) return;
    stop(this.value.shared);
    this.set({ shared: null });
    this.value.board?.forget(session.user?.id ?? "");
  }

  /** Whose screen is shown; empty when nobody's is. */
  sharer(): string {
    return this.value.shared ? (session.user?.id ?? "") : (this.value.others.find(({ screen }) => screen)?.user ?? "");
  }

  /** What there is to be recorded just now. */
  #sources(): Source[] {
    const { devices, shared, others } = this.value;
    const own = [devices?.stream, shared].flatMap((stream) => (stream ? [{ stream, screen: stream === shared }] : []));
    return [...own, ...others.flatMap(({ stream, screen }) => (stream ? [{ stream, screen }] : []))];
  }

  async #answer(): Promise<void> {
    this.#once_more = false;
    const path = { id: this.id };
    const body = { capabilities: ["webrtc", "redirect"] };
    let trouble: unknown = null;
    const joined = await answer(api.POST("/api/v1/consultations/{id}/join", { params: { path }, body })).catch((refused) => {
      if (!(refused instanceof Problem && refused.code === "video_unavailable")) throw refused;
      trouble = refused; // but in
      return null;
    });
    const consultation = await answer(api.GET("/api/v1/consultations/{id}", { params: { path } }));
    if (this.value.stage === "left") return;
    this.#follow(consultation.topic);
    const waits = Boolean(joined?.waiting) || (consultation.status !== "in_progress" && !joined?.video && trouble === null);
    const patient = this.role(consultation) === "patient";
    this.set({ joined, consultation, trouble, stage: waits && patient ? "waiting" : "in" });
    if (trouble) setTimeout(() => this.join(), AGAIN);
    if (consultation.status === "in_progress" && joined?.video && !joined.video.join_url && !joined.video.token) this.#meet(consultation, joined);
    else if (!trouble) this.#hangUpAll();
    // A page of the provider's wants the camera for itself.
    if (joined?.video?.join_url) stop(this.value.devices?.stream ?? null);
  }

  async #trouble(error: unknown): Promise<void> {
    const consultation = await answer(api.GET("/api/v1/consultations/{id}", { params: { path: { id: this.id } } })).catch(() => null);
    const over = consultation?.status === "completed" || consultation?.status === "abandoned";
    if (over) {
      this.#follow(consultation.topic);
      this.#part();
    }
    this.set({ consultation: consultation ?? this.value.consultation, trouble: over ? null : error, stage: over ? "over" : this.value.stage });
    if (!over && !(error instanceof Problem && !error.passes)) setTimeout(() => this.join(), AGAIN);
  }

  /** One's own part in it. */
  role(consultation = this.value.consultation): string {
    return consultation?.participants.find(({ user_id }) => user_id === session.user?.id)?.role ?? session.user?.role ?? "";
  }

  roleOf(user: string): string {
    return this.value.consultation?.participants.find(({ user_id }) => user_id === user)?.role ?? "";
  }

  #follow(topic: string): void {
    if (this.#subscription) return;
    const chat = new Chat(topic, outbox(this.id));
    const board = new Board(topic);
    const recordings = new Recordings(this.id, () => this.#sources());
    this.set({ chat, board, recordings });
    const listener = {
      event: (event: StoredEvent) => {
        chat.hear(event);
        this.#hear(event);
      },
      signal: (signal: Signal) => {
        chat.notice(signal);
        board.notice(signal, this.sharer());
        this.#notice(signal);
      },
      gap: () => chat.forget(),
      ready: (seq: number) => {
        this.#told = seq;
        this.#back = true;
        recordings.refresh();
        this.join();
      },
    };
    this.#subscription = connection.subscribe(topic, listener, 0);
  }

  #hear({ event, seq, data }: StoredEvent): void {
    const user = String(data.user_id);
    if (event === "media_changed") this.#of(user, { microphone: data.microphone !== false, camera: data.camera !== false });
    if (event === "screen_share_stopped") this.value.board?.forget(user);
    if (event === "screen_share_started" || event === "screen_share_stopped") this.#of(user, { screen: event === "screen_share_started" });
    if (event === "hand_raised" || event === "hand_lowered") this.#of(user, { hand: event === "hand_raised" });
    if (seq <= this.#told) return;
    this.value.recordings?.hear({ event });
    if (event.startsWith("prescription_")) void queries.invalidateQueries({ queryKey: ["prescriptions", this.id] });
    if (event === "annotations_saved") void queries.invalidateQueries({ queryKey: ["annotations", this.id] });
    if (event === "backup_link_offered") this.set({ backup: data as unknown as Backup });
    if (event === "participant_left" && data.reason === "left") this.#hangUp(user);
    if (CHANGES.has(event)) this.join();
  }

  #notice({ signal, from, data }: Signal): void {
    if (signal === "admitted" || signal === "video_access") this.join();
    if (signal === "quality_advice") this.set({ advice: data.advice === "video" ? null : String(data.advice) });
    if (signal === "signal" && from) (this.#peers.get(from) ?? this.#call(from))?.receive(data as unknown as PeerSignal);
  }

  /** Calls everybody who is there; whoever is called already and talks is left alone. */
  #meet({ participants }: Consultation, { video }: Join): void {
    const servers = (video?.ice_servers ?? []) as RTCIceServer[];
    const there = new Set(participants.filter(({ present }) => present).map(({ user_id }) => user_id));
    there.delete(session.user?.id ?? "");
    for (const peer of this.#peers.values()) {
      peer.use(servers);
      if (this.#back) peer.revive();
    }
    if (this.#back) this.#tellMedia(); // whoever has joined again begins anew
    this.#back = false;
    const strangers = [...there].filter((user) => !this.#peers.has(user));
    for (const user of strangers) this.#call(user);
    if (strangers.length > 0) void this.#learn();
    // Somebody whose line is interrupted goes on talking.
    for (const [user, peer] of this.#peers) if (!there.has(user) && !peer.flows) this.#hangUp(user);
  }

  /** What those do who were there before. */
  async #learn(): Promise<void> {
    const { items } = await answer(api.GET("/api/v1/consultations/{id}/media", { params: { path: { id: this.id } } })).catch(() => ({ items: [] }));
    for (const { user_id, microphone, camera, screen, hand_raised_at } of items) {
      this.#of(user_id, { microphone, camera, screen, hand: Boolean(hand_raised_at) });
    }
  }

  #call(user: string): Peer | null {
    const { joined, devices } = this.value;
    if (!devices || !joined?.video || joined.video.join_url) return null; // not in the call; the other side tells it again
    // The doctor's offers stand. Among others, those of the smaller id.
    const polite = this.role() !== "doctor" && (this.roleOf(user) === "doctor" || (session.user?.id ?? "") > user);
    const peer = new Peer({
      send: (signal) => connection.command(this.value.consultation?.topic ?? "", "signal", { ...signal, to: user }),
      polite,
      servers: (joined.video.ice_servers ?? []) as RTCIceServer[],
      media: devices.stream,
      onStream: (stream) => this.#of(user, { stream }),
      onState: (state) => {
        this.#of(user, { state });
        if (state === "failed") this.join();
      },
    });
    this.#peers.set(user, peer);
    this.#meters.set(user, new Meter());
    this.#of(user, {}, true);
    const shared = this.value.shared?.getVideoTracks()[0];
    if (shared) void peer.replace("video", shared);
    return peer;
  }

  /** Changes what is known of somebody else; they are shown from when they are called. */
  #of(user: string, change: Partial<Other>, called = false): void {
    if (user === session.user?.id) return;
    const known = this.value.others.find((one) => one.user === user);
    if (!known && !called) return;
    const before = known ?? { user, stream: null, state: "new" as const, microphone: true, camera: true, screen: false, hand: false };
    this.set({ others: [...this.value.others.filter((one) => one.user !== user), { ...before, ...change }] });
  }

  #hangUp(user: string): void {
    this.#peers.get(user)?.close();
    this.#peers.delete(user);
    this.#meters.delete(user);
    this.set({ others: this.value.others.filter((one) => one.user !== user) });
  }

  #hangUpAll(): void {
    for (const user of [...this.#peers.keys()]) this.#hangUp(user);
  }

  #part(): void {
    this.#hangUpAll();
    this.#hide();
    stop(this.value.devices?.stream ?? null);
  }

  #tellMedia(): void {
    this.#command("set_media", { microphone: this.value.microphone, camera: this.value.camera });
    if (this.value.shared) this.#command("share_screen", { sharing: true });
  }

  #command(command: string, data: Record<string, unknown>): void {
    const topic = this.value.consultation?.topic;
    if (topic) connection.command(topic, command, data).catch(() => {});
  }

  /** Looks at how the connections are, and tells the server. */
  async #look(): Promise<void> {
    const all = await Promise.all([...this.#peers].map(async ([user, peer]) => this.#meters.get(user)?.measure(await peer.stats()) ?? []));
    const measurements = all.flat();
    if (measurements.length === 0) return this.set({ grade: null });
    this.set({ grade: grade(measurements) });
    this.#command("report_quality", { measurements: measurements.slice(0, 120) });
  }
}
