import type { wire } from "@hongyan/sdk";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/index.js";
import { useLoaded } from "../lib/hooks.js";
import { useClient } from "../model/client.js";
import { explain } from "../model/feedback.js";
import { go } from "../model/router.js";
import { Avatar } from "../parts/Avatar.js";
import { ErrorLine, Failed, Field, Spinner } from "../parts/parts.js";

interface Props {
  /** An invite link's token, or the id of a group that takes people without a link. */
  way: { token: string } | { groupId: string };
  done: (id: string) => void;
}

/** The page of an invite link or a group's address: the group, and the way in. */
export function JoinPage({ way, done }: Props) {
  const client = useClient();
  const loaded = useLoaded(
    () =>
      "token" in way
        ? client.call("group.link_preview", { token: way.token })
        : client.call("group.preview", { conversation_id: way.groupId }),
    [Object.values(way)[0]],
  );
  const [error, setError] = useState("");
  const [hasAsked, setAsked] = useState(false);
  useAnswer(loaded.data?.conversation_id ?? "", () => {
    setAsked(false);
    setError(t("join.refused"));
  });
  if (loaded.state === "loading") return <Spinner />;
  if (loaded.state === "failed") return <Failed text={explain(loaded.error)} retry={loaded.reload} />;
  const card = loaded.data;
  const join = async (answer: string) => {
    try {
      setError("");
      const joining = "token" in way ? client.groups.joinByLink(way.token) : client.groups.join(way.groupId, answer);
      const { state, conversation_id } = await joining;
      if (state === "joined") done(conversation_id);
      else setAsked(true);
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
      {hasAsked ? (
        <p role="status">{t("join.asked")}</p>
      ) : card.joined ? (
        <button type="button" class="button primary" onClick={() => done(card.conversation_id)}>
          {t("join.open")}
        </button>
      ) : (
        <WayIn card={card} asks={"groupId" in way && card.join_policy === "approval"} join={(answer) => void join(answer)} />
      )}
      <button type="button" class="button quiet" onClick={() => go("/")}>
        {t(hasAsked ? "action.close" : "action.cancel")}
      </button>
    </div>
  );
}

/** Hear that an admin declined; where they accept, the conversation itself takes this page's place. */
function useAnswer(groupId: string, refused: () => void): void {
  const client = useClient();
  useEffect(
    () =>
      client.on("user", ({ entry }) => {
        if (entry.kind !== "group.join_answered") return;
        const answer = entry.body as wire.JoinAnswered;
        if (answer.conversation_id === groupId && !answer.accepted) refused();
      }),
    [client, groupId],
  );
}

interface WayInProps {
  card: wire.GroupCard;
  /** Whether an admin has to say yes. */
  asks: boolean;
  join: (answer: string) => void;
}

function WayIn({ card, asks, join }: WayInProps) {
  const [answer, setAnswer] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    join(answer.trim());
  };
  return (
    <form class="form" onSubmit={submit}>
      {asks && <Field label={card.join_question || t("join.why")} maxLength={200} value={answer} onValue={setAnswer} />}
      <button type="submit" class="button primary">
        {t(asks ? "join.ask" : card.kind === "channel" ? "join.follow" : "join.join")}
      </button>
    </form>
  );
}
