/** The headless client of Hongyan. */

import type { Client as ClientInterface, ClientOptions } from "./api.js";
import { ClientView } from "./client.js";

export * from "./api.js";
export { ConnectionLost, HongyanError, LoggedOut, Refused } from "./errors.js";
export { newClientId } from "./ids.js";
export { IndexedDbStore } from "./store_indexeddb.js";
export { MemoryStore } from "./store_memory.js";

export type Client = ClientInterface;
export const Client = {
  /** Load what is kept on this device and, where somebody is logged in, connect. */
  create: (options?: ClientOptions): Promise<ClientInterface> => ClientView.create(options),
};
