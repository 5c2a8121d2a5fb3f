import type { ConversationSummary } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { ago } from "../../i18n/when.js";
import { useMinute, useValue } from "../../lib/hooks.js";
import { titleOf, useClient, useMyId, usePresence, useUser } from "../../model/client.js";
import { attempt, openDialog } from "../../model/feedback.js";
import { conversationPath, go } from "../../model/router.js";
import { Avatar } from "../../parts/Avatar.js";
import { Confirm } from "../../parts/Dialog.js";
import { Icon } from "../../parts/Icon.js";
import { Field, Switch } from "../../parts/parts.js";
import { AskButton } from "../dialogs/AddContact.js";
import { MemberTools } from "../detail/MemberTools.js";

interface Props {
  userId: string;
  /** The group in which the person was met; its admins find their tools here. */
  summary?: ConversationSummary;
  /** Called when the view leads elsewhere. */
  done: () => void;
}

/** The card of a person, and what the user can do with them. */
export function PersonCard({ userId, summary, done }: Props) {
  const client = useClient();
  const me = useMyId();
  const user = useUser(userId);
  const friends = useValue(client.contacts.friends);
  const blocked = useValue(client.contacts.blocked);
  const friend = friends.find((person) => person.user_id === userId);
  const isBlocked = blocked.some((person) => person.user_id === userId);
  const name = titleOf(user);
  const write = async () => {
    const opened = await client.openDirect(userId);
    done();
    go(conversationPath(opened.id));
  };
  return (
    <div class="person-card">
      <div class="person-head">
        <Avatar id={userId} name={name} media={user?.avatar} size={88} />
        <h2 dir="auto">{name}</h2>
        {user?.remark && <span class="sub">{t("person.name", { name: user.name })}</span>}
        {user?.handle && <span class="sub">@{user.handle}</span>}
        <Presence userId={userId} />
        {user?.status?.text && (
          <span class="status-line">
            {user.status.emoji} {user.status.text}
          </span>
        )}
        {user?.bio && <p class="bio">{user.bio}</p>}
      </div>
      <div class="person-actions">
        <button type="button" class="button primary" onClick={() => void attempt(write())}>
          <Icon name="chats" size={18} />
          {t(userId === me ? "chats.self" : "person.write")}
        </button>
        {userId !== me && !friend && !isBlocked && <AskButton userId={userId} />}
      </div>
      {userId !== me && friend && <Remark userId={userId} remark={friend.remark ?? ""} />}
      {summary && userId !== me && <MemberTools summary={summary} userId={userId} done={done} />}
      {userId !== me && (
        <div class="person-more">
          {friend && (
            <Switch
              label={t("person.mute")}
              checked={Boolean(friend.muted)}
              onChange={(muted) => void attempt(client.contacts.mute(userId, muted))}
            />
          )}
          <Switch
            label={t("person.block")}
            hint={t("person.blockHint")}
            checked={isBlocked}
            onChange={(next) => void attempt(client.contacts.block(userId, next))}
          />
          {friend && <RemoveButton userId={userId} name={name} />}
        </div>
      )}
    </div>
  );
}

function RemoveButton({ userId, name }: { userId: string; name: string }) {
  const client = useClient();
  const ask = () =>
    openDialog(Confirm, {
      title: t("person.remove"),
      text: t("confirm.remove", { name }),
      label: t("person.remove"),
      run: () => attempt(client.contacts.remove(userId)),
    });
  return (
    <button type="button" class="button danger" onClick={ask}>
      {t("person.remove")}
    </button>
  );
}

function Presence({ userId }: { userId: string }) {
  const presence = usePresence(userId);
  const now = useMinute();
  if (!presence) return null;
  if (presence.online) return <span class="sub">{t("presence.online")}</span>;
  const seen = presence.last_seen_ms ?? 0;
  return <span class="sub">{seen ? t("presence.seen", { when: ago(seen, now) }) : t("presence.offline")}</span>;
}

function Remark({ userId, remark }: { userId: string; remark: string }) {
  const client = useClient();
  const [value, setValue] = useState(remark);
  const save = (event: Event) => {
    event.preventDefault();
    void attempt(client.contacts.setRemark(userId, value.trim()), "state.saved");
  };
  return (
    <form class="find" onSubmit={save}>
      <Field label={t("person.remark")} maxLength={64} value={value} onValue={setValue} />
      <button type="submit" class="button" disabled={value.trim() === remark}>
        {t("action.save")}
      </button>
    </form>
  );
}
