import { t } from "../../i18n/index.js";
import { Icon } from "../../parts/Icon.js";
import { openForward } from "../dialogs/openers.js";
import { confirmHide } from "./confirmations.js";
import { useComposerState } from "./composerState.js";

/** In place of the composer while messages are being chosen. */
export function SelectionBar({ selected }: { selected: ReadonlySet<number> }) {
  const composerState = useComposerState();
  const seqs = [...selected].sort((a, b) => a - b);
  const end = () => composerState.selected.set(null);
  return (
    <div class="selection-bar" role="toolbar" aria-label={t("message.select")}>
      <span class="truncate" aria-live="polite">
        {t("select.count", { n: seqs.length })}
      </span>
      <button
        type="button"
        class="button"
        disabled={seqs.length === 0}
        onClick={() => {
          openForward(composerState.handle, seqs);
          end();
        }}
      >
        <Icon name="forward" size={18} />
        {t("message.forward")}
      </button>
      <button
        type="button"
        class="button danger"
        disabled={seqs.length === 0}
        onClick={() => {
          confirmHide(composerState.handle, seqs);
          end();
        }}
      >
        <Icon name="trash" size={18} />
        {t("action.delete")}
      </button>
      <button type="button" class="button quiet" onClick={end}>
        {t("action.cancel")}
      </button>
    </div>
  );
}
