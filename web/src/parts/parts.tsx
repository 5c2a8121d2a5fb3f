import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { t } from "../i18n/index.js";
import { Icon, type IconName } from "./Icon.js";

interface FieldProps {
  label: string;
  hint?: string;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "password" | "email" | "tel";
  name?: string;
  autocomplete?: string;
  autoCapitalize?: "none";
  required?: boolean;
  autoFocus?: boolean;
  minLength?: number;
  maxLength?: number;
}

/** A labelled line of text. */
export function Field({ label, hint, onValue, type = "text", ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        type={type as "text"}
        id={id}
        class="input"
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {hint && (
        <span id={`${id}-hint`} class="hint">
          {hint}
        </span>
      )}
    </div>
  );
}

interface AreaProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  maxLength?: number;
}

/** A labelled text of several lines. */
export function Area({ label, value, onValue, maxLength }: AreaProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="input"
        value={value}
        maxLength={maxLength}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onValue: (value: T) => void;
  disabled?: boolean;
}

/** A labelled choice of one. */
export function Choice<T extends string>({ label, value, options, onValue, disabled }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input"
        value={value}
        disabled={disabled}
        onChange={(event) => onValue(event.currentTarget.value as T)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key} selected={key === value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface SwitchProps {
  label: string;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Switch({ label, hint, checked, onChange, disabled }: SwitchProps) {
  return (
    <label class="switch">
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
      <input
        type="checkbox"
        role="switch"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </label>
  );
}

interface SearchProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  onKeyDown?: (event: KeyboardEvent) => void;
  autoFocus?: boolean;
}

export function SearchBox({ label, value, onValue, onKeyDown, autoFocus }: SearchProps) {
  return (
    <div class="search-box" role="search" aria-label={label}>
      <Icon name="search" size={18} />
      <input
        type="search"
        class="input"
        aria-label={label}
        placeholder={label}
        value={value}
        autoFocus={autoFocus}
        spellcheck={false}
        onInput={(event) => onValue(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

interface EmptyProps {
  icon: IconName;
  title: string;
  text?: string;
  children?: ComponentChildren;
}

/** The view of nothing to show. */
export function Empty({ icon, title, text, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} size={44} />
      <h2>{title}</h2>
      {text && <p>{text}</p>}
      {children}
    </div>
  );
}

export function Spinner() {
  return (
    <div class="empty" role="status">
      <span class="spinner" />
      <span class="visually-hidden">{t("state.loading")}</span>
    </div>
  );
}

/** The view of what could not load. */
export function Failed({ text, retry }: { text: string; retry?: () => void }) {
  return (
    <div class="empty" role="alert">
      <Icon name="warning" size={36} />
      <p>{text}</p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          {t("action.retry")}
        </button>
      )}
    </div>
  );
}

export function ErrorLine({ text }: { text: string }) {
  return (
    <p class="error" role="alert">
      <Icon name="warning" size={18} />
      <span>{text}</span>
    </p>
  );
}

/** The badge with the number of unread messages. */
export function Badge({ count, quiet, label }: { count: number; quiet?: boolean; label: string }) {
  return (
    <span class={quiet ? "badge quiet" : "badge"} role="img" aria-label={label}>
      {count > 99 ? "99+" : count}
    </span>
  );
}
