import { t } from "../i18n/index.js";
import { onListKey } from "../lib/roving.js";
import { useValue } from "../lib/hooks.js";
import { useClient } from "../model/client.js";
import { messageLine } from "../model/preview.js";
import { Badge, Empty } from "../parts/parts.js";
import { ConversationAvatar, titleOfConversation } from "../parts/ConversationAvatar.js";

/** The user's conversations, where the page names none. */
export function ConversationChoice({ choose }: { choose: (id: string) => void }) {
  const client = useClient();
  const all = useValue(client.conversations).filter((one) => !one.archived);
  if (all.length === 0) return <Empty icon="chats" title={t("chats.noneTitle")} text="" />;
  return (
    <ul class="panel-list scroll" aria-label={t("chats.list")} onKeyDown={onListKey}>
      {all.map((one) => (
        <li key={one.id}>
          <button type="button" data-item onClick={() => choose(one.id)}>
            <ConversationAvatar summary={one} size={40} />
            <span class="main">
              <span class="truncate block" dir="auto">
                {titleOfConversation(one)}
              </span>
              <span class="sub truncate block">
                {one.last?.type === "message" ? messageLine(one.last) : t("chats.nothingYet")}
              </span>
            </span>
            {one.unread > 0 && <Badge count={one.unread} label={t("chats.unread", { n: one.unread })} />}
          </button>
        </li>
      ))}
    </ul>
  );
}
