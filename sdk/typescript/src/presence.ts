/** Presence: watched as long as somebody looks. */

import type { Observable, Presence } from "./api.js";
import type { Core } from "./core.js";
import { HongyanError } from "./errors.js";
import { Value } from "./observable.js";
import type { UserPresence } from "./protocol.js";

/** Views come and go together: the watch follows a moment later. */
const SETTLE_MS = 100;

export class PresenceWatch implements Presence {
  private readonly values = new Map<string, Value<UserPresence | null>>();
  private readonly wanted = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly core: Core,
    private readonly tab: string,
  ) {}

  observe(userId: string): Observable<UserPresence | null> {
    let value = this.values.get(userId);
    if (value === undefined) {
      value = new Value<UserPresence | null>(null, (isWatched) => this.want(userId, isWatched));
      this.values.set(userId, value);
    }
    return value;
  }

  take(presence: UserPresence): void {
    this.values.get(presence.user_id)?.set(presence);
  }

  /** Nothing is known while there is no connection. */
  offline(): void {
    for (const value of this.values.values()) value.set(null);
  }

  /** Subscribe at the engine again; it is another one. */
  again(): void {
    if (this.wanted.size > 0) this.settle();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private want(userId: string, isWatched: boolean): void {
    if (isWatched) this.wanted.add(userId);
    else this.wanted.delete(userId);
    this.settle();
  }

  private settle(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const args = { tab: this.tab, ids: [...this.wanted] };
      this.core.request("presence", args).catch((error) => {
        if (!(error instanceof HongyanError)) throw error;
      });
    }, SETTLE_MS);
  }
}
