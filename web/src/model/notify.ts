import type { Client, ClientEvents, wire } from "@hongyan/sdk";
import { t } from "../i18n/index.js";
import { chime } from "./chime.js";
import { announce, toast } from "./feedback.js";
import { messageLine } from "./preview.js";
import { conversationPath, go, route } from "./router.js";
import { settings } from "./settings.js";

/** Milliseconds before a message counts: in the open conversation it is read by then. */
const BADGE_MS = 200;

type Arrived = ClientEvents["message"];

/** Tell of new messages by sound, notification, title and live region. Returns how to stop. */
export function watchMessages(client: Client): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const badge = () => {
    timer = undefined;
    showBadge(client.unread.value.messages);
  };
  badge();
  const stops = [
    () => clearTimeout(timer),
    client.unread.subscribe(() => {
      timer ??= setTimeout(badge, BADGE_MS);
    }),
    client.on("message", (arrived) => {
      const session = client.session.value;
      if (session.kind === "active" && arrived.message.sender !== session.userId) tell(client, arrived);
    }),
    client.on("user", ({ entry }) => tellOfJoining(client, entry)),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Tell admins who asks to join, and those who asked what became of it. */
function tellOfJoining(client: Client, entry: wire.Entry): void {
  if (entry.kind === "group.join_requested") {
    const { conversation_id } = entry.body as wire.JoinRequested;
    const name = client.conversation(conversation_id).summary.value?.title ?? "";
    toast(t("requests.new", { name }));
  } else if (entry.kind === "group.join_answered") {
    const { user_id, accepted } = entry.body as wire.JoinAnswered;
    const session = client.session.value;
    if (session.kind !== "active" || session.userId !== user_id) return;
    toast(t(accepted ? "join.accepted" : "join.refused"));
  }
}

function showBadge(count: number): void {
  const name = t("app.name");
  document.title = count > 0 ? `(${count > 99 ? "99+" : count}) ${name}` : name;
  const worn = navigator as Navigator & {
    setAppBadge?: (n: number) => Promise<void>;
    clearAppBadge?: () => Promise<void>;
  };
  void (count > 0 ? worn.setAppBadge?.(count) : worn.clearAppBadge?.())?.catch(() => {});
}

function isLookedAt(conversationId: string): boolean {
  const shown = route.value;
  return document.hasFocus() && shown.name === "conversation" && shown.id === conversationId;
}

function tell(client: Client, { conversation, message, mentionsMe }: Arrived): void {
  const who = client.users.get(message.sender)?.title ?? "";
  const line = messageLine(message);
  const isMuted = conversation.mutedUntilMs === -1 || conversation.mutedUntilMs > Date.now();
  if (isMuted && !mentionsMe) return;
  announce(conversation.peerId ? `${who}: ${line}` : `${conversation.title}, ${who}: ${line}`);
  if (isLookedAt(conversation.id)) return;
  if (settings.value.sound) chime();
  if (!settings.value.notifications || document.hasFocus()) return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const shown = new Notification(conversation.title || who, {
    body: settings.value.preview ? (conversation.peerId ? line : `${who}: ${line}`) : t("notify.new"),
    tag: conversation.id,
    icon: "/icon-192.png",
  });
  shown.onclick = () => {
    window.focus();
    go(conversationPath(conversation.id));
    shown.close();
  };
}

/** Ask the browser for leave to notify. Resolves with whether it gives it. */
export async function askForNotifications(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  return (await Notification.requestPermission()) === "granted";
}
