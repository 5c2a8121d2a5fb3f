import type { ConversationSummary, wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { moment } from "../../i18n/when.js";
import { useLoaded, useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt, copy, explain } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { IconButton } from "../../parts/IconButton.js";
import { Choice, Empty, Failed, Spinner } from "../../parts/parts.js";
import { conversationPath } from "../../model/router.js";
import QrCode from "./QrCode.js";

const DAY_S = 86_400;
const LENGTHS = { day: DAY_S, week: 7 * DAY_S, month: 30 * DAY_S, never: 0 };

export const inviteUrl = (token: string) => `${location.origin}/join/${token}`;

/** The links by which people come into a group, with QR codes. */
export default function InviteLinks({ summary, close }: DialogProps & { summary: ConversationSummary }) {
  const client = useClient();
  const [length, setLength] = useState<keyof typeof LENGTHS>("week");
  const [shown, setShown] = useState("");
  const loaded = useLoaded(() => client.call("group.link_list", { conversation_id: summary.id }), [summary.id]);
  const create = async () => {
    const params = { conversation_id: summary.id, expires_in_s: LENGTHS[length] };
    const link = await client.call("group.link_create", params);
    setShown(link.token);
    loaded.reload();
  };
  const revoke = async (token: string) => {
    await client.call("group.link_revoke", { conversation_id: summary.id, token });
    loaded.reload();
  };
  return (
    <Dialog title={t("invite.title")} close={close}>
      <GroupAddress id={summary.id} />
      <div class="find">
        <Choice
          label={t("invite.length")}
          value={length}
          onValue={setLength}
          options={[
            ["day", t("invite.day")],
            ["week", t("invite.week")],
            ["month", t("invite.month")],
            ["never", t("invite.never")],
          ]}
        />
        <button type="button" class="button primary" onClick={() => void attempt(create())}>
          {t("invite.create")}
        </button>
      </div>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      {loaded.data?.links.length === 0 && <Empty icon="link" title={t("invite.none")} text={t("invite.noneText")} />}
      {loaded.data?.links.map((link) => (
        <LinkRow
          key={link.token}
          link={link}
          isShown={shown === link.token}
          show={() => setShown(shown === link.token ? "" : link.token)}
          revoke={() => void attempt(revoke(link.token), "invite.revoked")}
        />
      ))}
    </Dialog>
  );
}

/** The group's own address, where people without a link may come in or ask to. */
function GroupAddress({ id }: { id: string }) {
  const policy = useValue(useClient().conversation(id).summary)?.group?.join_policy ?? "invite";
  if (policy !== "free" && policy !== "approval") return null;
  const url = location.origin + conversationPath(id);
  return (
    <div class="row">
      <span class="main">
        <code class="truncate block">{url}</code>
        <span class="sub">{t(policy === "free" ? "invite.addressFree" : "invite.addressApproval")}</span>
      </span>
      <IconButton icon="copy" label={t("invite.copyAddress")} onClick={() => copy(url)} />
    </div>
  );
}

interface RowProps {
  link: wire.InviteLink;
  isShown: boolean;
  show: () => void;
  revoke: () => void;
}

function LinkRow({ link, isShown, show, revoke }: RowProps) {
  const url = inviteUrl(link.token);
  const until = link.expires_at_ms ? t("invite.until", { when: moment(link.expires_at_ms) }) : t("invite.never");
  return (
    <div class="invite-link">
      <div class="row">
        <span class="main">
          <code class="truncate block">{url}</code>
          <span class="sub">
            {until} · {t("invite.uses", { n: link.uses ?? 0 })}
          </span>
        </span>
        <IconButton icon="qr" label={t("invite.qr")} pressed={isShown} onClick={show} />
        <IconButton icon="copy" label={t("message.copyLink")} onClick={() => copy(url)} />
        <IconButton icon="trash" label={t("invite.revoke")} onClick={revoke} />
      </div>
      {isShown && <QrCode text={url} label={t("invite.qrLabel", { url })} />}
    </div>
  );
}
