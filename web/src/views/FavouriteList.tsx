import type { wire } from "@hongyan/sdk";
import { t } from "../i18n/index.js";
import { stamp } from "../i18n/when.js";
import { useLoaded } from "../lib/hooks.js";
import { onListKey } from "../lib/roving.js";
import { useClient, useName } from "../model/client.js";
import { attempt, explain } from "../model/feedback.js";
import { contentLine } from "../model/preview.js";
import { conversationPath } from "../model/router.js";
import { Avatar } from "../parts/Avatar.js";
import { IconButton } from "../parts/IconButton.js";
import { Empty, Failed, Spinner } from "../parts/parts.js";

/** The messages that the user keeps. */
export function FavouriteList() {
  const client = useClient();
  const loaded = useLoaded(() => client.call("message.favourites", { limit: 100 }), []);
  const drop = async (message: wire.Entry) => {
    if (await attempt(client.conversation(message.log_id).favourite(message.seq, false))) loaded.reload();
  };
  return (
    <>
      <header class="list-header">
        <h1 class="list-title">{t("nav.favourites")}</h1>
      </header>
      <div class="scroll list-scroll" onKeyDown={(event) => onListKey(event)}>
        {loaded.state === "loading" && <Spinner />}
        {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
        {loaded.data?.favourites.length === 0 && (
          <Empty icon="star" title={t("favourites.none")} text={t("favourites.noneText")} />
        )}
        {loaded.data?.favourites.map(({ message }) => (
          <FavouriteRow key={`${message.log_id} ${message.seq}`} message={message} drop={() => void drop(message)} />
        ))}
      </div>
    </>
  );
}

function FavouriteRow({ message, drop }: { message: wire.Entry; drop: () => void }) {
  const name = useName(message.sender);
  const { content } = message.body as wire.MessageBody;
  return (
    <div class="row-with-tools">
      <a class="row" data-item href={conversationPath(message.log_id, message.seq)}>
        <Avatar id={message.sender} name={name} size={36} />
        <span class="main">
          <span class="conversation-top">
            <span class="conversation-title truncate">{name}</span>
            <time class="conversation-time">{stamp(message.sent_at_ms, Date.now())}</time>
          </span>
          <span class="sub clamp">{content ? contentLine(content) : t("message.recalled")}</span>
        </span>
      </a>
      <IconButton icon="trash" size="small" label={t("favourites.drop")} onClick={drop} />
    </div>
  );
}
