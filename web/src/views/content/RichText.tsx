import type { wire } from "@hongyan/sdk";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { useMyId } from "../../model/client.js";
import { type Segment, type Style, segments } from "../../model/rich.js";
import { openPerson } from "../dialogs/openers.js";

const TAGS: Partial<Record<Style, "strong" | "em" | "s" | "code" | "blockquote">> = {
  bold: "strong",
  italic: "em",
  strike: "s",
  code: "code",
  pre: "code",
  quote: "blockquote",
};

/** A text with its mentions, links and styles. */
export function RichText({ content }: { content: wire.Text }) {
  const parts = useMemo(() => segments(content.text, content.entities), [content]);
  return (
    <span class="text" dir="auto">
      {parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
    </span>
  );
}

function Part({ part }: { part: Segment }) {
  const me = useMyId();
  let node: ComponentChildren = part.text;
  if (part.url) {
    node = (
      <a href={part.url} target="_blank" rel="noreferrer noopener">
        {node}
      </a>
    );
  } else if (part.styles.some((style) => style.startsWith("mention"))) {
    const { userId } = part;
    const isMe = userId === me || part.styles.includes("mention_all");
    node = userId && !__WIDGET__ ? (
      <button type="button" class="mention" data-me={isMe || undefined} onClick={() => openPerson(userId)}>
        {node}
      </button>
    ) : (
      <span class="mention" data-me={isMe || undefined}>
        {node}
      </span>
    );
  }
  for (const style of part.styles) {
    const Tag = TAGS[style];
    if (Tag) node = <Tag class={style === "pre" ? "pre" : undefined}>{node}</Tag>;
  }
  return <>{node}</>;
}
