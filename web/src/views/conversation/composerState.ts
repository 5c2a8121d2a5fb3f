import type { Client, ConversationHandle, Message } from "@hongyan/sdk";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { Cell } from "../../lib/cell.js";

/** The state of writing in an open conversation. */
export class ComposerState {
  /** The message that is being answered. */
  readonly reply = new Cell<Message | null>(null);
  /** The message that is being edited. */
  readonly editing = new Cell<Message | null>(null);
  /** The seqs chosen for doing something with all of them; null while nothing is being chosen. */
  readonly selected = new Cell<ReadonlySet<number> | null>(null);
  /** A text to be put into the composer. */
  readonly insertion = new Cell<{ text: string; replace: boolean } | null>(null);
  /** The seq up to which somebody else has read a group, where that is watched; else 0. */
  readonly seen = new Cell(0);
  /** Show a message; set by the timeline. */
  jump: (seq: number) => void = () => {};
  /** The latest message of one's own that can be edited; set by the timeline. */
  lastOwn: () => Message | null = () => null;

  constructor(
    readonly client: Client,
    readonly handle: ConversationHandle,
  ) {}

  readonly #recalled = new Map<string, string>();

  /** Remember what a message of one's own said before it is recalled, to write it anew. */
  keepText(message: Message): void {
    if (message.content?.type === "text") this.#recalled.set(message.key, message.content.text);
  }

  recalledText(key: string): string {
    return this.#recalled.get(key) ?? "";
  }

  startReply(message: Message): void {
    this.editing.set(null);
    this.reply.set(message);
  }

  startEdit(message: Message): void {
    this.reply.set(null);
    this.editing.set(message);
  }

  toggle(seq: number): void {
    const chosen = new Set(this.selected.value);
    if (!chosen.delete(seq) && chosen.size < 100) chosen.add(seq);
    this.selected.set(chosen);
  }
}

export const ComposerStateContext = createContext<ComposerState | null>(null);

export function useComposerState(): ComposerState {
  const composerState = useContext(ComposerStateContext);
  if (!composerState) throw new Error("There is no open conversation around this view.");
  return composerState;
}
