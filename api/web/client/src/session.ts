// Who is logged in. The access token lives in memory only. In a browser the refresh token is in a cookie that scripts
// cannot read, and what is kept is the CSRF token, which is of no use without that cookie; elsewhere the refresh token
// itself is kept, wherever `keep` puts it.

import { Problem, Unreachable } from "./problem.js";
import type { components } from "./schema.js";

export type User = components["schemas"]["User"];
type Tokens = components["schemas"]["TokenResponse"];

/** Where one string outlives the page or the process. */
export interface Keep {
  get(): string | null;
  set(value: string | null): void;
}

export interface SessionOptions {
  /** Origin of the server, such as `https://clinic.example`; empty in a page that it serves. */
  origin?: string;
  /** How the refresh token is handed over: `cookie` for browsers, `body` for everybody else. */
  delivery?: "cookie" | "body";
  keep: Keep;
  fetch?: typeof fetch;
}

/** A session may have changed: somebody logged in or out, or the access token is a newer one. */
export type SessionListener = (session: Session) => void;

const EARLY = 60_000; // before its end a token is renewed, in milliseconds
const RETRIES = 2; // of a request whose answer did not come
const PAUSE = 400; // before the first of them, in milliseconds
const TO_COME = "to come"; // kept in the place of a CSRF token whose cookie may be there already

/** Logs in and out, keeps the access token fresh, and sends requests with it. */
export class Session {
  user: User | null = null;
  readonly origin: string;
  #token: string | null = null;
  #renewing: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<SessionListener>();
  #keep: Keep;
  #fetch: typeof fetch;
  #delivery: "cookie" | "body";

  constructor({ origin = "", delivery = "cookie", keep, fetch: own }: SessionOptions) {
    this.origin = origin;
    this.#keep = keep;
    this.#delivery = delivery;
    this.#fetch = own ?? ((...request) => globalThis.fetch(...request));
  }

  /** Hears of every change until the returned function is called. */
  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Logs in; a `Problem` says why not. */
  async login(email: string, password: string): Promise<User> {
    const before = this.#keep.get();
    // The cookie may come although its CSRF token does not, when the page is closed in between.
    if (this.#delivery === "cookie") this.#keep.set(before ?? TO_COME);
    try {
      this.#begin(await this.#auth<Tokens>("login", { email, password, token_delivery: this.#delivery }));
    } catch (error) {
      if (error instanceof Problem) this.#keep.set(before);
      throw error;
    }
    return this.user as User;
  }

  /** Goes on with what was kept. False when nobody is logged in; `Unreachable` when that cannot be found out now. */
  async resume(): Promise<boolean> {
    if (!this.#keep.get()) return false;
    try {
      await this.renew();
      return true;
    } catch (error) {
      if (error instanceof Problem && !error.passes) return false;
      throw error;
    }
  }

  /** Goes on as somebody who was logged in here, for what works without the server: found out with the next request. */
  assume(user: User): void {
    if (this.user || !this.#keep.get()) return;
    this.user = user;
    this.#tell();
  }

  /** Ends this session, or all of the account's. Here it is over at once, even when the server cannot be told. */
  async logout({ all = false } = {}): Promise<void> {
    const kept = this.#keep.get();
    const token = this.#token;
    this.#end();
    const body = this.#delivery === "body" ? { all, refresh_token: kept } : { all };
    await this.#auth("logout", body, kept ?? "", token).catch(() => {});
  }

  /** The access token; when the last one is `doubted`, a new one. */
  async token(doubted = false): Promise<string> {
    if (!this.#token || doubted) await this.renew();
    return this.#token as string;
  }

  /**
   * Renews the access token. Refresh tokens work once: whoever needs one while it is in use waits for that answer,
   * also in other tabs of the same browser.
   */
  renew(): Promise<void> {
    this.#renewing ??= alone(() => this.#renew()).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const kept = this.#keep.get();
    try {
      if (!kept) throw new Problem(401, "unauthenticated", "Please log in.");
      const body = this.#delivery === "body" ? { refresh_token: kept } : {};
      this.#begin(await this.#auth<Tokens>("refresh", body, kept).catch((error) => this.#refreshAgain(error)));
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) this.#end();
      throw error;
    }
  }

  /** The cookie came and its CSRF token was not kept: the server tells it to its own pages. */
  async #refreshAgain(error: unknown): Promise<Tokens> {
    if (!(error instanceof Problem && error.code === "csrf") || this.#delivery === "body") throw error;
    const { csrf_token } = await this.#auth<{ csrf_token: string }>("csrf", {});
    return this.#auth<Tokens>("refresh", {}, csrf_token);
  }

  /**
   * Sends a request with the access token, and once more with a new one when that was refused. A POST gets an
   * `Idempotency-Key`, so that it can be sent again when no answer came, without being done twice.
   */
  async send(request: Request): Promise<Response> {
    if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    if (!this.#token && this.#keep.get()) await this.renew().catch(ignoreRefusal);
    const sent = this.#token;
    const answer = await this.#attempt(request, sent);
    if (answer.status !== 401 || !sent) return answer;
    if (this.#token === sent) await this.renew().catch(ignoreRefusal);
    return this.#token ? this.#attempt(request, this.#token) : answer;
  }

  async #attempt(request: Request, token: string | null): Promise<Response> {
    for (let tries = 0; ; tries++) {
      const copy = request.clone();
      if (token) copy.headers.set("Authorization", `Bearer ${token}`);
      try {
        return await this.#fetch(copy);
      } catch (error) {
        if (request.signal.aborted) throw error;
        if (tries === RETRIES) throw new Unreachable(undefined, { cause: error });
        await new Promise((done) => setTimeout(done, PAUSE * 2 ** tries));
      }
    }
  }

  async #auth<T>(verb: string, body: unknown, kept = "", token: string | null = null): Promise<T> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (kept && this.#delivery === "cookie") headers["X-CSRF-Token"] = kept;
    if (token) headers.Authorization = `Bearer ${token}`;
    const request = { method: "POST", headers, body: JSON.stringify(body), credentials: "include" } as const;
    const answer = await this.#fetch(`${this.origin}/api/v1/auth/${verb}`, request).catch((cause) => {
      throw new Unreachable(undefined, { cause });
    });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Problem.from(told, answer.status, answer.headers);
    return told as T;
  }

  #begin({ access_token, csrf_token, refresh_token, expires_in, user }: Tokens): void {
    this.#token = access_token;
    this.user = user;
    this.#keep.set((this.#delivery === "body" ? refresh_token : csrf_token) ?? null);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.renew().catch(() => {}), Math.max(expires_in * 1000 - EARLY, 10_000));
    (this.#timer as { unref?: () => void }).unref?.(); // keeps no program of Node alive
    this.#tell();
  }

  #end(): void {
    this.#token = null;
    this.user = null;
    this.#keep.set(null);
    clearTimeout(this.#timer);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this);
  }
}

/** Whoever is refused goes on without a token, and is told so by what is asked for. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Problem)) throw error;
}

function alone<T>(work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request("consilium-refresh", work) as Promise<T> : work();
}
