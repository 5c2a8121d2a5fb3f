import type { ConversationSummary } from "@hongyan/sdk";
import { Suspense, lazy } from "preact/compat";
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useMedia, useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { explain } from "../../model/feedback.js";
import { go } from "../../model/router.js";
import { IconButton } from "../../parts/IconButton.js";
import { Failed, Spinner } from "../../parts/parts.js";
import { JoinPage } from "../JoinPage.js";
import { ConversationAvatar, titleOfConversation } from "../../parts/ConversationAvatar.js";
import type { Detail } from "../detail/detail.js";
import { ComposerState, ComposerStateContext } from "./composerState.js";
import { Foot } from "./Foot.js";
import { StateLine } from "./StateLine.js";
import { Timeline } from "./Timeline.js";

const DetailPane = lazy(() => import("../detail/DetailPane.js"));

/** An open conversation: header, timeline, composer and what can be opened beside them. */
export function ConversationView({ id, seq }: { id: string; seq: number }) {
  const client = useClient();
  const composerState = useMemo(() => new ComposerState(client, client.conversation(id)), [client, id]);
  const summary = useValue(composerState.handle.summary);
  const [failure, setFailure] = useState<unknown>(null);
  const [detail, setDetail] = useState<Detail>("");
  useEffect(() => {
    if (!summary && !failure) composerState.handle.refresh().catch(setFailure);
  }, [composerState, !summary, !failure]);
  if (!summary) {
    if (!failure) return <Spinner />;
    const isOutside = (failure as { code?: string }).code === "not_a_member";
    if (isOutside && !__WIDGET__) return <JoinPage way={{ groupId: id }} done={() => setFailure(null)} />;
    return <Failed text={explain(failure)} retry={() => setFailure(null)} />;
  }
  return (
    <ComposerStateContext.Provider value={composerState}>
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
    </ComposerStateContext.Provider>
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
            <StateLine summary={summary} />
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
