import type { ConversationSummary } from "@hongyan/sdk";
import { useMemo, useState } from "preact/hooks";
import { t } from "../i18n/index.js";
import { useValue } from "../lib/hooks.js";
import { useClient } from "../model/client.js";
import { type DialogProps, attempt } from "../model/feedback.js";
import { conversationPath, go } from "../model/router.js";
import { change } from "../model/settings.js";
import { Dialog } from "../parts/Dialog.js";
import { Icon, type IconName } from "../parts/Icon.js";
import { openAddContact, openCreateGroup } from "./dialogs/openers.js";
import { ConversationAvatar, titleOfConversation } from "../parts/ConversationAvatar.js";

interface Command {
  key: string;
  label: string;
  icon: IconName;
  /** The conversation that it opens. */
  place?: ConversationSummary;
  run: () => void;
}

const SHOWN = 12;

/** Go anywhere and do anything by typing a part of its name. */
export default function Palette({ close }: DialogProps) {
  const client = useClient();
  const conversations = useValue(client.conversations);
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const all = useMemo(() => [...conversations.map(place), ...actions(client)], [conversations, client]);
  const wanted = query.trim().toLowerCase();
  const shown = all.filter((one) => one.label.toLowerCase().includes(wanted)).slice(0, SHOWN);
  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") setActive(Math.min(shown.length - 1, active + 1));
    else if (event.key === "ArrowUp") setActive(Math.max(0, active - 1));
    else if (event.key === "Enter") run(shown[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t("palette.title")} close={close}>
      <div class="search-box">
        <Icon name="search" size={18} />
        <input
          class="input"
          role="combobox"
          aria-label={t("palette.label")}
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={shown.length > 0 ? `palette-${active}` : undefined}
          placeholder={t("palette.label")}
          autoFocus
          value={query}
          onInput={(event) => {
            setQuery(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul id="palette-list" class="palette-list" role="listbox" aria-label={t("palette.title")}>
        {shown.map((command, index) => (
          <Option key={command.key} index={index} command={command} isActive={index === active} run={() => run(command)} />
        ))}
      </ul>
    </Dialog>
  );
}

interface OptionProps {
  index: number;
  command: Command;
  isActive: boolean;
  run: () => void;
}

function Option({ index, command, isActive, run }: OptionProps) {
  return (
    <li id={`palette-${index}`} class="row" role="option" aria-selected={isActive} onClick={run}>
      {command.place ? (
        <ConversationAvatar summary={command.place} size={28} />
      ) : (
        <span class="palette-icon">
          <Icon name={command.icon} />
        </span>
      )}
      <span class="main truncate">{command.label}</span>
    </li>
  );
}

function place(one: ConversationSummary): Command {
  const run = () => go(conversationPath(one.id));
  return { key: one.id, label: titleOfConversation(one), place: one, icon: one.group ? "group" : "chats", run };
}

function actions(client: ReturnType<typeof useClient>): Command[] {
  const openSelf = async () => go(conversationPath((await client.openSelf()).id));
  return [
    { key: "chats", label: t("nav.chats"), icon: "chats", run: () => go("/") },
    { key: "contacts", label: t("nav.contacts"), icon: "contacts", run: () => go("/contacts") },
    { key: "favourites", label: t("nav.favourites"), icon: "star", run: () => go("/favourites") },
    { key: "settings", label: t("nav.settings"), icon: "settings", run: () => go("/settings/profile") },
    { key: "self", label: t("chats.self"), icon: "note", run: () => void attempt(openSelf()) },
    { key: "add", label: t("contacts.add"), icon: "personAdd", run: openAddContact },
    { key: "group", label: t("group.create"), icon: "group", run: () => openCreateGroup("group") },
    { key: "channel", label: t("group.createChannel"), icon: "megaphone", run: () => openCreateGroup("channel") },
    { key: "dark", label: t("palette.dark"), icon: "moon", run: () => change({ theme: "dark" }) },
    { key: "light", label: t("palette.light"), icon: "moon", run: () => change({ theme: "light" }) },
    { key: "zh", label: "中文", icon: "globe", run: () => change({ language: "zh" }) },
    { key: "en", label: "English", icon: "globe", run: () => change({ language: "en" }) },
    { key: "logout", label: t("settings.logOut"), icon: "logout", run: () => void attempt(client.logOut()) },
  ];
}
