import type { ConversationSummary, Message } from "@hongyan/sdk";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { stamp } from "../../i18n/when.js";
import { useLoaded } from "../../lib/hooks.js";
import { useClient, useName } from "../../model/client.js";
import { explain } from "../../model/feedback.js";
import { messageLine } from "../../model/preview.js";
import { IconButton } from "../../parts/IconButton.js";
import { Empty, Failed, SearchBox, Spinner } from "../../parts/parts.js";
import { useComposerState } from "../conversation/composerState.js";
import type { Detail } from "./detail.js";
import { InfoPane } from "./InfoPane.js";

interface Props {
  summary: ConversationSummary;
  detail: Detail;
  setDetail: (detail: Detail) => void;
}

/** The pane that is open beside a conversation. */
export default function DetailPane({ summary, detail, setDetail }: Props) {
  const titles = { info: t("detail.title"), pins: t("pins.title"), search: t("search.here"), "": "" };
  const close = () => setDetail("");
  return (
    <aside
      class="detail-pane"
      aria-label={titles[detail]}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        close();
      }}
    >
      <header class="conversation-header">
        <h2 class="page-title truncate">{titles[detail]}</h2>
        <IconButton icon="close" label={t("action.close")} onClick={close} />
      </header>
      <div class="detail-body scroll">
        {detail === "info" && <InfoPane summary={summary} setDetail={setDetail} />}
        {detail === "pins" && <PinsPane summary={summary} />}
        {detail === "search" && <SearchPane summary={summary} />}
      </div>
    </aside>
  );
}

function PinsPane({ summary }: { summary: ConversationSummary }) {
  const composerState = useComposerState();
  const loaded = useLoaded(() => composerState.handle.pins(), [composerState, summary.headSeq]);
  if (loaded.state === "loading") return <Spinner />;
  if (loaded.state === "failed") return <Failed text={explain(loaded.error)} retry={loaded.reload} />;
  if (loaded.data.length === 0) return <Empty icon="pin" title={t("pins.none")} text={t("pins.noneText")} />;
  return (
    <>
      {loaded.data.map((message) => (
        <FoundRow key={message.key} message={message} />
      ))}
    </>
  );
}

function SearchPane({ summary }: { summary: ConversationSummary }) {
  const client = useClient();
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<readonly Message[] | null>(null);
  useEffect(() => {
    let current = true;
    const wanted = query.trim();
    if (!wanted) return setFound(null);
    const timer = setTimeout(() => {
      client.search.messages(wanted, { conversationId: summary.id, limit: 100 }).then(
        (messages) => current && setFound(messages),
        () => current && setFound([]),
      );
    }, 120);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, summary.id, query]);
  return (
    <>
      <SearchBox label={t("search.here")} value={query} onValue={setQuery} autoFocus />
      {found === null && <p class="hint centred">{t("search.localHint")}</p>}
      {found?.length === 0 && <Empty icon="search" title={t("search.noneTitle")} text={t("search.noneText")} />}
      {found?.map((message) => (
        <FoundRow key={message.key} message={message} />
      ))}
    </>
  );
}

/** A message that leads to its place in the conversation. */
function FoundRow({ message }: { message: Message }) {
  const composerState = useComposerState();
  const name = useName(message.sender);
  return (
    <button type="button" class="row found" onClick={() => composerState.jump(message.seq)}>
      <span class="main">
        <span class="conversation-top">
          <strong class="conversation-title truncate">{name}</strong>
          <time class="conversation-time">{stamp(message.sentAtMs, Date.now())}</time>
        </span>
        <span class="sub clamp">{messageLine(message)}</span>
      </span>
    </button>
  );
}
