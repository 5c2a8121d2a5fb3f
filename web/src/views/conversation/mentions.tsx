import type { ConversationSummary } from "@hongyan/sdk";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useClient, useMyId } from "../../model/client.js";
import { Avatar } from "../../parts/Avatar.js";
import { may } from "./messageMenu.js";

export interface Candidate {
  /** Empty: everybody. */
  userId: string;
  name: string;
}

type Insert = (name: string, userId: string, next: string, caret: number) => void;

const SHOWN = 8;

/** The list of members that opens when an at sign is typed. */
export function useMentions(
  summary: ConversationSummary,
  area: { current: HTMLTextAreaElement | null },
  text: string,
  insert: Insert,
) {
  const candidates = useCandidates(summary);
  const [word, setWord] = useState<{ from: number; query: string } | null>(null);
  const [active, setActive] = useState(0);
  const look = () => {
    const node = area.current;
    const before = node && summary.group ? node.value.slice(0, node.selectionStart) : "";
    const found = /(?:^|\s|\p{P}|\p{Script=Han})@([^\s@]{0,32})$/u.exec(before);
    const next = found ? { from: before.length - (found[1]?.length ?? 0) - 1, query: found[1] ?? "" } : null;
    setWord((old) => (old?.from === next?.from && old?.query === next?.query ? old : next));
  };
  useEffect(look, [text]);
  useEffect(() => setActive(0), [word?.query]);
  const wanted = word?.query.toLowerCase() ?? "";
  const shown = word ? candidates.filter((one) => one.name.toLowerCase().includes(wanted)).slice(0, SHOWN) : [];
  const choose = (one: Candidate) => {
    if (!word) return;
    const name = `@${one.name}`;
    const end = word.from + 1 + word.query.length;
    insert(name, one.userId, `${text.slice(0, word.from)}${name} ${text.slice(end)}`, word.from + name.length + 1);
    setWord(null);
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): boolean => {
    const chosen = shown[active];
    if (!chosen) return false;
    if (event.key === "ArrowDown") setActive((active + 1) % shown.length);
    else if (event.key === "ArrowUp") setActive((active + shown.length - 1) % shown.length);
    else if (event.key === "Enter" || event.key === "Tab") choose(chosen);
    else if (event.key === "Escape") setWord(null);
    else return false;
    event.preventDefault();
    return true;
  };
  const isOpen = shown.length > 0;
  const activeId = isOpen ? `mention-${active}` : undefined;
  return { shown, active, activeId, isOpen, choose, look, onKeyDown };
}

/** The members that are at hand, with "everybody" for those who may call everybody. */
function useCandidates(summary: ConversationSummary): readonly Candidate[] {
  const client = useClient();
  const me = useMyId();
  const [people, setPeople] = useState<readonly Candidate[]>([]);
  const isGroup = summary.group !== null;
  useEffect(() => {
    let current = true;
    const load = async () => {
      const { members } = await client.groups.members(summary.id, "", 200);
      const users = await client.users.load(members.map((member) => member.user_id));
      const nicknames = new Map(members.map((member) => [member.user_id, member.nickname]));
      const found = users
        .filter((user) => user.userId !== me)
        .map((user) => ({ userId: user.userId, name: nicknames.get(user.userId) || user.name || user.handle }));
      if (current) setPeople(found);
    };
    if (isGroup && may(summary, "see_members")) load().catch(() => {});
    return () => {
      current = false;
    };
  }, [client, summary.id, summary.memberCount, isGroup]);
  return may(summary, "mention_all") ? [{ userId: "", name: t("mention.all") }, ...people] : people;
}

export function MentionList({ mentions }: { mentions: ReturnType<typeof useMentions> }) {
  if (!mentions.isOpen) return null;
  return (
    <ul id="mention-list" class="mention-list scroll" role="listbox" aria-label={t("mention.label")}>
      {mentions.shown.map((one, index) => (
        <li
          key={one.userId}
          id={`mention-${index}`}
          role="option"
          aria-selected={index === mentions.active}
          onPointerDown={(event) => {
            event.preventDefault();
            mentions.choose(one);
          }}
        >
          <Avatar id={one.userId || "all"} name={one.name} size={28} icon={one.userId ? undefined : "megaphone"} />
          <span class="truncate">{one.name}</span>
        </li>
      ))}
    </ul>
  );
}
