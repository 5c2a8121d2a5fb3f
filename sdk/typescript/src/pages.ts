/** Stretches of logs, asked of the server. */

import { Refused } from "./errors.js";
import { isUserLog } from "./ids.js";
import type { Entries } from "./protocol.js";
import { sleep } from "./timing.js";

const PAGE = 200;

export class LogPages {
  constructor(private readonly call: (method: string, params: unknown) => Promise<unknown>) {}

  /** Return the entries after a seq. */
  async after(logId: string, seq: number): Promise<Entries> {
    const params = { after_seq: seq, limit: PAGE };
    if (isUserLog(logId)) return (await this.call("conversation.user_log", params)) as Entries;
    const whole = { ...params, conversation_id: logId };
    return (await this.call("conversation.history", whole)) as Entries;
  }

  /** Return the entries from `first` on; none where they are not ours to see; null to ask again. */
  async between(logId: string, first: number, last: number): Promise<Entries | null> {
    try {
      return await this.after(logId, first - 1);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.retryable) {
        await sleep(Math.max(200, error.retryAfterMs));
        return null;
      }
      if (error.code !== "not_a_member" && error.code !== "not_found") throw error;
      return { entries: [], from_seq: first, to_seq: last, more_before: false, more_after: false };
    }
  }
}
