import type { Key } from "../../i18n/index.js";
import type { IconName } from "../../parts/Icon.js";

/** The pages of the settings. */
export const SECTIONS = [
  { name: "profile", icon: "people", label: "settings.profile" },
  { name: "appearance", icon: "moon", label: "settings.appearance" },
  { name: "notifications", icon: "bell", label: "settings.notifications" },
  { name: "privacy", icon: "lock", label: "settings.privacy" },
  { name: "devices", icon: "device", label: "settings.devices" },
  { name: "account", icon: "settings", label: "settings.account" },
] as const satisfies readonly { name: string; icon: IconName; label: Key }[];

export type SectionName = (typeof SECTIONS)[number]["name"];
