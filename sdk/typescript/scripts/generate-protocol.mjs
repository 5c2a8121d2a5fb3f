// Makes src/protocol.ts from protocol/schemas/*.json. `--check` only compares.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SCHEMAS = new URL("../../../protocol/schemas/", import.meta.url);
const TARGET = new URL("../src/protocol.ts", import.meta.url);
const NOT_METHODS = new Set(["envelope", "entries"]);

/** Return the text of src/protocol.ts as the schemas are now. */
export function generate() {
  const shapes = new Map();
  const methods = [];
  let kinds = [];
  const names = readdirSync(SCHEMAS)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -5))
    .sort();
  for (const name of names) {
    const schema = JSON.parse(readFileSync(new URL(`${name}.json`, SCHEMAS), "utf8"));
    const aliases = collect(shapes, schema, name);
    if (name === "entries") kinds = kindsOf(schema, aliases);
    if (NOT_METHODS.has(name)) continue;
    const { params, result } = schema.properties;
    methods.push(
      `  /** ${firstLine(schema.description)} */\n` +
        `  ${JSON.stringify(name)}: { params: ${typeOf(params, aliases)}; result: ${typeOf(result, aliases)} };`,
    );
  }
  const types = [...shapes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    "// Made from protocol/schemas by `npm run generate`. Do not edit.\n",
    ...types.map(({ name, schema, aliases }) => declare(name, schema, aliases)),
    "/** Method -> what it takes and what it answers. */",
    `export interface Methods {\n${methods.join("\n")}\n}\n`,
    "/** Kind of entry or signal -> its body. */",
    `export interface Bodies {\n${kinds.join("\n")}\n}\n`,
  ].join("\n");
}

/** Note the schema's definitions; return its names, a clashing one with the file's before it. */
function collect(shapes, schema, file) {
  const aliases = new Map();
  for (const [name, shape] of Object.entries(schema.$defs ?? {})) {
    const text = JSON.stringify(shape);
    const known = shapes.get(name);
    let alias = name;
    if (known !== undefined && known.text !== text) {
      alias = file.split(/[._]/).map(capital).join("") + name;
    }
    aliases.set(name, alias);
    if (!shapes.has(alias)) shapes.set(alias, { name: alias, text, schema: shape, aliases });
  }
  return aliases;
}

function kindsOf(schema, aliases) {
  return schema.allOf.map(({ if: condition, then }) => {
    const kind = condition.properties.kind.const;
    return `  ${JSON.stringify(kind)}: ${typeOf(then.properties.body, aliases)};`;
  });
}

function declare(name, schema, aliases) {
  const comment = schema.description ? `/** ${firstLine(schema.description)} */\n` : "";
  if (schema.type !== "object" || schema.properties === undefined) {
    return `${comment}export type ${name} = ${typeOf(schema, aliases)};\n`;
  }
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties).map(([field, shape]) => {
    const note = shape.description ? `  /** ${firstLine(shape.description)} */\n` : "";
    return `${note}  ${field}${required.has(field) ? "" : "?"}: ${typeOf(shape, aliases)};`;
  });
  if (fields.length === 0) return `${comment}export type ${name} = Record<string, never>;\n`;
  return `${comment}export interface ${name} {\n${fields.join("\n")}\n}\n`;
}

function typeOf(schema, aliases) {
  if (schema === undefined) return "unknown";
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return aliases.get(name) ?? name;
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.anyOf)
    return [...new Set(schema.anyOf.map((one) => typeOf(one, aliases)))].join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return arrayOf(schema, aliases);
    case "object":
      return mapOf(schema, aliases);
    default:
      return "unknown";
  }
}

function arrayOf(schema, aliases) {
  const item = typeOf(schema.items, aliases);
  return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
}

function mapOf(schema, aliases) {
  const values = schema.additionalProperties;
  return `Record<string, ${typeof values === "object" ? typeOf(values, aliases) : "unknown"}>`;
}

function firstLine(text) {
  return (text ?? "").split("\n\n")[0].replaceAll(/\s+/g, " ").trim();
}

function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generate();
  if (process.argv.includes("--check")) {
    if (readFileSync(TARGET, "utf8") !== text) {
      console.error("src/protocol.ts is out of date: run `npm run generate`.");
      process.exit(1);
    }
  } else {
    writeFileSync(TARGET, text);
  }
}
