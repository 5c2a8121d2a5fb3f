import type { ComponentType } from "preact";
import { type Key, isKey, t } from "../i18n/index.js";
import { Cell } from "../lib/cell.js";

export interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

export const toasts = new Cell<readonly Toast[]>([]);
let lastId = 0;

/** Say something at the bottom of the page for some seconds. */
export function toast(text: string, action?: Toast["action"]): void {
  const id = ++lastId;
  toasts.set([...toasts.value.slice(-2), { id, text, action }]);
  setTimeout(() => toasts.set(toasts.value.filter((one) => one.id !== id)), action ? 8000 : 4000);
}

export function closeToast(id: number): void {
  toasts.set(toasts.value.filter((one) => one.id !== id));
}

/** A sentence for a person on what went wrong. */
export function explain(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  const key = `error.${code}`;
  if (code && isKey(key)) return t(key);
  if (code && message) return message;
  return t("error.connection");
}

/** Do something, and say so when it fails. Resolves with whether it went well. */
export async function attempt(work: Promise<unknown>, done?: Key): Promise<boolean> {
  try {
    await work;
    if (done) toast(t(done));
    return true;
  } catch (error) {
    toast(explain(error));
    return false;
  }
}

/** Put a text into the clipboard, and say so. */
export function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => toast(t("message.copied")),
    () => toast(t("message.copyFailed")),
  );
}

export interface DialogProps {
  /** Close the dialog. */
  close: () => void;
}

interface OpenDialog {
  id: number;
  view: ComponentType<DialogProps>;
}

export const dialogs = new Cell<readonly OpenDialog[]>([]);

/** Open a dialog over the page; the last one opened is on top. */
export function openDialog<P extends DialogProps>(
  view: ComponentType<P>,
  props: Omit<P, keyof DialogProps>,
): void {
  const View = view as ComponentType<DialogProps>;
  const Bound = ({ close }: DialogProps) => <View {...props} close={close} />;
  dialogs.set([...dialogs.value, { id: ++lastId, view: Bound }]);
}

export function closeDialog(id: number): void {
  dialogs.set(dialogs.value.filter((one) => one.id !== id));
}

/** The text of the live region, for those who do not see the page. */
export const announcement = new Cell("");
export const announce = (text: string) => announcement.set(text);
