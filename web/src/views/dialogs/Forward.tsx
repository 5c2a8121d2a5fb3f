import type { ConversationHandle } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, explain, toast } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { ErrorLine, SearchBox } from "../../parts/parts.js";
import { ConversationAvatar, titleOfConversation } from "../../parts/ConversationAvatar.js";

const TARGETS_MAX = 20;

interface Props extends DialogProps {
  handle: ConversationHandle;
  seqs: number[];
}

/** Send messages on, each for itself or merged into one. */
export default function Forward({ handle, seqs, close }: Props) {
  const client = useClient();
  const all = useValue(client.conversations);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [mode, setMode] = useState<"each" | "merged">(seqs.length > 1 ? "merged" : "each");
  const [error, setError] = useState("");
  const wanted = query.trim().toLowerCase();
  const shown = all.filter((one) => one.active && titleOfConversation(one).toLowerCase().includes(wanted));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id) && next.size < TARGETS_MAX) next.add(id);
    setChosen(next);
  };
  const send = async () => {
    try {
      const source = handle.summary.value;
      const title = source ? t("forward.title", { name: titleOfConversation(source) }) : t("forward.history");
      const report = await handle.forward(seqs, [...chosen], mode === "merged" ? { mode, title } : { mode });
      const refused = report.targets.find((target) => target.message);
      toast(refused?.message || t("forward.done"));
      close();
    } catch (reason) {
      setError(explain(reason));
    }
  };
  return (
    <Dialog
      title={t("message.forward")}
      close={close}
      footer={
        <button type="button" class="button primary" disabled={chosen.size === 0} onClick={() => void send()}>
          {t("forward.send", { n: chosen.size })}
        </button>
      }
    >
      {seqs.length > 1 && (
        <div class="tabs" role="group" aria-label={t("forward.mode")}>
          <button type="button" aria-pressed={mode === "merged"} onClick={() => setMode("merged")}>
            {t("forward.merged")}
          </button>
          <button type="button" aria-pressed={mode === "each"} onClick={() => setMode("each")}>
            {t("forward.each")}
          </button>
        </div>
      )}
      <SearchBox label={t("forward.search")} value={query} onValue={setQuery} />
      <div class="people-list scroll" role="group" aria-label={t("forward.targets")} tabIndex={-1}>
        {shown.map((one) => (
          <label key={one.id} class="row">
            <ConversationAvatar summary={one} size={36} />
            <span class="main truncate">{titleOfConversation(one)}</span>
            <input type="checkbox" class="check" checked={chosen.has(one.id)} onChange={() => toggle(one.id)} />
          </label>
        ))}
      </div>
      {error && <ErrorLine text={error} />}
    </Dialog>
  );
}
