import type { ConversationSummary } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Field } from "../../parts/parts.js";

/** The user's own name in a group. */
export function NicknameDialog({ summary, close }: DialogProps & { summary: ConversationSummary }) {
  const client = useClient();
  const [nickname, setNickname] = useState(summary.member.nickname ?? "");
  const save = (event: Event) => {
    event.preventDefault();
    const params = { conversation_id: summary.id, nickname: nickname.trim() };
    void attempt(client.call("group.set_nickname", params), "state.saved");
    close();
  };
  return (
    <Dialog
      title={t("group.nickname")}
      close={close}
      footer={
        <button type="submit" form="nickname" class="button primary">
          {t("action.save")}
        </button>
      }
    >
      <form id="nickname" class="form" onSubmit={save}>
        <Field label={t("group.nickname")} hint={t("group.nicknameHint")} maxLength={64} autoFocus value={nickname} onValue={setNickname} />
      </form>
    </Dialog>
  );
}
