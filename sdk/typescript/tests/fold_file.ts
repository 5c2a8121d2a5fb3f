/** Reads cases from the file that `FOLD_CASES` names, and prints the states they lead to. */

import { readFileSync } from "node:fs";
import { type Case, folded } from "./folds.js";

const cases = JSON.parse(readFileSync(process.env.FOLD_CASES ?? "", "utf-8")) as Case[];
const states: object[] = [];
for (const one of cases) states.push(await folded(one));
console.log(JSON.stringify(states));
