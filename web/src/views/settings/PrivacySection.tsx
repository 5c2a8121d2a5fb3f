import type { wire } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { Choice, Spinner, Switch } from "../../parts/parts.js";

const USUAL: Required<wire.Privacy> = {
  who_may_write: "everyone",
  who_may_invite: "everyone",
  found_by_handle: true,
  found_by_name: true,
  found_by_email: false,
  found_by_phone: false,
  shows_presence: "everyone",
  sends_receipts: true,
};

/** Settings of who may write, invite, find and see. */
export function PrivacySection() {
  const client = useClient();
  const me = useValue(client.me);
  if (!me) return <Spinner />;
  const privacy: Required<wire.Privacy> = { ...USUAL, ...me.privacy };
  const set = (changes: wire.Privacy) =>
    void attempt(client.call("user.update", { privacy: { ...privacy, ...changes } }), "state.saved");
  const everyone = ["everyone", t("privacy.everyone")] as const;
  const friends = ["friends", t("privacy.friends")] as const;
  return (
    <div class="form">
      <Choice
        label={t("privacy.write")}
        value={privacy.who_may_write}
        options={[everyone, friends]}
        onValue={(who_may_write) => set({ who_may_write })}
      />
      <Choice
        label={t("privacy.invite")}
        value={privacy.who_may_invite}
        options={[everyone, friends]}
        onValue={(who_may_invite) => set({ who_may_invite })}
      />
      <Choice
        label={t("privacy.presence")}
        value={privacy.shows_presence}
        options={[everyone, friends, ["nobody", t("privacy.nobody")]]}
        onValue={(shows_presence) => set({ shows_presence })}
      />
      <Switch
        label={t("privacy.receipts")}
        hint={t("privacy.receiptsHint")}
        checked={privacy.sends_receipts}
        onChange={(sends_receipts) => set({ sends_receipts })}
      />
      <h2>{t("privacy.found")}</h2>
      <Switch label={t("privacy.byHandle")} checked={privacy.found_by_handle} onChange={(found_by_handle) => set({ found_by_handle })} />
      <Switch label={t("privacy.byName")} checked={privacy.found_by_name} onChange={(found_by_name) => set({ found_by_name })} />
      <Switch label={t("privacy.byEmail")} checked={privacy.found_by_email} onChange={(found_by_email) => set({ found_by_email })} />
      <Switch label={t("privacy.byPhone")} checked={privacy.found_by_phone} onChange={(found_by_phone) => set({ found_by_phone })} />
    </div>
  );
}
