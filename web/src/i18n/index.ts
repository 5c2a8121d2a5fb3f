import { Cell } from "../lib/cell.js";
import { useValue } from "../lib/hooks.js";
import { settings } from "../model/settings.js";
import type { Key } from "./keys.js";

export type { Key };
export type Language = "zh" | "en";
export type Values = Record<string, string | number>;

const CATALOGS: Record<Language, () => Promise<{ default: Record<Key, string> }>> = {
  zh: () => import("./zh.js"),
  en: () => import("./en.js"),
};

let catalog: Partial<Record<Key, string>> = {};
let plural = new Intl.PluralRules("zh-CN");

/** The language in which the page is drawn now. */
export const language = new Cell<Language>("zh");

/** BCP 47, for dates and numbers. */
export const locale = () => (language.value === "zh" ? "zh-CN" : "en-GB");

/** Return the text in the language in effect.
 *
 * `{name}` stands for a value. A text with a `|` has two forms, for one and for other numbers of
 * `n`.
 */
export function t(key: Key, values: Values = {}): string {
  let text = catalog[key] ?? key;
  if ("n" in values && text.includes("|")) {
    const [one = "", other = ""] = text.split("|");
    text = plural.select(Number(values.n)) === "one" ? one : other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Draw the component again when the language changes. */
export function useLanguage(): Language {
  return useValue(language);
}

/** Whether there is a text of this key, such as one made of an error's code. */
export function isKey(key: string): key is Key {
  return key in catalog;
}

export function chosenLanguage(): Language {
  const chosen = settings.value.language;
  if (chosen !== "system") return chosen;
  return navigator.languages.some((tag) => tag.startsWith("zh")) ? "zh" : "en";
}

let wanted: Language = "zh";

/** Load a language and draw in it. */
export async function speak(chosen: Language): Promise<void> {
  wanted = chosen;
  const loaded = (await CATALOGS[chosen]()).default;
  if (chosen !== wanted) return;
  catalog = loaded;
  plural = new Intl.PluralRules(chosen);
  language.set(chosen);
}

/** Load the chosen language and draw in it, now and whenever another is chosen. */
export async function followLanguage(): Promise<void> {
  const apply = async () => {
    await speak(chosenLanguage());
    document.documentElement.lang = locale() === "zh-CN" ? "zh-CN" : "en";
  };
  settings.subscribe(() => void apply());
  await apply();
}
