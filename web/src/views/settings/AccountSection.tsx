import { useState } from "preact/hooks";
import { type Key, t } from "../../i18n/index.js";
import { useValue } from "../../lib/hooks.js";
import { useClient } from "../../model/client.js";
import { type DialogProps, attempt, explain, openDialog } from "../../model/feedback.js";
import { Dialog } from "../../parts/Dialog.js";
import { ErrorLine, Field } from "../../parts/parts.js";
import { AppPasswords } from "./AppPasswords.js";

/** Password, e-mail address, telephone number, and the end of the account. */
export function AccountSection() {
  const client = useClient();
  const me = useValue(client.me);
  const call = client.call.bind(client);
  return (
    <div class="form">
      <AccountAction
        title="account.password"
        field={{ label: "entrance.newPassword", type: "password", value: "" }}
        run={(password, new_password) => call("user.change_password", { password, new_password })}
      />
      <AccountAction
        title="account.email"
        field={{ label: "account.emailField", type: "email", value: me?.email ?? "" }}
        run={(password, email) => call("user.change_email", { password, email: email || null })}
      />
      <AccountAction
        title="account.phone"
        field={{ label: "account.phoneField", type: "tel", value: me?.phone ?? "" }}
        run={(password, phone) => call("user.change_phone", { password, phone: phone || null })}
      />
      <AppPasswords />
      <h2>{t("account.end")}</h2>
      <AccountAction
        title="account.deactivate"
        text="account.deactivateText"
        run={(password) => call("user.deactivate_me", { password })}
      />
      <AccountAction title="account.delete" text="account.deleteText" run={(password) => call("user.delete_me", { password })} />
    </div>
  );
}

/** A button that opens the dialog of a deed, and shows what is so far. */
function AccountAction(props: Omit<AccountActionProps, "close">) {
  const { title, field } = props;
  return (
    <button type="button" class={field ? "button" : "button danger"} onClick={() => openDialog(AccountActionDialog, props)}>
      {t(title)}
      {field?.value && <span class="sub">{field.value}</span>}
    </button>
  );
}

interface AccountActionProps extends DialogProps {
  title: Key;
  text?: Key;
  field?: { label: Key; type: "password" | "email" | "tel"; value: string };
  run: (password: string, value: string) => Promise<unknown>;
}

/** Something that the password has to confirm. */
function AccountActionDialog({ title, text, field, run, close }: AccountActionProps) {
  const [password, setPassword] = useState("");
  const [value, setValue] = useState(field?.value ?? "");
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await run(password, field?.type === "password" ? value : value.trim());
      close();
      void attempt(Promise.resolve(), "state.saved");
    } catch (reason) {
      setError(explain(reason));
    }
  };
  return (
    <Dialog
      title={t(title)}
      close={close}
      footer={
        <button type="submit" form="account-action" class={field ? "button primary" : "button danger"}>
          {field ? t("action.save") : t(title)}
        </button>
      }
    >
      <form id="account-action" class="form" onSubmit={submit}>
        {text && <p>{t(text)}</p>}
        <Field
          label={t("account.currentPassword")}
          type="password"
          autocomplete="current-password"
          required
          autoFocus
          value={password}
          onValue={setPassword}
        />
        {field && (
          <Field
            label={t(field.label)}
            type={field.type}
            autocomplete={field.type === "password" ? "new-password" : "off"}
            value={value}
            onValue={setValue}
          />
        )}
        {error && <ErrorLine text={error} />}
      </form>
    </Dialog>
  );
}
