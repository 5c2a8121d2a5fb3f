import { useState } from "preact/hooks";
import { t } from "../i18n/index.js";
import { useLoaded } from "../lib/hooks.js";
import { useClient } from "../model/client.js";
import { explain } from "../model/feedback.js";
import { go } from "../model/router.js";
import { Avatar } from "../parts/Avatar.js";
import { ErrorLine, Failed, Spinner } from "../parts/parts.js";

/** Where an invite link leads: the group, and the way in. */
export function JoinPage({ token, done }: { token: string; done: (id: string) => void }) {
  const client = useClient();
  const loaded = useLoaded(() => client.call("group.link_preview", { token }), [token]);
  const [error, setError] = useState("");
  if (loaded.state === "loading") return <Spinner />;
  if (loaded.state === "failed") return <Failed text={explain(loaded.error)} retry={loaded.reload} />;
  const card = loaded.data;
  const join = async () => {
    try {
      const joined = await client.groups.joinByLink(token);
      done(joined.conversation_id);
    } catch (reason) {
      setError(explain(reason));
    }
  };
  return (
    <div class="join-page">
      <Avatar id={card.conversation_id} name={card.name} media={card.avatar} size={88} />
      <h1>{card.name}</h1>
      <p class="sub">{t(card.kind === "channel" ? "group.followers" : "group.members", { n: card.member_count })}</p>
      {error && <ErrorLine text={error} />}
      {card.joined ? (
        <button type="button" class="button primary" onClick={() => done(card.conversation_id)}>
          {t("join.open")}
        </button>
      ) : (
        <button type="button" class="button primary" onClick={() => void join()}>
          {t(card.kind === "channel" ? "join.follow" : "join.join")}
        </button>
      )}
      <button type="button" class="button quiet" onClick={() => go("/")}>
        {t("action.cancel")}
      </button>
    </div>
  );
}
