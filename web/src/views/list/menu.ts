import type { Client, ConversationSummary } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { attempt } from "../../model/feedback.js";
import { go, route } from "../../model/router.js";
import type { MenuItem } from "../../parts/Menu.js";
import { openFolder } from "../dialogs/openers.js";
import { confirmClear } from "../conversation/confirmations.js";

/** The menu of a conversation in the list. */
export function conversationMenu(client: Client, summary: ConversationSummary): (MenuItem | "line")[] {
  const handle = client.conversation(summary.id);
  const prefer = (changes: Parameters<typeof handle.setPreference>[0]) =>
    void attempt(handle.setPreference(changes));
  const isUnread = summary.unread > 0 || summary.markedUnread;
  const isMuted = summary.mutedUntilMs === -1 || summary.mutedUntilMs > Date.now();
  const hide = () => {
    prefer({ hidden: true });
    if (route.value.name === "conversation" && route.value.id === summary.id) go("/");
  };
  return [
    {
      label: t(summary.pinned ? "chats.unpin" : "chats.pin"),
      icon: "pin",
      run: () => prefer({ pinned: !summary.pinned }),
    },
    {
      label: t(isMuted ? "chats.unmute" : "chats.mute"),
      icon: isMuted ? "bell" : "mute",
      run: () => prefer({ muted_until_ms: isMuted ? 0 : -1 }),
    },
    {
      label: t(isUnread ? "chats.markRead" : "chats.markUnread"),
      icon: "checks",
      run: () => {
        if (!isUnread) prefer({ marked_unread: true });
        else if (summary.unread > 0) handle.markRead();
        else prefer({ marked_unread: false });
      },
    },
    { label: t("chats.folder"), icon: "file", run: () => openFolder(summary) },
    {
      label: t(summary.archived ? "chats.unarchive" : "chats.archive"),
      icon: "archive",
      run: () => prefer({ archived: !summary.archived }),
    },
    "line",
    { label: t("chats.hide"), icon: "close", run: hide },
    { label: t("chats.clear"), icon: "trash", run: () => confirmClear(handle), isDanger: true },
  ];
}
