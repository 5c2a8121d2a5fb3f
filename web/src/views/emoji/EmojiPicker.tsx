import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { t, useLanguage } from "../../i18n/index.js";
import { SearchBox, Spinner } from "../../parts/parts.js";

type Emoji = readonly [emoji: string, group: number, words: string];

const DATA = {
  zh: () => import("virtual:emoji/zh"),
  en: () => import("virtual:emoji/en"),
};

const COLUMNS = 8;
const RECENT_KEY = "hongyan.emoji";
const RECENT_MAX = 24;
const GROUPS = [
  [0, "😀", "emoji.smileys"],
  [1, "👋", "emoji.people"],
  [3, "🐻", "emoji.nature"],
  [4, "🍜", "emoji.food"],
  [5, "🚗", "emoji.travel"],
  [6, "⚽", "emoji.activities"],
  [7, "💡", "emoji.objects"],
  [8, "❤️", "emoji.symbols"],
  [9, "🏁", "emoji.flags"],
] as const;

function recent(): string[] {
  try {
    return JSON.parse(localStorage.getItem(RECENT_KEY) ?? "[]") as string[];
  } catch {
    return [];
  }
}

function remember(emoji: string): void {
  const kept = [emoji, ...recent().filter((one) => one !== emoji)].slice(0, RECENT_MAX);
  localStorage.setItem(RECENT_KEY, JSON.stringify(kept));
}

type Line = { heading: string; group: number } | { emoji: readonly (readonly [string, string])[] };

/** All emoji, by group and by words; loaded when it is first opened. */
export default function EmojiPicker({ choose }: { choose: (emoji: string) => void }) {
  const language = useLanguage();
  const [all, setAll] = useState<readonly Emoji[] | null>(null);
  const [query, setQuery] = useState("");
  const list = useRef<VirtualizerHandle>(null);
  useEffect(() => {
    void DATA[language]().then((data) => setAll(data.default));
  }, [language]);
  const lines = useMemo(() => (all ? linesOf(all, query.trim().toLowerCase()) : []), [all, query]);
  const pick = (emoji: string) => {
    remember(emoji);
    choose(emoji);
  };
  const onGridKey = (event: KeyboardEvent) => moveInGrid(event);
  const show = (group: number) => {
    const at = lines.findIndex((line) => "heading" in line && line.group === group);
    if (at >= 0) list.current?.scrollToIndex(at);
  };
  return (
    <div class="emoji-picker">
      <SearchBox label={t("emoji.search")} value={query} onValue={setQuery} />
      <div class="emoji-groups" role="toolbar" aria-label={t("emoji.groups")}>
        {GROUPS.map(([group, emoji, label]) => (
          <button key={group} type="button" class="emoji-button" aria-label={t(label)} title={t(label)} onClick={() => show(group)}>
            {emoji}
          </button>
        ))}
      </div>
      {all === null ? (
        <Spinner />
      ) : (
        <div class="emoji-grid" onKeyDown={onGridKey}>
          <div class="scroll emoji-scroll" tabIndex={0} role="region" aria-label={t("emoji.title")}>
          <Virtualizer ref={list}>
            {lines.map((line, index) =>
              "heading" in line ? (
                <h2 key={index} class="emoji-heading">
                  {line.heading}
                </h2>
              ) : (
                <div key={index} class="emoji-line">
                  {line.emoji.map(([emoji, name]) => (
                    <button key={emoji} type="button" class="emoji-button" data-item aria-label={name} title={name} onClick={() => pick(emoji)}>
                      {emoji}
                    </button>
                  ))}
                </div>
              ),
            )}
          </Virtualizer>
          </div>
          {lines.length === 0 && <p class="hint centred">{t("search.noneTitle")}</p>}
        </div>
      )}
    </div>
  );
}

function linesOf(all: readonly Emoji[], query: string): Line[] {
  const named = ([emoji, , words]: Emoji) => [emoji, words.split(" ")[0] ?? emoji] as const;
  if (query) return cut(all.filter(([, , words]) => words.toLowerCase().includes(query)).map(named));
  const used = recent();
  const recentLines: Line[] = used.length > 0 ? [{ heading: t("emoji.recent"), group: -1 }, ...cut(used.map((one) => [one, one] as const))] : [];
  const groups = GROUPS.flatMap(([group, , label]): Line[] => [
    { heading: t(label), group },
    ...cut(all.filter((one) => one[1] === group).map(named)),
  ]);
  return [...recentLines, ...groups];
}

function cut(emoji: readonly (readonly [string, string])[]): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < emoji.length; at += COLUMNS) lines.push({ emoji: emoji.slice(at, at + COLUMNS) });
  return lines;
}

/** The arrow keys go through the grid. */
function moveInGrid(event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
  if (step === undefined) return;
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[data-item]")];
  const at = items.indexOf(event.target as HTMLElement);
  event.preventDefault();
  items[at < 0 ? 0 : Math.max(0, Math.min(items.length - 1, at + step))]?.focus();
}
