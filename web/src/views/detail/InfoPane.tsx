import type { ConversationSummary, wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { type Key, t } from "../../i18n/index.js";
import { useLoaded, useValue } from "../../lib/hooks.js";
import { useClient, useMyId } from "../../model/client.js";
import { attempt, explain, openDialog } from "../../model/feedback.js";
import { Icon, type IconName } from "../../parts/Icon.js";
import { Failed, Spinner, Switch } from "../../parts/parts.js";
import { PersonCard } from "../contacts/PersonCard.js";
import { confirmClear, confirmDissolve, confirmLeave } from "../conversation/confirmations.js";
import { may } from "../conversation/messageMenu.js";
import { PersonRow } from "../dialogs/PersonRow.js";
import { openAddMembers, openInviteLinks, openJoinRequests, openPerson } from "../dialogs/openers.js";
import { ConversationAvatar } from "../../parts/ConversationAvatar.js";
import type { Detail } from "./detail.js";
import { GroupSettings } from "./GroupSettings.js";
import { NicknameDialog } from "./NicknameDialog.js";

interface Props {
  summary: ConversationSummary;
  setDetail: (detail: Detail) => void;
}

/** About a conversation: the person or the group, how the user keeps it, its members. */
export function InfoPane({ summary, setDetail }: Props) {
  return (
    <div class="info-pane">
      {summary.kind === "direct" ? (
        <PersonCard userId={summary.peerId} done={() => setDetail("")} />
      ) : (
        <GroupHead summary={summary} />
      )}
      <nav class="info-links" aria-label={t("detail.more")}>
        <InfoLink icon="pin" label="pins.title" onClick={() => setDetail("pins")} />
        <InfoLink icon="search" label="search.here" onClick={() => setDetail("search")} />
      </nav>
      <Keeping summary={summary} />
      {summary.group && <GroupPart summary={summary} group={summary.group} />}
      <Endings summary={summary} />
    </div>
  );
}

function GroupHead({ summary }: { summary: ConversationSummary }) {
  const { group, memberCount, kind } = summary;
  return (
    <div class="person-head">
      <ConversationAvatar summary={summary} size={88} />
      <h2 dir="auto">{kind === "self" ? t("chats.self") : summary.title}</h2>
      {group && <span class="sub">{t(kind === "channel" ? "group.followers" : "group.members", { n: memberCount })}</span>}
      {group?.notice && (
        <section class="notice" aria-label={t("group.notice")}>
          <strong>{t("group.notice")}</strong>
          <p>{group.notice}</p>
        </section>
      )}
    </div>
  );
}

function InfoLink({ icon, label, onClick }: { icon: IconName; label: Key; onClick: () => void }) {
  return (
    <button type="button" class="row info-link" onClick={onClick}>
      <Icon name={icon} />
      <span class="main">{t(label)}</span>
      <Icon name="forwardArrow" size={16} />
    </button>
  );
}

function Keeping({ summary }: { summary: ConversationSummary }) {
  const client = useClient();
  const handle = client.conversation(summary.id);
  const isMuted = summary.mutedUntilMs === -1 || summary.mutedUntilMs > Date.now();
  const prefer = (changes: Parameters<typeof handle.setPreference>[0]) => void attempt(handle.setPreference(changes));
  return (
    <section class="info-section" aria-label={t("detail.keeping")}>
      <Switch label={t("chats.pin")} checked={summary.pinned} onChange={(pinned) => prefer({ pinned })} />
      <Switch label={t("chats.mute")} checked={isMuted} onChange={(muted) => prefer({ muted_until_ms: muted ? -1 : 0 })} />
      <Switch label={t("chats.archive")} checked={summary.archived} onChange={(archived) => prefer({ archived })} />
    </section>
  );
}

function GroupPart({ summary, group }: { summary: ConversationSummary; group: wire.Group }) {
  const isAdmin = (summary.member.role ?? "member") !== "member";
  const mayInvite = may(summary, "invite") && !group.dissolved;
  const [showsSettings, setShowsSettings] = useState(false);
  return (
    <>
      <nav class="info-links" aria-label={t("group.manage")}>
        {mayInvite && <InfoLink icon="personAdd" label="group.addMembers" onClick={() => openAddMembers(summary)} />}
        {mayInvite && <InfoLink icon="qr" label="invite.title" onClick={() => openInviteLinks(summary)} />}
        {isAdmin && <InfoLink icon="bell" label="requests.title" onClick={() => openJoinRequests(summary)} />}
        <InfoLink icon="edit" label="group.nickname" onClick={() => openDialog(NicknameDialog, { summary })} />
        {(isAdmin || may(summary, "edit_info")) && !group.dissolved && (
          <InfoLink icon="settings" label="group.settings" onClick={() => setShowsSettings(!showsSettings)} />
        )}
      </nav>
      {showsSettings && <GroupSettings summary={summary} group={group} />}
      {may(summary, "see_members") && <Members summary={summary} />}
    </>
  );
}

function Members({ summary }: { summary: ConversationSummary }) {
  const client = useClient();
  const me = useMyId();
  useValue(client.conversation(summary.id).summary);
  const [pages, setPages] = useState(1);
  const loaded = useLoaded(async () => {
    const all: wire.MemberInfo[] = [];
    let after = "";
    for (let page = 0; page < pages; page += 1) {
      const part = await client.groups.members(summary.id, after, 100);
      all.push(...part.members);
      after = part.next_after ?? "";
      if (!after) break;
    }
    return { members: all, hasMore: after !== "" };
  }, [client, summary.id, summary.headSeq, pages]);
  return (
    <section class="info-section" aria-label={t("group.memberList")}>
      <h3 class="list-heading">{t("group.members", { n: summary.memberCount })}</h3>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      {loaded.data?.members.map((member) => (
        <PersonRow
          key={member.user_id}
          userId={member.user_id}
          name={member.nickname}
          sub={member.user_id === me ? t("message.me") : undefined}
          onClick={() => openPerson(member.user_id, summary)}
        >
          {member.role !== "member" && <span class="tag">{t(`role.${member.role}`)}</span>}
          {(member.muted_until_ms === -1 || (member.muted_until_ms ?? 0) > Date.now()) && <span class="tag">{t("member.muted")}</span>}
        </PersonRow>
      ))}
      {loaded.data?.hasMore && (
        <button type="button" class="button wide" onClick={() => setPages(pages + 1)}>
          {t("action.showMore")}
        </button>
      )}
    </section>
  );
}

function Endings({ summary }: { summary: ConversationSummary }) {
  const client = useClient();
  const isOwner = summary.member.role === "owner";
  const canLeave = summary.group !== null && summary.active;
  return (
    <section class="info-section endings" aria-label={t("detail.endings")}>
      <button type="button" class="button danger" onClick={() => confirmClear(client.conversation(summary.id))}>
        {t("chats.clear")}
      </button>
      {canLeave && (
        <button type="button" class="button danger" onClick={() => confirmLeave(client, summary.id)}>
          {t("group.leave")}
        </button>
      )}
      {canLeave && isOwner && !summary.group?.dissolved && (
        <button type="button" class="button danger" onClick={() => confirmDissolve(client, summary.id)}>
          {t("group.dissolve")}
        </button>
      )}
    </section>
  );
}
