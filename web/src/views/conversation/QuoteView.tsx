import type { Message, wire } from "@hongyan/sdk";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useName } from "../../model/client.js";
import { messageLine } from "../../model/preview.js";
import { useComposerState } from "./composerState.js";

/** The message that a message answers, in a line; it leads there. */
export function QuoteView({ quote }: { quote: wire.Quote }) {
  const composerState = useComposerState();
  const name = useName(quote.sender);
  const [message, setMessage] = useState<Message | null | undefined>(undefined);
  useEffect(() => {
    let current = true;
    composerState.handle.message(quote.seq).then(
      (found) => current && setMessage(found),
      () => current && setMessage(null),
    );
    return () => {
      current = false;
    };
  }, [composerState, quote.seq]);
  const line = message === undefined ? "…" : message ? messageLine(message) : t("message.quoteGone");
  return (
    <button type="button" class="quote" tabIndex={-1} onClick={() => composerState.jump(quote.seq)}>
      <strong class="truncate">{name}</strong>
      <span class="truncate">{line}</span>
    </button>
  );
}
