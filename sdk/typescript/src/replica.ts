/** Keeping the store equal to the server: sync, the order of pushes, gaps. */

import { ConnectionLost, HongyanError } from "./errors.js";
import { isUntold, joinedBy, targetOf } from "./fold.js";
import { isUserLog, userLog } from "./ids.js";
import { applyEntry, applyUserEntry, type Reader } from "./incoming.js";
import type { Journal, Step } from "./journal.js";
import { LogPages } from "./pages.js";
import type { Conversation, Entries, Entry, Synced, SyncedConversation } from "./protocol.js";
import { beginRecord, type ConversationRecord, jumpTo, mergeRemote, raiseTip } from "./records.js";
import { Renewal } from "./renewal.js";
import { Sequencer } from "./sequencer.js";
import { Once } from "./timing.js";

/** After an absence, more missing entries of a conversation than these are left for later. */
const CATCH_UP = 200;
const FIRST_ENTRIES = 20;
const SYNC_PAGE = 100;

export interface ReplicaOptions {
  journal: Journal;
  me: () => string;
  /** Ask on the present connection. */
  call: (method: string, params: unknown) => Promise<unknown>;
  /** Wait until no send is in flight in a conversation, but not for ever. */
  quiet: (conversationId: string) => Promise<void>;
  /** Called when all that was known of the server's logs is forgotten. */
  begunAnew: () => void;
}

export class Replica {
  private readonly logs = new Map<string, Sequencer>();
  private readonly strangers = new Map<string, Entry[]>();
  private readonly repairs = new Once();
  private readonly refreshes = new Once();
  private readonly listeners = new Map<string, Set<Entry[]>>();
  private isSyncing = true;
  private isFirst = false;
  private hears = false;
  /** Entries from this instant on are news, though the store is filled from its beginning. */
  private newsSinceMs = 0;

  private readonly reader: Reader;
  private readonly renewal: Renewal;
  private readonly pages: LogPages;

  constructor(private readonly options: ReplicaOptions) {
    const isNews = (entry: Entry) => !this.isFirst || entry.sent_at_ms >= this.newsSinceMs;
    this.reader = {
      get me() {
        return options.me();
      },
      isNews,
    };
    this.renewal = new Renewal(options.journal, this.reader, options.call);
    this.pages = new LogPages(options.call);
  }

  /** The connection is gone: nothing is fetched or taken until the next `sync`. */
  offline(): void {
    this.isSyncing = true;
    this.hears = false;
  }

  /** Forget what is held in memory; the store has it. */
  reset(): void {
    this.logs.clear();
    this.strangers.clear();
    this.isSyncing = true;
  }

  // --- the sync call ---

  /**
   * Fetch all that the store lacks of this generation of the logs; pushes may come meanwhile.
   * An empty generation is one that the server does not name.
   */
  async sync(connectedAtMs: number, generation: string): Promise<void> {
    const { journal, call } = this.options;
    this.newsSinceMs = connectedAtMs;
    await this.adopt(generation);
    this.hears = true;
    this.isFirst = journal.userTip === null;
    let known = Object.fromEntries([...journal.records].map(([id, { tip }]) => [id, tip]));
    let userSeq = journal.userTip ?? 0;
    let after: string | null = "";
    try {
      while (after !== null) {
        const params = {
          user_seq: userSeq,
          known,
          after,
          limit: SYNC_PAGE,
          entries_per_conversation: FIRST_ENTRIES,
        };
        const page = (await call("conversation.sync", params)) as Synced;
        if (await this.adopt(page.generation ?? "")) {
          this.isFirst = true;
          [known, userSeq, after] = [{}, 0, ""];
          continue;
        }
        if (after === "" && page.user_log_truncated && Object.keys(known).length > 0) {
          known = {};
          continue;
        }
        const isFirstPage: boolean = after === "";
        await journal.run((step) => this.synced(step, page, isFirstPage));
        after = page.next_after ?? null;
      }
    } finally {
      this.isFirst = false;
    }
    this.isSyncing = false;
    for (const id of this.strangers.keys()) void this.refreshQuietly(id);
    this.renewal.startAll();
    await Promise.all([...this.logs.keys()].map((id) => this.repair(id)));
  }

  /**
   * Forget all that is known of another generation, and return whether it was so. What is newer
   * than everything that was known stays news all the same.
   */
  private async adopt(generation: string): Promise<boolean> {
    const { journal, begunAnew } = this.options;
    let newestMs = 0;
    for (const { activeAtMs } of journal.records.values()) {
      newestMs = Math.max(newestMs, activeAtMs);
    }
    if (!(await journal.adopt(generation))) return false;
    this.logs.clear();
    this.strangers.clear();
    this.newsSinceMs = newestMs + 1;
    begunAnew();
    return true;
  }

  private async synced(step: Step, page: Synced, isFirstPage: boolean): Promise<void> {
    if (isFirstPage) await this.syncedUser(step, page);
    for (const one of page.conversations) await this.syncedOne(step, one);
  }

  private async syncedUser(step: Step, page: Synced): Promise<void> {
    for (const id of page.left ?? []) {
      step.updateRecord(id, (record) => ({ ...record, active: false }));
    }
    const log = this.log(step, userLog(this.options.me()));
    if (!this.isFirst) {
      for (const entry of page.user_entries ?? []) await this.apply(step, log.offer(entry));
    }
    await this.apply(step, log.skip(page.user_seq ?? 0));
    step.userTip = log.tip;
  }

  private async syncedOne(step: Step, one: SyncedConversation): Promise<void> {
    const remote = one.conversation;
    const id = remote.conversation_id;
    if (step.record(id) === undefined) {
      this.begin(step, remote, this.isFirst ? one.from_seq : this.firstOf(remote, one.from_seq));
    }
    const log = this.log(step, id);
    const missing = one.from_seq - 1 - log.tip;
    if (!one.gap) await this.jump(step, id, one.from_seq, false);
    else if (missing > CATCH_UP) await this.jump(step, id, one.from_seq, true);
    for (const entry of one.entries) await this.apply(step, log.offer(entry));
    const head = remote.head.seq ?? 0;
    if (log.tip >= one.from_seq - 1) await this.jump(step, id, head + 1, false);
    log.expect(head);
    for (const entry of this.strangersOf(id)) await this.apply(step, log.offer(entry));
    this.merge(step, remote);
  }

  /** Return the first seq here of a conversation that came while we were away. */
  private firstOf(remote: Conversation, fromSeq: number): number {
    const visible = remote.member.visible_from ?? 1;
    return fromSeq - visible <= CATCH_UP && remote.kind === "direct" ? visible : fromSeq;
  }

  // --- pushes and acks ---

  /** Take an entry that the server pushed; one before `sync` comes again with that. */
  async pushed(entry: Entry): Promise<void> {
    if (this.hears) await this.take(entry);
  }

  /** Take an entry that the server pushed, or acknowledged as ours. */
  async take(entry: Entry): Promise<void> {
    await this.options.journal.run(async (step) => {
      const held = this.strangers.get(entry.log_id);
      if (held !== undefined) held.push(entry);
      else if (isUserLog(entry.log_id) || step.record(entry.log_id) !== undefined) {
        const joined = this.isSyncing ? joinedBy(entry) : null; // the sync may be older
        if (joined !== null && !step.record(joined) && !this.strangers.has(joined)) {
          this.strangers.set(joined, []);
        }
        await this.apply(step, this.log(step, entry.log_id).offer(entry));
      } else {
        this.strangers.set(entry.log_id, [entry]);
      }
    });
    if (this.isSyncing) return;
    if (this.strangers.has(entry.log_id)) void this.refreshQuietly(entry.log_id);
    else void this.repair(entry.log_id);
  }

  /** Wait until the store has the log up to this seq. */
  async reach(logId: string, seq: number): Promise<void> {
    await this.options.journal.run((step) => this.log(step, logId).expect(seq));
    await this.repair(logId);
  }

  /** Fetch what our own requests appended to the user's log; it is not pushed to us. */
  reachUserLog(): Promise<void> {
    const logId = userLog(this.options.me());
    return this.repairs.run(`${logId} end`, async () => {
      for (;;) {
        const tip = this.options.journal.userTip ?? 0;
        const page = await this.pages.after(logId, tip);
        await this.filled(logId, page, tip + 1, page.to_seq);
        if (!page.more_after) return;
      }
    });
  }

  /** Ask the server how a conversation stands, and fetch what the store lacks of it. */
  async refresh(id: string): Promise<ConversationRecord> {
    const params = { conversation_id: id };
    return this.learn((await this.options.call("conversation.get", params)) as Conversation);
  }

  /** Take a conversation that the server sent, and fetch what the store lacks of it. */
  async learn(remote: Conversation): Promise<ConversationRecord> {
    const id = remote.conversation_id;
    await this.options.journal.run(async (step) => {
      const strangers = this.strangersOf(id);
      const head = remote.head.seq ?? 0;
      if (step.record(id) === undefined) {
        const newest = Math.max(remote.member.visible_from ?? 1, head - FIRST_ENTRIES + 1);
        this.begin(step, remote, Math.min(newest, ...strangers.map(({ seq }) => seq)));
      }
      const log = this.log(step, id);
      log.expect(head);
      for (const entry of strangers) await this.apply(step, log.offer(entry));
      this.merge(step, remote);
    });
    await this.repair(id);
    return this.options.journal.records.get(id) as ConversationRecord;
  }

  /**
   * Note the changes of messages that are folded in until the stop, for a page that was
   * asked for meanwhile and may be older than they are.
   */
  watchChanges(id: string): { changes: Entry[]; stop: () => void } {
    const changes: Entry[] = [];
    const all = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, all.add(changes));
    const stop = () => {
      all.delete(changes);
      if (all.size === 0) this.listeners.delete(id);
    };
    return { changes, stop };
  }

  // --- gaps ---

  /** Wait until nothing is missing that is known to exist. */
  private async repair(logId: string): Promise<void> {
    if (this.logs.get(logId)?.missing) await this.repairs.run(logId, () => this.fill(logId));
  }

  private async fill(logId: string): Promise<void> {
    if (!isUserLog(logId)) await this.options.quiet(logId);
    try {
      for (;;) {
        const log = this.logs.get(logId);
        const missing = log?.missing;
        if (!missing) return;
        const page = await this.pages.between(logId, missing.first, missing.last);
        if (this.logs.get(logId) !== log) return; // begun anew meanwhile
        if (page !== null) await this.filled(logId, page, missing.first, missing.last);
      }
    } catch (error) {
      if (!(error instanceof HongyanError)) throw error; // else the next connection syncs
    }
  }

  private async filled(logId: string, page: Entries, first: number, last: number): Promise<void> {
    await this.options.journal.run(async (step) => {
      const log = this.log(step, logId);
      for (const entry of page.entries) {
        await this.jump(step, logId, entry.seq, false); // what is left out is not visible
        await this.apply(step, log.offer(entry));
      }
      await this.jump(step, logId, page.to_seq + 1, false);
      if (!page.more_after && log.tip < last) await this.jump(step, logId, last + 1, false);
      if (page.more_after && log.tip < first) await this.jump(step, logId, first + 1, false);
    });
  }

  /** Go on from `first`; `isHole` says that something visible is left out before it. */
  private async jump(step: Step, logId: string, first: number, isHole: boolean): Promise<void> {
    const log = this.log(step, logId);
    if (log.tip >= first - 1) return;
    const released = log.skip(first - 1);
    await this.apply(
      step,
      released.filter((entry) => entry.seq < first),
    );
    if (isUserLog(logId)) {
      step.userTip = Math.max(step.userTip ?? 0, first - 1);
    } else if (isHole) {
      step.updateRecord(logId, (record) => jumpTo(record, first));
      step.noteJump(logId);
    } else {
      step.updateRecord(logId, (record) => raiseTip(record, first - 1));
    }
    await this.apply(
      step,
      released.filter((entry) => entry.seq >= first),
    );
  }

  // --- inside ---

  private async apply(step: Step, entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      if (isUserLog(entry.log_id)) {
        await applyUserEntry(step, entry, this.reader);
        const joined = this.isSyncing ? null : joinedBy(entry);
        if (joined !== null && !step.record(joined)?.active) this.refreshSoon(joined);
        continue;
      }
      await applyEntry(step, entry, this.reader);
      if (targetOf(entry) > 0) {
        for (const changes of this.listeners.get(entry.log_id) ?? []) changes.push(entry);
      }
      if (!this.isSyncing && isUntold(entry)) setTimeout(() => this.renewal.start(entry.log_id), 0);
      if (this.brings(entry)) this.refreshSoon(entry.log_id);
    }
  }

  /** Whether this entry makes us a member anew: then much may be different. */
  private brings(entry: Entry): boolean {
    if (this.isSyncing || entry.kind !== "members.joined") return false;
    return (entry.body as { user_ids: string[] }).user_ids.includes(this.options.me());
  }

  private begin(step: Step, remote: Conversation, first: number): void {
    this.logs.delete(remote.conversation_id);
    const record = beginRecord(remote, first);
    const draft = step.takeDraft(record.id);
    if (draft === undefined) step.putRecord(record);
    else {
      const preference = { ...record.preference, draft };
      step.putRecord({ ...record, preference, draftWanted: true });
    }
  }

  /** Let what the server says of a conversation hold here. */
  private merge(step: Step, remote: Conversation): void {
    step.updateRecord(remote.conversation_id, (record) => mergeRemote(record, remote));
  }

  private strangersOf(id: string): Entry[] {
    const held = this.strangers.get(id) ?? [];
    this.strangers.delete(id);
    return held;
  }

  /** Refresh once the present step is stored. */
  private refreshSoon(id: string): void {
    setTimeout(() => void this.refreshQuietly(id), 0);
  }

  private refreshQuietly(id: string): Promise<void> {
    return this.refreshes.run(id, async () => {
      try {
        await this.refresh(id);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) this.strangers.delete(id);
      }
    });
  }

  private log(step: Step, logId: string): Sequencer {
    let log = this.logs.get(logId);
    if (log === undefined) {
      const tip = isUserLog(logId)
        ? (step.userTip ?? this.options.journal.userTip ?? 0)
        : (step.record(logId)?.tip ?? 0);
      log = new Sequencer(tip);
      this.logs.set(logId, log);
    }
    return log;
  }
}
