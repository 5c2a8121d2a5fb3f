import type { ComponentChildren } from "preact";
import { Suspense } from "preact/compat";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Cell } from "../lib/cell.js";
import { focused } from "../lib/focus.js";
import { useValue } from "../lib/hooks.js";

interface OpenPopover {
  id: number;
  role: "menu" | "dialog";
  label: string;
  x: number;
  y: number;
  /** The top of the opener, above which there is room when there is none below. */
  top: number;
  /** Opens to the left of `x` instead of to the right. */
  toLeft: boolean;
  opener: Element | null;
  content: (close: () => void) => ComponentChildren;
}

const current = new Cell<OpenPopover | null>(null);
let lastId = 0;

/** Open something small at the pointer, or at the control that was used. One is open at a time. */
export function openPopover(
  event: MouseEvent | KeyboardEvent,
  options: Pick<OpenPopover, "role" | "label" | "content">,
): void {
  event.preventDefault();
  event.stopPropagation();
  const opener = event.currentTarget as HTMLElement;
  const box = opener.getBoundingClientRect();
  const pointer = event.type === "contextmenu" ? (event as MouseEvent) : null;
  const isAtPointer = pointer !== null && pointer.clientX > 0;
  const toLeft = !isAtPointer && box.left > innerWidth / 2;
  current.set({
    ...options,
    id: ++lastId,
    x: isAtPointer ? pointer.clientX : toLeft ? box.right : box.left,
    y: isAtPointer ? pointer.clientY : box.bottom + 4,
    top: isAtPointer ? pointer.clientY : box.top - 4,
    toLeft,
    opener: document.activeElement === document.body ? opener : focused(),
  });
}

export function closePopover(): void {
  const opener = current.value?.opener;
  current.set(null);
  if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
}

/** The host of popovers; there is one on the page. */
export function PopoverHost() {
  const open = useValue(current);
  return open && <Popover key={open.id} {...open} />;
}

function Popover({ role, label, x, y, top, toLeft, content }: OpenPopover) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const node = element.current;
    if (!node) return;
    node.showPopover();
    const place = () => {
      const { width, height } = node.getBoundingClientRect();
      const left = toLeft ? x - width : x;
      const fitsBelow = y + height <= innerHeight - 8;
      node.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
      node.style.top = `${fitsBelow ? y : Math.max(8, Math.min(top - height, innerHeight - height - 8))}px`;
    };
    place();
    const watcher = new ResizeObserver(place);
    watcher.observe(node);
    node.querySelector<HTMLElement>("[role=menuitem], button, input")?.focus();
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    const outside = (event: Event) => {
      if (element.current && !event.composedPath().includes(element.current)) current.set(null);
    };
    addEventListener("pointerdown", outside, true);
    addEventListener("resize", closePopover);
    return () => {
      removeEventListener("pointerdown", outside, true);
      removeEventListener("resize", closePopover);
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" && !(role === "menu" && event.key === "Tab")) return;
    event.preventDefault();
    event.stopPropagation();
    closePopover();
  };
  return (
    <div ref={element} class="popover scroll" popover="manual" role={role === "menu" ? "region" : role} aria-label={label} onKeyDown={onKeyDown}>
      <Suspense fallback={<span class="spinner" />}>{content(closePopover)}</Suspense>
    </div>
  );
}
