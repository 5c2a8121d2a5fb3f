import type { ConversationHandle } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useInterval, useLoaded } from "../../lib/hooks.js";
import { type DialogProps, explain } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Empty, Failed, Spinner } from "../../parts/parts.js";
import { PersonRow } from "./PersonRow.js";

const READ_AGAIN_MS = 2000;

/** The readers of a message, followed while it is open. */
export default function ReadersDialog({ handle, seq, close }: DialogProps & { handle: ConversationHandle; seq: number }) {
  const loaded = useLoaded(() => handle.readers(seq), [handle, seq]);
  useInterval(loaded.reload, READ_AGAIN_MS);
  return (
    <Dialog title={t("message.readers")} close={close}>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      {loaded.state === "ready" && (
        <>
          {loaded.data.read != null && (
            <p class="hint">{t("readers.count", { read: loaded.data.read, unread: loaded.data.unread ?? 0 })}</p>
          )}
          {loaded.data.readers.length === 0 && <Empty icon="checks" title={t("readers.none")} />}
          {loaded.data.readers.map((reader) => (
            <PersonRow key={reader.user_id} userId={reader.user_id} />
          ))}
        </>
      )}
    </Dialog>
  );
}
