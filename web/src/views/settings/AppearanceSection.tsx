import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { change, settings } from "../../model/settings.js";
import { Choice } from "../../parts/parts.js";

/** Theme and language. */
export function AppearanceSection() {
  const { theme, language } = useValue(settings);
  return (
    <div class="form">
      <Choice
        label={t("settings.theme")}
        value={theme}
        onValue={(next) => change({ theme: next })}
        options={[
          ["system", t("settings.likeSystem")],
          ["light", t("settings.themeLight")],
          ["dark", t("settings.themeDark")],
        ]}
      />
      <Choice
        label={t("settings.language")}
        value={language}
        onValue={(next) => change({ language: next })}
        options={[
          ["system", t("settings.likeSystem")],
          ["zh", "简体中文"],
          ["en", "English"],
        ]}
      />
    </div>
  );
}
