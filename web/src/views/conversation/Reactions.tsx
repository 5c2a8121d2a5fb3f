import type { Message, Reaction } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useNames } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { useComposerState } from "./composerState.js";

/** The emoji that people put to a message. */
export function Reactions({ message }: { message: Message }) {
  if (message.reactions.length === 0) return null;
  return (
    <div class="reactions">
      {message.reactions.map((reaction) => (
        <ReactionChip key={reaction.emoji} seq={message.seq} reaction={reaction} />
      ))}
    </div>
  );
}

function ReactionChip({ seq, reaction }: { seq: number; reaction: Reaction }) {
  const { handle } = useComposerState();
  const names = useNames(reaction.first);
  const who = names.join(t("list.comma"));
  const more = reaction.count - names.length;
  const label = t("reaction.label", {
    emoji: reaction.emoji,
    n: reaction.count,
    who: more > 0 ? `${who} +${more}` : who,
  });
  return (
    <button
      type="button"
      class="reaction"
      aria-pressed={reaction.mine}
      aria-label={label}
      title={label}
      onClick={() => void attempt(handle.react(seq, reaction.emoji, !reaction.mine))}
    >
      <span aria-hidden="true">{reaction.emoji}</span> {reaction.count}
    </button>
  );
}
