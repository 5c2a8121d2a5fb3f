import { language, locale, t } from "./index.js";

const DAY_MS = 86_400_000;
const made = new Map<string, Intl.DateTimeFormat>();

function format(atMs: number, options: Intl.DateTimeFormatOptions): string {
  const key = locale() + JSON.stringify(options);
  let formatter = made.get(key);
  if (!formatter) made.set(key, (formatter = new Intl.DateTimeFormat(locale(), options)));
  return formatter.format(atMs);
}

const midnight = (atMs: number) => new Date(atMs).setHours(0, 0, 0, 0);

/** Days before today; rounded, as a day with a clock change has 23 or 25 hours. */
export const daysAgo = (atMs: number, nowMs: number) =>
  Math.round((midnight(nowMs) - midnight(atMs)) / DAY_MS);

export const clock = (atMs: number) =>
  format(atMs, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const sameYear = (a: number, b: number) => new Date(a).getFullYear() === new Date(b).getFullYear();

/** For a list: the time today, then "yesterday", the weekday, the date. */
export function stamp(atMs: number, nowMs: number): string {
  if (!atMs) return "";
  const days = daysAgo(atMs, nowMs);
  if (days <= 0) return clock(atMs);
  if (days === 1) return t("when.yesterday");
  if (days < 7) return format(atMs, { weekday: "short" });
  if (sameYear(atMs, nowMs)) return format(atMs, { month: "numeric", day: "numeric" });
  return format(atMs, { year: "numeric", month: "numeric", day: "numeric" });
}

/** For the line between two days. */
export function dayName(atMs: number, nowMs: number): string {
  const days = daysAgo(atMs, nowMs);
  if (days === 0) return t("when.today");
  if (days === 1) return t("when.yesterday");
  const year = sameYear(atMs, nowMs) ? undefined : ("numeric" as const);
  const month = language.value === "zh" ? "numeric" : "long";
  return format(atMs, { year, month: month as "long", day: "numeric", weekday: "long" });
}

/** The whole date and time. */
export const moment = (atMs: number) => format(atMs, { dateStyle: "medium", timeStyle: "short" });

/** The time since then, in words. */
export function ago(atMs: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - atMs) / 60_000);
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  if (minutes < 1) return t("when.now");
  if (minutes < 60) return words.format(-minutes, "minute");
  if (minutes < 1440) return words.format(-Math.floor(minutes / 60), "hour");
  const days = daysAgo(atMs, nowMs);
  return days < 30 ? words.format(-days, "day") : format(atMs, { dateStyle: "medium" });
}

/** A length of sound or video, as m:ss. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function fileSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
