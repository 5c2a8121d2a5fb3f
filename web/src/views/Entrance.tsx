import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Key, isKey, t, useLanguage } from "../i18n/index.js";
import { useValue } from "../lib/hooks.js";
import { useClient } from "../model/client.js";
import { explain } from "../model/feedback.js";
import { change, settings } from "../model/settings.js";
import { Icon } from "../parts/Icon.js";
import { ErrorLine, Field } from "../parts/parts.js";

type Mode = "login" | "register" | "forgot" | "reset";

/** The name of this browser in the list of devices. */
function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "Web";
  const system = /Windows/.test(agent) ? "Windows" : /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Mac OS/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
  return system ? `${browser} · ${system}` : browser;
}

/** Log in, register, or set a new password. */
export function Entrance({ ended }: { ended: string }) {
  const [mode, setMode] = useState<Mode>("login");
  const [identifier, setIdentifier] = useState("");
  const reason = `ended.${ended}`;
  const forms = {
    login: <LogIn identifier={identifier} setIdentifier={setIdentifier} setMode={setMode} />,
    register: <Register setMode={setMode} />,
    forgot: <Forgot identifier={identifier} setIdentifier={setIdentifier} setMode={setMode} />,
    reset: <Reset identifier={identifier} setIdentifier={setIdentifier} setMode={setMode} />,
  };
  return (
    <main class="entrance">
      <div class="entrance-card">
        <div class="brand">
          <span class="brand-mark">
            <Icon name="goose" size={34} />
          </span>
          <h1>{t("app.name")}</h1>
          <p>{t("app.slogan")}</p>
        </div>
        {ended && ended !== "logged_out" && isKey(reason) && <ErrorLine text={t(reason)} />}
        {forms[mode]}
      </div>
      <LanguageSwitch />
    </main>
  );
}

function LanguageSwitch() {
  const language = useLanguage();
  const { theme } = useValue(settings);
  const isDark = document.documentElement.dataset.theme === "dark";
  return (
    <div class="entrance-foot" key={theme}>
      <button type="button" class="button quiet small" onClick={() => change({ language: language === "zh" ? "en" : "zh" })}>
        <Icon name="globe" size={16} />
        <span lang={language === "zh" ? "en" : "zh-CN"}>{language === "zh" ? "English" : "中文"}</span>
      </button>
      <button type="button" class="button quiet small" onClick={() => change({ theme: isDark ? "light" : "dark" })}>
        <Icon name="moon" size={16} />
        {isDark ? t("settings.themeLight") : t("settings.themeDark")}
      </button>
    </div>
  );
}

interface FormProps {
  work: () => Promise<unknown>;
  action: Key;
  links: readonly (readonly [label: Key, leadsTo: Mode])[];
  setMode: (mode: Mode) => void;
  children: ComponentChildren;
}

/** A form that does one thing, says what went wrong, and leads to the others. */
function Form({ work, action, links, setMode, children }: FormProps) {
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await work();
    } catch (reason) {
      setError(explain(reason));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={submit}>
      {children}
      {error && <ErrorLine text={error} />}
      <button type="submit" class="button primary wide" disabled={isBusy}>
        {t(action)}
      </button>
      <div class="form-links">
        {links.map(([label, leadsTo]) => (
          <button key={label} type="button" class="button quiet" onClick={() => setMode(leadsTo)}>
            {t(label)}
          </button>
        ))}
      </div>
    </form>
  );
}

interface FieldProps {
  value: string;
  onValue: (value: string) => void;
}

function Identifier(props: FieldProps) {
  return (
    <Field
      label={t("entrance.identifier")}
      name="username"
      autocomplete="username"
      autoCapitalize="none"
      required
      {...props}
    />
  );
}

function NewPassword({ label, ...props }: FieldProps & { label: Key }) {
  return (
    <Field
      label={t(label)}
      hint={t("entrance.passwordHint")}
      name="password"
      type="password"
      autocomplete="new-password"
      required
      minLength={8}
      {...props}
    />
  );
}

interface IdentifierProps {
  identifier: string;
  setIdentifier: (value: string) => void;
  setMode: (mode: Mode) => void;
}

function LogIn({ identifier, setIdentifier, setMode }: IdentifierProps) {
  const client = useClient();
  const [password, setPassword] = useState("");
  const work = () =>
    client.logIn({ identifier: identifier.trim(), password, platform: "web", device_name: deviceName() });
  const links = [["entrance.toRegister", "register"], ["entrance.toForgot", "forgot"]] as const;
  return (
    <Form work={work} action="entrance.logIn" links={links} setMode={setMode}>
      <Identifier value={identifier} onValue={setIdentifier} />
      <Field
        label={t("entrance.password")}
        name="password"
        type="password"
        autocomplete="current-password"
        required
        value={password}
        onValue={setPassword}
      />
    </Form>
  );
}

function Register({ setMode }: { setMode: (mode: Mode) => void }) {
  const client = useClient();
  const language = useLanguage();
  const [handle, setHandle] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [invite, setInvite] = useState("");
  const [needsInvite, setNeedsInvite] = useState(false);
  const work = async () => {
    const common = { name: name.trim(), password, invite: invite.trim(), platform: "web" as const };
    const identity = handle.includes("@") ? { email: handle.trim() } : { handle: handle.trim().toLowerCase() };
    const more = { locale: language === "zh" ? "zh-CN" : "en", device_name: deviceName() };
    try {
      await client.register({ ...common, ...identity, ...more });
    } catch (reason) {
      const { code } = reason as { code?: string };
      if (code === "invite_needed" || code === "invite_invalid") setNeedsInvite(true);
      throw reason;
    }
  };
  return (
    <Form work={work} action="entrance.register" links={[["entrance.toLogIn", "login"]]} setMode={setMode}>
      <Field
        label={t("entrance.handle")}
        hint={t("entrance.handleHint")}
        name="username"
        autocomplete="username"
        autoCapitalize="none"
        required
        value={handle}
        onValue={setHandle}
      />
      <Field label={t("entrance.name")} name="name" autocomplete="name" maxLength={64} value={name} onValue={setName} />
      <NewPassword label="entrance.password" value={password} onValue={setPassword} />
      {needsInvite && <Field label={t("entrance.invite")} name="invite" value={invite} onValue={setInvite} />}
    </Form>
  );
}

function Forgot({ identifier, setIdentifier, setMode }: IdentifierProps) {
  const client = useClient();
  const work = async () => {
    await client.call("user.request_password_reset", { identifier: identifier.trim() });
    setMode("reset");
  };
  const links = [["entrance.toLogIn", "login"], ["entrance.haveCode", "reset"]] as const;
  return (
    <Form work={work} action="entrance.sendCode" links={links} setMode={setMode}>
      <p class="hint">{t("entrance.forgotText")}</p>
      <Identifier value={identifier} onValue={setIdentifier} />
    </Form>
  );
}

function Reset({ identifier, setIdentifier, setMode }: IdentifierProps) {
  const client = useClient();
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const work = async () => {
    const known = { identifier: identifier.trim(), code: code.trim(), new_password: password };
    await client.call("user.reset_password", known);
    setMode("login");
  };
  return (
    <Form work={work} action="entrance.setPassword" links={[["entrance.toLogIn", "login"]]} setMode={setMode}>
      <Identifier value={identifier} onValue={setIdentifier} />
      <Field label={t("entrance.code")} autocomplete="one-time-code" required value={code} onValue={setCode} />
      <NewPassword label="entrance.newPassword" value={password} onValue={setPassword} />
    </Form>
  );
}
