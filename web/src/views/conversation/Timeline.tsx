import type { ConversationSummary, TimelineWindow } from "@hongyan/sdk";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { t } from "../../i18n/index.js";
import { useMinute, useValue } from "../../lib/hooks.js";
import { onListKey } from "../../lib/roving.js";
import { useMyId } from "../../model/client.js";
import { explain } from "../../model/feedback.js";
import { type Row, isBubble, rows } from "../../model/grouping.js";
import { IconButton } from "../../parts/IconButton.js";
import { Badge, Empty, Failed, Spinner } from "../../parts/parts.js";
import { useDesk } from "./desk.js";
import { TimelineRow } from "./TimelineRow.js";

/** How near an end of what is loaded, in pixels, more is loaded. */
const NEAR_PX = 1200;
/** How near the end counts as at the end. */
const END_PX = 48;
const HIGHLIGHT_MS = 2500;

/** The virtualised history: opens at the first unread message and never jumps. */
export function Timeline({ summary, seq }: { summary: ConversationSummary; seq: number }) {
  const desk = useDesk();
  const me = useMyId();
  const now = useMinute();
  const [view] = useState(() => desk.handle.open({ at: seq || "unread" }));
  useEffect(() => () => view.close(), [view]);
  const snapshot = useValue(view);
  const { items } = snapshot;
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    const done = () => setReady(true);
    view.ready.then(done, done);
  }, [view]);
  const lines = useMemo(
    () => rows(items, snapshot.unreadAfterSeq, me),
    [items, snapshot.unreadAfterSeq, me],
  );
  const scroll = useScroll(view, summary, isReady, lines);
  const { highlighted, jump } = useJump(view, scroll.list);
  useEffect(() => {
    desk.jump = jump;
    desk.lastOwn = () =>
      view.value.items.findLast(
        (item) => isBubble(item) && item.sender === me && item.state === "sent" && item.content?.type === "text",
      ) as ReturnType<typeof desk.lastOwn>;
  }, [desk, jump, view, me]);
  useEffect(() => {
    if (seq && isReady) jump(seq);
  }, [seq, isReady]);

  if (!isReady && items.length === 0) return <Spinner />;
  if (items.length === 0 && snapshot.error)
    return <Failed text={explain(snapshot.error)} retry={() => void view.jumpToEnd()} />;
  return (
    <div class="timeline">
      {snapshot.loading !== "none" && <span class="spinner timeline-spinner" aria-hidden="true" />}
      <div
        ref={scroll.box}
        class="timeline-scroll scroll"
        role="log"
        aria-live="off"
        aria-label={t("timeline.label")}
        tabIndex={0}
        onKeyDown={onTimelineKey}
      >
        <div class="timeline-space" />
        {items.length === 0 && <Empty icon="chats" title={t("timeline.emptyTitle")} text={t("timeline.emptyText")} />}
        <Virtualizer
          ref={scroll.list}
          scrollRef={scroll.box}
          data={lines}
          shift={scroll.isShifting}
          onScroll={scroll.onScroll}
          onResize={scroll.onResize}
          bufferSize={400}
        >
          {(row: Row) => (
            <TimelineRow
              key={row.item.key}
              row={row}
              summary={summary}
              now={now}
              isHighlighted={row.item.seq > 0 && row.item.seq === highlighted}
            />
          )}
        </Virtualizer>
      </div>
      {!scroll.isAtEnd && (
        <div class="to-end">
          <IconButton icon="down" label={t("timeline.toEnd")} onClick={scroll.toEnd}>
            {summary.unread > 0 && <Badge count={summary.unread} label={t("chats.unread", { n: summary.unread })} />}
          </IconButton>
        </div>
      )}
    </div>
  );
}

function onTimelineKey(event: KeyboardEvent): void {
  if (event.target === event.currentTarget && (event.key === "ArrowUp" || event.key === "Enter")) {
    const items = (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[data-item]");
    event.preventDefault();
    items[items.length - 1]?.focus();
  } else if (event.target !== event.currentTarget) {
    onListKey(event);
  }
}

/** Scrolling: where to open, keeping at the end, loading what is near, telling what was read. */
function useScroll(view: TimelineWindow, summary: ConversationSummary, isReady: boolean, lines: readonly Row[]) {
  const desk = useDesk();
  const me = useMyId();
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const isStuck = useRef(true);
  const isPlaced = useRef(false);
  const before = useRef<readonly Row[]>([]);

  const isShifting = isShifted(before.current, lines);
  useLayoutEffect(() => {
    before.current = lines;
  });

  const markRead = useCallback(() => {
    const shown = list.current;
    if (!shown || !isPlaced.current || !document.hasFocus()) return;
    const { items } = view.value;
    const index = isStuck.current ? items.length : shown.findItemIndex(shown.scrollOffset + shown.viewportSize - 8);
    const last = items.slice(0, index + 1).findLast((item) => item.seq > 0);
    if (last && last.seq > (desk.handle.summary.value?.readSeq ?? 0)) desk.handle.markRead(last.seq);
  }, [view, desk]);

  const look = useCallback(() => {
    const shown = list.current;
    if (!shown || !isPlaced.current) return;
    const { hasBefore, hasAfter, loading } = view.value;
    const below = shown.scrollSize - shown.viewportSize - shown.scrollOffset;
    const isEnd = !hasAfter && below <= END_PX;
    isStuck.current = isEnd;
    setAtEnd(isEnd);
    if (loading === "none" && hasBefore && shown.scrollOffset < NEAR_PX) void view.loadBefore();
    else if (loading === "none" && hasAfter && below < NEAR_PX) void view.loadAfter();
    markRead();
  }, [view, markRead]);

  const stick = useCallback(() => {
    list.current?.scrollToIndex(view.value.items.length - 1, { align: "end" });
  }, [view]);

  useLayoutEffect(() => {
    if (!isReady || isPlaced.current || lines.length === 0) return;
    isPlaced.current = true;
    const { startIndex } = view.value;
    const isEnd = startIndex >= lines.length - 1;
    isStuck.current = isEnd;
    if (isEnd) stick();
    else list.current?.scrollToIndex(startIndex, { align: "start", offset: -80 });
    requestAnimationFrame(look);
  }, [isReady, lines.length > 0]);

  const last = lines[lines.length - 1]?.item;
  useLayoutEffect(() => {
    if (!isPlaced.current || !last) return;
    const isOwnNew = last.type === "message" && last.sender === me && last.state === "pending";
    if (isStuck.current || isOwnNew) stick();
    requestAnimationFrame(look);
  }, [last?.key, lines.length]);

  useEffect(() => {
    addEventListener("focus", markRead);
    return () => removeEventListener("focus", markRead);
  }, [markRead]);
  useEffect(markRead, [summary.headSeq]);

  const toEnd = () => {
    isStuck.current = true;
    void view.jumpToEnd().then(stick);
  };
  const onResize = () => {
    if (isStuck.current && isPlaced.current) stick();
    requestAnimationFrame(look);
  };
  return { box, list, isAtEnd, isShifting, onScroll: look, onResize, toEnd };
}

/** Whether rows came or went before the former first one, so that the list keeps its place. */
function isShifted(before: readonly Row[], after: readonly Row[]): boolean {
  const oldFirst = before[0]?.item.key;
  const newFirst = after[0]?.item.key;
  if (oldFirst === undefined || newFirst === undefined || oldFirst === newFirst) return false;
  return after.some((row) => row.item.key === oldFirst) || before.some((row) => row.item.key === newFirst);
}

function useJump(view: TimelineWindow, list: { current: VirtualizerHandle | null }) {
  const [highlighted, setHighlighted] = useState(0);
  const jump = useCallback(
    (seq: number) => {
      void view.jumpTo(seq).then((index) => {
        if (index < 0) return;
        setHighlighted(seq);
        requestAnimationFrame(() => list.current?.scrollToIndex(index, { align: "center" }));
        setTimeout(() => setHighlighted((now) => (now === seq ? 0 : now)), HIGHLIGHT_MS);
      });
    },
    [view],
  );
  return { highlighted, jump };
}
