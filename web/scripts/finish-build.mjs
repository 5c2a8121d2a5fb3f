// After a build: packs the files for browsers that take them packed, and fails when what is loaded
// first, by the app or by the widget, is larger than its budget.
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BUDGETS = [
  { name: "app", manifest: "manifest.json", entries: ["index.html", "src/i18n/zh.ts"], bytes: 150_000 },
  { name: "widget", manifest: "widget-manifest.json", entries: ["src/widget/element.ts"], bytes: 60_000 },
];
const WORTH_BYTES = 1_000;
const folder = fileURLToPath(new URL("../../src/hongyan/web/", import.meta.url));

/** The scripts that an entry loads before it draws. */
function first(manifest, key, found) {
  if (found.has(key)) return found;
  found.add(key);
  for (const next of manifest[key].imports ?? []) first(manifest, next, found);
  return found;
}

function pack() {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue;
    const path = join(folder, name);
    const content = readFileSync(path);
    if (content.length < WORTH_BYTES) continue;
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
  }
}

function firstLoadBytes({ manifest: file, entries }) {
  const manifest = JSON.parse(readFileSync(join(folder, file), "utf8"));
  rmSync(join(folder, file));
  const keys = new Set();
  for (const entry of entries) first(manifest, entry, keys);
  const sizes = [...keys].map((key) => {
    const content = readFileSync(join(folder, manifest[key].file));
    return gzipSync(content, { level: 9 }).length;
  });
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

pack();
for (const budget of BUDGETS) {
  const total = firstLoadBytes(budget);
  console.log(`${budget.name}: ${total} bytes of JavaScript first, gzip, of at most ${budget.bytes}`);
  if (total > budget.bytes) {
    console.error("The first load is too large: load something later.");
    process.exitCode = 1;
  }
}
