import type { ConversationSummary } from "@hongyan/sdk";
import { Suspense, lazy } from "preact/compat";
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { ago } from "../../i18n/when.js";
import { useMedia, useMinute, useValue } from "../../lib/hooks.js";
import { useClient, useNames, usePresence } from "../../model/client.js";
import { explain } from "../../model/feedback.js";
import { go } from "../../model/router.js";
import { IconButton } from "../../parts/IconButton.js";
import { Failed, Spinner } from "../../parts/parts.js";
import { ConversationAvatar, titleOfConversation } from "../list/ConversationRow.js";
import { Composer } from "./Composer.js";
import { Desk, DeskContext, useDesk } from "./desk.js";
import { SelectionBar } from "./SelectionBar.js";
import { Timeline } from "./Timeline.js";

const DetailPane = lazy(() => import("../detail/DetailPane.js"));

export type Detail = "" | "info" | "pins" | "search";

/** An open conversation: header, timeline, composer and what can be opened beside them. */
export function ConversationView({ id, seq }: { id: string; seq: number }) {
  const client = useClient();
  const desk = useMemo(() => new Desk(client, client.conversation(id)), [client, id]);
  const summary = useValue(desk.handle.summary);
  const [failure, setFailure] = useState<unknown>(null);
  const [detail, setDetail] = useState<Detail>("");
  useEffect(() => {
    if (!summary) desk.handle.refresh().catch(setFailure);
  }, [desk, !summary]);
  if (!summary) {
    return failure ? <Failed text={explain(failure)} retry={() => setFailure(null)} /> : <Spinner />;
  }
  return (
    <DeskContext.Provider value={desk}>
      <div class="conversation" data-detail={detail ? "open" : "closed"}>
        <section class="conversation-pane" aria-label={titleOfConversation(summary)}>
          <Header summary={summary} detail={detail} setDetail={setDetail} />
          <Timeline summary={summary} seq={seq} />
          <Foot summary={summary} />
        </section>
        {detail && (
          <Suspense fallback={<Spinner />}>
            <DetailPane summary={summary} detail={detail} setDetail={setDetail} />
          </Suspense>
        )}
      </div>
    </DeskContext.Provider>
  );
}

interface HeaderProps {
  summary: ConversationSummary;
  detail: Detail;
  setDetail: (detail: Detail) => void;
}

function Header({ summary, detail, setDetail }: HeaderProps) {
  const isPhone = useMedia("(max-width: 699px)");
  const toggle = (one: Detail) => setDetail(detail === one ? "" : one);
  return (
    <header class="conversation-header">
      {isPhone && <IconButton icon="back" label={t("action.back")} onClick={() => go("/")} />}
      <button type="button" class="conversation-who" onClick={() => toggle("info")} aria-expanded={detail === "info"}>
        <ConversationAvatar summary={summary} size={36} />
        <span class="conversation-who-text">
          <h1 class="truncate" dir="auto">
            {titleOfConversation(summary)}
          </h1>
          <span class="conversation-state truncate">
            <State summary={summary} />
          </span>
        </span>
      </button>
      {!isPhone && (
        <IconButton icon="search" label={t("search.here")} pressed={detail === "search"} onClick={() => toggle("search")} />
      )}
      {!isPhone && (
        <IconButton icon="pin" label={t("pins.title")} pressed={detail === "pins"} onClick={() => toggle("pins")} />
      )}
      <IconButton icon="info" label={t("detail.title")} pressed={detail === "info"} onClick={() => toggle("info")} />
    </header>
  );
}

/** Under the name: who types, whether the other one is online, how many members there are. */
function State({ summary }: { summary: ConversationSummary }) {
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
  if (summary.memberCount === 0) return null;
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

/** The composer, or why there is none. */
function Foot({ summary }: { summary: ConversationSummary }) {
  const selected = useValue(useDesk().selected);
  if (selected) return <SelectionBar selected={selected} />;
  const reason = silentBecause(summary);
  return reason ? <p class="composer-closed">{reason}</p> : <Composer summary={summary} />;
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
