/** One conversation, as a view works with it. */

import type {
  ConversationHandle,
  ConversationSummary,
  FileContent,
  Message,
  Observable,
  OpenOptions,
  PreferenceChanges,
  SendOptions,
  TimelineWindow,
  UploadOptions,
} from "./api.js";
import type { Core, Operations } from "./core.js";
import { HongyanError } from "./errors.js";
import { messageOf, type OutboxItem, pendingMessage, withMarks } from "./fold.js";
import { newClientId, randomDigits } from "./ids.js";
import type { ForwardReport, MessageReaders, Methods, SendMessage } from "./protocol.js";
import type { Summaries } from "./summaries.js";
import { Timeline } from "./window.js";

const TIMEOUT_MS = 30_000;
const TYPING_MS = 4000;

export interface ConversationOptions {
  core: Core;
  summaries: Summaries;
  me: () => string;
  windows: Set<Timeline>;
}

export class Conversation implements ConversationHandle {
  readonly summary: Observable<ConversationSummary | null>;
  private typingState = "stopped";
  private typingAtMs = 0;

  constructor(
    readonly id: string,
    private readonly options: ConversationOptions,
  ) {
    this.summary = options.summaries.observe(id);
  }

  open(options: OpenOptions = {}): TimelineWindow {
    const { core, summaries, windows } = this.options;
    const timeline = new Timeline(
      {
        id: this.id,
        core,
        record: () => summaries.record(this.id),
        outbox: () => summaries.waiting(),
        closed: (closed) => windows.delete(closed),
      },
      options,
    );
    windows.add(timeline);
    return timeline;
  }

  async refresh(): Promise<ConversationSummary> {
    const record = await this.options.core.request("learn", { id: this.id, remote: null });
    this.options.summaries.putRecord(record);
    this.options.summaries.update(new Set([this.id]));
    return this.summary.value as ConversationSummary;
  }

  async send(
    content: SendMessage["content"] | string,
    options: SendOptions = {},
  ): Promise<Message> {
    const whole =
      typeof content === "string" ? ({ type: "text", text: content } as const) : content;
    const item = await this.item(whole, options, "");
    await this.options.core.request("send", item);
    return pendingMessage(item);
  }

  async sendFile(
    file: Blob,
    content: FileContent,
    options: SendOptions & UploadOptions = {},
  ): Promise<Message> {
    const { core } = this.options;
    const uploadId = randomDigits(16);
    const name = options.name ?? ("name" in file ? String(file.name) : "");
    const mime = options.mime ?? file.type;
    const facts = { name, mime, size_bytes: file.size, media_id: "" };
    const item = await this.item(
      { ...facts, ...content } as OutboxItem["content"],
      options,
      uploadId,
    );
    await core.request("send", item);
    await core.request("startUpload", { id: uploadId, file, options: { ...options, name, mime } });
    return pendingMessage(item);
  }

  async retry(clientId: string): Promise<void> {
    await this.options.core.request("retry", { clientId });
  }

  async discard(clientId: string): Promise<void> {
    await this.options.core.request("discard", { clientId });
  }

  async edit(seq: number, content: SendMessage["content"], expectedVersion = 0): Promise<void> {
    const expected_version = expectedVersion;
    await this.call("message.edit", { ...this.at(seq), content, expected_version });
  }

  async recall(seq: number): Promise<void> {
    await this.call("message.recall", this.at(seq));
  }

  async react(seq: number, emoji: string, add = true): Promise<void> {
    await this.call("message.react", { ...this.at(seq), emoji, add });
  }

  async pin(seq: number, pinned = true): Promise<void> {
    await this.call(pinned ? "message.pin" : "message.unpin", this.at(seq));
  }

  async vote(seq: number, choice: number[]): Promise<void> {
    await this.call("poll.vote", { ...this.at(seq), choice });
  }

  async closePoll(seq: number): Promise<void> {
    await this.call("poll.close", this.at(seq));
  }

  async favourite(seq: number, kept = true): Promise<void> {
    await this.call(kept ? "message.favourite" : "message.unfavourite", this.at(seq));
  }

  forward(
    seqs: number[],
    targets: string[],
    options: { mode?: "each" | "merged"; title?: string } = {},
  ): Promise<ForwardReport> {
    const client_id = newClientId();
    const params = { conversation_id: this.id, seqs, targets, client_id, ...options };
    return this.call("message.forward", params);
  }

  async hide(seqs: number[]): Promise<void> {
    await this.call("conversation.hide_messages", { conversation_id: this.id, seqs });
  }

  async clear(): Promise<void> {
    await this.call("conversation.clear", { conversation_id: this.id });
  }

  markRead(seq?: number): void {
    const upTo = seq ?? this.options.summaries.record(this.id)?.tip ?? 0;
    this.tell("markRead", { id: this.id, seq: upTo });
  }

  typing(state: "typing" | "recording" | "uploading" | "stopped" = "typing"): void {
    const now = Date.now();
    const isSame = state === this.typingState;
    if (isSame && (state === "stopped" || now - this.typingAtMs < TYPING_MS)) return;
    this.typingState = state;
    this.typingAtMs = now;
    this.tell("typing", { id: this.id, state });
  }

  setDraft(text: string): void {
    this.tell("setDraft", { id: this.id, text });
  }

  async setPreference(changes: PreferenceChanges): Promise<void> {
    await this.call("conversation.preference", { conversation_id: this.id, ...changes });
  }

  message(seq: number): Promise<Message | null> {
    return this.options.core.request("message", { id: this.id, seq });
  }

  async pins(): Promise<readonly Message[]> {
    const { pins } = await this.call("message.pins", { conversation_id: this.id });
    const marks = { emojis: [], pinned: true, poll: null };
    return pins.map(({ message }) => withMarks(messageOf(message), { seq: message.seq, ...marks }));
  }

  readers(seq: number, after = ""): Promise<MessageReaders> {
    return this.call("conversation.readers", { ...this.at(seq), after });
  }

  private at(seq: number): { conversation_id: string; seq: number } {
    return { conversation_id: this.id, seq };
  }

  private async item(
    content: OutboxItem["content"],
    options: SendOptions,
    uploadId: string,
  ): Promise<OutboxItem> {
    const quoteSeq = options.quoteSeq ?? 0;
    const clientId = newClientId(); // before waiting: it holds the order of writing
    const quoted = quoteSeq > 0 ? await this.message(quoteSeq).catch(() => null) : null;
    return {
      clientId,
      conversationId: this.id,
      sender: this.options.me(),
      content,
      quoteSeq,
      quoteSender: quoted?.sender ?? "",
      burnAfterMs: options.burnAfterMs ?? 0,
      createdAtMs: Date.now(),
      uploadId,
      error: null,
    };
  }

  private async call<M extends keyof Methods>(
    method: M,
    params: Methods[M]["params"],
  ): Promise<Methods[M]["result"]> {
    const args = { method, params, timeoutMs: TIMEOUT_MS };
    return (await this.options.core.request("call", args)) as Methods[M]["result"];
  }

  /** Say something whose answer nobody waits for. */
  private tell<O extends "markRead" | "typing" | "setDraft">(
    operation: O,
    args: Operations[O]["args"],
  ): void {
    this.options.core.request(operation, args).catch((error) => {
      if (!(error instanceof HongyanError)) throw error;
    });
  }
}
