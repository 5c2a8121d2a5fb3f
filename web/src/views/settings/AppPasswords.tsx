import type { wire } from "@hongyan/sdk";
import { useState } from "preact/hooks";
import { t } from "../../i18n/index.js";
import { ago } from "../../i18n/when.js";
import { useLoaded, useMinute } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt, copy, explain, openDialog } from "../../model/feedback.js";
import { Confirm, Dialog } from "../../parts/Dialog.js";
import { Icon } from "../../parts/Icon.js";
import { ErrorLine, Failed, Field, Spinner } from "../../parts/parts.js";

/** The passwords of programs that cannot log in otherwise. */
export function AppPasswords() {
  const client = useClient();
  const loaded = useLoaded(() => client.call("app_password.list", {}), []);
  const revoke = (one: wire.AppPasswordInfo) =>
    openDialog(Confirm, {
      title: t("appPasswords.revokeTitle", { name: one.label }),
      text: t("appPasswords.revokeText"),
      label: t("appPasswords.revoke"),
      run: async () => {
        const { app_password_id } = one;
        if (await attempt(client.call("app_password.revoke", { app_password_id }), "appPasswords.revoked")) loaded.reload();
      },
    });
  return (
    <section class="form" aria-label={t("appPasswords.title")}>
      <h2>{t("appPasswords.title")}</h2>
      <p class="sub">{t("appPasswords.text")}</p>
      {loaded.state === "loading" && <Spinner />}
      {loaded.state === "failed" && <Failed text={explain(loaded.error)} retry={loaded.reload} />}
      {loaded.data && loaded.data.app_passwords.length > 0 && (
        <ul>
          {loaded.data.app_passwords.map((one) => (
            <AppPasswordRow key={one.app_password_id} info={one} revoke={() => revoke(one)} />
          ))}
        </ul>
      )}
      <button type="button" class="button" onClick={() => openDialog(NewDialog, { made: loaded.reload })}>
        {t("appPasswords.create")}
      </button>
    </section>
  );
}

function AppPasswordRow({ info, revoke }: { info: wire.AppPasswordInfo; revoke: () => void }) {
  const now = useMinute();
  const used = info.used_at_ms ? t("appPasswords.used", { when: ago(info.used_at_ms, now) }) : t("appPasswords.unused");
  return (
    <li class="row">
      <Icon name="lock" size={24} />
      <span class="main">
        <span class="truncate block">{info.label}</span>
        <span class="sub truncate block">{used}</span>
      </span>
      <button
        type="button"
        class="button danger small"
        aria-label={t("appPasswords.revokeTitle", { name: info.label })}
        onClick={revoke}
      >
        {t("appPasswords.revoke")}
      </button>
    </li>
  );
}

/** Asks what it is for, then shows the password, once. */
function NewDialog({ made, close }: DialogProps & { made: () => void }) {
  const client = useClient();
  const [label, setLabel] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState("");
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const { password: secret } = await client.call("app_password.create", { label, password });
      setShown(secret);
      made();
    } catch (reason) {
      setError(explain(reason));
    }
  };
  if (shown) return <ShownDialog password={shown} close={close} />;
  return (
    <Dialog
      title={t("appPasswords.create")}
      close={close}
      footer={
        <button type="submit" form="app-password" class="button primary">
          {t("appPasswords.create")}
        </button>
      }
    >
      <form id="app-password" class="form" onSubmit={submit}>
        <Field
          label={t("appPasswords.label")}
          hint={t("appPasswords.labelHint")}
          required
          autoFocus
          maxLength={64}
          value={label}
          onValue={setLabel}
        />
        <Field
          label={t("account.currentPassword")}
          type="password"
          autocomplete="current-password"
          value={password}
          onValue={setPassword}
        />
        {error && <ErrorLine text={error} />}
      </form>
    </Dialog>
  );
}

function ShownDialog({ password, close }: DialogProps & { password: string }) {
  return (
    <Dialog
      title={t("appPasswords.made")}
      close={close}
      footer={
        <button type="button" class="button primary" autoFocus onClick={() => copy(password)}>
          {t("appPasswords.copy")}
        </button>
      }
    >
      <p>{t("appPasswords.once")}</p>
      <p role="status">
        <code>{password}</code>
      </p>
    </Dialog>
  );
}
