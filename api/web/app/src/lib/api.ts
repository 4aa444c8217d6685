// The one session, API and connection of this page.

import { Connection, createApi, type Keep, Session } from "@consilium/client";
import { useSyncExternalStore } from "react";

const KEY = "consilium.csrf";

// For all tabs: they share the cookie that it belongs to.
const keep: Keep = {
  get: () => localStorage.getItem(KEY),
  set: (value) => (value === null ? localStorage.removeItem(KEY) : localStorage.setItem(KEY, value)),
};

export const session = new Session({ keep });
export const api = createApi(session);
export const connection = new Connection(session);

for (const change of ["online", "offline"]) addEventListener(change, () => connection.probe());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && connection.state !== "idle") connection.probe();
});

let known: string | null = null;
session.listen(({ user }) => {
  if (user && user.id === known) void connection.reauthenticate().catch(() => {});
  else if (known) connection.close();
  known = user?.id ?? null;
});

const listen = (changed: () => void) => session.listen(changed);

/** Who is logged in. */
export function useUser() {
  return useSyncExternalStore(listen, () => session.user);
}

const watch = (changed: () => void) => connection.watch(changed);

/** How the connection to the server is. */
export function useConnection() {
  return useSyncExternalStore(watch, () => connection.state);
}
