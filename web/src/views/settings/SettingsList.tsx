import { t } from "../../i18n/index.js";
import { useMedia } from "../../lib/hooks.js";
import { onListKey } from "../../lib/roving.js";
import { useClient } from "../../model/client.js";
import { attempt, openDialog } from "../../model/feedback.js";
import { Confirm } from "../../parts/Dialog.js";
import { Icon } from "../../parts/Icon.js";
import { SECTIONS } from "./sections.js";
import ShortcutSheet from "../ShortcutSheet.js";

/** The pages of the settings, and the way out. */
export default function SettingsList({ shown }: { shown: string }) {
  const client = useClient();
  const isPhone = useMedia("(max-width: 699px)");
  const open = shown || (isPhone ? "" : "profile");
  const logOut = () =>
    openDialog(Confirm, {
      title: t("settings.logOut"),
      text: t("confirm.logOut"),
      label: t("settings.logOut"),
      run: () => attempt(client.logOut()),
    });
  return (
    <>
      <header class="list-header">
        <h1 class="list-title">{t("nav.settings")}</h1>
      </header>
      <nav class="scroll list-scroll" aria-label={t("nav.settings")} onKeyDown={(event) => onListKey(event)}>
        {SECTIONS.map((section) => (
          <a
            key={section.name}
            class="row"
            data-item
            href={`/settings/${section.name}`}
            aria-current={open === section.name ? "page" : undefined}
          >
            <Icon name={section.icon} />
            <span class="main">{t(section.label)}</span>
          </a>
        ))}
        <button type="button" class="row" data-item onClick={() => openDialog(ShortcutSheet, {})}>
          <Icon name="keyboard" />
          <span class="main">{t("shortcut.title")}</span>
        </button>
        <button type="button" class="row danger-row" data-item onClick={logOut}>
          <Icon name="logout" />
          <span class="main">{t("settings.logOut")}</span>
        </button>
      </nav>
    </>
  );
}
