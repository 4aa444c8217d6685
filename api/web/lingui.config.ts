import { defineConfig } from "@lingui/cli";
import { formatter } from "@lingui/format-po";

export default defineConfig({
  sourceLocale: "en",
  locales: ["en", "bn", "ar"],
  catalogs: [{ path: "<rootDir>/app/src/locales/{locale}", include: ["<rootDir>/app/src"] }],
  format: formatter({ lineNumbers: false }),
  orderBy: "messageId",
});
