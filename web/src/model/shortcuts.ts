import type { Client } from "@hongyan/sdk";
import { Cell } from "../lib/cell.js";
import { dialogs } from "./feedback.js";
import { conversationPath, go, route } from "./router.js";

interface Openers {
  palette: () => void;
  help: () => void;
}

/** Raised when the composer, or the search of the list, is to take the focus. */
export const focusRequests = new Cell<{ where: "composer" | "search" } | null>(null);

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);

/** The keys that work everywhere; `ShortcutSheet` lists them. */
export function onShortcut(event: KeyboardEvent, client: Client, open: Openers): void {
  if (event.isComposing || event.defaultPrevented || dialogs.value.length > 0) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open.palette();
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    step(client, event.key === "ArrowUp" ? -1 : 1);
  } else if (command || event.altKey || isTyping(event.target)) {
    return;
  } else if (event.key === "?") {
    event.preventDefault();
    open.help();
  } else if (event.key === "/") {
    event.preventDefault();
    focusRequests.set({ where: "search" });
  } else if (event.key === "c") {
    event.preventDefault();
    focusRequests.set({ where: "composer" });
  } else if (event.key === "Escape" && route.value.name === "conversation") {
    go("/");
  }
}

function step(client: Client, by: number): void {
  const list = client.conversations.value.filter((one) => !one.archived);
  const shown = route.value;
  const at = shown.name === "conversation" ? list.findIndex((one) => one.id === shown.id) : -1;
  const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
  if (next) go(conversationPath(next.id));
}
