/** The environment: a browser, a worker, or Node. */

import type { WebSocketFactory } from "./api.js";

/** Return what makes WebSockets here: the platform's own, or in Node before 22 the package `ws`. */
export async function webSocketFactory(): Promise<WebSocketFactory> {
  if (typeof globalThis.WebSocket === "function") {
    return (url, protocols) => new globalThis.WebSocket(url, protocols);
  }
  const name = "ws"; // a variable, so that bundlers leave it alone
  const { WebSocket: Socket } = await import(/* @vite-ignore */ name);
  return (url, protocols) => new Socket(url, protocols, { perMessageDeflate: false });
}

export function defaultUrl(): string {
  const origin = globalThis.location?.origin;
  if (!origin) throw new TypeError("Say which server: the option `url` is missing.");
  return origin;
}

export function hasIndexedDb(): boolean {
  return typeof globalThis.indexedDB === "object" && globalThis.indexedDB !== null;
}

export function canShareTabs(): boolean {
  return (
    typeof globalThis.document === "object" &&
    typeof globalThis.BroadcastChannel === "function" &&
    typeof globalThis.navigator?.locks?.request === "function"
  );
}
