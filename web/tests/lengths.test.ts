import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { parseSync } from "vite";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const FOLDERS = ["web/src", "sdk/typescript/src"];
const FUNCTION_LINES_MAX = 60;

/** Lines of each function, component and method in a source, by its name. */
function lengths(path: string, source: string): [name: string, lines: number][] {
  const found: [string, number][] = [];
  const visit = (node: unknown, name: string): void => {
    if (Array.isArray(node)) for (const one of node) visit(one, name);
    if (typeof node !== "object" || node === null || !("type" in node)) return;
    const { type, start, end, id, key } = node as Record<string, { name?: string } & number>;
    const own = id?.name ?? key?.name ?? name;
    if (/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(`${type}`))
      found.push([own, source.slice(start, end).split("\n").length]);
    for (const part of Object.values(node)) visit(part, own);
  };
  const { program, errors } = parseSync(path, source);
  expect(errors).toEqual([]);
  visit(program.body, "");
  return found;
}

it("has short functions, here and in the SDK", () => {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => join(ROOT, folder, name)),
  ).flatMap((path) =>
    lengths(path, readFileSync(path, "utf8")).map(([name, lines]) => ({ where: `${relative(ROOT, path)} ${name}`, lines })),
  );
  expect(all.length).toBeGreaterThan(1000);
  expect(all.filter(({ lines }) => lines > FUNCTION_LINES_MAX)).toEqual([]);
});

it("sees a long function, whatever it is called by", () => {
  const body = "\n".repeat(70);
  const source = `class A { m() {${body}} }\nconst f = memo(() => {${body}});\nfunction g(): void {${body}}`;
  expect(lengths("a.ts", source)).toEqual([["m", 71], ["f", 71], ["g", 71]]);
});
