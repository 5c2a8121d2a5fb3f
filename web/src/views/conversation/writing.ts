import type { ConversationSummary, Message } from "@hongyan/sdk";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useValue } from "../../lib/hooks.js";
import { attempt } from "../../model/feedback.js";
import { type Mentioned, mentionsOf, textContent } from "../../model/rich.js";
import { focusRequests } from "../../model/shortcuts.js";
import { type ComposerState, useComposerState } from "./composerState.js";
import { useMentions } from "./mentions.js";

export type Area = { current: HTMLTextAreaElement | null };
export type Writing = ReturnType<typeof useWriting>;

/** The message being written: the text, whom it mentions, and what it edits or answers. */
export function useWriting(summary: ConversationSummary, area: Area) {
  const composerState = useComposerState();
  const [text, setText] = useState(summary.draft);
  const [mentioned, setMentioned] = useState<readonly Mentioned[]>([]);
  const editing = useValue(composerState.editing);
  const reply = useValue(composerState.reply);
  const change = (next: string) => {
    setText(next);
    if (composerState.editing.value) return;
    composerState.handle.setDraft(next);
    composerState.handle.typing(next ? "typing" : "stopped");
  };
  const mentions = useMentions(summary, area, text, (name, userId, next, caret) => {
    setMentioned([...mentioned, { text: name, userId }]);
    write(area.current, next, caret, change);
  });
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
    if (composerState.editing.value) setText(summary.draft);
    composerState.editing.set(null);
    composerState.reply.set(null);
  };
  const leave = () => (editing || reply ? stop() : area.current?.blur());
  const submit = () => {
    const trimmed = text.trim();
    if (!trimmed) return;
    sendOrEdit(composerState, trimmed, mentioned);
    setMentioned([]);
    composerState.editing.set(null);
    composerState.reply.set(null);
    setText(editing ? summary.draft : "");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (mentions.onKeyDown(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) submit();
    else if (event.key === "Escape") leave();
    else if (event.key !== "ArrowUp" || text !== "" || !editLast(composerState)) return;
    event.preventDefault();
  };
  return { text, editing, reply, mentions, change, stop, submit, onKeyDown };
}

function sendOrEdit({ handle, editing, reply }: ComposerState, text: string, mentioned: readonly Mentioned[]): void {
  const edited = editing.value;
  if (edited) {
    void attempt(handle.edit(edited.seq, editedContent(edited, text, mentioned), edited.version));
    return;
  }
  const quoteSeq = reply.value?.seq ? { quoteSeq: reply.value.seq } : {};
  void attempt(handle.send(textContent(text, mentioned), quoteSeq));
  handle.setDraft("");
  handle.typing("stopped");
}

/** Begin to edit the last message of one's own; false where there is none. */
function editLast(composerState: ComposerState): boolean {
  const last = composerState.lastOwn();
  if (last) composerState.startEdit(last);
  return Boolean(last);
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

/** Put a piece of text where the caret is. */
export function insertAt(area: HTMLTextAreaElement | null, piece: string, change: (text: string) => void): void {
  if (!area) return;
  const { selectionStart: from, selectionEnd: to, value } = area;
  write(area, value.slice(0, from) + piece + value.slice(to), from + piece.length, change);
  requestAnimationFrame(() => area.focus());
}

const growsByItself = CSS.supports("field-sizing", "content");

/** Grow with the text, up to about eight lines. */
function useGrowing(area: Area, text: string): void {
  useLayoutEffect(() => {
    const node = area.current;
    if (!node || growsByItself) return;
    node.style.height = "auto";
    node.style.height = `${Math.min(node.scrollHeight + 2, 200)}px`;
  }, [text]);
}

function useComposerFocus(area: Area): void {
  const asked = useValue(focusRequests);
  const first = useRef(asked);
  useEffect(() => {
    if (asked?.where === "composer" && asked !== first.current) area.current?.focus();
  }, [asked]);
  useEffect(() => {
    if (matchMedia("(hover: hover) and (min-width: 700px)").matches) area.current?.focus({ preventScroll: true });
  }, []);
}

function useInsertions(area: Area, change: (text: string) => void): void {
  const composerState = useComposerState();
  const insertion = useValue(composerState.insertion);
  useLayoutEffect(() => {
    if (!insertion) return;
    composerState.insertion.set(null);
    change(insertion.replace ? insertion.text : (area.current?.value ?? "") + insertion.text);
    area.current?.focus();
  }, [insertion]);
}
