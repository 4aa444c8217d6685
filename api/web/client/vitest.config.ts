import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    testTimeout: 20_000,
    // Node has a WebSocket of its own since version 22; before, it must be asked for.
    execArgv: ["--experimental-websocket"],
    fileParallelism: false,
  },
});
