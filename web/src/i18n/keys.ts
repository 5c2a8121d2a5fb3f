import type zh from "./zh.js";

/** The name of a text; each language has all of them. */
export type Key = keyof typeof zh;
