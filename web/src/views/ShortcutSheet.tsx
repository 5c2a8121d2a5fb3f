import { type Key, t } from "../i18n/index.js";
import type { DialogProps } from "../model/feedback.js";
import { Dialog } from "../parts/Dialog.js";

const command = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";

const SHORTCUTS: readonly (readonly [keys: readonly string[], what: Key])[] = [
  [[command, "K"], "shortcut.palette"],
  [["/"], "shortcut.search"],
  [["C"], "shortcut.compose"],
  [["Alt", "↑"], "shortcut.previous"],
  [["Alt", "↓"], "shortcut.next"],
  [["Enter"], "shortcut.send"],
  [["Shift", "Enter"], "shortcut.newLine"],
  [["↑"], "shortcut.editLast"],
  [["@"], "shortcut.mention"],
  [["R"], "shortcut.reply"],
  [["E"], "shortcut.edit"],
  [["Shift", "F10"], "shortcut.menu"],
  [["Esc"], "shortcut.escape"],
  [["?"], "shortcut.help"],
];

/** The list of keys. */
export default function ShortcutSheet({ close }: DialogProps) {
  return (
    <Dialog title={t("shortcut.title")} close={close}>
      <dl class="shortcuts">
        {SHORTCUTS.map(([keys, what]) => (
          <div key={what}>
            <dt>{t(what)}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
