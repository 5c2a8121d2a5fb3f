import type { Client, ConversationHandle } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { attempt, openDialog } from "../../model/feedback.js";
import { go } from "../../model/router.js";
import { Confirm } from "../../parts/Dialog.js";

/** Ask before forgetting what was said. */
export function confirmClear(handle: ConversationHandle): void {
  openDialog(Confirm, {
    title: t("chats.clear"),
    text: t("confirm.clear"),
    label: t("chats.clear"),
    run: () => attempt(handle.clear()),
  });
}

export function confirmHide(handle: ConversationHandle, seqs: number[]): void {
  openDialog(Confirm, {
    title: t("message.hide"),
    text: t("confirm.hide", { n: seqs.length }),
    label: t("message.hide"),
    run: () => attempt(handle.hide(seqs)),
  });
}

export function confirmRecall(handle: ConversationHandle, seq: number): void {
  openDialog(Confirm, {
    title: t("message.recall"),
    text: t("confirm.recall"),
    label: t("message.recall"),
    run: () => attempt(handle.recall(seq)),
  });
}

export function confirmLeave(client: Client, id: string): void {
  const leave = async () => {
    if (await attempt(client.groups.leave(id))) go("/");
  };
  openDialog(Confirm, {
    title: t("group.leave"),
    text: t("confirm.leave"),
    label: t("group.leave"),
    run: leave,
  });
}

export function confirmDissolve(client: Client, id: string): void {
  openDialog(Confirm, {
    title: t("group.dissolve"),
    text: t("confirm.dissolve"),
    label: t("group.dissolve"),
    run: () => attempt(client.call("group.dissolve", { conversation_id: id })),
  });
}
