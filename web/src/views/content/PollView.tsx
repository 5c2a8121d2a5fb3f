import type { Message, wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { moment } from "../../i18n/when.js";
import { useMyId } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { Icon } from "../../parts/Icon.js";
import { useComposerState } from "../conversation/composerState.js";
import { openVotes } from "../dialogs/openers.js";

/** A question with its options, and how it stands. */
export function PollView({ content, message }: { content: wire.Poll; message: Message | null }) {
  const state = message?.poll ?? null;
  const closesAt = content.closes_at_ms ?? 0;
  const isClosed = !message || Boolean(state?.closed) || (closesAt > 0 && closesAt < Date.now());
  const voters = state?.voters ?? 0;
  return (
    <div class="poll" role="group" aria-label={t("poll.label", { question: content.question })}>
      <strong class="poll-question">{content.question}</strong>
      <span class="sub">
        {t(content.multiple ? "poll.multiple" : "poll.single")}
        {content.anonymous && ` · ${t("poll.anonymous")}`}
        {isClosed ? ` · ${t("poll.closed")}` : closesAt > 0 && ` · ${t("poll.until", { when: moment(closesAt) })}`}
      </span>
      {message && <Options content={content} message={message} isClosed={isClosed} />}
      {message && <PollFoot content={content} message={message} isClosed={isClosed} voters={voters} />}
    </div>
  );
}

interface OptionsProps {
  content: wire.Poll;
  message: Message;
  isClosed: boolean;
}

function Options({ content, message, isClosed }: OptionsProps) {
  const { handle } = useComposerState();
  const [isBusy, setBusy] = useState(false);
  const mine = message.poll?.mine ?? [];
  const tallies = message.poll?.tallies ?? [];
  const voters = Math.max(1, message.poll?.voters ?? 0);
  const choose = async (index: number) => {
    const kept = content.multiple ? mine.filter((one) => one !== index) : [];
    const choice = mine.includes(index) ? kept : [...kept, index].sort((a, b) => a - b);
    setBusy(true);
    await attempt(handle.vote(message.seq, choice));
    setBusy(false);
  };
  return (
    <ul class="poll-options">
      {content.options.map((option, index) => {
        const count = tallies[index] ?? 0;
        return (
          <li key={index}>
            <button
              type="button"
              class="poll-option"
              aria-pressed={mine.includes(index)}
              disabled={isClosed || isBusy || message.seq === 0}
              onClick={() => void choose(index)}
            >
              <span class="poll-bar" style={{ width: `${Math.round((count / voters) * 100)}%` }} />
              <span class="poll-mark">{mine.includes(index) && <Icon name="check" size={16} />}</span>
              <span class="poll-text">{option}</span>
              <span class="poll-count">{count}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function PollFoot({ content, message, isClosed, voters }: OptionsProps & { voters: number }) {
  const composerState = useComposerState();
  const me = useMyId();
  return (
    <span class="poll-foot">
      <span class="sub">{t("poll.voters", { n: voters })}</span>
      {!content.anonymous && voters > 0 && (
        <button type="button" class="link" onClick={() => openVotes(composerState, message.seq, content)}>
          {t("poll.who")}
        </button>
      )}
      {!isClosed && message.sender === me && message.seq > 0 && (
        <button type="button" class="link" onClick={() => void attempt(composerState.handle.closePoll(message.seq))}>
          {t("poll.close")}
        </button>
      )}
    </span>
  );
}
