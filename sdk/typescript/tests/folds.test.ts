/** What entries make of a conversation, by the vectors that all SDKs share. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Case, folded } from "./folds.js";

const FOLDER = new URL("../../../protocol/folds/", import.meta.url);

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".json"))) {
  const { cases } = JSON.parse(readFileSync(new URL(file, FOLDER), "utf-8")) as { cases: Case[] };
  describe(file, () => {
    test.each(cases)("$name", async (one) => {
      expect(await folded(one)).toEqual(one.state);
    });
  });
}
