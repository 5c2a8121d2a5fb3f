import type { ConversationSummary, Message, TimelineItem, TimelineWindow } from "@hongyan/sdk";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Virtualizer } from "virtua";
import { t } from "../../i18n/index.js";
import { useMinute, useValue } from "../../lib/hooks.js";
import { onListKey } from "../../lib/roving.js";
import { useMyId } from "../../model/client.js";
import { explain } from "../../model/feedback.js";
import { type Row, isBubble, rows } from "../../model/grouping.js";
import { IconButton } from "../../parts/IconButton.js";
import { Badge, Empty, Failed, Spinner } from "../../parts/parts.js";
import { useComposerState } from "./composerState.js";
import { useScroll } from "./scrolling.js";
import { TimelineRow } from "./TimelineRow.js";
import { VirtualRow } from "./VirtualRow.js";

const HIGHLIGHT_MS = 2500;

/** The virtualised history: opens at the first unread message and never jumps. */
export function Timeline({ summary, seq }: { summary: ConversationSummary; seq: number }) {
  const me = useMyId();
  const now = useMinute();
  const { view, isReady } = useOpened(seq);
  const snapshot = useValue(view);
  const { items } = snapshot;
  const lines = useMemo(
    () => rows(items, snapshot.unreadAfterSeq, me),
    [items, snapshot.unreadAfterSeq, me],
  );
  const scroll = useScroll(view, summary, isReady, lines);
  const highlighted = useJump(view, scroll.show, isReady ? seq : 0);

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
          item={VirtualRow}
          shift={scroll.isShifting}
          keepMounted={scroll.kept}
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
      {!scroll.isAtEnd && <ToEnd unread={summary.unread} go={scroll.toEnd} />}
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

/** A stretch of the conversation that follows what happens, as long as the view is there. */
function useOpened(seq: number) {
  const composerState = useComposerState();
  const me = useMyId();
  const [view] = useState(() => composerState.handle.open({ at: seq || "unread" }));
  const [isReady, setReady] = useState(false);
  useEffect(() => () => view.close(), [view]);
  useEffect(() => {
    const done = () => setReady(true);
    view.ready.then(done, done);
  }, [view]);
  useEffect(() => {
    const isOwn = (item: TimelineItem): item is Message =>
      isBubble(item) && item.sender === me && item.state === "sent" && item.content?.type === "text";
    composerState.lastOwn = () => view.value.items.findLast(isOwn) ?? null;
  }, [composerState, view, me]);
  return { view, isReady };
}

/** Let messages be jumped to, at first to `seq`; returns the seq that is highlighted. */
function useJump(view: TimelineWindow, show: (index: number) => void, seq: number): number {
  const composerState = useComposerState();
  const [highlighted, setHighlighted] = useState(0);
  const jump = useCallback(
    (to: number) => {
      void view.jumpTo(to).then((index) => {
        if (index < 0) return;
        setHighlighted(to);
        requestAnimationFrame(() => show(index));
        setTimeout(() => setHighlighted((now) => (now === to ? 0 : now)), HIGHLIGHT_MS);
      });
    },
    [view, show],
  );
  useEffect(() => {
    composerState.jump = jump;
  }, [composerState, jump]);
  useEffect(() => {
    if (seq) jump(seq);
  }, [seq]);
  return highlighted;
}

function ToEnd({ unread, go }: { unread: number; go: () => void }) {
  return (
    <div class="to-end">
      <IconButton icon="down" label={t("timeline.toEnd")} onClick={go}>
        {unread > 0 && <Badge count={unread} label={t("chats.unread", { n: unread })} />}
      </IconButton>
    </div>
  );
}
