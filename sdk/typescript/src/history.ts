/** Reading the timeline: from the store where it is kept, else from the server. */

import type { Message, TimelineItem } from "./api.js";
import type { Place, Stretch } from "./core.js";
import { HongyanError, Refused } from "./errors.js";
import { change, itemOf, targetOf, withMarks } from "./fold.js";
import type { Journal, Step } from "./journal.js";
import type { Entries, Entry, MarksInRange, MessageMarks } from "./protocol.js";
import { cover, type Span, spanAt } from "./ranges.js";
import { type ConversationRecord, floorOf } from "./records.js";
import type { Replica } from "./replica.js";

const FETCH = 100;
const FETCHES_MAX = 6;
const MARKS_WIDTH = 500;

export interface HistoryOptions {
  journal: Journal;
  replica: Replica;
  me: () => string;
  isOnline: () => boolean;
  call: (method: string, params: unknown) => Promise<unknown>;
}

/** The result of reading in one direction. */
interface Run {
  items: TimelineItem[];
  hasMore: boolean;
  isPartial: boolean;
}

export class History {
  constructor(private readonly options: HistoryOptions) {}

  /** Return a stretch of the timeline; throws when nothing of it is here and nothing comes. */
  async load(id: string, place: Place, limit: number): Promise<Stretch> {
    const record = this.options.journal.records.get(id);
    if (record === undefined) {
      return { items: [], hasBefore: false, hasAfter: false, isPartial: true };
    }
    if (place === "end") return this.end(record, limit);
    if ("around" in place) return this.around(record, place.around, limit);
    if ("before" in place) {
      const run = await this.before(record, place.before, limit);
      return { ...run, hasBefore: run.hasMore, hasAfter: true };
    }
    const run = await this.after(record, place.after, limit);
    return { ...run, hasBefore: true, hasAfter: run.hasMore };
  }

  /** Return one message, from here or from the server; null where there is none to be seen. */
  async message(id: string, seq: number): Promise<Message | null> {
    const { journal, call } = this.options;
    const record = journal.records.get(id);
    const isKept = record !== undefined && spanAt(record.spans, seq, !this.options.isOnline());
    if (isKept) {
      const item = await journal.store.get<TimelineItem>("items", [id, seq]);
      return item?.type === "message" ? item : null;
    }
    const params = { conversation_id: id, seq };
    try {
      const entry = (await call("message.get", params)) as Entry;
      const marks = await this.marks(id, seq, seq);
      const item = itemOf(entry);
      return item?.type === "message" ? withMarks(item, marks.get(seq)) : null;
    } catch (error) {
      if (error instanceof Refused && error.code === "not_found") return null;
      throw error;
    }
  }

  private async end(record: ConversationRecord, limit: number): Promise<Stretch> {
    const run = await this.before(record, record.tip + 1, limit);
    return { ...run, hasBefore: run.hasMore, hasAfter: false };
  }

  private async around(record: ConversationRecord, seq: number, limit: number): Promise<Stretch> {
    if (this.options.isOnline() && !spanAt(record.spans, seq, false) && seq <= record.tip) {
      await this.fetch(record.id, { around_seq: Math.max(seq, floorOf(record)) });
    }
    const half = Math.ceil(limit / 2);
    const older = await this.before(record, seq, half);
    const newer = await this.after(record, seq - 1, limit - half);
    return {
      items: [...older.items, ...newer.items],
      hasBefore: older.hasMore,
      hasAfter: newer.hasMore,
      isPartial: older.isPartial || newer.isPartial,
    };
  }

  /** The newest items before a seq, oldest first. */
  private async before(record: ConversationRecord, seq: number, limit: number): Promise<Run> {
    const { id } = record;
    const found: TimelineItem[] = [];
    let at = seq - 1;
    let fetches = 0;
    let isStale = false;
    for (;;) {
      const now = this.now(record);
      if (at < floorOf(now)) return { items: found.reverse(), hasMore: false, isPartial: isStale };
      if (found.length >= limit)
        return { items: found.reverse(), hasMore: true, isPartial: isStale };
      const span = this.kept(now, at);
      if (span !== undefined) {
        isStale ||= !span.fresh;
        const wanted = limit - found.length;
        const from = Math.max(span.from, floorOf(now));
        const rows = await this.rows(id, from, at, wanted, true);
        found.push(...rows);
        at = rows.length < wanted ? from - 1 : (rows.at(-1)?.seq ?? from) - 1;
      } else {
        const isDone = fetches >= FETCHES_MAX || !(await this.tryFetch(id, { before_seq: at + 1 }));
        if (isDone)
          return { items: found.reverse(), hasMore: true, isPartial: fetches < FETCHES_MAX };
        fetches += 1;
      }
    }
  }

  /** The oldest items after a seq. */
  private async after(record: ConversationRecord, seq: number, limit: number): Promise<Run> {
    const { id } = record;
    const found: TimelineItem[] = [];
    let at = Math.max(seq + 1, floorOf(record));
    let fetches = 0;
    let isStale = false;
    for (;;) {
      const now = this.now(record);
      if (at > now.tip) return { items: found, hasMore: false, isPartial: isStale };
      if (found.length >= limit) return { items: found, hasMore: true, isPartial: isStale };
      const span = this.kept(now, at);
      if (span !== undefined) {
        isStale ||= !span.fresh;
        const wanted = limit - found.length;
        const rows = await this.rows(id, at, span.to, wanted, false);
        found.push(...rows);
        at = rows.length < wanted ? span.to + 1 : (rows.at(-1)?.seq ?? span.to) + 1;
      } else {
        const isDone = fetches >= FETCHES_MAX || !(await this.tryFetch(id, { after_seq: at - 1 }));
        if (isDone) return { items: found, hasMore: true, isPartial: fetches < FETCHES_MAX };
        fetches += 1;
      }
    }
  }

  private now(record: ConversationRecord): ConversationRecord {
    return this.options.journal.records.get(record.id) ?? record;
  }

  private kept(record: ConversationRecord, seq: number): Span | undefined {
    return spanAt(record.spans, seq, !this.options.isOnline());
  }

  private async rows(
    id: string,
    from: number,
    to: number,
    limit: number,
    reverse: boolean,
  ): Promise<TimelineItem[]> {
    const range = { from: [id, from], to: [id, to], limit, reverse } as const;
    const rows = await this.options.journal.store.range<TimelineItem>("items", range);
    return rows.map(({ value }) => value);
  }

  /** Fetch a page; false when there is no connection to fetch it by. */
  private async tryFetch(id: string, where: Where): Promise<boolean> {
    if (!this.options.isOnline()) return false;
    try {
      await this.fetch(id, where);
      return true;
    } catch (error) {
      if (error instanceof Refused || !(error instanceof HongyanError)) throw error;
      return false;
    }
  }

  private async fetch(id: string, where: Where): Promise<void> {
    const { journal, replica, call } = this.options;
    const watch = replica.watchChanges(id);
    const tip = journal.records.get(id)?.tip ?? 0; // what comes meanwhile is not in the page
    try {
      const params = { conversation_id: id, limit: FETCH, ...where };
      const page = (await call("conversation.history", params)) as Entries;
      const marks = await this.marksOf(id, page.entries);
      await journal.run((step) =>
        this.keep(step, id, coveredBy(page, where, tip), page, marks, watch.changes),
      );
    } finally {
      watch.stop();
    }
  }

  private async keep(
    step: Step,
    id: string,
    covered: { from: number; to: number },
    page: Entries,
    marks: ReadonlyMap<number, MessageMarks>,
    missed: readonly Entry[],
  ): Promise<void> {
    const record = step.record(id);
    if (record === undefined) return;
    const fresh = new Map<number, TimelineItem>();
    for (const entry of page.entries) {
      const item = entry.seq <= covered.to ? itemOf(entry) : null;
      if (item !== null) fresh.set(entry.seq, item);
    }
    for (const old of await step.range(id, covered.from, covered.to)) {
      if (!fresh.has(old.seq)) step.dropItem(id, old.seq);
    }
    for (const [seq, item] of fresh) {
      if (item.type === "event") {
        step.putItem(item);
        continue;
      }
      const changes = missed.filter((entry) => targetOf(entry) === seq);
      const me = this.options.me();
      const start = withMarks(item, marks.get(seq));
      step.putItem(changes.reduce((message, entry) => change(message, entry, me), start));
    }
    step.putRecord({ ...record, spans: cover(record.spans, covered.from, covered.to) });
  }

  private async marksOf(id: string, entries: readonly Entry[]): Promise<Map<number, MessageMarks>> {
    const seqs = entries.filter(({ kind }) => kind === "message").map(({ seq }) => seq);
    const found = new Map<number, MessageMarks>();
    for (let at = 0; at < seqs.length; ) {
      const first = seqs[at] as number;
      const end = seqs.findIndex((seq) => seq >= first + MARKS_WIDTH);
      const next = end < 0 ? seqs.length : end;
      for (const one of await this.marks(id, first, seqs[next - 1] as number)) found.set(...one);
      at = next;
    }
    return found;
  }

  private async marks(id: string, first: number, last: number): Promise<Map<number, MessageMarks>> {
    const params = { conversation_id: id, first_seq: first, last_seq: last };
    try {
      const { marks } = (await this.options.call("message.marks", params)) as MarksInRange;
      return new Map(marks.map((one) => [one.seq, one]));
    } catch (error) {
      if (error instanceof Refused && !error.retryable) return new Map(); // not a member any more
      throw error;
    }
  }
}

type Where = { before_seq: number } | { after_seq: number } | { around_seq: number };

/** Return the stretch of which a page has all that is visible. */
function coveredBy(page: Entries, where: Where, tip: number): { from: number; to: number } {
  let from = page.more_before ? page.from_seq : 1;
  let to = page.more_after ? page.to_seq : tip;
  if ("before_seq" in where) to = where.before_seq - 1;
  if ("after_seq" in where) from = where.after_seq + 1;
  return { from, to: Math.min(to, tip) };
}
