import type { ConversationSummary } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { Composer } from "./Composer.js";
import { useComposerState } from "./composerState.js";
import { SelectionBar } from "./SelectionBar.js";

/** The composer, or why there is none. */
export function Foot({ summary }: { summary: ConversationSummary }) {
  const selected = useValue(useComposerState().selected);
  if (selected) return <SelectionBar selected={selected} />;
  const reason = silentBecause(summary);
  if (reason) return <p class="composer-closed">{reason}</p>;
  const pause = (summary.member.role ?? "member") === "member" ? (summary.group?.slow_mode_s ?? 0) : 0;
  return (
    <>
      {pause > 0 && <p class="hint slow-hint">{t("composer.slow", { n: pause })}</p>}
      <Composer summary={summary} />
    </>
  );
}

function silentBecause({ active, group, member, kind }: ConversationSummary): string {
  if (group?.dissolved) return t("composer.dissolved");
  if (!active) return t("composer.left");
  if (kind === "system") return t("composer.system");
  const role = member.role ?? "member";
  const rank = { member: 0, admin: 1, owner: 2 }[role];
  const speak = group?.permissions?.speak ?? (kind === "channel" ? "admin" : "member");
  const needed = { member: 0, admin: 1, owner: 2 }[group?.muted_all && speak === "member" ? "admin" : speak];
  if (group && rank < needed) return t(kind === "channel" ? "composer.channel" : "composer.mutedAll");
  const until = member.muted_until_ms ?? 0;
  if (until === -1 || until > Date.now()) return t("composer.muted");
  return "";
}
