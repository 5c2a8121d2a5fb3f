import type { ConversationSummary } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { titleOf, useUser } from "../../model/client.js";
import type { DialogProps } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { PersonCard } from "../contacts/PersonCard.js";

/** A person's profile over the page. */
export default function PersonDialog({ userId, summary, close }: DialogProps & { userId: string; summary?: ConversationSummary }) {
  const user = useUser(userId);
  return (
    <Dialog title={t("person.title", { name: titleOf(user) })} close={close}>
      <PersonCard userId={userId} summary={summary} done={close} />
    </Dialog>
  );
}
