import type { ConversationHandle } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { type DialogProps, attempt } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { Choice, Field, Switch } from "../../parts/parts.js";

const OPTIONS_MAX = 12;
const HOUR_MS = 3_600_000;
const LENGTHS = { never: 0, hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS };

/** Ask a question with options. */
export default function PollDialog({ handle, close }: DialogProps & { handle: ConversationHandle }) {
  const [question, setQuestion] = useState("");
  const [options, setOptions] = useState(["", ""]);
  const [isMultiple, setMultiple] = useState(false);
  const [isAnonymous, setAnonymous] = useState(false);
  const [length, setLength] = useState<keyof typeof LENGTHS>("never");
  const given = options.map((option) => option.trim()).filter(Boolean);
  const setOption = (index: number, value: string) => {
    const next = options.with(index, value);
    if (index === options.length - 1 && value && next.length < OPTIONS_MAX) next.push("");
    setOptions(next);
  };
  const send = (event: Event) => {
    event.preventDefault();
    const closes = LENGTHS[length] ? { closes_at_ms: Date.now() + LENGTHS[length] } : {};
    const poll = { type: "poll" as const, question: question.trim(), options: [...new Set(given)], ...closes };
    void attempt(handle.send({ ...poll, multiple: isMultiple, anonymous: isAnonymous }));
    close();
  };
  return (
    <Dialog
      title={t("poll.create")}
      close={close}
      footer={
        <button type="submit" form="poll" class="button primary" disabled={!question.trim() || new Set(given).size < 2}>
          {t("poll.send")}
        </button>
      }
    >
      <form id="poll" class="form" onSubmit={send}>
        <Field label={t("poll.question")} required autoFocus maxLength={200} value={question} onValue={setQuestion} />
        {options.map((option, index) => (
          <Field
            key={index}
            label={t("poll.option", { n: index + 1 })}
            maxLength={100}
            value={option}
            onValue={(value) => setOption(index, value)}
          />
        ))}
        <Choice
          label={t("poll.length")}
          value={length}
          onValue={setLength}
          options={[
            ["never", t("poll.lengthNever")],
            ["hour", t("poll.lengthHour")],
            ["day", t("poll.lengthDay")],
            ["week", t("poll.lengthWeek")],
          ]}
        />
        <Switch label={t("poll.allowMultiple")} checked={isMultiple} onChange={setMultiple} />
        <Switch label={t("poll.beAnonymous")} hint={t("poll.beAnonymousHint")} checked={isAnonymous} onChange={setAnonymous} />
      </form>
    </Dialog>
  );
}
