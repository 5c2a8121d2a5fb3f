import type { wire } from "@hongyan/sdk";
import type { ComponentType } from "preact";
import { t } from "../../i18n/index.js";
import { moment } from "../../i18n/when.js";
import type { DialogProps } from "../../model/feedback.js";
import type { Content } from "../../model/preview.js";
import { Avatar } from "../../parts/Avatar.js";
import { Dialog } from "../../parts/Dialog.js";

interface Props extends DialogProps {
  content: wire.MergedForward;
  /** Draws what a message holds, which may be a merged forward again. */
  view: ComponentType<{ content: Content; message: null }>;
}

/** The messages of a merged forward. */
export function MergedForwardDialog({ content, view: View, close }: Props) {
  return (
    <Dialog title={content.title || t("forward.history")} close={close} wide>
      <ul class="merged-list">
        {content.messages.map((one, index) => (
          <li key={index} class="merged-item">
            <Avatar id={one.sender} name={one.name} size={32} />
            <div class="main">
              <div class="conversation-top">
                <strong class="truncate">{one.name}</strong>
                <time class="conversation-time">{moment(one.sent_at_ms)}</time>
              </div>
              <View content={one.content as unknown as Content} message={null} />
            </div>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
