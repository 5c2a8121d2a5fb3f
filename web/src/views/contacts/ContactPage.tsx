import { t } from "../../i18n/index.js";
import { useMedia } from "../../lib/hooks.js";
import { titleOf, useUser } from "../../model/client.js";
import { go } from "../../model/router.js";
import { IconButton } from "../../parts/IconButton.js";
import { PersonCard } from "./PersonCard.js";

/** A person's profile in the main pane. */
export function ContactPage({ userId }: { userId: string }) {
  const user = useUser(userId);
  const isPhone = useMedia("(max-width: 699px)");
  return (
    <div class="page-pane">
      <header class="conversation-header">
        {isPhone && <IconButton icon="back" label={t("action.back")} onClick={() => go("/contacts")} />}
        <h1 class="truncate page-title">{titleOf(user)}</h1>
      </header>
      <div class="page-body scroll">
        <PersonCard userId={userId} done={() => {}} />
      </div>
    </div>
  );
}
