import { Cell } from "../lib/cell.js";

/** The choices of a person for this browser. */
export interface Settings {
  theme: "system" | "light" | "dark";
  language: "system" | "zh" | "en";
  sound: boolean;
  notifications: boolean;
  /** Whether a notification shows what the message says. */
  preview: boolean;
}

const KEY = "hongyan.settings";
const DEFAULTS: Settings = {
  theme: "system",
  language: "system",
  sound: true,
  notifications: false,
  preview: true,
};

function load(): Settings {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return DEFAULTS;
  }
}

export const settings = new Cell<Settings>(load());

export function change(changes: Partial<Settings>): void {
  settings.set({ ...settings.value, ...changes });
  localStorage.setItem(KEY, JSON.stringify(settings.value));
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Put the theme in effect on the page, now and whenever it changes. */
export function followTheme(): void {
  const apply = () => {
    const { theme } = settings.value;
    const isDark = theme === "dark" || (theme === "system" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  };
  apply();
  settings.subscribe(apply);
  dark.addEventListener("change", apply);
}

window.addEventListener("storage", (event) => {
  if (event.key === KEY) settings.set(load());
});
