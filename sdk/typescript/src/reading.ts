/** Read marks, delivered marks, drafts: kept at once, sent to the server not too often. */

import { ConnectionLost, HongyanError, Refused } from "./errors.js";
import { applyPreference, applyRead } from "./incoming.js";
import type { Journal } from "./journal.js";
import type { Preference, ReadMark } from "./protocol.js";
import type { ConversationRecord } from "./records.js";
import { Throttle } from "./timing.js";

const READ_MS = 1000;
const DELIVERED_MS = 1000;
const DRAFT_MS = 1500;
/** Among so many items before a seq there is a message, or we do not know the ordinal. */
const LOOK_BACK = 50;

export interface ReadingOptions {
  journal: Journal;
  isOnline: () => boolean;
  call: (method: string, params: unknown) => Promise<unknown>;
  /** Ask the server how the conversation stands. */
  refresh: (conversationId: string) => Promise<unknown>;
}

export class Reading {
  private readonly reads = new Throttle(READ_MS);
  private readonly deliveries = new Throttle(DELIVERED_MS);
  private readonly drafts = new Throttle(DRAFT_MS, false);

  constructor(private readonly options: ReadingOptions) {}

  /** Send the server what was not sent while we were away. */
  online(): void {
    for (const record of this.options.journal.records.values()) {
      if (record.readWanted > 0) this.tellRead(record.id);
      if (record.draftWanted) this.tellDraft(record.id);
    }
  }

  stop(): void {
    this.reads.cancel();
    this.deliveries.cancel();
    this.drafts.cancel();
  }

  async markRead(id: string, seq: number): Promise<void> {
    const isNew = await this.options.journal.run(async (step) => {
      const record = step.record(id);
      if (record === undefined || !record.active) return false;
      const upTo = Math.min(seq, record.tip);
      if (upTo <= record.readSeq && !record.preference.marked_unread) return false;
      let { ordinal } = record;
      if (upTo < record.tip) {
        const items = await step.newest(id, upTo, LOOK_BACK);
        const message = items.findLast((item) => item.type === "message");
        ordinal = message?.type === "message" ? message.ordinal : record.readOrdinal;
      }
      await applyRead(step, id, upTo, ordinal);
      step.updateRecord(id, (now) => ({ ...now, readWanted: Math.max(now.readWanted, upTo) }));
      return true;
    });
    if (isNew) this.reads.run(id, () => this.tellRead(id));
  }

  /** Report to the sender of a direct message that it has arrived. */
  delivered(record: ConversationRecord): void {
    if (record.kind !== "direct" || !record.active) return;
    this.deliveries.run(record.id, () => {
      const seq = this.options.journal.records.get(record.id)?.tip ?? record.tip;
      const params = { conversation_id: record.id, seq };
      this.options.call("conversation.delivered", params).catch(ignore);
    });
  }

  async setDraft(id: string, text: string): Promise<void> {
    await this.options.journal.run((step) => {
      step.updateRecord(id, (record) => {
        if ((record.preference.draft ?? "") === text) return record;
        const preference = { ...record.preference, draft: text };
        return { ...record, preference, draftWanted: true };
      });
    });
    if (this.options.journal.records.get(id)?.draftWanted) {
      this.drafts.run(id, () => this.tellDraft(id));
    }
  }

  private tellRead(id: string): void {
    const seq = this.options.journal.records.get(id)?.readWanted ?? 0;
    if (seq === 0 || !this.options.isOnline()) return;
    this.askRead(id, seq).catch(ignore);
  }

  private async askRead(id: string, seq: number): Promise<void> {
    const { journal, call } = this.options;
    let mark: ReadMark | null = null;
    try {
      mark = (await call("conversation.read", { conversation_id: id, seq })) as ReadMark;
    } catch (error) {
      if (error instanceof ConnectionLost || (error instanceof Refused && error.retryable))
        throw error;
    }
    const isUncertain = await journal.run(async (step) => {
      const before = step.record(id);
      if (mark !== null) await applyRead(step, id, mark.read_seq, mark.read_ordinal);
      step.updateRecord(id, (record) => {
        return record.readWanted <= seq ? { ...record, readWanted: 0 } : record;
      });
      return before !== undefined && before.mentions > 0;
    });
    if (isUncertain) await this.options.refresh(id);
  }

  private tellDraft(id: string): void {
    const record = this.options.journal.records.get(id);
    if (!record?.draftWanted || !this.options.isOnline()) return;
    this.askDraft(id, record.preference.draft ?? "").catch(ignore);
  }

  private async askDraft(id: string, text: string): Promise<void> {
    const { journal, call } = this.options;
    const params = { conversation_id: id, text };
    let kept: Preference | null = null;
    try {
      kept = (await call("conversation.draft", params)) as Preference;
    } catch (error) {
      if (!(error instanceof Refused) || error.retryable) throw error;
    }
    await journal.run(async (step) => {
      step.updateRecord(id, (record) => {
        const isLatest = (record.preference.draft ?? "") === text;
        return isLatest ? { ...record, draftWanted: false } : record;
      });
      if (kept !== null) await applyPreference(step, kept);
    });
    if (journal.records.get(id)?.draftWanted) this.drafts.run(id, () => this.tellDraft(id));
  }
}

/** The next connection sends it again. */
function ignore(error: unknown): void {
  if (!(error instanceof HongyanError)) throw error;
}
