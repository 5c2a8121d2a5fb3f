import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useClient, useNames, useUser, titleOf } from "../../model/client.js";
import { Avatar } from "../../parts/Avatar.js";
import { SearchBox } from "../../parts/parts.js";

interface Props {
  chosen: ReadonlySet<string>;
  setChosen: (chosen: ReadonlySet<string>) => void;
  /** Users who cannot be chosen, as they are in already. */
  without?: ReadonlySet<string>;
}

/** Choose people: friends, or anybody who can be found. */
export function PeoplePicker({ chosen, setChosen, without }: Props) {
  const client = useClient();
  const friends = useValue(client.contacts.friends);
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<readonly string[]>([]);
  useEffect(() => {
    let current = true;
    const wanted = query.trim();
    if (!wanted) return setFound([]);
    const timer = setTimeout(() => {
      client.users.search(wanted).then(
        (page) => current && setFound(page.users.map((user) => user.user_id)),
        () => {},
      );
    }, 250);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, query]);
  const friendIds = friends.map((person) => person.user_id);
  const names = useNames(friendIds);
  const wanted = query.trim().toLowerCase();
  const matching = friendIds.filter((_, index) => names[index]?.toLowerCase().includes(wanted));
  const shown = [...new Set([...matching, ...found])].filter((id) => !without?.has(id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <div class="people-picker">
      <SearchBox label={t("people.search")} value={query} onValue={setQuery} />
      <div class="people-list scroll" role="group" aria-label={t("people.choose")} tabIndex={-1}>
        {[...chosen].filter((id) => !shown.includes(id)).map((id) => (
          <PersonChoice key={id} userId={id} isChosen toggle={toggle} />
        ))}
        {shown.map((id) => (
          <PersonChoice key={id} userId={id} isChosen={chosen.has(id)} toggle={toggle} />
        ))}
        {shown.length === 0 && chosen.size === 0 && <p class="hint centred">{t("people.none")}</p>}
      </div>
    </div>
  );
}

function PersonChoice({ userId, isChosen, toggle }: { userId: string; isChosen: boolean; toggle: (id: string) => void }) {
  const user = useUser(userId);
  return (
    <label class="row">
      <Avatar id={userId} name={titleOf(user)} media={user?.avatar} size={36} />
      <span class="main truncate">{titleOf(user)}</span>
      <input type="checkbox" class="check" checked={isChosen} onChange={() => toggle(userId)} />
    </label>
  );
}
