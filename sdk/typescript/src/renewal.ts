/** Edits that come without their content: the message is asked for as it stands now. */

import { HongyanError, Refused } from "./errors.js";
import { applyCurrent, type Reader } from "./incoming.js";
import type { Journal } from "./journal.js";
import type { Entry } from "./protocol.js";
import { Once, sleep } from "./timing.js";

/**
 * In a group that some may not read from its beginning, an edit says only that it happened.
 * The records remember which messages it has outdated until the server has answered.
 */
export class Renewal {
  private readonly runs = new Once();

  constructor(
    private readonly journal: Journal,
    private readonly reader: Reader,
    private readonly call: (method: string, params: unknown) => Promise<unknown>,
  ) {}

  /** Ask for what is outdated anywhere. */
  startAll(): void {
    for (const { id, outdated } of this.journal.records.values()) {
      if (outdated?.length) this.start(id);
    }
  }

  /** Ask for what is outdated in a conversation; on a lost connection it stays so. */
  start(id: string): void {
    void this.runs.run(id, () => this.renew(id));
  }

  private async renew(id: string): Promise<void> {
    await this.journal.run(() => {}); // what is in hand may be what outdates
    try {
      for (;;) {
        const [seq] = this.journal.records.get(id)?.outdated ?? [];
        if (seq === undefined) return;
        await this.renewOne(id, seq);
      }
    } catch (error) {
      if (!(error instanceof HongyanError)) throw error; // else the next connection syncs
    }
  }

  private async renewOne(id: string, seq: number): Promise<void> {
    let now: Entry | null = null;
    try {
      now = (await this.call("message.get", { conversation_id: id, seq })) as Entry;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.retryable) {
        await sleep(Math.max(200, error.retryAfterMs));
        return;
      } // else it is not ours to see any more
    }
    await this.journal.run((step) => applyCurrent(step, id, seq, now, this.reader.me));
  }
}
