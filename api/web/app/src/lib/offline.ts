// What can be read without a network: who one is and the next appointments, kept encrypted on this device.

import { dehydrate, hydrate } from "@tanstack/react-query";
import { session } from "./api.ts";
import { queries } from "./queries.ts";
import type { User } from "./types.ts";
import { empty, keep, recall } from "./vault.ts";

const KEPT = new Set(["appointments", "appointment", "doctor", "consultation"]);
const PAUSE = 200; // in which what changed is gathered, in milliseconds

/**
 * Puts back what was kept of whoever is logged in, and, when the server cannot say who that is, of who was before.
 * It is shown until the server has answered.
 */
export async function restore(): Promise<void> {
  const user = await recall<User>("user").catch(() => null);
  if (!user) return;
  session.assume(user);
  if (session.user?.id !== user.id) return;
  const kept = await recall("queries").catch(() => null);
  if (kept) hydrate(queries, kept);
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Keeps what changes from now on, and forgets all of it when nobody is logged in any more. */
export function remember(): void {
  session.listen(({ user }) => {
    clearTimeout(timer);
    void (user ? keep("user", user) : empty()).catch(() => {}); // without a database nothing is kept
  });
  queries.getQueryCache().subscribe(({ type, query }) => {
    if (type !== "updated" || !KEPT.has(String(query.queryKey[0])) || query.state.status !== "success") return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const kept = dehydrate(queries, { shouldDehydrateQuery: ({ queryKey, state }) => KEPT.has(String(queryKey[0])) && state.status === "success" });
      if (session.user) void keep("queries", kept).catch(() => {});
    }, PAUSE);
  });
}
