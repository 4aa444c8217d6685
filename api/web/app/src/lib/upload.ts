// Files on their way to the server, in parts: one that is interrupted goes on where it stopped, also when the page was
// closed and the same file is chosen again (tus 1.0.0; docs/api.md, "Files").

import { answer, Problem, Unreachable } from "@consilium/client";
import { api, session } from "./api.ts";
import { keep, recall } from "./vault.ts";

/** What a file is for. */
export interface Place {
  purpose: "consultation" | "thread" | "credential";
  /** The conversation, or the doctor whose credential it is. */
  id: string;
}

const PART = 512 * 1024; // bytes sent at once
const AGAIN = 2_000; // before an interrupted part is tried again, in milliseconds
const LOOK = 400; // between two looks at a file that is being checked
const FILES = "/api/v1/files";

const rest = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/**
 * Sends a file and gives its id once it can be shared. `told` hears which part of it has arrived, 0 to 1. What the
 * server refuses is a `Problem`; a network that is away is waited for, until `signal` says that nobody wants it.
 */
export async function upload(file: File, place: Place, told: (share: number) => void, signal: AbortSignal): Promise<string> {
  const name = `upload/${place.id}/${file.name}/${file.size}/${file.lastModified}`;
  const begun = await recall<string>(name).catch(() => null);
  const known = begun ? await offset(begun, signal) : null;
  const id = begun && known !== null ? begun : await begin(file, place, signal);
  await keep(name, id).catch(() => {}); // without a database it starts anew after the page was closed
  let sent = known ?? 0;
  while (sent < file.size) {
    told(sent / file.size);
    sent = (await part(id, file, sent, signal)) ?? (await again(id, signal));
  }
  told(1);
  await checked(id, signal);
  await keep(name, null).catch(() => {});
  return id;
}

async function begin(file: File, { purpose, id }: Place, signal: AbortSignal): Promise<string> {
  const about = { filename: file.name, purpose, ...(purpose !== "credential" && { [`${purpose}_id`]: id }) };
  const metadata = Object.entries(about).map(([key, value]) => `${key} ${base64(value)}`).join();
  const response = await tus("POST", FILES, { "Upload-Length": String(file.size), "Upload-Metadata": metadata }, signal);
  return ((await response.json()) as { id: string }).id;
}

/** Up to where it is there now; null when that must be asked. */
async function part(id: string, file: File, from: number, signal: AbortSignal): Promise<number | null> {
  const headers = { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" };
  try {
    const response = await tus("PATCH", `${FILES}/${id}`, headers, signal, file.slice(from, from + PART));
    return Number(response.headers.get("Upload-Offset"));
  } catch (error) {
    // 409: a part whose answer was lost has arrived.
    if (passes(error) || (error instanceof Problem && error.status === 409)) return null;
    throw error;
  }
}

/** How much of it the server has; null when it knows of no such upload. */
async function offset(id: string, signal: AbortSignal): Promise<number | null> {
  try {
    return Number((await tus("HEAD", `${FILES}/${id}`, {}, signal)).headers.get("Upload-Offset"));
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** Asks until there is an answer. */
async function again(id: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    await rest(AGAIN);
    try {
      const there = await offset(id, signal);
      if (there === null) throw new Problem(404, "not_found", "The upload has expired.");
      return there;
    } catch (error) {
      if (!passes(error)) throw error;
    }
  }
}

/** Whether it may be gone the next time. */
function passes(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && error.passes);
}

async function checked(id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { status } = await answer(api.GET("/api/v1/files/{id}", { params: { path: { id } }, signal }));
    if (status === "available") return;
    if (status === "infected") throw new Problem(409, "file_infected", "The file was infected and has been removed.");
    await rest(LOOK);
  }
}

async function tus(method: string, path: string, headers: Record<string, string>, signal: AbortSignal, body?: Blob): Promise<Response> {
  const request = new Request(new URL(path, session.origin || location.origin), {
    method, signal, headers: { ...headers, "Tus-Resumable": "1.0.0" }, ...(body && { body }),
  });
  const response = await session.send(request);
  if (!response.ok) throw Problem.from(await response.json().catch(() => ({})), response.status, response.headers);
  return response;
}
