// Who uses the page: logs in, keeps the access token fresh, calls the HTTP API. The access token lives in this page's
// memory only and the refresh token in a cookie that scripts cannot read; what is kept for a reload is the CSRF token,
// which is of no use without that cookie.

const CSRF = "consilium_csrf";
const EARLY = 60_000; // before its end a token is renewed

/** Tells `renewed` (with the new access token) and `over` when it must be logged in again. */
export class Session extends EventTarget {
  user = null;
  #token = null;
  #renewing = null;
  #timer;

  async login(email, password) {
    this.#begin(await this.call("POST", "/auth/login", { email, password }));
  }

  /** Goes on after a reload of the page; false when nobody is logged in. */
  async resume() {
    if (!sessionStorage.getItem(CSRF)) return false;
    return this.#renew().then(() => true, () => false);
  }

  /** The access token; one that stands, if the last is `doubted`. */
  async token(doubted = false) {
    if (!this.#token) await this.#renew();
    if (doubted) await this.call("GET", "/me"); // renews it when it has expired
    return this.#token;
  }

  /** Calls the API; the answer's body, or the problem as an error. */
  async call(method, path, body, headers = {}, again = true) {
    if (this.#token && !headers["X-CSRF-Token"]) headers.Authorization = `Bearer ${this.#token}`;
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (response.status === 401 && headers.Authorization && again) {
      await this.#renew();
      return this.call(method, path, body, {}, false);
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw Object.assign(new Error(answer.detail || "Please try again."), answer, { status: response.status });
    return answer;
  }

  // Refresh tokens work once: whoever needs one while it is being used waits for that answer.
  #renew() {
    this.#renewing ??= this.call("POST", "/auth/refresh", {}, { "X-CSRF-Token": sessionStorage.getItem(CSRF) ?? "" })
      .then((answer) => this.#begin(answer))
      .catch((error) => {
        if (error.status === 401 || error.status === 403) this.#end();
        throw error;
      })
      .finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  #begin({ access_token, csrf_token, expires_in, user }) {
    [this.#token, this.user] = [access_token, user ?? this.user];
    sessionStorage.setItem(CSRF, csrf_token);
    clearTimeout(this.#timer);
    const wait = Math.max(expires_in * 1000 - EARLY, 10_000);
    this.#timer = setTimeout(() => this.#renew().catch(() => {}), wait);
    this.dispatchEvent(new CustomEvent("renewed", { detail: access_token }));
  }

  #end() {
    this.#token = null;
    clearTimeout(this.#timer);
    sessionStorage.removeItem(CSRF);
    this.dispatchEvent(new Event("over"));
  }
}
