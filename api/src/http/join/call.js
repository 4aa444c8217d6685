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

/** Later ones are greater, also of another page of the same account. */
const newCall = () => `${Date.now().toString(36).padStart(9, "0")}-${crypto.randomUUID().slice(0, 8)}`;

/** Tells `stream` (with the other's media) and `state` (with the connection's). */
export class Peer extends EventTarget {
  #send;
  #polite;
  #servers;
  #media;
  #pc;
  #mine;
  #theirs = "";
  #making = false;
  #answering = false;
  #ignoring = false;
  #told = 0;
  #wanted = 0;
  #interrupted = 0;
  #restarted = 0;
  #queue = Promise.resolve();
  #timer;

  /** `send(signal)` may fail; `media` is the own `MediaStream`, which may be empty. */
  constructor({ send, polite, servers, media }) {
    super();
    [this.#send, this.#polite, this.#servers, this.#media] = [send, polite, servers, media];
    this.#open();
    if (polite) this.#tell({ kind: "ice" });
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** What the other side told. Told in order, it is taken in order. */
  receive(signal) {
    this.#queue = this.#queue.then(() => this.#take(signal)).catch((error) => console.warn("signal", error));
  }

  /** Newer credentials of the servers, for whenever they are needed. */
  use(servers) {
    this.#servers = servers;
    this.#pc.setConfiguration({ iceServers: servers });
  }

  /** The line is there again: what was told meanwhile may be lost. Media that flows is left alone. */
  revive() {
    if (this.flows) return;
    if (this.#polite) return this.#tell({ kind: "ice" });
    if (this.#pc.remoteDescription) this.#restart();
  }

  /** Sends another track in the place of the one of its kind, which needs no new offer. */
  async replace(track) {
    const sender = this.#pc.getSenders().find((sender) => sender.track?.kind === track.kind);
    await sender?.replaceTrack(track);
  }

  close() {
    clearInterval(this.#timer);
    this.#pc.close();
  }

  #open() {
    const pc = new RTCPeerConnection({ iceServers: this.#servers });
    [this.#pc, this.#mine] = [pc, newCall()];
    [this.#making, this.#answering, this.#ignoring] = [false, false, false];
    this.#wanted = 0;
    pc.onnegotiationneeded = () => (this.#polite ? (this.#wanted ||= Date.now()) : this.#offer(pc));
    pc.onicecandidate = ({ candidate }) => candidate && this.#tell({ kind: "ice", candidate: candidate.toJSON() });
    pc.ontrack = ({ streams: [stream] }) => this.dispatchEvent(new CustomEvent("stream", { detail: stream }));
    pc.onconnectionstatechange = () => this.dispatchEvent(new CustomEvent("state", { detail: pc.connectionState }));
    const tracks = this.#media.getTracks();
    for (const track of tracks) pc.addTrack(track, this.#media);
    for (const kind of ["audio", "video"]) {
      if (!tracks.some((track) => track.kind === kind)) pc.addTransceiver(kind, { direction: "recvonly" });
    }
  }

  async #offer(pc) {
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

  async #take({ kind, sdp, candidate, call = "", re = "" }) {
    if ((re && re !== this.#mine) || call < this.#theirs) return; // for or from a connection that is no more
    if (call > this.#theirs) {
      if (this.#pc.remoteDescription) {
        this.#pc.close();
        this.#open();
      }
      this.#theirs = call;
    }
    const pc = this.#pc;
    if (kind === "ice" && !candidate) {
      // The other side is there, and may have missed what was told before.
      if (pc.signalingState === "have-local-offer") return this.#tellDescription();
      return this.#polite || !pc.remoteDescription || this.flows || this.#restart();
    }
    if (kind === "ice") {
      if (!pc.remoteDescription) return; // its offer was lost, and comes again with the candidates in it
      // Candidates of an offer that was ignored fit nothing.
      await pc.addIceCandidate(candidate).catch((error) => this.#ignoring || console.warn("candidate", error));
      return;
    }
    if (kind === "answer" && pc.signalingState !== "have-local-offer") return; // told twice
    const crossed = kind === "offer" && (this.#making || (pc.signalingState !== "stable" && !this.#answering));
    this.#ignoring = crossed && !this.#polite;
    // Whoever offers has not answered ours, perhaps because it never came.
    if (this.#ignoring) return this.#making || this.#tellDescription();
    this.#answering = kind === "answer";
    try {
      await pc.setRemoteDescription({ type: kind, sdp });
    } finally {
      this.#answering = false;
    }
    if (kind === "offer") {
      this.#wanted = 0;
      await pc.setLocalDescription();
      this.#tellDescription();
    }
  }

  #tellDescription() {
    const { type: kind, sdp } = this.#pc.localDescription;
    this.#told = Date.now();
    this.#tell({ kind, sdp });
  }

  // What is lost is told again by the clock, so there is nothing to do about it here.
  #tell(signal) {
    this.#send({ ...signal, call: this.#mine, re: this.#theirs || undefined }).catch(() => {});
  }

  /** Whether media can pass. */
  get flows() {
    return ["connected", "completed"].includes(this.#pc.iceConnectionState);
  }

  #tick() {
    const now = Date.now();
    const agreed = this.#pc.signalingState === "stable" && this.#pc.remoteDescription;
    this.#interrupted = this.flows || !agreed ? 0 : this.#interrupted || now;
    const patience = ["disconnected", "failed"].includes(this.#pc.iceConnectionState) ? INTERRUPTED : LONG;
    const late = this.#interrupted && now - this.#interrupted > patience;
    if (this.#wanted && now - this.#wanted > HEAD_START && this.#pc.signalingState === "stable") {
      return this.#offer(this.#pc);
    }
    if (late && now - this.#restarted > RESTART) return this.#restart();
    if (this.#pc.signalingState === "have-local-offer" && now - this.#told > UNANSWERED) this.#tellDescription();
  }

  // An offer that waits for its answer is withdrawn: it names a way that may be gone.
  async #restart() {
    const pc = this.#pc;
    this.#restarted = Date.now();
    if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" }).catch(() => {});
    pc.restartIce();
  }
}
