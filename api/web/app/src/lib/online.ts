// Whether the browser has a network at all.

import { useSyncExternalStore } from "react";

function listen(changed: () => void): () => void {
  for (const change of ["online", "offline"]) addEventListener(change, changed);
  return () => {
    for (const change of ["online", "offline"]) removeEventListener(change, changed);
  };
}

export function useOnline(): boolean {
  return useSyncExternalStore(listen, () => navigator.onLine);
}
