import type { ComponentChildren } from "preact";
import { forwardRef } from "preact/compat";
import { Icon, type IconName } from "./Icon.js";

interface Props {
  icon: IconName;
  /** The action: its name for all, and its tooltip. */
  label: string;
  size?: "small";
  kind?: "primary";
  onClick?: (event: MouseEvent) => void;
  disabled?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  popup?: "menu" | "dialog";
  tabIndex?: number;
  children?: ComponentChildren;
}

export const IconButton = forwardRef<HTMLButtonElement, Props>(function IconButton(props, ref) {
  return (
    <button
      ref={ref}
      type="button"
      class={`icon-button ${props.size ?? ""} ${props.kind ?? ""}`}
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-haspopup={props.popup}
      disabled={props.disabled}
      tabIndex={props.tabIndex}
      onClick={props.onClick}
    >
      <Icon name={props.icon} size={props.size === "small" ? 18 : 20} />
      {props.children}
    </button>
  );
});
