// The HTTP API with the types of its OpenAPI document. Knows nothing of what is asked for.

import createClient from "openapi-fetch";
import { Problem } from "./problem.js";
import type { paths } from "./schema.js";
import type { Session } from "./session.js";

/** Typed calls: `api.GET("/api/v1/doctors/{id}", { params: { path: { id } } })`. */
export type Api = ReturnType<typeof createClient<paths>>;

/** The calls of whoever is logged in with `session`. */
export function createApi(session: Session): Api {
  return createClient<paths>({ baseUrl: session.origin, fetch: (request) => session.send(request) });
}

/** What a call answered. A refusal becomes a `Problem`, a server that is not there an `Unreachable`. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw Problem.from(error, response.status, response.headers);
  return data as T;
}

/** The same with the version that `If-Match` wants. */
export async function versioned<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ value: T; version: string }> {
  const { response } = await call;
  return { value: await answer(call), version: response.headers.get("ETag") ?? "" };
}
