// Web push: whether this browser is told when something is new, and the words that its service worker says then.

import { answer, Problem } from "@consilium/client";
import { i18n, type MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { api, session } from "./api.ts";

const KEY = "consilium.push";

/** What a message is about, as the server says it, in words that tell nobody who looks over one's shoulder more. */
const WORDS: Record<string, MessageDescriptor> = {
  appointment: msg`There is news of an appointment.`,
  message: msg`Somebody has written to you.`,
  account: msg`There is news of your account.`,
  news: msg`There is something new for you.`,
};

export type Push = "on" | "off" | "denied" | "unable" | "not set up";

interface Chosen {
  user: string;
  /** The subscription. */
  id: string;
}

/** Who wanted it in this browser. */
function chosen(): Chosen | null {
  const kept = localStorage.getItem(KEY);
  return kept ? (JSON.parse(kept) as Chosen) : null;
}

/** How it stands. */
export async function pushState(): Promise<Push> {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "unable";
  if (!(await key())) return "not set up";
  if (Notification.permission === "denied") return "denied";
  const { items } = await answer(api.GET("/api/v1/me/push-subscriptions"));
  return items.some(({ id }) => id === chosen()?.id) ? "on" : "off";
}

/** Asks for the permission, which only somebody's tap may do, and has this browser told. */
export async function turnOn(): Promise<void> {
  if ((await Notification.requestPermission()) === "granted") await subscribe();
}

/** Has this browser told no longer. */
export async function turnOff(): Promise<void> {
  const id = chosen()?.id;
  localStorage.removeItem(KEY);
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  if (!id) return;
  await answer(api.DELETE("/api/v1/me/push-subscriptions/{id}", { params: { path: { id } } })).catch((error) => {
    if (!(error instanceof Problem && error.status === 404)) throw error;
  });
}

/** Has the worker speak the page's language, and whoever wanted it told again after logging in or when keys changed. */
export function keepTelling(): void {
  void teach();
  i18n.on("change", () => void teach());
  let known: string | undefined;
  const again = () => {
    const user = session.user?.id;
    if (user === known) return;
    known = user;
    const wanted = user !== undefined && chosen()?.user === user && Notification.permission === "granted";
    if (wanted) void subscribe().catch(() => {}); // it is tried again with the next page
  };
  session.listen(again);
  again();
}

/** The server's key; null when it sends nothing. */
async function key(): Promise<string | null> {
  try {
    return (await answer(api.GET("/api/v1/push/key"))).public_key;
  } catch (error) {
    if (error instanceof Problem && error.code === "push_not_set_up") return null;
    throw error;
  }
}

async function subscribe(): Promise<void> {
  const applicationServerKey = await key();
  const user = session.user?.id;
  if (!applicationServerKey || !user) return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  if (before && base64url(before.options.applicationServerKey) !== applicationServerKey) await before.unsubscribe();
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  const { endpoint = "", keys: { p256dh = "", auth = "" } = {} } = subscription.toJSON();
  const { id } = await answer(api.POST("/api/v1/me/push-subscriptions", { body: { endpoint, keys: { p256dh, auth } } }));
  localStorage.setItem(KEY, JSON.stringify({ user, id } satisfies Chosen));
}

function base64url(bytes: ArrayBuffer | null): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function teach(): Promise<void> {
  if (!("caches" in window)) return; // no worker without it either
  const words = Object.fromEntries(Object.entries(WORDS).map(([about, message]) => [about, i18n._(message)]));
  const { lang, dir } = document.documentElement;
  const kept = await caches.open("words");
  await kept.put("/words", Response.json({ lang, dir, words }));
}
