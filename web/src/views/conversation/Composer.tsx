import type { ConversationSummary, Message } from "@hongyan/sdk";
import { Suspense, lazy } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useName } from "../../model/client.js";
import { attempt, toast } from "../../model/feedback.js";
import { messageLine } from "../../model/preview.js";
import { type Mentioned, mentionsOf, textContent } from "../../model/rich.js";
import { sendFiles } from "../../model/files.js";
import { focusRequests } from "../../model/shortcuts.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { openMenu } from "../../parts/Menu.js";
import { openPopover } from "../../parts/Popover.js";
import { openFiles, openPoll } from "../dialogs/openers.js";
import { useDesk } from "./desk.js";
import { MentionList, useMentions } from "./mentions.js";
import { may } from "./messageMenu.js";

const EmojiPicker = lazy(() => import("../emoji/EmojiPicker.js"));
const Recorder = lazy(() => import("../composer/Recorder.js"));

const TEXT_MAX = 10_000;

/** Where messages are written. */
export function Composer({ summary }: { summary: ConversationSummary }) {
  const desk = useDesk();
  const [text, setText] = useState(summary.draft);
  const [mentioned, setMentioned] = useState<readonly Mentioned[]>([]);
  const [isRecording, setRecording] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const editing = useValue(desk.editing);
  const reply = useValue(desk.reply);
  const mentions = useMentions(summary, area, text, (name, userId, next, caret) => {
    setMentioned([...mentioned, { text: name, userId }]);
    write(area.current, next, caret, change);
  });

  const change = (next: string) => {
    setText(next);
    if (desk.editing.value) return;
    desk.handle.setDraft(next);
    desk.handle.typing(next ? "typing" : "stopped");
  };
  useGrowing(area, text);
  useComposerFocus(area);
  useInsertions(area, change);
  useLayoutEffect(() => {
    if (!editing) return;
    setText(editableText(editing));
    setMentioned(editing.content?.type === "text" ? mentionsOf(editing.content) : []);
    area.current?.focus();
  }, [editing]);
  useLayoutEffect(() => {
    if (reply) area.current?.focus();
  }, [reply]);

  const stop = () => {
    if (desk.editing.value) setText(summary.draft);
    desk.editing.set(null);
    desk.reply.set(null);
  };
  const submit = () => {
    const trimmed = text.trim();
    if (!trimmed) return;
    if (editing) {
      void attempt(desk.handle.edit(editing.seq, editedContent(editing, trimmed, mentioned), editing.version));
    } else {
      const quoteSeq = reply?.seq ? { quoteSeq: reply.seq } : {};
      void attempt(desk.handle.send(textContent(trimmed, mentioned), quoteSeq));
      desk.handle.setDraft("");
      desk.handle.typing("stopped");
    }
    setMentioned([]);
    desk.editing.set(null);
    desk.reply.set(null);
    setText(editing ? summary.draft : "");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (mentions.onKeyDown(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (editing || reply) stop();
      else area.current?.blur();
    } else if (event.key === "ArrowUp" && text === "") {
      const last = desk.lastOwn();
      if (!last) return;
      event.preventDefault();
      desk.startEdit(last);
    }
  };
  const give = (files: Iterable<File>) => {
    const list = [...files].filter((file) => file.size > 0);
    if (list.length > 0) openFiles(list, (chosen, caption) => void attempt(sendFiles(desk.handle, chosen, caption)));
  };
  useDrop(give, area);

  if (isRecording) {
    return (
      <Suspense fallback={null}>
        <Recorder done={() => setRecording(false)} />
      </Suspense>
    );
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {(editing ?? reply) && <About message={(editing ?? reply) as Message} isEdit={editing !== null} close={stop} />}
      <MentionList mentions={mentions} />
      <div class="composer-line">
        <MoreButton summary={summary} give={give} />
        <textarea
          ref={area}
          rows={1}
          class="composer-text"
          aria-label={t("composer.label")}
          aria-autocomplete="list"
          aria-controls={mentions.isOpen ? "mention-list" : undefined}
          aria-activedescendant={mentions.activeId}
          placeholder={t("composer.placeholder")}
          value={text}
          maxLength={TEXT_MAX}
          dir="auto"
          enterkeyhint="send"
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onSelect={mentions.look}
          onBlur={() => desk.handle.typing("stopped")}
          onPaste={(event) => {
            const files = event.clipboardData?.files;
            if (!files?.length) return;
            event.preventDefault();
            give(files);
          }}
        />
        <EmojiButton insert={(emoji) => insertAt(area.current, emoji, change)} />
        {text.trim() ? (
          <button
            type="submit"
            class="icon-button primary send"
            aria-label={t(editing ? "composer.save" : "composer.send")}
            title={t(editing ? "composer.save" : "composer.send")}
          >
            <Icon name={editing ? "check" : "send"} size={20} />
          </button>
        ) : (
          <IconButton
            icon="mic"
            label={t("composer.voice")}
            disabled={!may(summary, "add_files")}
            onClick={() => ("MediaRecorder" in window ? setRecording(true) : toast(t("composer.noMicrophone")))}
          />
        )}
      </div>
    </form>
  );
}

function editableText(message: Message): string {
  const content = message.content;
  if (content?.type === "text") return content.text;
  return content && "caption" in content ? (content.caption ?? "") : "";
}

function editedContent(message: Message, text: string, mentioned: readonly Mentioned[]) {
  const { content } = message;
  if (content && content.type !== "text" && "media_id" in content) return { ...content, caption: text };
  return textContent(text, mentioned);
}

/** Put the caret at its place at once: what is typed next comes there. */
function write(area: HTMLTextAreaElement | null, text: string, caret: number, change: (text: string) => void): void {
  if (area) {
    area.value = text;
    area.setSelectionRange(caret, caret);
  }
  change(text);
}

function insertAt(area: HTMLTextAreaElement | null, piece: string, change: (text: string) => void): void {
  if (!area) return;
  const { selectionStart: from, selectionEnd: to, value } = area;
  write(area, value.slice(0, from) + piece + value.slice(to), from + piece.length, change);
  requestAnimationFrame(() => area.focus());
}

const growsByItself = CSS.supports("field-sizing", "content");

/** Grow with the text, up to about eight lines. */
function useGrowing(area: { current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const node = area.current;
    if (!node || growsByItself) return;
    node.style.height = "auto";
    node.style.height = `${Math.min(node.scrollHeight + 2, 200)}px`;
  }, [text]);
}

function useComposerFocus(area: { current: HTMLTextAreaElement | null }): void {
  const asked = useValue(focusRequests);
  const first = useRef(asked);
  useEffect(() => {
    if (asked?.where === "composer" && asked !== first.current) area.current?.focus();
  }, [asked]);
  useEffect(() => {
    if (matchMedia("(hover: hover) and (min-width: 700px)").matches) area.current?.focus({ preventScroll: true });
  }, []);
}

function useInsertions(area: { current: HTMLTextAreaElement | null }, change: (text: string) => void): void {
  const desk = useDesk();
  const insertion = useValue(desk.insertion);
  useLayoutEffect(() => {
    if (!insertion) return;
    desk.insertion.set(null);
    change(insertion.replace ? insertion.text : (area.current?.value ?? "") + insertion.text);
    area.current?.focus();
  }, [insertion]);
}

/** Files that are dropped anywhere on the page or, in a widget, on the widget. */
function useDrop(give: (files: Iterable<File>) => void, inside: { current: Element | null }): void {
  const latest = useRef(give);
  latest.current = give;
  useEffect(() => {
    const root = inside.current?.getRootNode();
    const zone = root instanceof ShadowRoot ? root : window;
    const marked = root instanceof ShadowRoot ? root.host : document.body;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
      marked.toggleAttribute("data-dropping", hasFiles(event));
    };
    const end = (event: DragEvent) => {
      if (!event.relatedTarget) marked.removeAttribute("data-dropping");
    };
    const drop = (event: DragEvent) => {
      marked.removeAttribute("data-dropping");
      if (!hasFiles(event)) return;
      event.preventDefault();
      latest.current(event.dataTransfer?.files ?? []);
    };
    zone.addEventListener("dragover", over as EventListener);
    zone.addEventListener("dragleave", end as EventListener);
    zone.addEventListener("drop", drop as EventListener);
    return () => {
      zone.removeEventListener("dragover", over as EventListener);
      zone.removeEventListener("dragleave", end as EventListener);
      zone.removeEventListener("drop", drop as EventListener);
    };
  }, []);
}

/** The message that is being answered or edited. */
function About({ message, isEdit, close }: { message: Message; isEdit: boolean; close: () => void }) {
  const name = useName(message.sender);
  return (
    <div class="composer-about">
      <Icon name={isEdit ? "edit" : "reply"} size={18} />
      <span class="main">
        <strong class="truncate block">{isEdit ? t("composer.editing") : t("composer.replying", { name })}</strong>
        <span class="truncate block sub">{messageLine(message)}</span>
      </span>
      <IconButton icon="close" size="small" label={t("action.cancel")} onClick={close} />
    </div>
  );
}

function EmojiButton({ insert }: { insert: (emoji: string) => void }) {
  const open = (event: MouseEvent) =>
    openPopover(event, {
      role: "dialog",
      label: t("emoji.title"),
      content: () => <EmojiPicker choose={insert} />,
    });
  return <IconButton icon="smile" label={t("emoji.title")} popup="dialog" onClick={open} />;
}

function MoreButton({ summary, give }: { summary: ConversationSummary; give: (files: Iterable<File>) => void }) {
  const desk = useDesk();
  const input = useRef<HTMLInputElement>(null);
  const pick = (accept: string) => {
    if (!input.current) return;
    input.current.accept = accept;
    input.current.click();
  };
  const mayFiles = may(summary, "add_files");
  const open = (event: MouseEvent) =>
    openMenu(event, t("composer.add"), [
      mayFiles && { label: t("composer.picture"), icon: "image", run: () => pick("image/*,video/*") },
      mayFiles && { label: t("composer.file"), icon: "attach", run: () => pick("") },
      !__WIDGET__ && { label: t("poll.create"), icon: "poll", run: () => openPoll(desk.handle) },
    ]);
  return (
    <>
      <IconButton icon="plus" label={t("composer.add")} popup="menu" onClick={open} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t("composer.file")}
        onChange={(event) => {
          give(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}
