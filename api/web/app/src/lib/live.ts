// Keeps what the page shows as the server has it: what happens to the account has the affected queries asked again.

import type { StoredEvent } from "@consilium/client";
import { useEffect } from "react";
import { connection, useUser } from "./api.ts";
import { queries } from "./queries.ts";

const AFFECTED = ["appointments", "appointment", "slots", "notifications", "consultation", "follow-ups", "threads"];

function refresh(): void {
  for (const key of AFFECTED) void queries.invalidateQueries({ queryKey: [key] });
}

function heard({ event }: StoredEvent): void {
  if (event === "notification" || event === "participant_invited" || event === "invitation_withdrawn" || event === "thread_opened") refresh();
}

/** Listens for as long as somebody is logged in. */
export function useLive(): void {
  const user = useUser()?.id;
  useEffect(() => {
    if (!user) return;
    let known = false;
    // After an interruption everything may have changed that has no event of its own.
    const ready = () => {
      if (known) refresh();
      known = true;
    };
    const subscription = connection.subscribe("user:me", { event: heard, gap: refresh, ready });
    return () => subscription.close();
  }, [user]);
}
