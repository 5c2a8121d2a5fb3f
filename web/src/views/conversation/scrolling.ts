import type { ConversationSummary, TimelineWindow } from "@hongyan/sdk";
import { createRef } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { VirtualizerHandle } from "virtua";
import { useMyId } from "../../model/client.js";
import type { Row } from "../../model/grouping.js";
import { useComposerState } from "./composerState.js";

/** Pixels to an end of what is loaded; nearer, more is loaded. */
const NEAR_PX = 1200;
/** Pixels to the end that count as at the end. */
const END_PX = 48;

/** The end of the list, or a row that has `above` of the free height over it. */
type Hold = "end" | { index: number; above: number };

/** The first unread message: a little of what was read before stands over it. */
const NEAR_TOP = 0.12;
const MIDDLE = 0.5;

/** The row that stays where it is while rows around it come and are measured. Whoever scrolls lets go. */
class Anchor {
  readonly box = createRef<HTMLDivElement>();
  readonly list = createRef<VirtualizerHandle>();
  held: Hold | null = null;
  #top = 0;

  keep(next: Hold): void {
    this.held = next;
    this.settle();
  }

  /** Not by the list's own `scrollToIndex`: it goes on for 150 ms, whoever scrolls meanwhile. */
  settle(): void {
    const list = this.list.current;
    const box = this.box.current;
    if (!list || !box || this.held === null) return;
    if (this.held === "end") box.scrollTop = box.scrollHeight;
    else {
      const free = box.clientHeight - list.getItemSize(this.held.index);
      box.scrollTop = list.getItemOffset(this.held.index) - Math.max(0, free) * this.held.above;
    }
    this.#top = box.scrollTop;
  }

  /** Hold the end where it is reached; let go of what somebody has scrolled away from. */
  look(top: number, isEnd: boolean, hasAfter: boolean): void {
    if (isEnd) this.held = "end";
    else if (this.held !== null) {
      const isMoved = Math.abs(top - this.#top) > 1;
      if (isMoved || (hasAfter && this.held === "end")) this.held = null;
    }
  }
}

/** Scrolling: where to open, keeping at the end, loading what is near, reporting what was read. */
export function useScroll(
  view: TimelineWindow,
  summary: ConversationSummary,
  isReady: boolean,
  lines: readonly Row[],
) {
  const me = useMyId();
  const [anchor] = useState(() => new Anchor());
  const { box, list } = anchor;
  const [isAtEnd, setAtEnd] = useState(true);
  const isPlaced = useRef(false);
  const before = useRef<readonly Row[]>([]);

  const isShifting = isShifted(before.current, lines);
  const kept = onScreen(list.current, box.current, before.current, lines);
  useLayoutEffect(() => {
    before.current = lines;
  });
  const markRead = useReadMark(view, anchor, isPlaced, summary.headSeq);

  const look = useCallback(() => {
    if (!isPlaced.current || !box.current) return;
    const { scrollTop: above, scrollHeight, clientHeight } = box.current;
    const below = scrollHeight - clientHeight - above;
    const { hasAfter } = view.value;
    anchor.look(above, !hasAfter && below <= END_PX, hasAfter);
    setAtEnd(anchor.held === "end");
    loadNear(view, above, below);
    markRead();
  }, [view, markRead]);

  useLayoutEffect(() => {
    if (!isReady || isPlaced.current || lines.length === 0) return;
    isPlaced.current = true;
    const { startIndex } = view.value;
    anchor.keep(startIndex >= lines.length - 1 ? "end" : { index: startIndex, above: NEAR_TOP });
    requestAnimationFrame(look);
  }, [isReady, lines.length > 0]);

  const last = lines[lines.length - 1]?.item;
  useLayoutEffect(() => {
    if (!isPlaced.current || !last) return;
    const isOwnNew = last.type === "message" && last.sender === me && last.state === "pending";
    if (isOwnNew) anchor.keep("end");
    requestAnimationFrame(look); // what is new is measured in this frame: then the hold is kept
  }, [last?.key, lines.length]);

  const toEnd = () => void view.jumpToEnd().then(() => anchor.keep("end"));
  const show = useCallback((index: number) => anchor.keep({ index, above: MIDDLE }), [anchor]);
  const onResize = () => {
    if (isPlaced.current) anchor.settle();
    requestAnimationFrame(look);
  };
  return { box, list, isAtEnd, isShifting, kept, onScroll: look, onResize, toEnd, show };
}

function loadNear(view: TimelineWindow, above: number, below: number): void {
  const { hasBefore, hasAfter, loading } = view.value;
  if (loading !== "none") return;
  if (hasBefore && above < NEAR_PX) void view.loadBefore();
  else if (hasAfter && below < NEAR_PX) void view.loadAfter();
}

/** Report how far somebody has read who looks at the page; returns what reports it now. */
function useReadMark(view: TimelineWindow, anchor: Anchor, isPlaced: { current: boolean }, headSeq: number) {
  const { handle } = useComposerState();
  const markRead = useCallback(() => {
    const shown = anchor.list.current;
    if (!shown || !isPlaced.current || !document.hasFocus()) return;
    const { items } = view.value;
    const isEnd = anchor.held === "end";
    const index = isEnd ? items.length : shown.findItemIndex(shown.scrollOffset + shown.viewportSize - 8);
    const last = items.slice(0, index + 1).findLast((item) => item.seq > 0);
    if (last && last.seq > (handle.summary.value?.readSeq ?? 0)) handle.markRead(last.seq);
  }, [view, handle, anchor]);
  useEffect(() => {
    addEventListener("focus", markRead);
    return () => removeEventListener("focus", markRead);
  }, [markRead]);
  useEffect(markRead, [headSeq]);
  return markRead;
}

/** Whether rows came or went before the former first one, so that the list keeps its place. */
function isShifted(before: readonly Row[], after: readonly Row[]): boolean {
  const oldFirst = before[0]?.item.key;
  const newFirst = after[0]?.item.key;
  if (oldFirst === undefined || newFirst === undefined || oldFirst === newFirst) return false;
  return after.some((row) => row.item.key === oldFirst) || before.some((row) => row.item.key === newFirst);
}

/**
 * The indexes of the rows on the screen, among what is drawn next. They are kept in the page: where
 * the list has moved itself it learns that only by the event of the next frame, and what is drawn
 * until then is drawn by indexes of before.
 */
function onScreen(
  list: VirtualizerHandle | null,
  box: HTMLElement | null,
  before: readonly Row[],
  after: readonly Row[],
): number[] {
  if (!list?.viewportSize || !box) return [];
  const first = list.findItemIndex(box.scrollTop);
  const last = list.findItemIndex(box.scrollTop + box.clientHeight);
  const keys = new Set(before.slice(first, last + 1).map(({ item }) => item.key));
  return after.flatMap(({ item }, index) => (keys.has(item.key) ? [index] : []));
}
