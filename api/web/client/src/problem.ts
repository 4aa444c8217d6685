// What a server refuses, as an error: RFC 9457 with Consilium's stable `code`. Knows nothing of requests.

/** One field that is wrong. `pointer` is a JSON pointer into the request. */
export interface WrongField {
  pointer: string;
  code: string;
  detail: string;
}

/** A refusal of the server. Decide by `code`, which does not change; show `message`. */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly status: number,
    /** Stable, such as `slot_taken`; see docs/errors.md. */
    readonly code: string,
    detail: string,
    readonly errors: readonly WrongField[] = [],
    readonly requestId = "",
    /** Seconds to wait before asking again, when the server said so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }

  /** Whether the same request may be taken later: the server is busy, failed, or heard it too late. */
  get passes(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }

  /** From a problem document, whatever of it is there. */
  static from(document: unknown, status = 0, headers?: Headers): Problem {
    const told = (document ?? {}) as Record<string, unknown>;
    const seconds = Number(headers?.get("Retry-After") ?? Number.NaN);
    return new Problem(
      Number(told.status ?? status),
      String(told.code ?? "unknown"),
      String(told.detail ?? "The server refused this request."),
      Array.isArray(told.errors) ? (told.errors as WrongField[]) : [],
      String(told.request_id ?? headers?.get("X-Request-Id") ?? ""),
      Number.isFinite(seconds) ? seconds : null,
    );
  }
}

/** The server could not be reached, or the connection broke before it answered. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  constructor(message = "The server cannot be reached.", options?: ErrorOptions) {
    super(message, options);
  }
}
