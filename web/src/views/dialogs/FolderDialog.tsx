import type { ConversationSummary } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Field } from "../../parts/parts.js";

/** Put a conversation into a folder. */
export default function FolderDialog({ summary, close }: DialogProps & { summary: ConversationSummary }) {
  const client = useClient();
  const all = useValue(client.conversations);
  const [name, setName] = useState(summary.folder);
  const folders = [...new Set(all.map((one) => one.folder).filter(Boolean))].sort();
  const put = (folder: string) => {
    void attempt(client.conversation(summary.id).setPreference({ folder }));
    close();
  };
  return (
    <Dialog
      title={t("chats.folder")}
      close={close}
      footer={
        <>
          {summary.folder && (
            <button type="button" class="button" onClick={() => put("")}>
              {t("folder.none")}
            </button>
          )}
          <button type="submit" form="folder" class="button primary" disabled={!name.trim()}>
            {t("action.save")}
          </button>
        </>
      }
    >
      <form
        id="folder"
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          put(name.trim());
        }}
      >
        <Field label={t("folder.name")} maxLength={64} autoFocus value={name} onValue={setName} />
        {folders.length > 0 && (
          <div class="chips">
            {folders.map((folder) => (
              <button key={folder} type="button" class="chip" onClick={() => put(folder)}>
                {folder}
              </button>
            ))}
          </div>
        )}
      </form>
    </Dialog>
  );
}
