// Keeps the shell of the app, so that it opens without a network. Never touches the API: what people may read offline
// is kept by the page, encrypted, and not here.

const SHELL = [];
const CACHE = "VERSION";

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
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
