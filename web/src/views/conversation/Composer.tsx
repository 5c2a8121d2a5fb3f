import type { ConversationSummary, Message } from "@hongyan/sdk";
import { Suspense, lazy } from "preact/compat";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useName } from "../../model/client.js";
import { attempt, toast } from "../../model/feedback.js";
import { messageLine } from "../../model/preview.js";
import { sendFiles } from "../../model/files.js";
import { Icon } from "../../parts/Icon.js";
import { IconButton } from "../../parts/IconButton.js";
import { openMenu } from "../../parts/Menu.js";
import { openPopover } from "../../parts/Popover.js";
import { openFiles, openPoll } from "../dialogs/openers.js";
import { useComposerState } from "./composerState.js";
import { MentionList } from "./mentions.js";
import { may } from "./messageMenu.js";
import { type Area, type Writing, insertAt, useWriting } from "./writing.js";

const EmojiPicker = lazy(() => import("../emoji/EmojiPicker.js"));
const Recorder = lazy(() => import("../composer/Recorder.js"));

const TEXT_MAX = 10_000;

/** The composer: messages are written here. */
export function Composer({ summary }: { summary: ConversationSummary }) {
  const composerState = useComposerState();
  const [isRecording, setRecording] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const writing = useWriting(summary, area);
  const { text, editing, reply } = writing;
  const give = (files: Iterable<File>) => {
    const list = [...files].filter((file) => file.size > 0);
    if (list.length > 0) openFiles(list, (chosen, caption) => void attempt(sendFiles(composerState.handle, chosen, caption)));
  };
  useDrop(give, area);

  if (isRecording) {
    return (
      <Suspense fallback={null}>
        <Recorder done={() => setRecording(false)} />
      </Suspense>
    );
  }
  const onSubmit = (event: Event) => {
    event.preventDefault();
    writing.submit();
  };
  const about = editing ?? reply;
  return (
    <form class="composer" onSubmit={onSubmit}>
      {about && <About message={about} isEdit={editing !== null} close={writing.stop} />}
      <MentionList mentions={writing.mentions} />
      <div class="composer-line">
        <MoreButton summary={summary} give={give} />
        <TextArea area={area} writing={writing} give={give} />
        <EmojiButton insert={(emoji) => insertAt(area.current, emoji, writing.change)} />
        {text.trim() ? (
          <SendButton isEdit={editing !== null} />
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

interface TextAreaProps {
  area: Area;
  writing: Writing;
  give: (files: Iterable<File>) => void;
}

function TextArea({ area, writing, give }: TextAreaProps) {
  const { handle } = useComposerState();
  const { text, mentions } = writing;
  const onPaste = (event: ClipboardEvent) => {
    const files = event.clipboardData?.files;
    if (!files?.length) return;
    event.preventDefault();
    give(files);
  };
  return (
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
      onInput={(event) => writing.change(event.currentTarget.value)}
      onKeyDown={writing.onKeyDown}
      onSelect={mentions.look}
      onBlur={() => handle.typing("stopped")}
      onPaste={onPaste}
    />
  );
}

function SendButton({ isEdit }: { isEdit: boolean }) {
  const label = t(isEdit ? "composer.save" : "composer.send");
  return (
    <button type="submit" class="icon-button primary send" aria-label={label} title={label}>
      <Icon name={isEdit ? "check" : "send"} size={20} />
    </button>
  );
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
  const composerState = useComposerState();
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
      !__WIDGET__ && { label: t("poll.create"), icon: "poll", run: () => openPoll(composerState.handle) },
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
