import type { ConversationSummary } from "@hongyan/sdk";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { VList } from "virtua";
import { t } from "../../i18n/index.js";
import { useMinute, useValue } from "../../lib/hooks.js";
import { onListKey } from "../../lib/roving.js";
import { useClient } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { conversationPath, go } from "../../model/router.js";
import { focusRequests } from "../../model/shortcuts.js";
import { IconButton } from "../../parts/IconButton.js";
import { openMenu } from "../../parts/Menu.js";
import { Empty, SearchBox } from "../../parts/parts.js";
import { openAddContact, openCreateGroup } from "../dialogs/openers.js";
import { ConversationRow } from "./ConversationRow.js";
import { SearchResults } from "./SearchResults.js";

type Filter = "all" | "unread" | "archived" | `folder:${string}`;

/** The conversations of the user, with a search over all that is kept here. */
export function ConversationList({ openId }: { openId: string }) {
  const client = useClient();
  const all = useValue(client.conversations);
  const [query, setQuery] = useState("");
  const [chosen, setFilter] = useState<Filter>("all");
  const filter = isGone(chosen, all) ? "all" : chosen;
  const header = useRef<HTMLElement>(null);
  const focus = useValue(focusRequests);
  useEffect(() => {
    if (focus?.where === "search") header.current?.querySelector("input")?.focus();
  }, [focus]);
  const shown = useMemo(() => all.filter((one) => isIn(one, filter)), [all, filter]);
  return (
    <>
      <h1 class="visually-hidden">{t("nav.chats")}</h1>
      <header class="list-header" ref={header}>
        <SearchBox label={t("chats.search")} value={query} onValue={setQuery} />
        <NewButton />
      </header>
      {query.trim() ? (
        <SearchResults query={query.trim()} done={() => setQuery("")} />
      ) : (
        <>
          <Filters all={all} filter={filter} setFilter={setFilter} />
          {shown.length > 0 ? (
            <Rows shown={shown} openId={openId} />
          ) : (
            <NothingHere filter={filter} />
          )}
        </>
      )}
    </>
  );
}

/** Whether this is a folder from which the last conversation was taken. */
function isGone(filter: Filter, all: readonly ConversationSummary[]): boolean {
  return filter.startsWith("folder:") && !all.some((one) => `folder:${one.folder}` === filter);
}

function isIn(one: ConversationSummary, filter: Filter): boolean {
  if (filter === "archived") return one.archived;
  if (one.archived) return false;
  if (filter === "unread") return one.unread > 0 || one.markedUnread;
  return filter === "all" || one.folder === filter.slice("folder:".length);
}

interface FiltersProps {
  all: readonly ConversationSummary[];
  filter: Filter;
  setFilter: (filter: Filter) => void;
}

function Filters({ all, filter, setFilter }: FiltersProps) {
  const folders = [...new Set(all.map((one) => one.folder).filter(Boolean))].sort();
  const hasArchive = all.some((one) => one.archived);
  const choices: [Filter, string][] = [
    ["all", t("filter.all")],
    ["unread", t("filter.unread")],
    ...folders.map((name): [Filter, string] => [`folder:${name}`, name]),
  ];
  if (hasArchive || filter === "archived") choices.push(["archived", t("filter.archived")]);
  return (
    <div class="filters" role="group" aria-label={t("filter.label")}>
      {choices.map(([key, label]) => (
        <button key={key} type="button" class="chip" aria-pressed={filter === key} onClick={() => setFilter(key)}>
          {label}
        </button>
      ))}
    </div>
  );
}

function NewButton() {
  const client = useClient();
  const openSelf = async () => {
    const opened = await client.openSelf();
    go(conversationPath(opened.id));
  };
  const open = (event: MouseEvent) =>
    openMenu(event, t("chats.new"), [
      { label: t("contacts.add"), icon: "personAdd", run: openAddContact },
      { label: t("group.create"), icon: "group", run: () => openCreateGroup("group") },
      { label: t("group.createChannel"), icon: "megaphone", run: () => openCreateGroup("channel") },
      { label: t("chats.self"), icon: "note", run: () => void attempt(openSelf()) },
    ]);
  return <IconButton icon="plus" label={t("chats.new")} popup="menu" onClick={open} />;
}

function NothingHere({ filter }: { filter: Filter }) {
  if (filter !== "all") return <Empty icon="chats" title={t("chats.noneHere")} />;
  return (
    <Empty icon="chats" title={t("chats.noneTitle")} text={t("chats.noneText")}>
      <button type="button" class="button primary" onClick={openAddContact}>
        {t("contacts.add")}
      </button>
    </Empty>
  );
}

function Rows({ shown, openId }: { shown: readonly ConversationSummary[]; openId: string }) {
  const now = useMinute();
  const stop = shown.some((one) => one.id === openId) ? openId : shown[0]?.id;
  return (
    <nav class="rows" aria-label={t("chats.list")} onKeyDown={(event) => onListKey(event)}>
      <VList class="scroll rows-scroll" data={shown} itemSize={68}>
        {(one) => (
          <ConversationRow
            key={one.id}
            summary={one}
            now={now}
            isOpen={one.id === openId}
            isStop={one.id === stop}
          />
        )}
      </VList>
    </nav>
  );
}
