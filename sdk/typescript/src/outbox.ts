/** The outbox of this device: durable, in order for each conversation, retried. */

import { Backoff } from "./backoff.js";
import { ConnectionLost, Refused } from "./errors.js";
import { entryOf, type OutboxItem, pendingMessage } from "./fold.js";
import type { Journal, Step } from "./journal.js";
import type { Ack, Entry } from "./protocol.js";
import { type Deferred, deferred, sleep, within } from "./timing.js";

const QUIET_MS = 1000;
/** A longer wait is asked about anew: what made it long, as a slow mode, may have ended. */
const WAIT_MAX_MS = 30_000;

export interface OutboxOptions {
  journal: Journal;
  /** Wait until there is a connection and this conversation can be sent to; rejects at the end. */
  ready: (conversationId: string) => Promise<void>;
  /** Send once. Throws `Refused` and `ConnectionLost`. */
  deliver: (item: OutboxItem) => Promise<Ack>;
  /** Fold the entry in that the server made of the item. */
  placed: (entry: Entry) => Promise<void>;
}

/** Delivers the items of the journal, one at a time in each conversation. */
export class Outbox {
  private readonly workers = new Set<string>();
  private readonly inFlight = new Map<string, Deferred<void>>();
  private readonly gone = new Map<string, Deferred<void>>();

  constructor(private readonly options: OutboxOptions) {}

  /** Go on with what waits. */
  start(): void {
    for (const { conversationId } of this.options.journal.outbox.values()) {
      this.wake(conversationId);
    }
  }

  async put(item: OutboxItem): Promise<void> {
    await this.options.journal.run((step) => {
      step.outbox.set(item.clientId, item);
    });
    this.wake(item.conversationId);
  }

  /** Change an item that still waits, and send it when its turn comes. */
  async change(clientId: string, change: Partial<OutboxItem>): Promise<void> {
    const item = await this.options.journal.run((step) => {
      const known = step.outboxItem(clientId);
      if (known === undefined) return undefined;
      const changed = { ...known, ...change };
      step.outbox.set(clientId, changed);
      return changed;
    });
    if (item !== undefined) this.wake(item.conversationId);
  }

  async drop(clientId: string): Promise<void> {
    await this.options.journal.run((step) => {
      if (step.outboxItem(clientId) !== undefined) step.outbox.set(clientId, null);
    });
    this.left(clientId);
  }

  /** Note that an item has left the journal. */
  left(clientId: string): void {
    this.gone.get(clientId)?.resolve();
    this.gone.delete(clientId);
  }

  /** Deliver again what was acknowledged, and has no place in the logs that are now. */
  begunAnew(): void {
    for (const clientId of [...this.gone.keys()]) this.left(clientId);
  }

  /** Wait until nothing is in flight in this conversation, but not for long. */
  async quiet(conversationId: string): Promise<void> {
    const flight = this.inFlight.get(conversationId);
    if (flight === undefined) return;
    await within(flight.promise, QUIET_MS, () => new Error("not quiet")).catch(() => {});
  }

  private wake(conversationId: string): void {
    if (this.workers.has(conversationId)) return;
    this.workers.add(conversationId);
    this.work(conversationId)
      .catch(() => {}) // stopped; `start` goes on
      .finally(() => this.workers.delete(conversationId));
  }

  private async work(conversationId: string): Promise<void> {
    const backoff = new Backoff(500, WAIT_MAX_MS);
    for (;;) {
      const item = this.next(conversationId);
      if (item === undefined) return;
      await this.options.ready(conversationId);
      try {
        const ack = await this.send(item);
        backoff.reset();
        await this.settle(item, ack);
      } catch (error) {
        if (error instanceof Refused && !error.retryable) await this.fail(item, error);
        else if (error instanceof Refused) {
          await sleep(Math.min(WAIT_MAX_MS, Math.max(backoff.nextMs(), error.retryAfterMs)));
        } else if (error instanceof ConnectionLost) await sleep(Math.min(1000, backoff.nextMs()));
        else throw error;
      }
    }
  }

  private next(conversationId: string): OutboxItem | undefined {
    let first: OutboxItem | undefined;
    for (const item of this.options.journal.outbox.values()) {
      if (item.conversationId !== conversationId || item.error !== null || item.uploadId) continue;
      if (first === undefined || item.clientId < first.clientId) first = item;
    }
    return first;
  }

  private async send(item: OutboxItem): Promise<Ack> {
    const flight = deferred<void>();
    this.inFlight.set(item.conversationId, flight);
    try {
      return await this.options.deliver(item);
    } finally {
      this.inFlight.delete(item.conversationId);
      setTimeout(flight.resolve, 0); // when the ack was taken
    }
  }

  /** Put our own message where it stands; resolves when all before it is here too. */
  private async settle(item: OutboxItem, ack: Ack): Promise<void> {
    const { journal } = this.options;
    const gone = deferred<void>();
    this.gone.set(item.clientId, gone);
    await this.options.placed(entryOf(item, ack));
    if (journal.outbox.has(item.clientId)) await gone.promise;
    this.gone.delete(item.clientId);
  }

  private async fail(item: OutboxItem, { code, message }: Refused): Promise<void> {
    await this.options.journal.run((step) => markFailed(step, item.clientId, { code, message }));
  }
}

/** Mark an item as refused for good; it stays until the user decides. */
export function markFailed(
  step: Step,
  clientId: string,
  error: { code: string; message: string },
): void {
  const known = step.outboxItem(clientId);
  if (known === undefined) return;
  const failed = { ...known, error };
  step.outbox.set(clientId, failed);
  step.news({ event: "failed", data: { message: pendingMessage(failed) } });
}
