// Starts the app: language and session first, so that nothing flickers.

import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { session } from "./lib/api.ts";
import { preferred, speak } from "./lib/language.ts";
import { remember, restore } from "./lib/offline.ts";
import { queries } from "./lib/queries.ts";
import { router } from "./router.tsx";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";

await Promise.all([
  speak(preferred()),
  // A server that cannot be reached is asked again with the first request.
  session.resume().catch(() => false).then(restore),
]);
remember();

const root = document.getElementById("app");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>,
  );
}
if (import.meta.env.PROD) {
  void navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
  void import("./lib/push.ts").then(({ keepTelling }) => keepTelling());
}
