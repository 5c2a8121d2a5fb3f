import type { ConversationHandle } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { moment } from "../../i18n/when.js";
import { useLoaded } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, explain } from "../../model/feedback.js";
import { type Content, contentLine } from "../../model/preview.js";
import { Dialog } from "../../parts/Dialog.js";
import { Failed, Spinner } from "../../parts/parts.js";

/** The earlier versions of a message. */
export default function RevisionsDialog({ handle, seq, close }: DialogProps & { handle: ConversationHandle; seq: number }) {
  const client = useClient();
  const params = { conversation_id: handle.id, seq };
  const loaded = useLoaded(() => client.call("message.revisions", params), [handle, seq]);
  return (
    <Dialog title={t("message.revisions")} close={close}>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      <ol class="revisions">
        {loaded.data?.revisions.map((revision) => (
          <li key={revision.version}>
            <time class="sub">{moment(revision.since_ms)}</time>
            <p>{contentLine(revision.content as Content)}</p>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
