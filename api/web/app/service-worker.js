// Keeps the shell of the app, so that it opens without a network, and shows what the server pushes. Never touches the
// API: what people may read offline is kept by the page, encrypted, and not here.

const SHELL = [];
const CACHE = "VERSION";
const WORDS = "words"; // kept by the page, in the language that it speaks

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== CACHE && name !== WORDS).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old).then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (SHELL.includes(pathname) && pathname !== "/") {
    event.respondWith(caches.match(pathname).then((kept) => kept ?? fetch(request)));
    return;
  }
  // A page of the app: as the server has it, or else the one that is kept. Other pages are the server's alone.
  const other = /^\/(api|c|join|health|metrics|\.well-known)(\/|$)/.test(pathname);
  if (request.mode === "navigate" && !other) event.respondWith(fetch(request).catch(() => caches.match("/")));
});

addEventListener("push", (event) => event.waitUntil(tell(event.data)));

/** Says that there is something new, of which sort, and no more. Newer news of the same replace older ones. */
async function tell(data) {
  const { about, url = "/inbox" } = read(data);
  const kept = await caches.match("/words", { cacheName: WORDS });
  const { words = {}, lang, dir } = kept ? await kept.json() : {};
  const body = words[about] ?? "There is something new for you.";
  await registration.showNotification("Consilium", { body, lang, dir, tag: url, renotify: true, icon: "/icon.svg", data: url });
}

function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(new URL(event.notification.data, location.origin)));
});

/** Shows the page in a window that is there, but leaves a consultation alone; otherwise in a new one. */
async function show({ origin, href }) {
  if (origin !== location.origin) return;
  const windows = await clients.matchAll({ type: "window" });
  const free = windows.find((one) => one.url === href) ?? windows.find((one) => !new URL(one.url).pathname.startsWith("/consultations/"));
  if (free) await Promise.all([free.focus(), free.navigate(href)]);
  else await (windows[0]?.focus() ?? clients.openWindow(href));
}
