import type { wire } from "@hongyan/sdk";

/** A stretch of a text that is drawn in one way. */
export interface Segment {
  text: string;
  styles: readonly Style[];
  url?: string;
  userId?: string;
}

export type Style = wire.Entity["type"];

const URL_PATTERN = /https?:\/\/[^\s<>"'，。；：！？、）】》]+[^\s<>"'，。；：！？、）】》.,;:!?)\]]/gu;

interface Mark {
  from: number;
  to: number;
  style: Style;
  url?: string;
  userId?: string;
}

/** Cut a text where its entities and links begin and end. Offsets count code points. */
export function segments(text: string, entities: readonly wire.Entity[] = []): Segment[] {
  const points = [...text];
  const marks: Mark[] = entities.map((entity) => ({
    from: entity.offset,
    to: Math.min(points.length, entity.offset + entity.length),
    style: entity.type,
    ...(entity.url && /^https?:/.test(entity.url) ? { url: entity.url } : {}),
    ...(entity.user_id ? { userId: entity.user_id } : {}),
  }));
  marks.push(...links(text, marks));
  const cuts = new Set([0, points.length]);
  for (const mark of marks) cuts.add(mark.from).add(mark.to);
  const order = [...cuts].filter((at) => at <= points.length).sort((a, b) => a - b);
  return order.slice(1).map((to, index) => {
    const from = order[index] ?? 0;
    const covering = marks.filter((mark) => mark.from <= from && mark.to >= to && mark.from < mark.to);
    const url = covering.find((mark) => mark.url)?.url;
    const userId = covering.find((mark) => mark.userId)?.userId;
    return {
      text: points.slice(from, to).join(""),
      styles: covering.map((mark) => mark.style),
      ...(url ? { url } : {}),
      ...(userId ? { userId } : {}),
    };
  });
}

function links(text: string, taken: readonly Mark[]): Mark[] {
  const found: Mark[] = [];
  for (const match of text.matchAll(URL_PATTERN)) {
    const from = [...text.slice(0, match.index)].length;
    const to = from + [...match[0]].length;
    if (taken.some((mark) => mark.style === "link" && mark.from < to && mark.to > from)) continue;
    found.push({ from, to, style: "link", url: match[0] });
  }
  return found;
}

/** Somebody whom the writer of a text has chosen to mention. */
export interface Mentioned {
  /** As it stands in the text, with its at sign. */
  text: string;
  /** Empty: everybody. */
  userId: string;
}

/** Return the content of a text, with the mentions that still stand in it. */
export function textContent(text: string, mentioned: readonly Mentioned[]): wire.Text {
  const entities: wire.Entity[] = [];
  const length = (part: string) => [...part].length;
  for (const one of mentioned) {
    for (let at = text.indexOf(one.text); at >= 0; at = text.indexOf(one.text, at + one.text.length)) {
      const offset = length(text.slice(0, at));
      if (entities.some((entity) => entity.offset <= offset && offset < entity.offset + entity.length))
        continue;
      entities.push({
        type: one.userId ? "mention" : "mention_all",
        offset,
        length: length(one.text),
        ...(one.userId ? { user_id: one.userId } : {}),
      });
    }
  }
  entities.sort((a, b) => a.offset - b.offset);
  return { type: "text", text, ...(entities.length > 0 ? { entities } : {}) };
}

/** The mentions of a text that is to be edited. */
export function mentionsOf(content: wire.Text): Mentioned[] {
  const points = [...content.text];
  return (content.entities ?? [])
    .filter((entity) => entity.type === "mention" || entity.type === "mention_all")
    .map((entity) => ({
      text: points.slice(entity.offset, entity.offset + entity.length).join(""),
      userId: entity.user_id ?? "",
    }));
}

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*|\p{Regional_Indicator}{2}){1,3}$/u;

/** Whether a text is nothing but one to three emoji, to be drawn large. */
export const isLargeEmoji = (text: string) => EMOJI_ONLY.test(text.trim());
