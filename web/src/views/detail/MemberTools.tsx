import type { ConversationSummary, wire } from "@hongyan/sdk";
import { t } from "../../i18n/index.js";
import { useLoaded } from "../../lib/hooks.js";
import { titleOf, useClient, useUser } from "../../model/client.js";
import { attempt, openDialog } from "../../model/feedback.js";
import { Confirm } from "../../parts/Dialog.js";
import { findMember } from "./members.js";

const RANKS = { member: 0, admin: 1, owner: 2 };

interface Props {
  summary: ConversationSummary;
  userId: string;
  done: () => void;
}

/** The tools of a group's admins for a member of a lower rank. */
export function MemberTools({ summary, userId, done }: Props) {
  const client = useClient();
  const user = useUser(userId);
  const found = useLoaded(() => findMember(client, summary.id, userId), [client, summary.id, userId]);
  const mine = summary.member.role ?? "member";
  const member = found.data;
  if (!summary.group || !member || RANKS[mine] === 0 || RANKS[mine] <= RANKS[member.role]) return null;
  const at = { conversation_id: summary.id, user_id: userId };
  const isMuted = member.muted_until_ms === -1 || (member.muted_until_ms ?? 0) > Date.now();
  const name = member.nickname || titleOf(user);
  const act = async (work: Promise<unknown>) => {
    await attempt(work, "state.saved");
    found.reload();
  };
  const setRole = (role: "admin" | "member") => void act(client.call("group.set_role", { ...at, role }));
  const transfer = () =>
    openDialog(Confirm, {
      title: t("member.transfer"),
      text: t("confirm.transfer", { name }),
      label: t("member.transfer"),
      run: () => act(client.call("group.transfer", at)),
    });
  const remove = () =>
    openDialog(Confirm, {
      title: t("member.remove"),
      text: t("confirm.kick", { name }),
      label: t("member.remove"),
      run: async () => {
        await attempt(client.call("group.kick", { conversation_id: summary.id, user_ids: [userId] }));
        done();
      },
    });
  return (
    <div class="member-tools" role="group" aria-label={t("member.tools")}>
      {mine === "owner" && <RoleButton role={member.role} setRole={setRole} />}
      <button type="button" class="button" onClick={() => void act(client.call("group.mute_member", { ...at, until_ms: isMuted ? 0 : -1 }))}>
        {t(isMuted ? "member.unmute" : "member.mute")}
      </button>
      {mine === "owner" && (
        <button type="button" class="button" onClick={transfer}>
          {t("member.transfer")}
        </button>
      )}
      <button type="button" class="button danger" onClick={remove}>
        {t("member.remove")}
      </button>
    </div>
  );
}

function RoleButton({ role, setRole }: { role: wire.Role; setRole: (role: "admin" | "member") => void }) {
  const isAdmin = role === "admin";
  return (
    <button type="button" class="button" onClick={() => setRole(isAdmin ? "member" : "admin")}>
      {t(isAdmin ? "member.makeMember" : "member.makeAdmin")}
    </button>
  );
}
