// What can be read without a network: who one is and the next appointments, kept encrypted on this device.

import { dehydrate, hydrate } from "@tanstack/react-query";
import { session } from "./api.ts";
import { queries } from "./queries.ts";
import type { User } from "./types.ts";
import { empty, keep, recall } from "./vault.ts";

const KEPT = new Set(["appointments", "appointment", "doctor", "consultation"]);

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

let keeping = false;
let changed = false;

/** Keeps all of it at once: the page may be gone the next moment. What changes meanwhile is kept after it. */
async function keepQueries(): Promise<void> {
  changed = true;
  if (keeping) return;
  keeping = true;
  while (changed && session.user) {
    changed = false;
    const kept = dehydrate(queries, { shouldDehydrateQuery: ({ queryKey, state }) => KEPT.has(String(queryKey[0])) && state.status === "success" });
    await keep("queries", kept).catch(() => {}); // without a database nothing is kept
  }
  keeping = false;
}

/** Keeps what changes from now on, and forgets all of it when nobody is logged in any more. */
export function remember(): void {
  session.listen(({ user }) => void (user ? keep("user", user) : empty()).catch(() => {}));
  queries.getQueryCache().subscribe((event) => {
    const success = event.type === "updated" && event.action.type === "success";
    if (success && KEPT.has(String(event.query.queryKey[0]))) void keepQueries();
  });
}
