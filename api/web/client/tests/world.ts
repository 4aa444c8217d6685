// A running server with people in it, which whoever starts these tests describes in CONSILIUM_GIVEN, and a line to it
// that a test can cut.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Connection, createApi, type Keep, Session } from "../src/index.ts";

export interface Given {
  url: string;
  password: string;
  emails: Record<string, string>;
  doctor_id: string;
  appointment_id: string;
  consultation_id: string;
}

const told = process.env.CONSILIUM_GIVEN;
if (!told) throw new Error("CONSILIUM_GIVEN says nothing: these tests are started by `make test`");
export const given = JSON.parse(told) as Given;

/** Keeps in memory, for all to see. */
export class Memory implements Keep {
  value: string | null = null;
  get = () => this.value;
  set = (value: string | null) => {
    this.value = value;
  };
}

/** Somebody who is logged in, over `origin`. */
export async function logIn(name: string, origin = given.url) {
  const keep = new Memory();
  const session = new Session({ origin, delivery: "body", keep });
  await session.login(given.emails[name] ?? "", given.password);
  return { keep, session, api: createApi(session), connection: new Connection(session, { beat: 300, silence: 1_000, longestWait: 500 }) };
}

/** A line to the server. Cut, it drops everything and lets nobody in until it is mended. */
export class Cable {
  #server: Server;
  #sockets = new Set<Socket>();
  #cut = false;

  constructor() {
    const { hostname, port } = new URL(given.url);
    this.#server = createServer((near) => {
      if (this.#cut) return void near.destroy();
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

/** Waits until it is so. */
export async function until(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !what(); await new Promise((done) => setTimeout(done, 20))) {
    if (Date.now() > end) throw new Error(`not so in time: ${what}`);
  }
}
