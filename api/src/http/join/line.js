// A line to one topic of Consilium's WebSocket (subprotocol consilium.v1) that outlives its connections: whatever
// happens to them, events come in the order of their `seq`, each once. Knows nothing of calls or pages.

const BEAT = 4_000; // between two pings
const SILENCE = 10_000; // a server that was not heard of for this long is gone
const LONGEST_WAIT = 8_000; // between two tries to connect

// What the server means by closing: these end the line, everything else is tried again.
const FINAL = new Map([
  [4003, "You may not be here."],
  [4009, "The consultation was opened in another tab or window. Reload this page to go on here."],
]);

/**
 * Tells `up` (connected and subscribed), `down`, `over` (with the reason), `event` and `signal` (with the frame) and
 * `gap` (what the page shows must be loaded again).
 */
export class Line extends EventTarget {
  #topic;
  #token;
  #socket = null;
  #heard = 0;
  #seq = 0;
  #epoch = null;
  #asked = 0;
  #answers = new Map();
  #tries = 0;
  #doubted = false;
  #over = false;
  #timers;

  /** `token(doubted)` gives an access token; when the last one is doubted, one that stands. */
  constructor(topic, token) {
    super();
    this.#topic = topic;
    this.#token = token;
    this.#timers = [setInterval(() => this.#beat(), BEAT)];
    for (const change of ["online", "offline"]) addEventListener(change, this.#probe);
    navigator.connection?.addEventListener?.("change", this.#probe);
    this.#connect();
  }

  /** Gives a command; its answer, or the problem as an error. Without an answer it may or may not have been done. */
  command(command, data = {}) {
    return this.#ask({ type: "command", command, data });
  }

  /** Goes on with a newer token of the same login. */
  renew(token) {
    return this.#ask({ type: "reauthenticate", token });
  }

  close() {
    this.#end("");
  }

  async #connect() {
    let token;
    try {
      token = await this.#token(this.#doubted);
    } catch (error) {
      return error.status === 401 || error.status === 403 ? this.#end(error.message) : this.#again();
    }
    if (this.#over) return;
    this.#doubted = false;
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/v1/ws`, ["consilium.v1", token]);
    this.#socket = socket;
    this.#heard = Date.now();
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#subscribe();
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => {
      // A browser does not say that the upgrade was refused with 401.
      this.#doubted = code === 4001 || !opened;
      this.#lost(FINAL.get(code));
    };
  }

  async #subscribe() {
    try {
      const { seq, epoch } = await this.#ask({ type: "subscribe", after_seq: this.#seq, epoch: this.#epoch ?? undefined });
      this.#epoch = epoch;
      this.#tries = 0;
      this.#tell("up", { seq });
    } catch (problem) {
      if (problem.status && problem.status < 500 && problem.status !== 429) this.#end(problem.message);
      else this.#lost();
    }
  }

  #take(frame) {
    this.#heard = Date.now();
    switch (frame.type) {
      case "ok":
      case "error": {
        const answer = this.#answers.get(frame.id);
        this.#answers.delete(frame.id);
        if (frame.type === "ok") answer?.done(frame.data);
        else answer?.failed(Object.assign(new Error(frame.problem.detail), frame.problem));
        break;
      }
      case "event":
        if (frame.seq <= this.#seq) break;
        this.#seq = frame.seq;
        this.#tell("event", frame);
        break;
      case "gap":
        [this.#seq, this.#epoch] = [frame.seq, frame.epoch];
        this.#tell("gap", frame);
        break;
      case "signal":
        this.#tell("signal", frame);
    }
  }

  #ask(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error("Not connected just now."));
    const id = String(++this.#asked);
    this.#socket.send(JSON.stringify({ id, topic: frame.type === "reauthenticate" ? undefined : this.#topic, ...frame }));
    return new Promise((done, failed) => this.#answers.set(id, { done, failed }));
  }

  #beat() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send('{"type":"ping"}');
    if (this.#socket && Date.now() - this.#heard > SILENCE) this.#lost();
  }

  // The network has changed: whoever does not answer now is not there any more.
  #probe = () => {
    this.#beat();
    const asked = Date.now();
    setTimeout(() => this.#socket && this.#heard < asked && this.#lost(), BEAT / 2);
  };

  // The connection is given up here and now: a close over a dead network would wait for its end.
  #lost(final) {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    for (const { failed } of this.#answers.values()) failed(new Error("The connection was lost."));
    this.#answers.clear();
    if (final) return this.#end(final);
    this.#tell("down");
    this.#again();
  }

  #again() {
    if (this.#over) return;
    const wait = Math.min(LONGEST_WAIT, 250 * 2 ** this.#tries++);
    this.#timers[1] = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2));
  }

  #end(reason) {
    if (this.#over) return;
    this.#over = true;
    const [beat, again] = this.#timers;
    clearInterval(beat);
    clearTimeout(again);
    for (const change of ["online", "offline"]) removeEventListener(change, this.#probe);
    navigator.connection?.removeEventListener?.("change", this.#probe);
    this.#lost();
    this.#tell("over", { reason });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
