// What this device keeps for when there is no network, encrypted: the key lies in the browser's database and cannot be
// read out of it, so that a copy of the files alone tells nothing. Emptied by logging out.

const NAME = "consilium";
const KEY = "key";

function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((done, failed) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("keys");
      asked.result.createObjectStore("values");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
  return opened;
}

async function store(name: "keys" | "values", mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await database()).transaction(name, mode).objectStore(name);
}

async function key(): Promise<CryptoKey> {
  const known = await request<CryptoKey | undefined>((await store("keys", "readonly")).get(KEY));
  if (known) return known;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await request((await store("keys", "readwrite")).put(made, KEY));
  return made;
}

/** Keeps a value that JSON can hold. */
export async function keep(name: string, value: unknown): Promise<void> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key(), new TextEncoder().encode(JSON.stringify(value)));
  await request((await store("values", "readwrite")).put({ iv, sealed }, name));
}

/** What was kept under this name; null when nothing was. */
export async function recall<T>(name: string): Promise<T | null> {
  const kept = await request<{ iv: Uint8Array<ArrayBuffer>; sealed: ArrayBuffer } | undefined>((await store("values", "readonly")).get(name));
  if (!kept) return null;
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv }, await key(), kept.sealed);
  return JSON.parse(new TextDecoder().decode(plain)) as T;
}

/** Forgets everything, the key first. */
export async function empty(): Promise<void> {
  await request((await store("keys", "readwrite")).clear());
  await request((await store("values", "readwrite")).clear());
}
