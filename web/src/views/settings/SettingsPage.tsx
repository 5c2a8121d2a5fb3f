import { t } from "../../i18n/index.js";
import { useMedia } from "../../lib/hooks.js";
import { go } from "../../model/router.js";
import { IconButton } from "../../parts/IconButton.js";
import { AccountSection } from "./AccountSection.js";
import { AppearanceSection } from "./AppearanceSection.js";
import { DevicesSection } from "./DevicesSection.js";
import { NotificationsSection } from "./NotificationsSection.js";
import { PrivacySection } from "./PrivacySection.js";
import { ProfileSection } from "./ProfileSection.js";
import { SECTIONS, type SectionName } from "./sections.js";

const VIEWS: Record<SectionName, () => preact.JSX.Element | null> = {
  profile: ProfileSection,
  appearance: AppearanceSection,
  notifications: NotificationsSection,
  privacy: PrivacySection,
  devices: DevicesSection,
  account: AccountSection,
};

/** One page of the settings. */
export default function SettingsPage({ section }: { section: string }) {
  const isPhone = useMedia("(max-width: 699px)");
  const shown = SECTIONS.find((one) => one.name === section) ?? SECTIONS[0];
  const View = VIEWS[shown.name];
  return (
    <div class="page-pane">
      <header class="conversation-header">
        {isPhone && <IconButton icon="back" label={t("action.back")} onClick={() => go("/settings")} />}
        <h1 class="page-title">{t(shown.label)}</h1>
      </header>
      <div class="page-body scroll">
        <div class="settings-page">
          <View />
        </div>
      </div>
    </div>
  );
}
