import type { ConversationSummary, Message } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { Icon } from "../../parts/Icon.js";

interface Props {
  message: Message;
  summary: ConversationSummary;
  /** The seq up to which somebody else has read a group, where that is known. */
  seenSeq?: number;
}

/** The progress of a message of one's own: waiting, refused, sent, received, read. */
export function Ticks({ message, summary, seenSeq = 0 }: Props) {
  if (message.state === "failed") return <Mark icon="warning" label={t("ticks.failed")} kind="failed" />;
  if (message.state === "pending") return <Mark icon="clock" label={t("ticks.pending")} />;
  if (seenSeq > 0 && seenSeq >= message.seq) return <Mark icon="checks" label={t("ticks.read")} kind="read" />;
  if (summary.kind !== "direct") return <Mark icon="check" label={t("ticks.sent")} />;
  if (summary.peerReadSeq >= message.seq) return <Mark icon="checks" label={t("ticks.read")} kind="read" />;
  if (summary.peerDeliveredSeq >= message.seq) return <Mark icon="checks" label={t("ticks.delivered")} />;
  return <Mark icon="check" label={t("ticks.sent")} />;
}

function Mark({ icon, label, kind }: { icon: Parameters<typeof Icon>[0]["name"]; label: string; kind?: string }) {
  return (
    <span class="ticks" data-kind={kind} role="img" aria-label={label} title={label}>
      <Icon name={icon} size={15} />
    </span>
  );
}
