import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, explain, toast } from "../../model/feedback.js";
import { conversationPath, go } from "../../model/router.js";
import { Dialog } from "../../parts/Dialog.js";
import { ErrorLine, Field } from "../../parts/parts.js";
import { PeoplePicker } from "./PeoplePicker.js";

/** Make a group or a channel. */
export default function CreateGroup({ kind, close }: DialogProps & { kind: "group" | "channel" }) {
  const client = useClient();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const create = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const params = { kind, name: name.trim(), user_ids: [...chosen] };
      const { conversation, notAdded } = await client.groups.create(params);
      close();
      go(conversationPath(conversation.id));
      if (notAdded.length > 0) toast(t("group.notAdded", { n: notAdded.length }));
    } catch (reason) {
      setError(explain(reason));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t(kind === "channel" ? "group.createChannel" : "group.create")}
      close={close}
      footer={
        <button type="submit" form="create-group" class="button primary" disabled={isBusy || !name.trim()}>
          {t("action.create")}
        </button>
      }
    >
      <form id="create-group" class="form" onSubmit={create}>
        <Field label={t("group.name")} maxLength={64} required autoFocus value={name} onValue={setName} />
        <div class="field">
          <span class="label">{t("group.whom", { n: chosen.size })}</span>
          <PeoplePicker chosen={chosen} setChosen={setChosen} />
        </div>
        {error && <ErrorLine text={error} />}
      </form>
    </Dialog>
  );
}
