/** A stretch of a timeline that a view shows, and that follows what happens. */

import type {
  Message,
  OpenOptions,
  TimelineItem,
  TimelineSnapshot,
  TimelineWindow,
} from "./api.js";
import type { Core, CoreEvent, Place, Stretch } from "./core.js";
import { HongyanError } from "./errors.js";
import { type OutboxItem, pendingMessage } from "./fold.js";
import { Value } from "./observable.js";
import { type ConversationRecord, unreadOf } from "./records.js";
import { lowerBound } from "./store_memory.js";

const PAGE = 50;
const LIMIT = 2000;

const EMPTY: TimelineSnapshot = {
  items: [],
  shifted: 0,
  hasBefore: false,
  hasAfter: false,
  loading: "around",
  unreadAfterSeq: 0,
  startIndex: -1,
  error: null,
};

export interface WindowOptions {
  id: string;
  core: Core;
  record: () => ConversationRecord | undefined;
  outbox: () => Iterable<OutboxItem>;
  closed: (window: Timeline) => void;
}

export class Timeline implements TimelineWindow {
  readonly ready: Promise<void>;
  private readonly snapshot = new Value<TimelineSnapshot>(EMPTY);
  /** The items of the log, by seq. */
  private sent: readonly TimelineItem[] = [];
  private pending: readonly Message[] = [];
  private load: Promise<void> | null = null;
  /** Changes during a load: the answer may be older than they are. */
  private missed: (CoreEvent & { id: string })[] = [];
  private isPartial = false;
  /** Times that the connection came. */
  private onlines = 0;
  private isClosed = false;
  /** Grows with each load that replaces everything: answers to earlier ones are void. */
  private generation = 0;
  private readonly pageSize: number;
  private readonly limit: number;

  constructor(
    private readonly options: WindowOptions,
    private readonly opened: OpenOptions = {},
  ) {
    this.pageSize = opened.pageSize ?? PAGE;
    this.limit = Math.max(opened.limit ?? LIMIT, this.pageSize * 2);
    this.ready = this.begin();
  }

  get value(): TimelineSnapshot {
    return this.snapshot.value;
  }

  subscribe(listener: (value: TimelineSnapshot) => void): () => void {
    return this.snapshot.subscribe(listener);
  }

  loadBefore(): Promise<void> {
    const first = this.sent[0];
    if (!this.value.hasBefore || first === undefined) return Promise.resolve();
    return this.extend("before", { before: first.seq }, (stretch) => {
      const room = Math.max(0, this.limit - stretch.items.length);
      const isCut = this.sent.length > room;
      this.sent = [...stretch.items, ...this.sent.slice(0, room)];
      return { hasBefore: stretch.hasBefore, ...(isCut ? { hasAfter: true } : {}) };
    });
  }

  loadAfter(): Promise<void> {
    const last = this.sent.at(-1);
    if (!this.value.hasAfter || last === undefined) return Promise.resolve();
    return this.extend("after", { after: last.seq }, (stretch) => {
      const room = Math.max(0, this.limit - stretch.items.length);
      const isCut = this.sent.length > room;
      this.sent = [...(isCut ? this.sent.slice(-room) : this.sent), ...stretch.items];
      return { hasAfter: stretch.hasAfter, ...(isCut ? { hasBefore: true } : {}) };
    });
  }

  async jumpTo(seq: number): Promise<number> {
    if (this.find(seq) < 0) await this.replace({ around: seq });
    return this.find(seq);
  }

  async jumpToEnd(): Promise<void> {
    if (this.value.hasAfter || this.sent.length === 0) await this.replace("end");
  }

  indexOf(seq: number): number {
    return lowerBound(this.sent, (item) => item.seq >= seq);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.options.closed(this);
  }

  /** Take what happened; everything of one batch shows at once. */
  take(events: readonly CoreEvent[]): void {
    let isChanged = false;
    let more: Partial<TimelineSnapshot> = {};
    for (const event of events) {
      if (event.type === "connection") {
        if (event.state.kind === "online") this.online();
      } else if (event.type === "reset") {
        void this.replace(this.place()).catch(() => {});
      } else if (event.type === "outbox") {
        if (event.item.conversationId === this.options.id) isChanged = true;
      } else if (event.type === "unboxed") {
        if (event.conversationId === this.options.id) isChanged = true;
      } else if ("id" in event && event.id === this.options.id) {
        if (this.value.loading !== "none") this.missed.push(event);
        if (this.value.loading === "around") continue;
        more = { ...more, ...this.changed(event, more) };
        isChanged = true;
      }
    }
    if (isChanged) this.show(more);
  }

  // --- what happens ---

  private changed(
    event: CoreEvent & { id: string },
    more: Partial<TimelineSnapshot>,
  ): Partial<TimelineSnapshot> {
    if (event.type === "jumped") {
      queueMicrotask(() => this.revalidate());
      return { hasAfter: true };
    }
    if (event.type === "cleared") {
      this.sent = this.sent.slice(this.indexOf(event.upTo + 1));
      return { hasBefore: false };
    }
    if (event.type === "items") {
      this.merge(event.items, event.gone, { ...this.value, ...more });
    }
    return {};
  }

  /** Take what happened during a load once more, on what it brought. */
  private catchUp(loaded: Partial<TimelineSnapshot>): Partial<TimelineSnapshot> {
    const missed = this.missed;
    this.missed = [];
    let more = loaded;
    for (const event of missed) more = { ...more, ...this.changed(event, more) };
    return more;
  }

  private merge(
    items: readonly TimelineItem[],
    gone: readonly number[],
    { hasBefore, hasAfter }: TimelineSnapshot,
  ): void {
    const sent = [...this.sent];
    const first = sent[0]?.seq ?? 0;
    for (const item of [...items].sort((a, b) => a.seq - b.seq)) {
      const last = sent.at(-1)?.seq ?? 0;
      if (item.seq < first && hasBefore) continue;
      if (item.seq > last) {
        if (!hasAfter) sent.push(item);
        continue;
      }
      const at = lowerBound(sent, (one) => one.seq >= item.seq);
      sent.splice(at, sent[at]?.seq === item.seq ? 1 : 0, item);
    }
    if (gone.length > 0) {
      const dropped = new Set(gone);
      this.sent = sent.filter(({ seq }) => !dropped.has(seq));
    } else {
      this.sent = sent;
    }
  }

  private online(): void {
    this.onlines += 1;
    if (!this.isPartial && this.value.error === null) return;
    this.isPartial = false;
    if (this.sent.length === 0) void this.replace(this.place()).catch(() => {});
    else this.revalidate();
  }

  /** Read what is shown anew: what changed comes as events, what is new by `loadAfter`. */
  private revalidate(): void {
    const middle = this.sent[this.sent.length >>> 1];
    if (this.isClosed) return;
    if (middle === undefined) void this.replace(this.place()).catch(() => {});
    else {
      this.readAgain(middle.seq).catch(() => {
        this.isPartial = true; // the next connection tries it again
      });
    }
  }

  private async readAgain(seq: number): Promise<void> {
    const { core, id } = this.options;
    const { onlines } = this;
    const limit = this.pageSize * 2;
    const { isPartial } = await core.request("load", { id, place: { around: seq }, limit });
    if (isPartial && onlines !== this.onlines) this.revalidate();
    else this.isPartial ||= isPartial;
  }

  // --- loading ---

  private async begin(): Promise<void> {
    const record = this.options.record();
    const isUnread = record !== undefined && unreadOf(record) > 0;
    const unreadAfterSeq = isUnread ? record.readSeq : 0;
    this.snapshot.set({ ...EMPTY, unreadAfterSeq });
    await this.replace(this.place()).catch(() => {});
  }

  private place(): Place {
    const { at = "unread" } = this.opened;
    if (typeof at === "number") return { around: at };
    const after = this.value.unreadAfterSeq;
    return at === "unread" && after > 0 ? { around: after + 1 } : "end";
  }

  /** Show another stretch instead of this one. */
  private async replace(place: Place): Promise<void> {
    this.generation += 1;
    const { generation, onlines } = this;
    this.snapshot.set({ ...this.value, loading: "around", error: null });
    const { core, id } = this.options;
    try {
      const stretch = await core.request("load", { id, place, limit: this.pageSize });
      if (generation !== this.generation) return;
      this.sent = stretch.items;
      this.isPartial = stretch.isPartial;
      if (this.isPartial && onlines !== this.onlines) queueMicrotask(() => this.online());
      const { hasBefore, hasAfter } = stretch;
      this.show(this.catchUp({ hasBefore, hasAfter, loading: "none" }), place);
    } catch (error) {
      if (generation === this.generation) this.show({ loading: "none", error: asError(error) });
      throw error;
    }
  }

  private extend(
    side: "before" | "after",
    place: Place,
    merge: (stretch: Stretch) => Partial<TimelineSnapshot>,
  ): Promise<void> {
    if (this.load !== null) return this.load;
    if (this.value.loading !== "none") return Promise.resolve();
    const { generation } = this;
    const { core, id } = this.options;
    this.snapshot.set({ ...this.value, loading: side, shifted: 0, error: null });
    const work = async () => {
      try {
        const stretch = await core.request("load", { id, place, limit: this.pageSize });
        if (generation !== this.generation) return;
        this.isPartial ||= stretch.isPartial;
        this.show(this.catchUp({ ...merge(stretch), loading: "none" }));
      } catch (error) {
        if (generation === this.generation) this.show({ loading: "none", error: asError(error) });
      }
    };
    this.load = work().finally(() => {
      this.load = null;
    });
    return this.load;
  }

  // --- showing ---

  /** Make the next snapshot; `opening` is where a view that begins anew is to stand. */
  private show(more: Partial<TimelineSnapshot> = {}, opening?: Place): void {
    if (this.isClosed) return;
    const before = this.value;
    const hasAfter = more.hasAfter ?? before.hasAfter;
    this.pending = hasAfter ? [] : this.waiting();
    const items = [...this.sent, ...this.pending];
    const next = { ...before, ...more, items, shifted: shiftOf(before.items, items) };
    if (opening !== undefined) {
      next.shifted = 0;
      next.startIndex = this.startOf(opening, items);
    }
    this.snapshot.set(next);
  }

  private waiting(): Message[] {
    const own = [...this.options.outbox()].filter(
      ({ conversationId }) => conversationId === this.options.id,
    );
    return own.sort((a, b) => (a.clientId < b.clientId ? -1 : 1)).map((item) => this.shown(item));
  }

  /** The same object for the same item, so that a row is not drawn again. */
  private shown(item: OutboxItem): Message {
    const message = pendingMessage(item);
    const known = this.pending.find(({ key }) => key === message.key);
    const isSame =
      known?.state === message.state &&
      known.uploadId === message.uploadId &&
      known.content === message.content;
    return isSame && known !== undefined ? known : message;
  }

  private startOf(place: Place, items: readonly TimelineItem[]): number {
    if (place === "end" || !("around" in place)) return items.length - 1;
    return Math.min(this.indexOf(place.around), items.length - 1);
  }

  private find(seq: number): number {
    const at = this.indexOf(seq);
    return this.sent[at]?.seq === seq ? at : -1;
  }
}

function shiftOf(before: readonly TimelineItem[], items: readonly TimelineItem[]): number {
  const first = before[0];
  if (first === undefined || items[0]?.key === first.key) return 0;
  const at = items.findIndex(({ key }) => key === first.key);
  return Math.max(0, at);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new HongyanError(String(error));
}
