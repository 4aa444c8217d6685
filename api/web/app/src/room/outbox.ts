// Messages that were written and not stored yet, kept on this device until they are.

import { keep, recall } from "../lib/vault.ts";
import type { Outbox } from "./chat.ts";

type Waiting = { id: string; body: string }[];

/** One after the other: each reads what the one before has written. */
let turn: Promise<unknown> = Promise.resolve();

export function outbox(consultation: string): Outbox {
  const name = `outbox/${consultation}`;
  const change = (to: (waiting: Waiting) => Waiting): Promise<void> => {
    const done = turn.then(async () => {
      const before = (await recall<Waiting>(name)) ?? [];
      const after = to(before);
      if (before.length > 0 || after.length > 0) await keep(name, after);
    });
    turn = done.catch(() => {});
    return done.catch(() => {}); // without a database it is kept in memory only
  };
  return {
    all: async () => (await recall<Waiting>(name)) ?? [],
    put: (id, body) => change((waiting) => [...waiting.filter((one) => one.id !== id), { id, body }]),
    remove: (id) => change((waiting) => waiting.filter((one) => one.id !== id)),
  };
}
