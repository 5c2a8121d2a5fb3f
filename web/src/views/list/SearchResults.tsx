import type { ConversationSummary, Message } from "@hongyan/sdk";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { stamp } from "../../i18n/when.js";
import { onListKey } from "../../lib/roving.js";
import { useClient, useName } from "../../model/client.js";
import { messageLine } from "../../model/preview.js";
import { conversationPath } from "../../model/router.js";
import { Avatar } from "../../parts/Avatar.js";
import { Empty, Spinner } from "../../parts/parts.js";
import { ConversationAvatar, titleOfConversation } from "../../parts/ConversationAvatar.js";

const LIMIT = 50;

/** The results on this device: conversations by title, messages by text, friends by name. */
export function SearchResults({ query, done }: { query: string; done: () => void }) {
  const client = useClient();
  const [messages, setMessages] = useState<readonly Message[] | null>(null);
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      client.search.messages(query, { limit: LIMIT }).then(
        (found) => current && setMessages(found),
        () => current && setMessages([]),
      );
    }, 120);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, query]);
  const conversations = client.search.conversations(query).slice(0, 8);
  const friends = friendsNamed(client, query, conversations);
  const nothing = messages?.length === 0 && conversations.length === 0 && friends.length === 0;
  return (
    <div class="scroll results" onKeyDown={(event) => onListKey(event)} role="region" aria-label={t("search.results")}>
      {conversations.length > 0 && <h2 class="list-heading">{t("nav.chats")}</h2>}
      {conversations.map((one) => (
        <a key={one.id} class="row" href={conversationPath(one.id)} data-item onClick={done}>
          <ConversationAvatar summary={one} size={36} />
          <span class="main truncate">{titleOfConversation(one)}</span>
        </a>
      ))}
      {friends.length > 0 && <h2 class="list-heading">{t("nav.contacts")}</h2>}
      {friends.map((id) => (
        <FriendRow key={id} userId={id} done={done} />
      ))}
      {messages && messages.length > 0 && <h2 class="list-heading">{t("search.messages")}</h2>}
      {messages?.map((message) => (
        <MessageRow key={message.key} message={message} query={query} />
      ))}
      {messages === null && <Spinner />}
      {nothing && <Empty icon="search" title={t("search.noneTitle")} text={t("search.noneText")} />}
    </div>
  );
}

function friendsNamed(
  client: ReturnType<typeof useClient>,
  query: string,
  conversations: readonly ConversationSummary[],
): string[] {
  const wanted = query.toLowerCase();
  const shown = new Set(conversations.map((one) => one.peerId));
  return client.contacts.friends.value
    .map((person) => person.user_id)
    .filter((id) => {
      const user = client.users.get(id);
      return !shown.has(id) && user && `${user.title} ${user.name} ${user.handle}`.toLowerCase().includes(wanted);
    })
    .slice(0, 8);
}

function FriendRow({ userId, done }: { userId: string; done: () => void }) {
  const name = useName(userId);
  return (
    <a class="row" href={`/contacts/${encodeURIComponent(userId)}`} data-item onClick={done}>
      <Avatar id={userId} name={name} size={36} />
      <span class="main truncate">{name}</span>
    </a>
  );
}

function MessageRow({ message, query }: { message: Message; query: string }) {
  const client = useClient();
  const name = useName(message.sender);
  const summary = client.conversations.value.find((one) => one.id === message.conversationId);
  return (
    <a class="row" href={conversationPath(message.conversationId, message.seq)} data-item>
      {summary && <ConversationAvatar summary={summary} size={36} />}
      <span class="main">
        <span class="conversation-top">
          <span class="conversation-title truncate">{summary ? titleOfConversation(summary) : ""}</span>
          <time class="conversation-time">{stamp(message.sentAtMs, Date.now())}</time>
        </span>
        <span class="sub truncate block">
          {name}: <Marked text={around(messageLine(message), query)} query={query} />
        </span>
      </span>
    </a>
  );
}

/** Cut a long text so that what was looked for is seen. */
function around(text: string, query: string): string {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  return at > 24 ? `…${text.slice(at - 16)}` : text;
}

function Marked({ text, query }: { text: string; query: string }) {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  if (at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + query.length)}</mark>
      {text.slice(at + query.length)}
    </>
  );
}
