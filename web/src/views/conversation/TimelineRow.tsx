import type { ConversationSummary, Message, TimelineEvent } from "@hongyan/sdk";
import { memo } from "preact/compat";
import { t } from "../../i18n/index.js";
import { clock, dayName, moment } from "../../i18n/when.js";
import { useValue } from "../../lib/hooks.js";
import { useClient, useMyId, useName, useNames } from "../../model/client.js";
import { attempt, explain } from "../../model/feedback.js";
import type { Row } from "../../model/grouping.js";
import { eventLine, messageLine, peopleOf } from "../../model/preview.js";
import { Avatar } from "../../parts/Avatar.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { openMenu } from "../../parts/Menu.js";
import { ContentView } from "../content/ContentView.js";
import { openPerson } from "../dialogs/openers.js";
import { useComposerState } from "./composerState.js";
import { canReact, messageMenu, openReactions } from "./messageMenu.js";
import { QuoteView } from "./QuoteView.js";
import { Reactions } from "./Reactions.js";
import { Ticks } from "./Ticks.js";

interface Props {
  row: Row;
  summary: ConversationSummary;
  now: number;
  isHighlighted: boolean;
}

export const TimelineRow = memo(function TimelineRow(props: Props) {
  const { item, firstOfDay, firstUnread } = props.row;
  const me = useMyId();
  return (
    <div class="timeline-row">
      {firstOfDay && (
        <div class="day">
          <time dateTime={new Date(item.sentAtMs).toISOString()}>{dayName(item.sentAtMs, props.now)}</time>
        </div>
      )}
      {firstUnread && <div class="unread-line">{t("timeline.unread")}</div>}
      {item.type === "event" ? (
        (!__WIDGET__ || isWorthTelling(item, me)) && <EventRow item={item} />
      ) : item.content === null ? (
        <GoneRow message={item} />
      ) : (
        <MessageRow {...props} message={item} />
      )}
    </div>
  );
}, sameRow);

function sameRow(a: Props, b: Props): boolean {
  return (
    a.row.item === b.row.item &&
    a.row.first === b.row.first &&
    a.row.last === b.row.last &&
    a.row.firstOfDay === b.row.firstOfDay &&
    a.row.firstUnread === b.row.firstUnread &&
    a.isHighlighted === b.isHighlighted &&
    a.summary.peerReadSeq === b.summary.peerReadSeq &&
    a.summary.peerDeliveredSeq === b.summary.peerDeliveredSeq &&
    a.summary.member === b.summary.member &&
    a.summary.group === b.summary.group &&
    (!a.row.firstOfDay || a.now === b.now)
  );
}

/** Whether somebody on another site's page cares: not for how the conversation came to be. */
function isWorthTelling({ event, sender, body }: TimelineEvent, me: string): boolean {
  if (event === "conversation.created") return false;
  const joined = event === "members.joined" ? ((body.user_ids ?? []) as string[]) : [];
  return !joined.includes(me) && !(joined.length === 1 && joined[0] === sender);
}

function EventRow({ item }: { item: TimelineEvent }) {
  const people = peopleOf(item);
  const names = useNames(people);
  return <p class="event-line">{eventLine(item, (id) => names[people.indexOf(id)] ?? "…")}</p>;
}

/** A message that was recalled or has burned; one's own text can be written anew. */
function GoneRow({ message }: { message: Message }) {
  const composerState = useComposerState();
  const me = useMyId();
  const who = useName(message.recalledBy || message.sender);
  const isMine = message.sender === me;
  const text = composerState.recalledText(message.key);
  const line = message.burned
    ? t("message.burned")
    : message.recalledBy === me
      ? t("message.recalledByMe")
      : t("message.recalledBy", { who });
  return (
    <p class="event-line" data-seq={message.seq}>
      {line}
      {isMine && text && (
        <button type="button" class="link" onClick={() => composerState.insertion.set({ text, replace: true })}>
          {t("message.editAgain")}
        </button>
      )}
    </p>
  );
}

function MessageRow({ row, message, summary, isHighlighted }: Props & { message: Message }) {
  const composerState = useComposerState();
  const client = useClient();
  const me = useMyId();
  const selected = useValue(composerState.selected);
  const name = useName(message.sender);
  const isOwn = message.sender === me;
  const isGroup = summary.kind === "group" || summary.kind === "channel";
  const showsSender = isGroup && !isOwn;
  const context = { client, composerState, summary, message, me };
  const open = (event: MouseEvent | KeyboardEvent) =>
    openMenu(event, t("message.actions"), messageMenu(context));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    if (event.key === "Enter" || event.key === "ContextMenu") open(event);
    else if (event.key === "r" && message.seq) composerState.startReply(message);
    else if (event.key === "e" && isOwn && message.content?.type === "text") composerState.startEdit(message);
    else return;
    event.preventDefault();
  };
  return (
    <div
      class={`message ${isOwn ? "own" : "other"} ${row.first ? "first" : ""} ${row.last ? "last" : ""}`}
      data-item
      data-seq={message.seq || undefined}
      data-state={message.state}
      data-highlighted={isHighlighted || undefined}
      data-chosen={selected?.has(message.seq) || undefined}
      role="article"
      tabIndex={-1}
      aria-label={`${isOwn ? t("message.me") : name}, ${clock(message.sentAtMs)}: ${messageLine(message)}`}
      onKeyDown={onKeyDown}
      onContextMenu={selected ? undefined : open}
    >
      {selected && message.seq > 0 && <Choice message={message} isChosen={selected.has(message.seq)} />}
      {showsSender && <SenderAvatar message={message} name={name} isShown={row.first} summary={summary} />}
      <div class="message-column">
        {showsSender && row.first && (
          <span class="message-sender truncate" dir="auto">
            {name}
          </span>
        )}
        <div class="bubble-line">
          <Bubble message={message} summary={summary} isOwn={isOwn} />
          {!selected && message.seq > 0 && <Tools context={context} open={open} />}
        </div>
        <Reactions message={message} />
        {message.state === "failed" && <FailedLine message={message} />}
      </div>
    </div>
  );
}

function Choice({ message, isChosen }: { message: Message; isChosen: boolean }) {
  const composerState = useComposerState();
  return (
    <input
      type="checkbox"
      class="check"
      aria-label={t("message.choose", { text: messageLine(message).slice(0, 60) })}
      checked={isChosen}
      onChange={() => composerState.toggle(message.seq)}
    />
  );
}

interface SenderProps {
  message: Message;
  name: string;
  /** Only the first of a run has the picture; the others keep its place. */
  isShown: boolean;
  summary: ConversationSummary;
}

/** The picture of who wrote; it opens their card, but in a widget. */
function SenderAvatar({ message: { sender }, name, isShown, summary }: SenderProps) {
  const media = useClient().users.get(sender)?.avatar;
  return (
    <span class="message-avatar">
      {isShown && __WIDGET__ && <Avatar id={sender} name={name} media={media} size={28} />}
      {isShown && !__WIDGET__ && (
        <button
          type="button"
          class="plain"
          tabIndex={-1}
          aria-label={t("person.open", { name })}
          onClick={() => openPerson(sender, summary)}
        >
          <Avatar id={sender} name={name} media={media} size={34} />
        </button>
      )}
    </span>
  );
}

function Tools({ context, open }: { context: Parameters<typeof messageMenu>[0]; open: (event: MouseEvent) => void }) {
  const { message, composerState } = context;
  return (
    <div class="message-tools">
      {canReact(context) && (
        <IconButton icon="smile" size="small" label={t("message.react")} popup="dialog" tabIndex={-1} onClick={(event) => openReactions(event, context)} />
      )}
      <IconButton icon="reply" size="small" label={t("message.reply")} tabIndex={-1} onClick={() => composerState.startReply(message)} />
      <IconButton icon="more" size="small" label={t("action.more")} popup="menu" tabIndex={-1} onClick={open} />
    </div>
  );
}

function Bubble({ message, summary, isOwn }: { message: Message; summary: ConversationSummary; isOwn: boolean }) {
  const seen = useValue(useComposerState().seen);
  const content = message.content;
  if (!content) return null;
  const isBare = content.type === "sticker" || ((content.type === "image" || content.type === "video") && !content.caption && !message.quote);
  return (
    <div class="bubble" data-type={content.type} data-bare={isBare || undefined}>
      {message.forwardedFrom && <ForwardedLine origin={message.forwardedFrom} />}
      {message.quote && <QuoteView quote={message.quote} />}
      <ContentView content={content} message={message} />
      <span class="meta">
        {message.pinned && <Icon name="pin" size={12} />}
        {message.burnAfterMs > 0 && <Icon name="clock" size={12} />}
        {message.editedAtMs > 0 && (
          <span title={moment(message.editedAtMs)}>{t("message.edited")}</span>
        )}
        <time dateTime={new Date(message.sentAtMs).toISOString()} title={moment(message.sentAtMs)}>
          {clock(message.sentAtMs)}
        </time>
        {isOwn && summary.kind !== "self" && <Ticks message={message} summary={summary} seenSeq={seen} />}
      </span>
    </div>
  );
}

function ForwardedLine({ origin }: { origin: NonNullable<Message["forwardedFrom"]> }) {
  const name = useName(origin.sender);
  return (
    <span class="forwarded-line">
      <Icon name="forward" size={14} />
      {t("message.forwardedFrom", { name: origin.name || name })}
    </span>
  );
}

function FailedLine({ message }: { message: Message }) {
  const { handle } = useComposerState();
  const reason = message.error ? explain(message.error) : "";
  return (
    <div class="failed-line" role="alert">
      <span>{reason || t("ticks.failed")}</span>
      <button type="button" class="link" onClick={() => void attempt(handle.retry(message.clientId))}>
        {t("action.retry")}
      </button>
      <button type="button" class="link" onClick={() => void attempt(handle.discard(message.clientId))}>
        {t("action.discard")}
      </button>
    </div>
  );
}
