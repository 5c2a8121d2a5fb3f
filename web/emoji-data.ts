import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `virtual:emoji/zh`: the emoji as `[emoji, group, words]`, without what the picker does not show. */
export function emojiData(): Plugin {
  const prefix = "virtual:emoji/";
  return {
    name: "emoji-data",
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return null;
      const locale = id.slice(prefix.length + 1);
      const path = here(`node_modules/emoji-picker-element-data/${locale}/emojibase/data.json`);
      const rows = JSON.parse(readFileSync(path, "utf8")) as {
        emoji: string;
        annotation: string;
        tags?: string[];
        group: number;
        version: number;
      }[];
      const kept = rows
        .filter((row) => row.group !== 2 && row.version <= 15)
        .map((row) => [row.emoji, row.group, [row.annotation, ...(row.tags ?? [])].join(" ")]);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(kept))})`;
    },
  };
}
