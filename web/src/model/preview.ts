import type { Message, TimelineEvent, TimelineItem, wire } from "@hongyan/sdk";
import { t } from "../i18n/index.js";

export type Content = NonNullable<wire.MessageBody["content"]>;

/** A content in one line. */
export function contentLine(content: Content): string {
  switch (content.type) {
    case "text":
      return content.text.replace(/\s+/g, " ");
    case "image":
      return labelled("content.image", content.caption);
    case "voice":
      return t("content.voice");
    case "video":
      return labelled("content.video", content.caption);
    case "file":
      return `${t("content.file")} ${content.name ?? ""}`.trim();
    case "sticker":
      return content.emoji || t("content.sticker");
    case "location":
      return labelled("content.location", content.name);
    case "contact":
      return labelled("content.contact", content.name);
    case "link":
      return content.title || content.url;
    case "forward":
      return `${t("content.forward")} ${content.title}`.trim();
    case "poll":
      return labelled("content.poll", content.question);
    case "notice":
      return content.text;
    case "custom":
      return content.summary || t("content.unknown");
    default:
      return t("content.unknown");
  }
}

function labelled(key: Parameters<typeof t>[0], text: string | undefined): string {
  return text ? `${t(key)} ${text}` : t(key);
}

/** A message in one line, without its sender. */
export function messageLine(message: Message): string {
  if (message.recalledBy) return t("message.recalled");
  if (message.burned) return t("message.burned");
  return message.content ? contentLine(message.content) : t("content.unknown");
}

/** The users whose names an event's line needs. */
export function peopleOf(item: TimelineItem): string[] {
  if (item.type === "message") return [item.sender];
  const body = item.body as { user_ids?: string[]; user_id?: string; owner_id?: string };
  return [item.sender, ...(body.user_ids ?? []).slice(0, 5), body.user_id, body.owner_id].filter(
    (id): id is string => Boolean(id),
  );
}

/** An act as a sentence. */
export function eventLine(item: TimelineEvent, nameOf: (id: string) => string): string {
  const who = nameOf(item.sender);
  switch (item.event) {
    case "conversation.created": {
      const { kind } = item.body as unknown as wire.ConversationCreated;
      if (kind === "direct" || kind === "self") return t("event.opened");
      return t(kind === "channel" ? "event.createdChannel" : "event.created", { who });
    }
    case "conversation.dissolved":
      return t("event.dissolved", { who });
    case "members.joined": {
      const body = item.body as unknown as wire.MembersJoined;
      const others = body.user_ids.filter((id) => id !== item.sender);
      const names = listNames(others.length > 0 ? others : body.user_ids, nameOf);
      const alone = body.user_ids.length === 1 && body.user_ids[0] === item.sender;
      if (body.how === "link") return t("event.joinedByLink", { names });
      if (body.how === "approved") return t("event.approved", { who, names });
      return alone ? t("event.joined", { names }) : t("event.invited", { who, names });
    }
    case "members.left": {
      const body = item.body as unknown as wire.MembersLeft;
      const names = listNames(body.user_ids, nameOf);
      return body.why === "kicked" || body.why === "banned"
        ? t("event.removed", { who, names })
        : t("event.left", { names });
    }
    case "member.changed":
      return memberLine(item.body as unknown as wire.MemberChanged, who, nameOf);
    case "conversation.changed":
      return changeLine(item.body as wire.ConversationChanged, who, nameOf);
    case "message.pinned":
      return t(item.body.pinned ? "event.pinned" : "event.unpinned", { who });
  }
}

function listNames(ids: readonly string[], nameOf: (id: string) => string): string {
  const names = ids.slice(0, 5).map(nameOf).join(t("list.comma"));
  return ids.length > 5 ? t("event.andMore", { names, n: ids.length }) : names;
}

function memberLine(body: wire.MemberChanged, who: string, nameOf: (id: string) => string): string {
  const name = nameOf(body.user_id);
  if (body.role === "admin") return t("event.madeAdmin", { who, name });
  if (body.role === "member") return t("event.madeMember", { who, name });
  if (body.muted_until_ms) return t("event.muted", { who, name });
  if (body.muted_until_ms === 0) return t("event.unmuted", { who, name });
  return t("event.nickname", { name, nickname: body.nickname || name });
}

function changeLine(body: wire.ConversationChanged, who: string, nameOf: (id: string) => string): string {
  if (body.owner_id) return t("event.owner", { who, name: nameOf(body.owner_id) });
  if (body.name) return t("event.renamed", { who, name: body.name });
  if (body.notice) return t("event.notice", { who });
  if (body.avatar != null) return t("event.avatar", { who });
  if (body.muted_all != null) return t(body.muted_all ? "event.mutedAll" : "event.unmutedAll", { who });
  return t("event.settings", { who });
}
