import type { wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useClient, useMyId } from "../../model/client.js";
import { type DialogProps, attempt, explain } from "../../model/feedback.js";
import { conversationPath, go } from "../../model/router.js";
import { Avatar } from "../../parts/Avatar.js";
import { Dialog } from "../../parts/Dialog.js";
import { IconButton } from "../../parts/IconButton.js";
import { Empty, ErrorLine, SearchBox } from "../../parts/parts.js";

/** Find people by handle, name, e-mail address or telephone number, to ask or to write to them. */
export default function AddContact({ close }: DialogProps) {
  const client = useClient();
  const me = useMyId();
  const [query, setQuery] = useState("");
  const [page, setPage] = useState<readonly wire.Profile[] | null>(null);
  const [error, setError] = useState("");
  const find = async (event: Event) => {
    event.preventDefault();
    if (!query.trim()) return;
    try {
      setPage((await client.users.search(query.trim())).users);
      setError("");
    } catch (reason) {
      setError(explain(reason));
    }
  };
  const write = async (userId: string) => {
    const opened = await client.openDirect(userId);
    close();
    go(conversationPath(opened.id));
  };
  return (
    <Dialog title={t("contacts.add")} close={close}>
      <form class="find" onSubmit={find}>
        <SearchBox label={t("contacts.find")} value={query} onValue={setQuery} autoFocus />
        <button type="submit" class="button primary">
          {t("action.search")}
        </button>
      </form>
      {error && <ErrorLine text={error} />}
      {page?.length === 0 && <Empty icon="search" title={t("contacts.noneFound")} text={t("contacts.noneFoundText")} />}
      <ul>
        {page?.map((user) => {
          const name = user.name || user.handle || "";
          return (
            <li key={user.user_id} class="row">
              <Avatar id={user.user_id} name={name} media={user.avatar} size={40} />
              <span class="main">
                <span class="truncate block">{name}</span>
                {user.handle && <span class="sub truncate block">@{user.handle}</span>}
              </span>
              {user.user_id !== me && (
                <>
                  <IconButton icon="chats" label={t("contacts.write", { name })} onClick={() => void attempt(write(user.user_id))} />
                  <AskButton userId={user.user_id} />
                </>
              )}
            </li>
          );
        })}
      </ul>
    </Dialog>
  );
}

/** Ask somebody to be friends. */
export function AskButton({ userId }: { userId: string }) {
  const client = useClient();
  const [isDone, setDone] = useState(false);
  const isFriend = client.contacts.friends.value.some((person) => person.user_id === userId);
  if (isFriend) return <span class="tag">{t("contacts.isFriend")}</span>;
  const ask = async () => setDone(await attempt(client.contacts.request(userId), "contacts.asked"));
  return (
    <button type="button" class="button small" disabled={isDone} onClick={() => void ask()}>
      {t(isDone ? "contacts.askedShort" : "contacts.ask")}
    </button>
  );
}
