import type { ConversationSummary } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { ago } from "../../i18n/when.js";
import { useMinute } from "../../lib/hooks.js";
import { useNames, usePresence } from "../../model/client.js";

/** Under the name: who types, whether the other one is online, how many members there are. */
export function StateLine({ summary }: { summary: ConversationSummary }) {
  const names = useNames(summary.typing.map((one) => one.userId).slice(0, 3));
  if (summary.typing.length > 0) {
    const who = names.join(t("list.comma"));
    const key = summary.typing[0]?.state ?? "typing";
    return (
      <span class="typing-line">{summary.kind === "direct" ? t(`typing.${key}`) : t("typing.who", { who })}</span>
    );
  }
  if (summary.kind === "direct") return <PresenceLine userId={summary.peerId} />;
  if (summary.kind === "self") return <>{t("chats.selfText")}</>;
  if (summary.memberCount === 0 || (__WIDGET__ && summary.memberCount <= 2)) return null;
  return <>{t(summary.kind === "channel" ? "group.followers" : "group.members", { n: summary.memberCount })}</>;
}

function PresenceLine({ userId }: { userId: string }) {
  const presence = usePresence(userId);
  const now = useMinute();
  if (!presence) return null;
  if (presence.online) return <>{t("presence.online")}</>;
  const seen = presence.last_seen_ms ?? 0;
  return <>{seen ? t("presence.seen", { when: ago(seen, now) }) : t("presence.offline")}</>;
}
