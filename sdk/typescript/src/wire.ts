/** The messages on the socket, and the addresses of a server. */

import type { WireError } from "./protocol.js";

export const VERSION = 1;
export const SUBPROTOCOL = "hongyan.json";

export const CLOSED_BY_US = 1000;
export const CLOSE_BROKEN = 1002;
export const CLOSE_UNAUTHENTICATED = 4001;
export const CLOSE_KICKED = 4003;
export const CLOSE_NO_REQUEST = 4005;
export const CLOSE_FLOODED = 4006;
/** Ours, for a peer that answers no more. */
export const CLOSE_DEAD = 4900;

export interface Answer {
  id: number;
  result?: unknown;
  error?: WireError;
}

export interface Push {
  event: string;
  data: Record<string, unknown>;
}

export function encode(id: number, method: string, params: unknown): string {
  return JSON.stringify({ id, method, params });
}

/** Return what came, or null for what is neither an answer nor a push. */
export function decode(text: string): Answer | Push | null {
  const message: unknown = JSON.parse(text);
  if (typeof message !== "object" || message === null) return null;
  if ("id" in message && typeof message.id === "number") return message as Answer;
  if ("event" in message && typeof message.event === "string") return message as Push;
  return null;
}

export function isPush(message: Answer | Push): message is Push {
  return "event" in message;
}

/** Return the HTTP address of the server at this `http(s)` or `ws(s)` address. */
export function httpUrl(url: string): string {
  return url.replace(/^ws/, "http").replace(/\/+$/, "").replace(/\/ws$/, "");
}

export function websocketUrl(url: string): string {
  return `${httpUrl(url).replace(/^http/, "ws")}/ws`;
}
