import type { Client, ConversationSummary, Message, wire } from "@hongyan/sdk";
import { lazy } from "preact/compat";
import { t } from "../../i18n/index.js";
import { attempt, copy } from "../../model/feedback.js";
import { messageLine } from "../../model/preview.js";
import { conversationPath } from "../../model/router.js";
import { saveMedia } from "../../model/media.js";
import type { MenuItem } from "../../parts/Menu.js";
import { openPopover } from "../../parts/Popover.js";
import { openForward, openReaders, openRevisions } from "../dialogs/openers.js";
import { confirmHide, confirmRecall } from "./confirmations.js";
import type { ComposerState } from "./composerState.js";

const EmojiPicker = lazy(() => import("../emoji/EmojiPicker.js"));

/** The context of the actions at a message. */
export interface MessageContext {
  client: Client;
  composerState: ComposerState;
  summary: ConversationSummary;
  message: Message;
  me: string;
}

const RANKS = { member: 0, admin: 1, owner: 2 };

/** Whether the user's role in the group may do this. Everybody may in a conversation of two. */
export function may(summary: ConversationSummary, what: keyof wire.Permissions): boolean {
  const { group, member } = summary;
  if (!group) return true;
  const usual = { pin: "admin", edit_info: "admin", mention_all: "admin" }[what as string] ?? "member";
  const needed = group.permissions?.[what] ?? (usual as wire.Role);
  return RANKS[member.role ?? "member"] >= RANKS[needed];
}

export const canReact = ({ summary, message }: MessageContext) =>
  message.seq > 0 && summary.active && !summary.group?.dissolved;

/** The menu of a message. */
export function messageMenu(context: MessageContext): (MenuItem | "line" | false)[] {
  const { message, composerState } = context;
  if (message.state !== "sent") return pendingMenu(context);
  const { seq, content } = message;
  const isText = content?.type === "text";
  const isMine = message.sender === context.me;
  const isForwardable = content?.type !== "poll" && content?.type !== "notice" && !message.burnAfterMs;
  return [
    { label: t("message.reply"), icon: "reply", run: () => composerState.startReply(message) },
    isText && { label: t("message.copy"), icon: "copy", run: () => copy(content.text) },
    isFile(content) && {
      label: t("file.save"),
      icon: "download",
      run: () => void attempt(saveMedia(context.client, content.media_id, content.name ?? "")),
    },
    isForwardable &&
      !__WIDGET__ && { label: t("message.forward"), icon: "forward", run: () => openForward(composerState.handle, [seq]) },
    !__WIDGET__ && { label: t("message.select"), icon: "select", run: () => composerState.selected.set(new Set([seq])) },
    isForwardable &&
      !__WIDGET__ && {
      label: t("message.favourite"),
      icon: "star",
      run: () => void attempt(composerState.handle.favourite(seq), "message.favourited"),
    },
    !__WIDGET__ && may(context.summary, "pin") && {
      label: t(message.pinned ? "message.unpin" : "message.pin"),
      icon: "pin",
      run: () => void attempt(composerState.handle.pin(seq, !message.pinned)),
    },
    !__WIDGET__ && {
      label: t("message.copyLink"),
      icon: "link",
      run: () => copy(location.origin + conversationPath(message.conversationId, seq)),
    },
    ...ownItems(context, isMine),
    "line",
    {
      label: t("message.hide"),
      icon: "trash",
      run: () => confirmHide(composerState.handle, [seq]),
      isDanger: true,
    },
  ];
}

function isFile(content: Message["content"]): content is wire.File | wire.Image | wire.Video | wire.Voice {
  return content !== null && "media_id" in content && content.type !== "sticker";
}

function ownItems({ composerState, message, summary }: MessageContext, isMine: boolean): (MenuItem | "line" | false)[] {
  const { content, seq } = message;
  const isAdmin = summary.group !== null && RANKS[summary.member.role ?? "member"] > 0;
  const isEditable = isMine && (content?.type === "text" || (isFile(content) && content.type !== "voice"));
  return [
    isMine &&
      summary.kind !== "self" &&
      summary.kind !== "direct" && {
        label: t("message.readers"),
        icon: "checks",
        run: () => openReaders(composerState.handle, seq),
      },
    message.version > 1 && { label: t("message.revisions"), icon: "clock", run: () => openRevisions(composerState.handle, seq) },
    isEditable && { label: t("message.edit"), icon: "edit", run: () => composerState.startEdit(message) },
    (isMine || isAdmin) && {
      label: t("message.recall"),
      icon: "recall",
      run: () => {
        if (isMine) composerState.keepText(message);
        confirmRecall(composerState.handle, seq);
      },
    },
  ];
}

function pendingMenu({ composerState, message }: MessageContext): (MenuItem | false)[] {
  const content = message.content;
  return [
    content?.type === "text" && { label: t("message.copy"), icon: "copy", run: () => copy(content.text) },
    message.state === "failed" && {
      label: t("action.retry"),
      icon: "retry",
      run: () => void attempt(composerState.handle.retry(message.clientId)),
    },
    {
      label: t("action.discard"),
      icon: "trash",
      run: () => void attempt(composerState.handle.discard(message.clientId)),
      isDanger: true,
    },
  ];
}

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];

/** Open the handful of usual reactions, with the way to all of them. */
export function openReactions(event: MouseEvent, context: MessageContext): void {
  const { message, composerState } = context;
  const give = (emoji: string) => {
    const mine = message.reactions.some((one) => one.emoji === emoji && one.mine);
    void attempt(composerState.handle.react(message.seq, emoji, !mine));
  };
  const label = t("message.react");
  const openAll = (again: MouseEvent) =>
    openPopover(again, {
      role: "dialog",
      label,
      content: (close) => (
        <EmojiPicker
          choose={(emoji) => {
            close();
            give(emoji);
          }}
        />
      ),
    });
  openPopover(event, {
    role: "dialog",
    label: `${label}: ${messageLine(message).slice(0, 60)}`,
    content: (close) => (
      <div class="quick-reactions">
        {QUICK.map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="emoji-button"
            aria-label={emoji}
            onClick={() => {
              close();
              give(emoji);
            }}
          >
            {emoji}
          </button>
        ))}
        <button type="button" class="emoji-button" aria-label={t("emoji.all")} title={t("emoji.all")} onClick={openAll}>
          +
        </button>
      </div>
    ),
  });
}
