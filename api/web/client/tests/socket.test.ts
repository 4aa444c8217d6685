// The WebSocket: in order, each once, whatever happens to the line.

import { expect, test } from "vitest";
import { Connection, type ConnectionState, Problem, type StoredEvent, Unreachable } from "../src/index.ts";
import { Cable, given, logIn, until } from "./world.ts";

const topic = `consultation:${given.consultation_id}`;
const own = (events: StoredEvent[]) => events.filter(({ event }) => event === "message_sent").map(({ data }) => data.body);
const message = (body: string) => ({ client_message_id: crypto.randomUUID(), body });

test("a topic is told from the beginning, and live", async () => {
  const { connection } = await logIn("rafi");
  const events: StoredEvent[] = [];
  let newest = -1;
  connection.subscribe(topic, { event: (event) => events.push(event), ready: (seq) => { newest = seq; } }, 0);
  await until(() => newest >= 0);
  const stored = await connection.command(topic, "send_message", message("live"));
  await until(() => events.some(({ seq }) => seq === stored.seq));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  connection.close();
});

test("what was missed while the line was cut comes in order, each once, and what was written meanwhile is sent once", async () => {
  const cable = new Cable();
  const patient = await logIn("rafi", await cable.open());
  const doctor = await logIn("ayesha");
  const [seen, theirs]: [StoredEvent[], StoredEvent[]] = [[], []];
  const states: ConnectionState[] = [];
  patient.connection.watch((state) => states.push(state));
  let ready = 0;
  patient.connection.subscribe(topic, { event: (event) => seen.push(event), ready: () => { ready += 1; } }, 0);
  doctor.connection.subscribe(topic, { event: (event) => theirs.push(event), ready: () => { ready += 1; } }, 0);
  await until(() => ready === 2);

  const mark = crypto.randomUUID();
  const dark = `from the dark ${mark}`;
  cable.cut();
  await until(() => patient.connection.state === "waiting");
  for (const body of [`one ${mark}`, `two ${mark}`, `three ${mark}`]) await doctor.connection.command(topic, "send_message", message(body));
  const written = patient.connection.command(topic, "send_message", message(dark));
  await expect(patient.connection.command(topic, "typing")).rejects.toBeInstanceOf(Unreachable);
  cable.mend();
  await written;

  await until(() => own(seen).includes(`three ${mark}`) && own(theirs).includes(dark));
  const fresh = own(seen).filter((body) => String(body).endsWith(mark));
  expect(fresh.filter((body) => body !== dark)).toEqual([`one ${mark}`, `two ${mark}`, `three ${mark}`]);
  expect(fresh.filter((body) => body === dark)).toHaveLength(1);
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
  expect(own(theirs).filter((body) => body === dark)).toHaveLength(1);
  expect(states).toContain("waiting");
  for (const { connection } of [patient, doctor]) connection.close();
  cable.close();
});

test("a command whose answer was lost is given again and done once", async () => {
  const cable = new Cable();
  const { connection } = await logIn("rafi", await cable.open());
  const events: StoredEvent[] = [];
  let ready = false;
  connection.subscribe(topic, { event: (event) => events.push(event), ready: () => { ready = true; } }, 0);
  await until(() => ready);
  const body = `given ${crypto.randomUUID()}`;
  const answered = connection.command(topic, "send_message", message(body));
  // It is on its way, or there already: nobody knows.
  setTimeout(() => cable.cut(), 3);
  setTimeout(() => cable.mend(), 300);
  expect((await answered).body).toBe(body);
  await until(() => own(events).includes(body));
  expect(own(events).filter((one) => one === body)).toHaveLength(1);
  connection.close();
  cable.close();
});

test("an expired login is found out, and renewed", async () => {
  const { session, connection } = await logIn("rafi");
  const token = await session.token();
  let doubted = false;
  session.token = async (doubt = false) => {
    doubted ||= doubt;
    return doubt ? token : "stale";
  };
  connection.subscribe("user:me", {});
  await until(() => connection.state === "open");
  expect(doubted).toBe(true);
  connection.close();
});

test("one is told when another connection of the login takes over, and can take it back", async () => {
  const { session, connection } = await logIn("rafi");
  connection.subscribe("user:me", {});
  await until(() => connection.state === "open");
  const other = new Connection(session);
  other.subscribe("user:me", {});
  await until(() => connection.state === "replaced");
  connection.connect();
  await until(() => connection.state === "open" && other.state === "replaced");
  for (const one of [connection, other]) one.close();
});

test("a topic of others is refused, and the rest goes on", async () => {
  const { connection } = await logIn("rafi");
  let refusal: Problem | null = null;
  connection.subscribe(`waiting_room:${given.doctor_id}`, { refused: (problem) => { refusal = problem; } });
  await until(() => refusal !== null);
  expect(refusal).toBeInstanceOf(Problem);
  expect((await connection.command(topic, "send_message", message("still here"))).body).toBe("still here");
  connection.close();
});
