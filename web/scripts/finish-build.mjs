// After a build: packs the files for browsers that take them packed, and fails when what a first
// visit loads is larger than the budget.
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BUDGET_BYTES = 150_000;
const WORTH_BYTES = 1_000;
const folder = fileURLToPath(new URL("../../src/hongyan/web/", import.meta.url));
const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
rmSync(join(folder, "manifest.json"));

/** The scripts that an entry loads before it draws. */
function first(key, found) {
  if (found.has(key)) return found;
  found.add(key);
  for (const next of manifest[key].imports ?? []) first(next, found);
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

function firstLoadBytes() {
  const keys = first("src/i18n/zh.ts", first("index.html", new Set()));
  const sizes = [...keys].map((key) => {
    const content = readFileSync(join(folder, manifest[key].file));
    return gzipSync(content, { level: 9 }).length;
  });
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

pack();
const total = firstLoadBytes();
console.log(`first load: ${total} bytes of JavaScript, gzip, of at most ${BUDGET_BYTES}`);
if (total > BUDGET_BYTES) {
  console.error("The first load is too large: load something later.");
  process.exit(1);
}
