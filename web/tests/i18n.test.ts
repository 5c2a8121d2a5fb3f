import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "../src/i18n/en.js";
import zh from "../src/i18n/zh.js";

const SOURCES = join(import.meta.dirname, "../src");
const ERRORS = join(import.meta.dirname, "../../protocol/errors.md");
/** Keys that are put together from a part and a value. */
const MADE = /^(error|ended|contacts|typing|role|atLeast|permission|policy|connection|emoji|readers|settings)\./;
/** Refusals that only app servers and operators meet. */
const NOT_FOR_PEOPLE =
  /^error\.(api_key|direct_off|idempotency|no_such_(external|key|reader|webhook)|not_a_bot|not_delivered|not_rebuildable|not_for_|on_behalf|scope_)/;
const HAN = /\p{Script=Han}/u;

const sources = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !/(?:i18n.(?:en|zh).*|widget.texts)\.ts$/.test(name))
  .map((name) => [name, readFileSync(join(SOURCES, name), "utf8")] as const);
const all = sources.map(([, text]) => text).join("\n");
const keys = Object.keys(zh) as (keyof typeof zh)[];
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

describe("the two languages", () => {
  it("have the same texts, none of them empty", () => {
    expect(Object.keys(en).sort()).toEqual([...keys].sort());
    expect(keys.filter((key) => !zh[key].trim() || !en[key].trim())).toEqual([]);
  });

  it("name the same values in each text", () => {
    const different = keys.filter((key) => {
      const forms = en[key].split("|");
      return forms.some((form) => `${placeholders(form)}` !== `${placeholders(zh[key])}`);
    });
    expect(different).toEqual([]);
  });

  it("are Chinese and English", () => {
    const same = new Set(["app.name"]);
    expect(keys.filter((key) => HAN.test(en[key]))).toEqual([]);
    const short = (text: string) => text.replace(/\{\w+\}|[\s\p{P}]/gu, "").length < 3;
    expect(keys.filter((key) => zh[key] === en[key] && !same.has(key) && !short(zh[key]))).toEqual([]);
  });
});

describe("the texts and the code", () => {
  it("need each other: no key is missing and none is left over", () => {
    const literal = [...all.matchAll(/\bt\(\s*"([\w.]+)"/g)].map((found) => found[1] ?? "");
    expect(literal.filter((key) => !(key in zh))).toEqual([]);
    expect(keys.filter((key) => !MADE.test(key) && !all.includes(`"${key}"`))).toEqual([]);
  });

  it("leave no words in the views that are not translated", () => {
    const found = sources.flatMap(([name, text]) => {
      const between = [...text.matchAll(/>\s*([A-Z][a-z]+(?: [\w',.]+)*)\s*</g)].map((one) => one[1]);
      const labels = [...text.matchAll(/(?:aria-label|title|placeholder|label)="([^"]*[A-Za-z]{3}[^"]*)"/g)].map((one) => one[1]);
      const han = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "").match(/[^\n]*\p{Script=Han}{2,}[^\n]*/gu) ?? [];
      const isNone = (word = "") => /^(?:Promise|Record|Map|Set|Blob)/.test(word) || word in zh;
      return [...between, ...labels, ...han].filter((one) => !isNone(one)).map((one) => `${name}: ${one?.trim()}`);
    });
    expect(found.filter((one) => !/中文|English/.test(one))).toEqual([]);
  });

  it("have words for every refusal of the protocol", () => {
    const codes = [...readFileSync(ERRORS, "utf8").matchAll(/^\| `(\w+)`/gm)].map((found) => `error.${found[1]}`);
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((key) => !(key in zh) && !NOT_FOR_PEOPLE.test(key))).toEqual([]);
  });
});
