// Which language the page speaks: chosen here, else the browser's, else English. Loads only that one's messages.

import { i18n } from "@lingui/core";

export const LANGUAGES = { en: "English", bn: "বাংলা", ar: "العربية" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "consilium.language";
const RIGHT_TO_LEFT: readonly Language[] = ["ar"];

const catalogs: Record<Language, () => Promise<{ messages: typeof i18n.messages }>> = {
  en: () => import("../locales/en.ts"),
  bn: () => import("../locales/bn.ts"),
  ar: () => import("../locales/ar.ts"),
};

function known(tag: string | null | undefined): Language | null {
  const short = tag?.split("-")[0] ?? "";
  return short in LANGUAGES ? (short as Language) : null;
}

/** The language to begin with. */
export function preferred(): Language {
  const wishes = [localStorage.getItem(KEY), ...navigator.languages];
  return wishes.map(known).find((language) => language !== null) ?? "en";
}

/** Speaks `language` from now on; it is remembered when `chosen`. */
export async function speak(language: Language, chosen = false): Promise<void> {
  const { messages } = await catalogs[language]();
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  i18n.loadAndActivate({ locale: language, messages }); // Whoever hears of it looks at the page.
  if (chosen) localStorage.setItem(KEY, language);
}
