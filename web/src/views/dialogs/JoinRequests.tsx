import type { ConversationSummary } from "@hongyan/sdk";
import { useEffect } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useLoaded } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt, explain } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Empty, Failed, Spinner } from "../../parts/parts.js";
import { PersonRow } from "./PersonRow.js";

/** The users who ask to join a group. */
export default function JoinRequests({ summary, close }: DialogProps & { summary: ConversationSummary }) {
  const client = useClient();
  const loaded = useLoaded(() => client.call("group.join_requests", { conversation_id: summary.id }), [summary.id]);
  useEffect(
    () =>
      client.on("user", ({ entry }) => {
        if (entry.kind.startsWith("group.join_")) loaded.reload();
      }),
    [client],
  );
  const answer = async (userId: string, accept: boolean) => {
    await attempt(client.call("group.answer_request", { conversation_id: summary.id, user_id: userId, accept }));
    loaded.reload();
  };
  return (
    <Dialog title={t("requests.title")} close={close}>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      {loaded.data?.requests.length === 0 && <Empty icon="personAdd" title={t("requests.none")} />}
      {loaded.data?.requests.map((request) => (
        <PersonRow key={request.user_id} userId={request.user_id} sub={request.answer}>
          <button type="button" class="button small" onClick={() => void answer(request.user_id, false)}>
            {t("requests.refuse")}
          </button>
          <button type="button" class="button primary small" onClick={() => void answer(request.user_id, true)}>
            {t("requests.accept")}
          </button>
        </PersonRow>
      ))}
    </Dialog>
  );
}
