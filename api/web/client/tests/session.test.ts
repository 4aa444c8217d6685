// Logging in and staying so.

import { expect, test } from "vitest";
import { answer, createApi, Problem, Session, Unreachable } from "../src/index.ts";
import { Cable, given, logIn, Memory } from "./world.ts";

test("a wrong password is a problem with a code", async () => {
  const session = new Session({ origin: given.url, delivery: "body", keep: new Memory() });
  const refused = await session.login(given.emails.rafi ?? "", "not this one, surely").catch((error) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect([refused.status, refused.code]).toEqual([401, "invalid_credentials"]);
  expect(session.user).toBeNull();
});

test("fields that are wrong are named", async () => {
  const { api } = await logIn("rafi");
  const body = { doctor_id: given.doctor_id, starts_at: "tomorrow", reason: "", visit_type: "video" } as const;
  const refused = await answer(api.POST("/api/v1/appointments", { body })).catch((error) => error);
  expect(refused.errors.map(({ pointer }: { pointer: string }) => pointer)).toContain("/starts_at");
});

test("a session goes on in another process with what was kept, and the token that was used is good no more", async () => {
  const { keep } = await logIn("rafi");
  const before = keep.value;
  const session = new Session({ origin: given.url, delivery: "body", keep });
  expect(await session.resume()).toBe(true);
  expect(session.user?.email).toBe(given.emails.rafi);
  expect(keep.value).not.toBe(before);
  const me = await answer(createApi(session).GET("/api/v1/me"));
  expect(me.email).toBe(given.emails.rafi);
});

test("a token that the server refuses is renewed, once for all who need one", async () => {
  let [refused, refreshed] = [0, 0];
  const keep = new Memory();
  const session = new Session({
    origin: given.url, delivery: "body", keep,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      if (request.url.endsWith("/auth/refresh")) refreshed += 1;
      if (request.url.endsWith("/me") && refused < 3) {
        refused += 1;
        request.headers.set("Authorization", "Bearer stale");
      }
      return fetch(request);
    },
  });
  await session.login(given.emails.rafi ?? "", given.password);
  const api = createApi(session);
  const all = await Promise.all([1, 2, 3].map(() => answer(api.GET("/api/v1/me"))));
  expect(all.map(({ email }) => email)).toEqual(Array(3).fill(given.emails.rafi));
  expect([refused, refreshed]).toEqual([3, 1]);
});

test("a page that was closed before it kept what came with the cookie goes on all the same", async () => {
  let cookie = "";
  let lost = false;
  const browser: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("Sec-Fetch-Site", "same-origin");
    if (cookie) headers.set("Cookie", cookie);
    const response = await fetch(input, { ...init, headers });
    cookie = response.headers.get("Set-Cookie")?.split(";")[0] ?? cookie;
    if (lost) throw new TypeError("the page is gone");
    return response;
  };
  const keep = new Memory();
  const page = () => new Session({ origin: given.url, keep, fetch: browser });
  lost = true;
  await expect(page().login(given.emails.rafi ?? "", given.password)).rejects.toBeInstanceOf(Unreachable);
  lost = false;
  expect(await page().resume()).toBe(true);
  lost = true;
  await expect(page().resume()).rejects.toBeInstanceOf(Unreachable);
  lost = false;
  const last = page();
  expect(await last.resume()).toBe(true);
  expect(last.user?.email).toBe(given.emails.rafi);
  // A wrong password changes nothing of what is kept, and without a cookie nobody is logged in.
  const before = keep.value;
  await expect(page().login(given.emails.rafi ?? "", "not this one, surely")).rejects.toBeInstanceOf(Problem);
  expect(keep.value).toBe(before);
  cookie = "";
  expect(await page().resume()).toBe(false);
  expect(keep.value).toBeNull();
});

test("a server that is busy or heard nothing in time ends no session", async () => {
  const { keep } = await logIn("rafi");
  for (const status of [408, 429, 503]) {
    const later = new Session({ origin: given.url, delivery: "body", keep, fetch: async () => new Response(null, { status }) });
    await expect(later.resume()).rejects.toMatchObject({ status, passes: true });
    expect(keep.value).not.toBeNull();
  }
  expect(await new Session({ origin: given.url, delivery: "body", keep }).resume()).toBe(true);
});

test("whoever logs out is out everywhere at once", async () => {
  const { session, api, keep } = await logIn("rafi");
  const token = await session.token();
  await session.logout();
  expect([session.user, keep.value]).toEqual([null, null]);
  const again = await fetch(`${given.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } });
  expect(again.status).toBe(401);
  await expect(answer(api.GET("/api/v1/me"))).rejects.toMatchObject({ status: 401 });
});

test("a POST whose answer was lost is sent again and done once", async () => {
  const { session } = await logIn("rafi");
  const slots = await answer(createApi(session).GET("/api/v1/doctors/{id}/slots", { params: { path: { id: given.doctor_id } } }));
  let sent = 0;
  const lossy = new Session({
    origin: given.url, delivery: "body", keep: new Memory(),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const answered = await fetch(request);
      if (request.method !== "POST" || answered.status !== 201) return answered;
      sent += 1;
      if (sent === 1) throw new TypeError("the line broke");
      return answered;
    },
  });
  await lossy.login(given.emails.rafi ?? "", given.password);
  const api = createApi(lossy);
  const starts_at = slots.items.at(-1)?.starts_at ?? "";
  const body = { doctor_id: given.doctor_id, starts_at, reason: "A cough", visit_type: "video" } as const;
  const booked = await answer(api.POST("/api/v1/appointments", { body }));
  expect([booked.starts_at, sent]).toEqual([starts_at, 2]);
});

test("a server that is not there is unreachable, and nobody is logged out by it", async () => {
  const cable = new Cable();
  const { session, api, keep } = await logIn("rafi", await cable.open());
  cable.cut();
  await expect(answer(api.GET("/api/v1/me"))).rejects.toBeInstanceOf(Unreachable);
  await expect(session.renew()).rejects.toBeInstanceOf(Unreachable);
  expect([session.user?.email, keep.value === null]).toEqual([given.emails.rafi, false]);
  cable.mend();
  expect((await answer(api.GET("/api/v1/me"))).email).toBe(given.emails.rafi);
  cable.close();
});
