// How the app is built: hashed names below assets/, beside each file its gzip and brotli form.

import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compressed, messages, worker } from "./build.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  plugins: [messages(), react(), worker(), compressed()],
  resolve: { alias: { "@consilium/client": here("../client/src/index.ts") } },
  build: {
    outDir: here("../dist"),
    emptyOutDir: true,
    target: ["chrome109", "firefox109", "safari16.4"],
    modulePreload: { polyfill: false }, // it would be code inline
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/api", "/c/", "/health"].map((path) => [path, { target: process.env.CONSILIUM_URL ?? "http://127.0.0.1:8080", ws: true }]),
    ),
  },
});
