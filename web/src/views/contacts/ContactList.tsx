import type { Client } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useLoaded, useValue } from "../../lib/hooks.js";
import { onListKey } from "../../lib/roving.js";
import { titleOf, useClient, useNames, useUser } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { conversationPath } from "../../model/router.js";
import { Avatar, PersonAvatar } from "../../parts/Avatar.js";
import { IconButton } from "../../parts/IconButton.js";
import { Empty, SearchBox } from "../../parts/parts.js";
import { PersonRow } from "../dialogs/PersonRow.js";
import { openAddContact } from "../dialogs/openers.js";

type Tab = "friends" | "requests" | "groups" | "blocked";
const TABS = ["friends", "requests", "groups", "blocked"] as const;

/** Friends, requests, groups, and whom the user has blocked. */
export function ContactList({ shown }: { shown: string }) {
  const client = useClient();
  const [tab, setTab] = useState<Tab>("friends");
  const [query, setQuery] = useState("");
  const incoming = useValue(client.contacts.incoming);
  return (
    <>
      <h1 class="visually-hidden">{t("nav.contacts")}</h1>
      <header class="list-header">
        <SearchBox label={t("contacts.search")} value={query} onValue={setQuery} />
        <IconButton icon="personAdd" label={t("contacts.add")} onClick={openAddContact} />
      </header>
      <div class="filters" role="group" aria-label={t("contacts.kinds")}>
        {TABS.map((one) => (
          <button key={one} type="button" class="chip" aria-pressed={tab === one} onClick={() => setTab(one)}>
            {t(`contacts.${one}`)}
            {one === "requests" && incoming.length > 0 && ` (${incoming.length})`}
          </button>
        ))}
      </div>
      <div class="scroll list-scroll" onKeyDown={(event) => onListKey(event)}>
        {tab === "friends" && <Friends query={query} shown={shown} />}
        {tab === "requests" && <Requests />}
        {tab === "groups" && <Groups query={query} />}
        {tab === "blocked" && <Blocked />}
      </div>
    </>
  );
}

function Friends({ query, shown }: { query: string; shown: string }) {
  const client = useClient();
  const friends = useValue(client.contacts.friends);
  const ids = friends.map((person) => person.user_id);
  const names = useNames(ids);
  const wanted = query.trim().toLowerCase();
  const matching = ids.filter((_, index) => names[index]?.toLowerCase().includes(wanted));
  if (ids.length === 0)
    return (
      <Empty icon="contacts" title={t("contacts.noneTitle")} text={t("contacts.noneText")}>
        <button type="button" class="button primary" onClick={openAddContact}>
          {t("contacts.add")}
        </button>
      </Empty>
    );
  return (
    <nav aria-label={t("contacts.friends")}>
      {matching.map((id) => (
        <FriendRow key={id} userId={id} isShown={id === shown} />
      ))}
      {matching.length === 0 && <Empty icon="search" title={t("search.noneTitle")} />}
    </nav>
  );
}

function FriendRow({ userId, isShown }: { userId: string; isShown: boolean }) {
  const user = useUser(userId);
  const status = user?.status;
  const sub = [status?.emoji, status?.text].filter(Boolean).join(" ");
  return (
    <a class="row" data-item href={`/contacts/${encodeURIComponent(userId)}`} aria-current={isShown ? "page" : undefined}>
      <PersonAvatar id={userId} name={titleOf(user)} media={user?.avatar} size={40} />
      <span class="main">
        <span class="truncate block" dir="auto">
          {titleOf(user)}
        </span>
        {sub && <span class="sub truncate block">{sub}</span>}
      </span>
    </a>
  );
}

function Requests() {
  const client = useClient();
  const incoming = useValue(client.contacts.incoming);
  const outgoing = useValue(client.contacts.outgoing);
  if (incoming.length + outgoing.length === 0) return <Empty icon="personAdd" title={t("contacts.noRequests")} />;
  return (
    <>
      {incoming.map((request) => (
        <PersonRow key={request.from_id} userId={request.from_id} sub={request.message || t("contacts.wantsFriend")}>
          <Answers client={client} userId={request.from_id} />
        </PersonRow>
      ))}
      {outgoing.length > 0 && <h2 class="list-heading">{t("contacts.sent")}</h2>}
      {outgoing.map((request) => (
        <PersonRow key={request.to_id} userId={request.to_id} sub={t("contacts.waiting")} />
      ))}
    </>
  );
}

function Answers({ client, userId }: { client: Client; userId: string }) {
  return (
    <>
      <button type="button" class="button small" onClick={() => void attempt(client.contacts.answer(userId, false))}>
        {t("requests.refuse")}
      </button>
      <button type="button" class="button primary small" onClick={() => void attempt(client.contacts.answer(userId, true), "contacts.nowFriends")}>
        {t("requests.accept")}
      </button>
    </>
  );
}

function Groups({ query }: { query: string }) {
  const client = useClient();
  const loaded = useLoaded(() => client.call("group.mine", { limit: 500 }), []);
  const wanted = query.trim().toLowerCase();
  const shown = loaded.data?.groups.filter(({ group }) => group.name.toLowerCase().includes(wanted)) ?? [];
  if (loaded.state === "ready" && shown.length === 0) return <Empty icon="group" title={t("contacts.noGroups")} />;
  return (
    <>
      {shown.map(({ group, member_count }) => (
        <a key={group.conversation_id} class="row" data-item href={conversationPath(group.conversation_id)}>
          <Avatar
            id={group.conversation_id}
            name={group.name}
            media={group.avatar}
            size={40}
            icon={group.kind === "channel" ? "megaphone" : undefined}
          />
          <span class="main">
            <span class="truncate block">{group.name}</span>
            <span class="sub">{t("group.members", { n: member_count })}</span>
          </span>
        </a>
      ))}
    </>
  );
}

function Blocked() {
  const client = useClient();
  const blocked = useValue(client.contacts.blocked);
  if (blocked.length === 0) return <Empty icon="block" title={t("contacts.noBlocked")} text={t("contacts.noBlockedText")} />;
  return (
    <>
      {blocked.map((person) => (
        <PersonRow key={person.user_id} userId={person.user_id}>
          <button type="button" class="button small" onClick={() => void attempt(client.contacts.block(person.user_id, false))}>
            {t("contacts.unblock")}
          </button>
        </PersonRow>
      ))}
    </>
  );
}
