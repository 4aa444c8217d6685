// Media between two browsers. Each participant has one `Peer` for each other one; what they tell each other goes
// through the signals of the consultation (docs/api.md, "Calls between browsers"), which may be lost at any time.
//
// The polite side says that it is there and lets the other one offer; it offers by itself only when nothing comes.
// Offers that cross all the same are settled by "perfect negotiation" (W3C WebRTC 1.0, section 10.7): the polite side
// withdraws its own. Each signal names the connection it comes from and, once known, the one it is for: `call` and
// `re`.

const TICK = 1_000;
const UNANSWERED = 4_000; // after which an offer is sent again
const INTERRUPTED = 3_000; // after which ICE is restarted
const LONG = 12_000; // that connecting takes, because candidates were lost
const RESTART = 10_000; // between two restarts
const HEAD_START = 6_000; // that the polite side gives the other: more than an offer takes to be sent again

export type PeerSignal =
  | { kind: "offer" | "answer"; sdp: string; call?: string; re?: string | undefined }
  | { kind: "ice"; candidate?: RTCIceCandidateInit; call?: string; re?: string | undefined };

type Draft = { kind: string; sdp: string } | { kind: "ice"; candidate?: RTCIceCandidateInit };

export interface PeerOptions {
  /** May fail: what is lost is told again by the clock. */
  send: (signal: Record<string, unknown>) => Promise<unknown>;
  polite: boolean;
  servers: RTCIceServer[];
  /** The own camera and microphone, which may be none. */
  media: MediaStream;
  onStream: (stream: MediaStream) => void;
  onState: (state: RTCPeerConnectionState) => void;
}

/** Later ones are greater, also of another page of the same account. */
const newCall = () => `${Date.now().toString(36).padStart(9, "0")}-${crypto.randomUUID().slice(0, 8)}`;

export class Peer {
  #options: PeerOptions;
  #pc!: RTCPeerConnection;
  #mine = "";
  #theirs = "";
  #making = false;
  #answering = false;
  #ignoring = false;
  #told = 0;
  #wanted = 0;
  #interrupted = 0;
  #restarted = 0;
  #queue: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval>;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#open();
    if (options.polite) this.#tell({ kind: "ice" });
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** What the other side told. Told in order, it is taken in order. */
  receive(signal: PeerSignal): void {
    this.#queue = this.#queue.then(() => this.#take(signal)).catch((error) => console.warn("signal", error));
  }

  /** Newer credentials of the servers, for whenever they are needed. */
  use(servers: RTCIceServer[]): void {
    this.#options.servers = servers;
    this.#pc.setConfiguration({ iceServers: servers });
  }

  /** The line is there again: what was told meanwhile may be lost. Media that flows is left alone. */
  revive(): void {
    if (this.flows) return;
    if (this.#options.polite) this.#tell({ kind: "ice" });
    else if (this.#pc.remoteDescription) void this.#restart();
  }

  /** Sends another track in the place of the one of its kind, which needs no new offer. */
  async replace(kind: "audio" | "video", track: MediaStreamTrack | null): Promise<void> {
    const transceiver = this.#pc.getTransceivers().find(({ receiver }) => receiver.track.kind === kind);
    if (!transceiver) return;
    await transceiver.sender.replaceTrack(track);
    // One that only received until now sends, too, which needs an offer.
    if (track && transceiver.direction === "recvonly") transceiver.direction = "sendrecv";
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#pc.close();
  }

  /** Whether media can pass. */
  get flows(): boolean {
    return ["connected", "completed"].includes(this.#pc.iceConnectionState);
  }

  #open(): void {
    const { servers, media, onStream, onState } = this.#options;
    const pc = new RTCPeerConnection({ iceServers: servers });
    this.#pc = pc;
    this.#mine = newCall();
    this.#making = this.#answering = this.#ignoring = false;
    this.#wanted = 0;
    pc.onnegotiationneeded = () => {
      if (!this.#options.polite) return void this.#offer(pc);
      this.#wanted ||= Date.now();
    };
    pc.onicecandidate = ({ candidate }) => candidate && this.#tell({ kind: "ice", candidate: candidate.toJSON() });
    pc.ontrack = ({ streams: [stream] }) => stream && onStream(stream);
    pc.onconnectionstatechange = () => onState(pc.connectionState);
    const tracks = media.getTracks();
    for (const track of tracks) pc.addTrack(track, media);
    for (const kind of ["audio", "video"]) {
      if (!tracks.some((track) => track.kind === kind)) pc.addTransceiver(kind, { direction: "recvonly", streams: [media] });
    }
  }

  async #offer(pc: RTCPeerConnection): Promise<void> {
    this.#wanted = 0;
    try {
      this.#making = true;
      await pc.setLocalDescription();
      if (pc === this.#pc) this.#tellDescription();
    } catch (error) {
      console.warn("offer", error);
    } finally {
      if (pc === this.#pc) this.#making = false;
    }
  }

  async #take(signal: PeerSignal): Promise<void> {
    const { call = "", re = "" } = signal;
    if ((re && re !== this.#mine) || call < this.#theirs) return; // for or from a connection that is no more
    if (call > this.#theirs) {
      if (this.#pc.remoteDescription) {
        this.#pc.close();
        this.#open();
      }
      this.#theirs = call;
    }
    const pc = this.#pc;
    if (signal.kind === "ice" && !signal.candidate) {
      // The other side is there, and may have missed what was told before.
      if (pc.signalingState === "have-local-offer") this.#tellDescription();
      else if (!this.#options.polite && pc.remoteDescription && !this.flows) await this.#restart();
      return;
    }
    if (signal.kind === "ice") {
      if (!pc.remoteDescription) return; // its offer was lost, and comes again with the candidates in it
      // Candidates of an offer that was ignored fit nothing.
      await pc.addIceCandidate(signal.candidate).catch((error) => this.#ignoring || console.warn("candidate", error));
      return;
    }
    if (signal.kind === "answer" && pc.signalingState !== "have-local-offer") return; // told twice
    const crossed = signal.kind === "offer" && (this.#making || (pc.signalingState !== "stable" && !this.#answering));
    this.#ignoring = crossed && !this.#options.polite;
    if (this.#ignoring) {
      // Whoever offers has not answered ours, perhaps because it never came.
      if (!this.#making) this.#tellDescription();
      return;
    }
    this.#answering = signal.kind === "answer";
    try {
      await pc.setRemoteDescription({ type: signal.kind, sdp: signal.sdp });
    } finally {
      this.#answering = false;
    }
    if (signal.kind === "offer") {
      this.#wanted = 0;
      await pc.setLocalDescription();
      this.#tellDescription();
    }
  }

  #tellDescription(): void {
    const description = this.#pc.localDescription;
    if (!description) return;
    this.#told = Date.now();
    this.#tell({ kind: description.type, sdp: description.sdp });
  }

  #tell(signal: Draft): void {
    const re = this.#theirs ? { re: this.#theirs } : {};
    this.#options.send({ ...signal, call: this.#mine, ...re }).catch(() => {});
  }

  #tick(): void {
    const now = Date.now();
    const agreed = this.#pc.signalingState === "stable" && this.#pc.remoteDescription;
    this.#interrupted = this.flows || !agreed ? 0 : this.#interrupted || now;
    const patience = ["disconnected", "failed"].includes(this.#pc.iceConnectionState) ? INTERRUPTED : LONG;
    const late = this.#interrupted && now - this.#interrupted > patience;
    if (this.#wanted && now - this.#wanted > HEAD_START && this.#pc.signalingState === "stable") {
      return void this.#offer(this.#pc);
    }
    if (late && now - this.#restarted > RESTART) return void this.#restart();
    if (this.#pc.signalingState === "have-local-offer" && now - this.#told > UNANSWERED) this.#tellDescription();
  }

  // An offer that waits for its answer is withdrawn: it names a way that may be gone.
  async #restart(): Promise<void> {
    const pc = this.#pc;
    this.#restarted = Date.now();
    if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" }).catch(() => {});
    pc.restartIce();
  }
}
