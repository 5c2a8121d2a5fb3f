import type { wire } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useLoaded } from "../../lib/hooks.js";
import { type DialogProps, explain } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Failed, Spinner } from "../../parts/parts.js";
import type { ComposerState } from "../conversation/composerState.js";
import { PersonRow } from "./PersonRow.js";

/** The votes of a poll: who chose what. */
export default function VotesDialog({ composerState, seq, content, close }: DialogProps & { composerState: ComposerState; seq: number; content: wire.Poll }) {
  const params = { conversation_id: composerState.handle.id, seq, limit: 500 };
  const loaded = useLoaded(() => composerState.client.call("poll.votes", params), [composerState, seq]);
  return (
    <Dialog title={content.question} close={close}>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      {loaded.state === "ready" &&
        content.options.map((option, index) => {
          const voters = loaded.data.votes.filter((vote) => vote.choice.includes(index));
          return (
            <section key={index}>
              <h3 class="list-heading">
                {option} · {t("poll.voters", { n: voters.length })}
              </h3>
              {voters.map((vote) => (
                <PersonRow key={vote.user_id} userId={vote.user_id} />
              ))}
            </section>
          );
        })}
    </Dialog>
  );
}
