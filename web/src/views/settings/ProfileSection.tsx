import type { wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { Area, Field, Spinner } from "../../parts/parts.js";
import { AvatarPicker } from "./AvatarPicker.js";

/** Name, picture, status and what else others see. */
export function ProfileSection() {
  const me = useValue(useClient().me);
  return me ? <ProfileForm key={me.user_id} me={me} /> : <Spinner />;
}

function ProfileForm({ me }: { me: wire.Account }) {
  const client = useClient();
  const [name, setName] = useState(me.name ?? "");
  const [handle, setHandle] = useState(me.handle ?? "");
  const [bio, setBio] = useState(me.bio ?? "");
  const [emoji, setEmoji] = useState(me.status?.emoji ?? "");
  const [status, setStatus] = useState(me.status?.text ?? "");
  const save = (event: Event) => {
    event.preventDefault();
    const changes: wire.UpdateProfile = { name: name.trim(), bio: bio.trim() };
    if (handle.trim() !== (me.handle ?? "")) changes.handle = handle.trim() || null;
    changes.status = { emoji: emoji.trim(), text: status.trim() };
    void attempt(client.call("user.update", changes), "state.saved");
  };
  return (
    <form class="form" onSubmit={save}>
      <AvatarPicker
        id={me.user_id}
        name={me.name || me.handle || ""}
        media={me.avatar ?? ""}
        change={(avatar) => void attempt(client.call("user.update", { avatar }), "state.saved")}
      />
      <Field label={t("profile.name")} maxLength={64} autocomplete="name" value={name} onValue={setName} />
      <Field label={t("profile.handle")} hint={t("entrance.handleHint")} autocomplete="username" value={handle} onValue={setHandle} />
      <div class="pair">
        <Field label={t("profile.statusEmoji")} maxLength={16} value={emoji} onValue={setEmoji} />
        <Field label={t("profile.status")} maxLength={100} value={status} onValue={setStatus} />
      </div>
      <Area label={t("profile.bio")} maxLength={500} value={bio} onValue={setBio} />
      <button type="submit" class="button primary">
        {t("action.save")}
      </button>
    </form>
  );
}
