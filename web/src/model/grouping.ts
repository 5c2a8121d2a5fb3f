import type { Message, TimelineItem } from "@hongyan/sdk";

/** The state of an item among its neighbours. One row per item, so that indexes are the same. */
export interface Row {
  item: TimelineItem;
  /** The first of its day: the date is drawn above it. */
  firstOfDay: boolean;
  /** The line "new messages" is drawn above it. */
  firstUnread: boolean;
  /** The first and the last of a run of messages by one sender. */
  first: boolean;
  last: boolean;
}

const RUN_MS = 5 * 60_000;

const days = new WeakMap<TimelineItem, number>();

/** The midnight before; kept, as a timeline is grouped anew with each message. */
function dayOf(item: TimelineItem): number {
  let day = days.get(item);
  if (day === undefined) days.set(item, (day = new Date(item.sentAtMs).setHours(0, 0, 0, 0)));
  return day;
}

/** Whether a message is drawn as a bubble; a recalled one is a line of its own. */
export const isBubble = (item: TimelineItem): item is Message =>
  item.type === "message" && item.content !== null;

function follows(before: TimelineItem | undefined, item: TimelineItem): boolean {
  return (
    before !== undefined &&
    isBubble(before) &&
    isBubble(item) &&
    before.sender === item.sender &&
    item.sentAtMs - before.sentAtMs < RUN_MS &&
    dayOf(before) === dayOf(item)
  );
}

/** Return the rows of a stretch of a timeline. `unreadAfterSeq` of 0 draws no line. */
export function rows(items: readonly TimelineItem[], unreadAfterSeq: number, myId: string): Row[] {
  let unreadDrawn = unreadAfterSeq <= 0;
  return items.map((item, index) => {
    const before = items[index - 1];
    const isUnread = item.seq > unreadAfterSeq && item.sender !== myId && item.type === "message";
    const firstUnread = !unreadDrawn && isUnread && before !== undefined;
    if (isUnread) unreadDrawn = true;
    const firstOfDay = before === undefined || dayOf(before) !== dayOf(item);
    return {
      item,
      firstOfDay,
      firstUnread,
      first: firstUnread || !follows(before, item),
      last: items[index + 1] === undefined || !follows(item, items[index + 1] as TimelineItem),
    };
  });
}
