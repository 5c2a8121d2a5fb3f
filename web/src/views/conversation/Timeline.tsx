import type { ConversationSummary, TimelineWindow } from "@hongyan/sdk";
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
import { useDesk } from "./desk.js";
import { useScroll } from "./scrolling.js";
import { TimelineRow } from "./TimelineRow.js";

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
  const { highlighted, jump } = useJump(view, scroll.show);
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

function useJump(view: TimelineWindow, show: (index: number) => void) {
  const [highlighted, setHighlighted] = useState(0);
  const jump = useCallback(
    (seq: number) => {
      void view.jumpTo(seq).then((index) => {
        if (index < 0) return;
        setHighlighted(seq);
        requestAnimationFrame(() => show(index));
        setTimeout(() => setHighlighted((now) => (now === seq ? 0 : now)), HIGHLIGHT_MS);
      });
    },
    [view, show],
  );
  return { highlighted, jump };
}
