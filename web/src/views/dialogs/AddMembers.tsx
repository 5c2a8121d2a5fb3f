import type { ConversationSummary } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useLoaded } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, explain, toast } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { ErrorLine } from "../../parts/parts.js";
import { PeoplePicker } from "./PeoplePicker.js";

/** Add people to a group. */
export default function AddMembers({ summary, close }: DialogProps & { summary: ConversationSummary }) {
  const client = useClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [error, setError] = useState("");
  const members = useLoaded(() => client.groups.members(summary.id, "", 500), [summary.id]);
  const without = new Set(members.data?.members.map((member) => member.user_id));
  const add = async () => {
    try {
      const params = { conversation_id: summary.id, user_ids: [...chosen] };
      const result = await client.call("group.invite", params);
      const missing = result.not_added?.length ?? 0;
      toast(missing > 0 ? t("group.notAdded", { n: missing }) : t("group.added", { n: result.added.length }));
      close();
    } catch (reason) {
      setError(explain(reason));
    }
  };
  return (
    <Dialog
      title={t("group.addMembers")}
      close={close}
      footer={
        <button type="button" class="button primary" disabled={chosen.size === 0} onClick={() => void add()}>
          {t("group.addCount", { n: chosen.size })}
        </button>
      }
    >
      <PeoplePicker chosen={chosen} setChosen={setChosen} without={without} />
      {error && <ErrorLine text={error} />}
    </Dialog>
  );
}
