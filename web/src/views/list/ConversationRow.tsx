import type { ConversationSummary } from "@hongyan/sdk";
import { memo } from "preact/compat";
import { t } from "../../i18n/index.js";
import { stamp } from "../../i18n/when.js";
import { useClient, useMyId, useNames } from "../../model/client.js";
import { eventLine, messageLine, peopleOf } from "../../model/preview.js";
import { conversationPath } from "../../model/router.js";
import { ConversationAvatar, titleOfConversation } from "../../parts/ConversationAvatar.js";
import { Icon } from "../../parts/Icon.js";
import { openMenu } from "../../parts/Menu.js";
import { Badge } from "../../parts/parts.js";
import { Ticks } from "../conversation/Ticks.js";
import { conversationMenu } from "./menu.js";

interface Props {
  summary: ConversationSummary;
  now: number;
  isOpen: boolean;
  /** Whether the Tab key stops here in the list. */
  isStop: boolean;
}

export const ConversationRow = memo(function ConversationRow({ summary, now, isOpen, isStop }: Props) {
  const client = useClient();
  const { id, unread, mentions, markedUnread, pinned } = summary;
  const isMuted = isMutedNow(summary, now);
  const open = (event: MouseEvent | KeyboardEvent) =>
    openMenu(event, titleOfConversation(summary), conversationMenu(client, summary));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) open(event);
  };
  return (
    <a
      class="conversation-row"
      href={conversationPath(id)}
      data-item
      data-conversation={id}
      data-pinned={pinned || undefined}
      aria-current={isOpen ? "page" : undefined}
      tabIndex={isStop ? 0 : -1}
      onContextMenu={open}
      onKeyDown={onKeyDown}
    >
      <ConversationAvatar summary={summary} size={44} />
      <span class="conversation-text">
        <span class="conversation-top">
          <span class="conversation-title truncate" dir="auto">
            {titleOfConversation(summary)}
          </span>
          {isMuted && <Icon name="mute" size={14} />}
          <time class="conversation-time" dateTime={new Date(summary.activeAtMs).toISOString()}>
            {stamp(summary.activeAtMs, now)}
          </time>
        </span>
        <span class="conversation-bottom">
          <span class="conversation-line truncate" dir="auto">
            <LastLine summary={summary} isOpen={isOpen} />
          </span>
          {pinned && !unread && <Icon name="pin" size={14} />}
          {mentions > 0 && (
            <span class="mention-mark" role="img" aria-label={t("chats.mentioned")}>
              @
            </span>
          )}
          {unread > 0 && <Badge count={unread} quiet={isMuted} label={t("chats.unread", { n: unread })} />}
          {!unread && markedUnread && <span class="badge dot" role="img" aria-label={t("chats.markedUnread")} />}
        </span>
      </span>
    </a>
  );
});

export function isMutedNow(summary: ConversationSummary, now: number): boolean {
  return summary.mutedUntilMs === -1 || summary.mutedUntilMs > now;
}

function LastLine({ summary, isOpen }: { summary: ConversationSummary; isOpen: boolean }) {
  const me = useMyId();
  const { last, typing, draft, kind, failed } = summary;
  const people = typing.length > 0 ? [typing[0]?.userId ?? ""] : last ? peopleOf(last) : [];
  const names = useNames(people);
  const nameOf = (id: string) => names[people.indexOf(id)] ?? "…";
  if (typing.length > 0)
    return (
      <span class="typing-line">
        {kind === "direct" ? t("typing.line") : t("typing.who", { who: names[0] ?? "" })}
      </span>
    );
  if (failed > 0)
    return (
      <>
        <span class="draft-mark">{t("chats.failed")}</span> {last?.type === "message" && messageLine(last)}
      </>
    );
  if (draft && !isOpen)
    return (
      <>
        <span class="draft-mark">{t("chats.draft")}</span> {draft}
      </>
    );
  if (!last) return t("chats.nothingYet");
  if (last.type === "event") return <>{eventLine(last, nameOf)}</>;
  const line = messageLine(last);
  if (last.sender === me)
    return (
      <>
        {kind !== "self" && <Ticks message={last} summary={summary} />} {line}
      </>
    );
  return <>{kind === "direct" || kind === "self" ? line : `${nameOf(last.sender)}: ${line}`}</>;
}
