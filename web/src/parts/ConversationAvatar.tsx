import type { ConversationSummary } from "@hongyan/sdk";
import { t } from "../i18n/index.js";
import { Avatar, PersonAvatar } from "./Avatar.js";

/** The name under which a conversation is shown. */
export function titleOfConversation(summary: ConversationSummary): string {
  if (summary.kind === "self") return t("chats.self");
  return summary.title || "…";
}

/** The picture of a conversation: its own, or that of the other person. */
export function ConversationAvatar({ summary, size }: { summary: ConversationSummary; size: number }) {
  const name = titleOfConversation(summary);
  const { id, peerId, avatar, kind } = summary;
  if (peerId && kind === "direct") return <PersonAvatar id={peerId} name={name} media={avatar} size={size} />;
  const icon = kind === "self" ? "note" : kind === "channel" ? "megaphone" : undefined;
  return <Avatar id={id} name={name} media={avatar} size={size} icon={icon} />;
}
