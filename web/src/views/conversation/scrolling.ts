import type { ConversationSummary, TimelineWindow } from "@hongyan/sdk";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { VirtualizerHandle } from "virtua";
import { useMyId } from "../../model/client.js";
import type { Row } from "../../model/grouping.js";
import { useDesk } from "./desk.js";

/** How near an end of what is loaded, in pixels, more is loaded. */
const NEAR_PX = 1200;
/** How near the end counts as at the end. */
const END_PX = 48;

/**
 * What stays where it is while rows around it come and are measured: the end of the list, or a row
 * that has `above` of the free height over it. Whoever scrolls lets go of it.
 */
type Hold = "end" | { index: number; above: number };

/** The first unread message: a little of what was read before stands over it. */
const NEAR_TOP = 0.12;
const MIDDLE = 0.5;

/** Scrolling: where to open, keeping at the end, loading what is near, telling what was read. */
export function useScroll(
  view: TimelineWindow,
  summary: ConversationSummary,
  isReady: boolean,
  lines: readonly Row[],
) {
  const desk = useDesk();
  const me = useMyId();
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const hold = useRef<Hold | null>(null);
  const heldAt = useRef(0);
  const isPlaced = useRef(false);
  const before = useRef<readonly Row[]>([]);

  const isShifting = isShifted(before.current, lines);
  const kept = onScreen(list.current, box.current, before.current, lines);
  useLayoutEffect(() => {
    before.current = lines;
  });

  const markRead = useCallback(() => {
    const shown = list.current;
    if (!shown || !isPlaced.current || !document.hasFocus()) return;
    const { items } = view.value;
    const isEnd = hold.current === "end";
    const index = isEnd ? items.length : shown.findItemIndex(shown.scrollOffset + shown.viewportSize - 8);
    const last = items.slice(0, index + 1).findLast((item) => item.seq > 0);
    if (last && last.seq > (desk.handle.summary.value?.readSeq ?? 0)) desk.handle.markRead(last.seq);
  }, [view, desk]);

  const look = useCallback(() => {
    const shown = list.current;
    if (!shown || !isPlaced.current || !box.current) return;
    const { hasBefore, hasAfter, loading } = view.value;
    const above = box.current.scrollTop;
    const below = box.current.scrollHeight - box.current.clientHeight - above;
    const isEnd = !hasAfter && below <= END_PX;
    if (isEnd) hold.current = "end";
    else if (hold.current !== null) {
      const isMoved = Math.abs(box.current.scrollTop - heldAt.current) > 1;
      if (isMoved || (hasAfter && hold.current === "end")) hold.current = null;
    }
    setAtEnd(hold.current === "end");
    if (loading === "none" && hasBefore && above < NEAR_PX) void view.loadBefore();
    else if (loading === "none" && hasAfter && below < NEAR_PX) void view.loadAfter();
    markRead();
  }, [view, markRead]);

  /** Not by the list's own `scrollToIndex`: it goes on for 150 ms, whoever scrolls meanwhile. */
  const settle = useCallback(() => {
    const shown = list.current;
    const held = hold.current;
    if (!shown || !box.current || held === null) return;
    if (held === "end") box.current.scrollTop = box.current.scrollHeight;
    else {
      const free = box.current.clientHeight - shown.getItemSize(held.index);
      box.current.scrollTop = shown.getItemOffset(held.index) - Math.max(0, free) * held.above;
    }
    heldAt.current = box.current.scrollTop;
  }, []);

  const keep = useCallback(
    (next: Hold) => {
      hold.current = next;
      settle();
    },
    [settle],
  );

  useLayoutEffect(() => {
    if (!isReady || isPlaced.current || lines.length === 0) return;
    isPlaced.current = true;
    const { startIndex } = view.value;
    keep(startIndex >= lines.length - 1 ? "end" : { index: startIndex, above: NEAR_TOP });
    requestAnimationFrame(look);
  }, [isReady, lines.length > 0]);

  const last = lines[lines.length - 1]?.item;
  useLayoutEffect(() => {
    if (!isPlaced.current || !last) return;
    const isOwnNew = last.type === "message" && last.sender === me && last.state === "pending";
    if (isOwnNew) keep("end");
    requestAnimationFrame(look); // what is new is measured in this frame: then the hold is kept
  }, [last?.key, lines.length]);

  useEffect(() => {
    addEventListener("focus", markRead);
    return () => removeEventListener("focus", markRead);
  }, [markRead]);
  useEffect(markRead, [summary.headSeq]);

  const toEnd = () => void view.jumpToEnd().then(() => keep("end"));
  const show = useCallback((index: number) => keep({ index, above: MIDDLE }), [keep]);
  const onResize = () => {
    if (isPlaced.current) settle();
    requestAnimationFrame(look);
  };
  return { box, list, isAtEnd, isShifting, kept, onScroll: look, onResize, toEnd, show };
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
