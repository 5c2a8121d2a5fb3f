import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { toast } from "../../model/feedback.js";
import { chime } from "../../model/chime.js";
import { askForNotifications } from "../../model/notify.js";
import { change, settings } from "../../model/settings.js";
import { Switch } from "../../parts/parts.js";

/** Sound and notifications of this browser. */
export function NotificationsSection() {
  const { sound, notifications, preview } = useValue(settings);
  const setNotifications = async (wanted: boolean) => {
    if (wanted && !(await askForNotifications())) {
      toast(t("notify.denied"));
      return;
    }
    change({ notifications: wanted });
  };
  const setSound = (wanted: boolean) => {
    change({ sound: wanted });
    if (wanted) chime();
  };
  return (
    <div class="form">
      <Switch
        label={t("notify.desktop")}
        hint={t("notify.desktopHint")}
        checked={notifications}
        onChange={(wanted) => void setNotifications(wanted)}
      />
      <Switch
        label={t("notify.preview")}
        hint={t("notify.previewHint")}
        checked={preview}
        onChange={(wanted) => change({ preview: wanted })}
        disabled={!notifications}
      />
      <Switch label={t("notify.sound")} checked={sound} onChange={setSound} />
    </div>
  );
}
