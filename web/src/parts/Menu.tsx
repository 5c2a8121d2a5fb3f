import { onListKey } from "../lib/roving.js";
import { Icon, type IconName } from "./Icon.js";
import { openPopover } from "./Popover.js";

export interface MenuItem {
  label: string;
  icon?: IconName;
  run: () => void;
  isDanger?: boolean;
}

type Entry = MenuItem | "line";

/** Open a menu at the pointer, or at the control that was used. */
export function openMenu(
  event: MouseEvent | KeyboardEvent,
  label: string,
  entries: readonly (Entry | false | null | undefined)[],
): void {
  const items = entries.filter((entry): entry is Entry => Boolean(entry));
  openPopover(event, { role: "menu", label, content: (close) => <Menu label={label} items={items} close={close} /> });
}

function Menu({ label, items, close }: { label: string; items: readonly Entry[]; close: () => void }) {
  const choose = (item: MenuItem) => {
    close();
    item.run();
  };
  return (
    <div class="menu" role="menu" aria-label={label} onKeyDown={(event) => onListKey(event, "[role=menuitem]")}>
      {items.map((item, index) =>
        item === "line" ? (
          <hr key={index} />
        ) : (
          <button
            key={index}
            type="button"
            role="menuitem"
            tabIndex={-1}
            class={item.isDanger ? "danger" : ""}
            onClick={() => choose(item)}
          >
            {item.icon && <Icon name={item.icon} size={18} />}
            <span>{item.label}</span>
          </button>
        ),
      )}
    </div>
  );
}
