import type { ConversationSummary, wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { type Key, t } from "../../i18n/index.js";
import { useClient } from "../../model/client.js";
import { attempt } from "../../model/feedback.js";
import { Area, Choice, Field, Switch } from "../../parts/parts.js";
import { may } from "../conversation/messageMenu.js";
import { AvatarPicker } from "../settings/AvatarPicker.js";

type Update = Omit<wire.UpdateGroup, "conversation_id">;

const POLICIES = ["free", "approval", "invite", "closed"] as const;
const PAUSES = ["0", "10", "30", "60", "300", "3600"] as const;
const ROLES = ["member", "admin", "owner"] as const;
const PERMISSIONS = ["speak", "add_files", "invite", "pin", "edit_info", "mention_all", "see_members"] as const;
const USUAL: Record<(typeof PERMISSIONS)[number], wire.Role> = {
  speak: "member",
  add_files: "member",
  invite: "member",
  pin: "admin",
  edit_info: "admin",
  mention_all: "admin",
  see_members: "member",
};

/** The settings of a group that admins can change. */
export function GroupSettings({ summary, group }: { summary: ConversationSummary; group: wire.Group }) {
  const client = useClient();
  const role = summary.member.role ?? "member";
  const update = (changes: Update) =>
    attempt(client.call("group.update", { conversation_id: summary.id, ...changes }), "state.saved");
  return (
    <section class="info-section group-settings" aria-label={t("group.settings")}>
      {may(summary, "edit_info") && <Info group={group} update={update} />}
      {role !== "member" && <Rules group={group} update={update} />}
      {role === "owner" && <PermissionTable permissions={group.permissions ?? {}} update={update} />}
    </section>
  );
}

interface PartProps {
  group: wire.Group;
  update: (changes: Update) => Promise<boolean>;
}

function Info({ group, update }: PartProps) {
  const [name, setName] = useState(group.name);
  const [notice, setNotice] = useState(group.notice ?? "");
  const isChanged = name.trim() !== group.name || notice !== (group.notice ?? "");
  const save = (event: Event) => {
    event.preventDefault();
    void update({ name: name.trim(), notice });
  };
  return (
    <form class="form" onSubmit={save}>
      <AvatarPicker id={group.conversation_id} name={group.name} media={group.avatar ?? ""} change={(avatar) => void update({ avatar })} />
      <Field label={t("group.name")} maxLength={64} required value={name} onValue={setName} />
      <Area label={t("group.notice")} maxLength={4000} value={notice} onValue={setNotice} />
      <button type="submit" class="button primary" disabled={!isChanged || !name.trim()}>
        {t("action.save")}
      </button>
    </form>
  );
}

function Rules({ group, update }: PartProps) {
  const [question, setQuestion] = useState(group.join_question ?? "");
  const policy = group.join_policy ?? "invite";
  const pause = PAUSES.findLast((one) => Number(one) <= (group.slow_mode_s ?? 0)) ?? "0";
  return (
    <div class="form">
      <Choice
        label={t("group.joinPolicy")}
        value={policy}
        onValue={(join_policy) => void update({ join_policy })}
        options={POLICIES.map((one) => [one, t(`policy.${one}`)] as const)}
      />
      {policy === "approval" && (
        <form
          class="find"
          onSubmit={(event) => {
            event.preventDefault();
            void update({ join_question: question.trim() });
          }}
        >
          <Field label={t("group.joinQuestion")} maxLength={200} value={question} onValue={setQuestion} />
          <button type="submit" class="button">
            {t("action.save")}
          </button>
        </form>
      )}
      <Choice
        label={t("group.slowMode")}
        value={pause}
        onValue={(seconds) => void update({ slow_mode_s: Number(seconds) })}
        options={PAUSES.map((one) => [one, one === "0" ? t("slow.off") : t("slow.seconds", { n: Number(one) })] as const)}
      />
      <Switch label={t("group.mutedAll")} checked={Boolean(group.muted_all)} onChange={(muted_all) => void update({ muted_all })} />
      <Switch
        label={t("group.historyVisible")}
        hint={t("group.historyHint")}
        checked={group.history_visible ?? true}
        onChange={(history_visible) => void update({ history_visible })}
      />
    </div>
  );
}

function PermissionTable({ permissions, update }: { permissions: wire.Permissions; update: PartProps["update"] }) {
  return (
    <div class="form">
      <h3>{t("group.permissions")}</h3>
      {PERMISSIONS.map((one) => (
        <Choice
          key={one}
          label={t(`permission.${one}` as Key)}
          value={permissions[one] ?? USUAL[one]}
          onValue={(role) => void update({ permissions: { ...USUAL, ...permissions, [one]: role } })}
          options={ROLES.map((role) => [role, t(`atLeast.${role}`)] as const)}
        />
      ))}
    </div>
  );
}
