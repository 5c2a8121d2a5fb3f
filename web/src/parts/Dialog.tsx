import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n/index.js";
import { focused } from "../lib/focus.js";
import { IconButton } from "./IconButton.js";

interface Props {
  title: string;
  close: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  wide?: boolean;
}

/** A modal dialog: focus goes in and comes back, Escape and a click outside close it. */
export function Dialog({ title, close, children, footer, wide }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = focused();
    if (dialog && !dialog.open) dialog.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const onClick = (event: MouseEvent) => {
    if (event.target === element.current) close();
  };
  const onCancel = (event: Event) => {
    event.preventDefault();
    close();
  };
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={titleId}
      onClick={onClick}
      onCancel={onCancel}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <IconButton icon="close" label={t("action.close")} onClick={close} />
      </header>
      <div class="body scroll">{children}</div>
      {footer && <footer>{footer}</footer>}
    </dialog>
  );
}

interface ConfirmProps {
  close: () => void;
  title: string;
  text: string;
  label: string;
  run: () => void | Promise<unknown>;
  isDanger?: boolean;
}

/** Ask before doing what cannot be taken back. */
export function Confirm({ close, title, text, label, run, isDanger = true }: ConfirmProps) {
  const confirm = () => {
    close();
    void run();
  };
  return (
    <Dialog
      title={title}
      close={close}
      footer={
        <>
          <button type="button" class="button" onClick={close}>
            {t("action.cancel")}
          </button>
          <button type="button" class={isDanger ? "button danger" : "button primary"} onClick={confirm}>
            {label}
          </button>
        </>
      }
    >
      <p>{text}</p>
    </Dialog>
  );
}
